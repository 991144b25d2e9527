package s3

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"strings"
	"testing"
)

// signedChunks writes data as signed chunks, as SDKs do over plain HTTP.
func signedChunks(c *chunkSigner, trailer string, data ...string) string {
	var b strings.Builder
	sign := func(kind, middle string) string {
		c.previous = hex.EncodeToString(mac(c.key, kind+"\n"+c.date+"\n"+c.scope+"\n"+c.previous+"\n"+middle))
		return c.previous
	}
	hash := func(s string) string {
		sum := sha256.Sum256([]byte(s))
		return hex.EncodeToString(sum[:])
	}
	for _, d := range append(data, "") {
		sig := sign("AWS4-HMAC-SHA256-PAYLOAD", hash("")+"\n"+hash(d))
		b.WriteString(strings.ToLower(strings.TrimLeft(hex.EncodeToString([]byte{byte(len(d))}), "0")))
		if d == "" {
			b.WriteString("0")
		}
		b.WriteString(";chunk-signature=" + sig + "\r\n")
		if d != "" {
			b.WriteString(d + "\r\n")
		}
	}
	if trailer != "" {
		b.WriteString(trailer + "\r\nx-amz-trailer-signature:" + sign("AWS4-HMAC-SHA256-TRAILER", hash(trailer+"\n")) + "\r\n")
	}
	return b.String() + "\r\n"
}

func newSigner() *chunkSigner {
	return &chunkSigner{key: []byte("key"), date: "20240102T030405Z", scope: "20240102/eu-west-1/s3/aws4_request", previous: "seed"}
}

func TestSignedChunksAreTakenApartOnlyWhenEverySignatureIsRight(t *testing.T) {
	good := signedChunks(newSigner(), "x-amz-checksum-crc32:AAAAAA==", "hello ", "world")
	tests := []struct{ name, body, want string }{
		{"as sent", good, ""},
		{"a byte changed", strings.Replace(good, "world", "w0rld", 1), "SignatureDoesNotMatch"},
		{"trailer changed", strings.Replace(good, "AAAAAA==", "AAAAAB==", 1), "SignatureDoesNotMatch"},
		{"chunks swapped away", strings.Replace(good, "hello ", "HELLO ", 1), "SignatureDoesNotMatch"},
		{"cut off", good[:len(good)/2], "IncompleteBody"},
		{"no chunks at all", "hello", "IncompleteBody"},
		{"a size without end", "ffffffffffffffff;chunk-signature=x\r\n", "IncompleteBody"},
		{"a line without end", strings.Repeat("0", 100000), "IncompleteBody"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h := http.Header{}
			p := &payload{length: 11, trailer: h, r: &chunks{r: bufio.NewReader(strings.NewReader(tt.body)), signer: newSigner(), trailing: true, trailer: h}}
			data, err := io.ReadAll(p)
			if tt.want == "" && (err != nil || string(data) != "hello world" || h.Get("x-amz-checksum-crc32") != "AAAAAA==") {
				t.Errorf("read %q %v, error %v", data, h, err)
			}
			if tt.want != "" && (err == nil || !strings.HasPrefix(err.Error(), tt.want)) {
				t.Errorf("error %v, want %s", err, tt.want)
			}
		})
	}
}

func TestUnsignedChunksWithTrailer(t *testing.T) {
	h := http.Header{}
	body := "5\r\nhello\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\n"
	for _, length := range []int64{5, 4, 6} {
		p := &payload{length: length, trailer: h, r: &chunks{r: bufio.NewReader(strings.NewReader(body)), trailing: true, trailer: h}}
		data, err := io.ReadAll(p)
		if (err == nil) != (length == 5) || length == 5 && string(data) != "hello" {
			t.Errorf("declared %d: read %q, error %v", length, data, err)
		}
	}
}

func TestRangesAreReadAsS3Does(t *testing.T) {
	for header, want := range map[string][4]any{
		"bytes=0-3":     {int64(0), int64(4), true, true},
		"bytes=5-":      {int64(5), int64(5), true, true},
		"bytes=-3":      {int64(7), int64(3), true, true},
		"bytes=-30":     {int64(0), int64(10), true, true},
		"bytes=8-99":    {int64(8), int64(2), true, true},
		"bytes=10-":     {int64(10), int64(0), true, false},
		"bytes=-0":      {int64(10), int64(0), true, false},
		"bytes=3-1":     {int64(0), int64(0), false, false},
		"items=0-1":     {int64(0), int64(0), false, false},
		"bytes=0-1,3-4": {int64(0), int64(0), false, false},
	} {
		from, n, ok, satisfiable := readRange(header, 10)
		if got := [4]any{from, n, ok, satisfiable}; got != want {
			t.Errorf("%s: %v, want %v", header, got, want)
		}
	}
}
