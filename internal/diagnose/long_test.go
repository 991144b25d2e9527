package diagnose

import (
	"bytes"
	"strings"
	"testing"
	"time"

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

// A log in which every line holds a sign is read about as fast as any other:
// secrets are looked for where something is shown, and not in every line.
func TestManyFailuresAreReadFast(t *testing.T) {
	line := "2024/03/04 10:00:00.000001 [ERROR] odd thing of the application, npm ERR! code E404 and more of it\n"
	began := time.Now()
	r := reading(t, "log", strings.Repeat(line, 20_000))
	read := time.Since(began)
	began = time.Now()
	d := Logs(r)
	if took := time.Since(began); took > 20*read+time.Second {
		t.Errorf("it took %v; reading took %v", took, read)
	}
	if d.Cause == nil || d.Cause.Slug != "dependency-version" {
		t.Error(describe(d))
	}
}
