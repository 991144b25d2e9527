package diagnose

import (
	"slices"
	"strings"
	"sync"

	"beanpole/internal/logs"
)

// wordIndex finds which signs' words stand in a text, in one pass: a text of
// some hundred thousand entries is not searched for each word by itself.
type wordIndex struct {
	// may tells four bytes, by their hash, with which no word begins.
	may [1 << 14]bool
	// words are by their first four bytes.
	words map[uint32][]indexed
}

// indexed is a word of a cause, which stands at that place of Causes.
type indexed struct {
	word  string
	cause int
}

const wordStart = 4 // bytes; words are longer

var signWords = sync.OnceValue(func() *wordIndex {
	x := &wordIndex{words: map[uint32][]indexed{}}
	for i, c := range Causes() {
		for _, s := range c.Signs {
			k := startOf(s.Word)
			x.may[startHash(k)] = true
			if e := (indexed{s.Word, i}); !slices.Contains(x.words[k], e) {
				x.words[k] = append(x.words[k], e)
			}
		}
	}
	return x
})

func startOf(s string) uint32 {
	return uint32(s[0]) | uint32(s[1])<<8 | uint32(s[2])<<16 | uint32(s[3])<<24
}

func startHash(k uint32) uint32 { return k * 2654435761 >> 18 }

// causesIn are the places in Causes of those that have a word in one of the
// texts, in order.
func (x *wordIndex) causesIn(texts []string) (out []int) {
	for _, text := range texts {
		for i := 0; i+wordStart <= len(text); i++ {
			k := startOf(text[i:])
			if !x.may[startHash(k)] {
				continue
			}
			for _, e := range x.words[k] {
				if strings.HasPrefix(text[i:], e.word) && !slices.Contains(out, e.cause) {
					out = append(out, e.cause)
				}
			}
		}
	}
	slices.Sort(out)
	return out
}

// textsOf are a record's text, and the same without a terminal's line ends, as
// signs are matched against them.
func textsOf(r *logs.Record) (out []string) {
	head := ""
	switch {
	case r.Kind == logs.Proxy: // its level tells a refusal from a word
		head = "[" + strings.ToLower(r.Severity) + "] "
	case r.Kind == logs.System && r.Head != "":
		head = r.Head + ": "
	case r.Kind == logs.Event && r.Head != "": // the name of an error
		head = r.Head + " - "
	}
	for _, text := range []string{r.Text, r.Joined} {
		if text != "" {
			out = append(out, head+text)
		}
	}
	return out
}

// particular is the most particular cause that a record shows, nil for none.
func particular(r *logs.Record) *Step {
	var generic *Step
	texts := textsOf(r)
	for _, i := range signWords().causesIn(texts) {
		c := Causes()[i]
		if generic != nil && c.Generic {
			continue
		}
		s := c.in(r, texts)
		switch {
		case s == nil:
		case !c.Generic:
			return s
		default:
			generic = s
		}
	}
	return generic
}

// in is the cause as a record shows it, nil when it does not.
func (c *Cause) in(r *logs.Record, texts []string) *Step {
	for i := range c.Signs {
		s := &c.Signs[i]
		for _, text := range texts {
			if m := s.match(text); m != nil {
				return &Step{Cause: c, Groups: m, sign: s, text: text, Record: r, Weak: s.Weak || quietLevel(r)}
			}
		}
	}
	return nil
}

// reveal fills in what is shown of a step. It is put off until a step is shown
// at all, since looking for secrets takes longer than all else.
func (s *Step) reveal() {
	if s == nil || s.shown != nil {
		return
	}
	s.shown = s.Groups
	if s.sign != nil {
		s.shown = shown(s.sign, s.text, s.Groups)
	}
	s.Title = fill(s.Cause.Title, s.shown)
}
