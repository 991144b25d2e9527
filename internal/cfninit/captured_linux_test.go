package cfninit

import (
	"bytes"
	"strings"
	"testing"
)

func TestOutputWithoutEndIsKeptInPart(t *testing.T) {
	var c captured
	part := bytes.Repeat([]byte("y\n"), 1<<20)
	for range 40 {
		if n, err := c.Write(part); n != len(part) || err != nil {
			t.Fatalf("wrote %d of %d: %v", n, len(part), err)
		}
	}
	if c.kept.Len() != maxOutput || c.lost != int64(40*len(part)-maxOutput) {
		t.Errorf("%d bytes kept, %d lost", c.kept.Len(), c.lost)
	}
	if out := c.String(); !strings.HasSuffix(out, "\n(the rest of the output is left out: 50331648 bytes)\n") {
		t.Errorf("it ends with %q", out[len(out)-80:])
	}
	c.Reset()
	if c.String() != "" {
		t.Error("something is left after Reset")
	}
}
