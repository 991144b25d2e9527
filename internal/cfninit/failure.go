package cfninit

import "net/http"

// kind of a failed attempt; it decides whether there is another one.
type kind uint8

const (
	badStatus  kind = iota // the server's answer says so
	connection             // no answer
	badTLS                 // the server's certificate
	checksum               // body and ETag differ
	ioFailure              // anything else of Python's IOError family
	unexpected             // any other exception: ends at once
)

// failure is one failed attempt.
type failure struct {
	kind   kind
	status int
	text   string // the exception as text
	again  again
}

// again is what an answer with a bad status says of another attempt.
type again uint8

const (
	byStatus again = iota // what its status says
	never
	counted // as often as there are tries
	forever
)

// orders is what the failure says of another attempt [cb:util.py].
func (f *failure) orders() again {
	switch s := f.status; {
	case f.again != byStatus:
		return f.again
	case s == http.StatusServiceUnavailable:
		return forever
	case s < 500 && s != http.StatusNotFound && s != http.StatusRequestTimeout:
		return never
	}
	return counted
}
