package cfninit

import (
	"bytes"
	"fmt"
)

// maxOutput is how much of one program's output is kept, in bytes. Amazon's
// agent keeps all of it in memory; a program that writes without end must not
// take the agent's.
const maxOutput = 32 << 20

// captured keeps what a program writes, up to maxOutput, and counts the rest.
type captured struct {
	kept bytes.Buffer
	lost int64
}

// Write never fails, so that the program goes on.
func (c *captured) Write(p []byte) (int, error) {
	n := min(len(p), maxOutput-c.kept.Len())
	c.kept.Write(p[:n])
	c.lost += int64(len(p) - n)
	return len(p), nil
}

// Bytes are what was kept, and a line that says so when something was not.
func (c *captured) Bytes() []byte {
	if c.lost == 0 {
		return c.kept.Bytes()
	}
	return fmt.Appendf(bytes.Clone(c.kept.Bytes()), "\n(the rest of the output is left out: %d bytes)\n", c.lost)
}

func (c *captured) String() string { return string(c.Bytes()) }

func (c *captured) Reset() { *c = captured{} }
