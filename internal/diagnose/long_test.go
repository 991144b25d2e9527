package diagnose

import (
	"bytes"
	"testing"

	"beanpole/internal/logs"
)

func BenchmarkLongLog(b *testing.B) {
	line := "2023/12/14 22:04:38.637046 [INFO] Running command: /bin/sh -c systemctl show -p PartOf eb-app.target\n" +
		"10.0.0.1 - - [14/Dec/2023:22:04:38 +0000] \"GET /index.html HTTP/1.1\" 200 1612 \"-\" \"Mozilla/5.0\"\n"
	text := bytes.Repeat([]byte(line), 200<<20/len(line))
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		x := &logs.Reader{Words: Words()}
		if err := x.Read("f", bytes.NewReader(text)); err != nil {
			b.Fatal(err)
		}
	}
}
