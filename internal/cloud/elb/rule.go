package elb

import (
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
)

// Rule is a listener rule of an application load balancer: what it does with
// requests that match one of the hosts, if there are any, and one of the paths
// [EB:command-options-general, aws:elbv2:listenerrule].
type Rule struct {
	// Hosts and Paths are patterns in which * stands for any text and ? for one
	// character; hosts are compared without regard to case, paths are not.
	Hosts, Paths []string
	Action       Action
}

// Action is what is done with a request: one of the three.
type Action struct {
	Group    string // forwarded to it
	Redirect *Redirect
	Fixed    *FixedResponse
}

// Redirect sends the client elsewhere. In its texts #{protocol}, #{host},
// #{port}, #{path} (without its leading slash) and #{query} stand for those of
// the request (elbv2, RedirectActionConfig).
type Redirect struct {
	Protocol, Host, Port, Path, Query string
	Status                            int // 301 or 302
}

// FixedResponse is an answer of the load balancer's own.
type FixedResponse struct {
	Status            int
	ContentType, Body string
}

func groupsOf(l *Listener) (names []string) {
	for _, a := range append([]Action{l.Default}, actionsOf(l.Rules)...) {
		if a.Redirect == nil && a.Fixed == nil {
			names = append(names, a.Group)
		}
	}
	return names
}

func actionsOf(rules []Rule) (all []Action) {
	for _, r := range rules {
		all = append(all, r.Action)
	}
	return all
}

// actionFor is what is done with a request.
func (l *Listener) actionFor(r *http.Request) *Action {
	host := plainHost(r.Host)
	for i, rule := range l.Rules {
		if anyOf(rule.Hosts, host, true) && anyOf(rule.Paths, r.URL.EscapedPath(), false) {
			return &l.Rules[i].Action
		}
	}
	return &l.Default
}

// answer gives the load balancer's own answer; false: there is none, and the
// request is forwarded.
func (b *Balancer) answer(w http.ResponseWriter, r *http.Request, l *Listener) bool {
	a := l.actionFor(r)
	switch {
	case a.Fixed != nil:
		w.Header().Set("Server", "awselb/2.0")
		if a.Fixed.ContentType != "" {
			w.Header().Set("Content-Type", a.Fixed.ContentType)
		}
		w.WriteHeader(a.Fixed.Status)
		io.WriteString(w, a.Fixed.Body)
	case a.Redirect != nil:
		w.Header().Set("Server", "awselb/2.0")
		w.Header().Set("Location", b.location(a.Redirect, r, l))
		w.WriteHeader(a.Redirect.Status)
	default:
		return false
	}
	return true
}

// location is where a redirect leads. A port stands for a listener, and is
// reached here at the port where that listens.
func (b *Balancer) location(to *Redirect, r *http.Request, l *Listener) string {
	protocol := strings.ToLower(l.Protocol)
	fill := strings.NewReplacer("#{protocol}", protocol, "#{host}", plainHost(r.Host), "#{port}", strconv.Itoa(l.Port),
		"#{path}", strings.TrimPrefix(r.URL.EscapedPath(), "/"), "#{query}", r.URL.RawQuery).Replace
	protocol = strings.ToLower(fill(to.Protocol))
	port := fill(to.Port)
	for i := range b.Listeners {
		if strconv.Itoa(b.Listeners[i].Port) == port {
			_, port, _ = net.SplitHostPort(b.Addr(b.Listeners[i].Port))
		}
	}
	out := protocol + "://" + net.JoinHostPort(fill(to.Host), port) + fill(to.Path)
	if q := fill(to.Query); q != "" {
		out += "?" + q
	}
	return out
}

// anyOf reports whether one of the patterns matches, or there is none.
func anyOf(patterns []string, text string, fold bool) bool {
	for _, p := range patterns {
		if fold {
			p = strings.ToLower(p)
		}
		if matches(p, text) {
			return true
		}
	}
	return len(patterns) == 0
}

// matches compares a text with a pattern of * and ?, in time proportional to
// both lengths' product at most.
func matches(pattern, text string) bool {
	p, t, star, back := 0, 0, -1, 0
	for t < len(text) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, back = p, t
			p++
		case p < len(pattern) && (pattern[p] == '?' || pattern[p] == text[t]):
			p++
			t++
		case star >= 0:
			back++
			p, t = star+1, back
		default:
			return false
		}
	}
	for p < len(pattern) && pattern[p] == '*' {
		p++
	}
	return p == len(pattern)
}
