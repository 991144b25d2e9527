package source

import (
	"math"
	"math/big"
	"strconv"
	"strings"

	"beanpole/internal/lazyregexp"
)

// The implicit types of YAML 1.1 in the spelling that SnakeYAML's Resolver
// accepts.
var (
	intForm   = lazyregexp.New(`^(?:[-+]?0b[01_]+|[-+]?0[0-7_]+|[-+]?(?:0|[1-9][0-9_]*)|[-+]?0x[0-9a-fA-F_]+|[-+]?[1-9][0-9_]*(?::[0-5]?[0-9])+)$`)
	floatForm = lazyregexp.New(`^(?:[-+]?[0-9][0-9_]*\.[0-9_]*(?:[eE][-+]?[0-9]+)?|[-+]?[0-9][0-9_]*[eE][-+]?[0-9]+|\.[0-9_]+(?:[eE][-+]?[0-9]+)?|[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+\.[0-9_]*|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$`)
)

// plainKind is the type of a plain scalar. Timestamps stay texts.
func plainKind(s string) Kind {
	switch s {
	case "~", "null", "Null", "NULL", "", " ":
		return Null
	case "yes", "Yes", "YES", "no", "No", "NO", "true", "True", "TRUE", "false", "False", "FALSE", "on", "On", "ON", "off", "Off", "OFF":
		return Bool
	}
	if s[0] >= '1' && s[0] <= '9' && len(s) < 19 && strings.Trim(s, "0123456789") == "" {
		return Int // as most numbers are written
	}
	switch {
	case len(s) > 1024: // no number that anybody wrote
		return String
	case strings.IndexByte("+-.0123456789", s[0]) < 0: // nor does a number begin so
		return String
	case intForm.MatchString(s) && strings.ContainsAny(s, "0123456789"):
		if _, ok := integer(s); ok {
			return Int
		}
	case floatForm.MatchString(s):
		if _, ok := float(s); ok {
			return Float
		}
	}
	return String
}

// Truth is the value of a Bool: yes, on and true in YAML 1.1's spellings.
func (n *Node) Truth() (value, ok bool) {
	if n == nil || n.Kind != Bool {
		return false, false
	}
	switch strings.ToLower(n.Text) {
	case "yes", "on", "true":
		return true, true
	}
	return false, true
}

// Int is the value of an Int, octal and base 60 worked out; ok is false for
// every other kind and for numbers that int64 cannot hold.
func (n *Node) Int() (value int64, ok bool) {
	if n == nil || n.Kind != Int {
		return 0, false
	}
	b, ok := integer(n.Text)
	if !ok || !b.IsInt64() {
		return 0, false
	}
	return b.Int64(), true
}

// Value is a scalar's text as AWS's parsers print the value: 0644 is "420",
// yes is "true", 1_000 is "1000". Text and null stay as they are.
func (n *Node) Value() string {
	switch n.Kind {
	case Bool:
		v, _ := n.Truth()
		return strconv.FormatBool(v)
	case Int:
		if b, ok := integer(n.Text); ok {
			return b.String()
		}
	case Float:
		if n.Style == JSON {
			return n.Text
		}
		if f, ok := float(n.Text); ok {
			return formatFloat(f)
		}
	}
	return n.Text
}

// integer is the value of a YAML 1.1 integer.
func integer(s string) (*big.Int, bool) {
	s = strings.ReplaceAll(s, "_", "")
	negative := strings.HasPrefix(s, "-")
	s = strings.TrimLeft(s, "+-")
	v, ok := new(big.Int), true
	switch {
	case s == "0":
	case strings.HasPrefix(s, "0b"):
		v, ok = v.SetString(s[2:], 2)
	case strings.HasPrefix(s, "0x"):
		v, ok = v.SetString(s[2:], 16)
	case strings.HasPrefix(s, "0"):
		v, ok = v.SetString(s[1:], 8)
	case strings.Contains(s, ":"):
		for _, part := range strings.Split(s, ":") {
			d, err := strconv.ParseInt(part, 10, 64)
			if err != nil {
				return nil, false
			}
			v.Mul(v, big.NewInt(60))
			v.Add(v, big.NewInt(d))
		}
	default:
		v, ok = v.SetString(s, 10)
	}
	if ok && negative {
		v.Neg(v)
	}
	return v, ok
}

// float is the value of a YAML 1.1 float.
func float(s string) (float64, bool) {
	s = strings.ReplaceAll(s, "_", "")
	switch strings.ToLower(strings.TrimLeft(s, "+-")) {
	case ".inf":
		if s[0] == '-' {
			return math.Inf(-1), true
		}
		return math.Inf(1), true
	case ".nan":
		return math.NaN(), true
	}
	if !strings.Contains(s, ":") {
		f, err := strconv.ParseFloat(s, 64)
		return f, err == nil || math.IsInf(f, 0)
	}
	negative := strings.HasPrefix(s, "-")
	v := 0.0
	for _, part := range strings.Split(strings.TrimLeft(s, "+-"), ":") {
		f, err := strconv.ParseFloat(part, 64)
		if err != nil {
			return 0, false
		}
		v = v*60 + f
	}
	if negative {
		v = -v
	}
	return v, true
}

// formatFloat prints a float so that it reads back as a float.
func formatFloat(f float64) string {
	switch {
	case math.IsInf(f, 1):
		return "Infinity"
	case math.IsInf(f, -1):
		return "-Infinity"
	case math.IsNaN(f):
		return "NaN"
	}
	format := byte('f')
	if a := math.Abs(f); a != 0 && (a < 1e-3 || a >= 1e7) { // as Java's Double does
		format = 'E'
	}
	s := strconv.FormatFloat(f, format, -1, 64)
	if format == 'f' && !strings.Contains(s, ".") {
		s += ".0"
	}
	return s
}
