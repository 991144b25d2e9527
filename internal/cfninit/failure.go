package cfninit

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
}
