package logs

import (
	"archive/zip"
	"bytes"
	"io"
	"runtime"
	"strings"
	"testing"
	"unicode/utf16"
)

// endless is one line of n bytes.
func endless(n int64) io.Reader { return io.LimitReader(letters{}, n) }

type letters struct{}

func (letters) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 'a' + byte(i%26)
	}
	return len(p), nil
}

// peak runs f and tells how much the heap grew at most, in MiB, by the system's
// count.
func peak(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return (after.HeapSys - min(before.HeapSys, after.HeapSys)) >> 20
}

// What is no log ends with a word, and a line of 100 MB in bounded memory.
func TestBadInput(t *testing.T) {
	var wide bytes.Buffer
	for _, u := range utf16.Encode([]rune("\ufeff2024-03-04 10:00:00    ERROR   Failed to deploy application.\r\n")) {
		wide.Write([]byte{byte(u), byte(u >> 8)})
	}
	noise := make([]byte, 1<<20)
	for i := range noise {
		noise[i] = byte(i * 7919 >> 3)
	}
	var z bytes.Buffer
	w := zip.NewWriter(&z)
	for range 12 {
		f, err := w.Create("var/log/eb-engine.log")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.Copy(f, endless(1<<20)); err != nil {
			t.Fatal(err)
		}
	}
	w.Close()
	for _, c := range []struct {
		name   string
		in     io.Reader
		unread string
		text   string
	}{
		{"noise", bytes.NewReader(noise), "noise is no text", ""},
		{"cut zip", bytes.NewReader(z.Bytes()[:z.Len()/2]), "damaged or cut off", ""},
		{"zip", bytes.NewReader(z.Bytes()), "", ""},
		{"gzip", strings.NewReader("\x1f\x8b\x08\x00junk"), "gzip:", ""},
		{"UTF-16", &wide, "", "Failed to deploy application."},
		{"NULs", strings.NewReader("2024-03-04 10:00:00    ERROR   Failed\x00 to deploy application.\n"), "", "Failed to deploy application."},
		{"one line", endless(100 << 20), "", ""},
		{"many lines", io.MultiReader(endless(100<<20), strings.NewReader("\n2024-03-04 10:00:00    ERROR   Failed to deploy application.\n"), endless(100<<20)), "", "Failed to deploy application."},
		{"nothing", strings.NewReader(""), "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			x := &Reader{Words: []string{"Failed to deploy application"}}
			grown := peak(func() {
				if err := x.Read(c.name, c.in); err != nil {
					t.Fatal(err)
				}
			})
			if grown > 100 {
				t.Errorf("took %d MiB", grown)
			}
			r := x.Reading()
			if got := strings.Join(r.Unread, "\n"); !strings.Contains(got, c.unread) || c.unread == "" && got != "" {
				t.Errorf("unread %q, want %q", got, c.unread)
			}
			found := c.text == ""
			for _, rec := range r.Records {
				found = found || strings.Contains(rec.Text, c.text)
			}
			if !found {
				t.Errorf("%q was not found in %d records", c.text, len(r.Records))
			}
		})
	}
}

// Of a zip file that was cut off, what is there is read; one that was made to
// fill a machine does not.
func TestZipCutOff(t *testing.T) {
	var all bytes.Buffer
	z := zip.NewWriter(&all)
	const event = "2024-03-04 10:00:00    ERROR   Failed to deploy application.\n"
	for _, name := range []string{"var/log/", "var/log/a.log", "var/log/b.log", "var/log/c.log"} {
		w, err := z.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasSuffix(name, "/") {
			if _, err := io.WriteString(w, strings.Repeat(event, 100)); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	whole := all.Bytes()
	third := bytes.LastIndex(whole, []byte("PK\x03\x04"))
	for _, c := range []struct{ size, want int }{{len(whole) - 5, 300}, {third + 4, 200}, {third, 200}, {10, 0}} {
		x := &Reader{}
		if err := x.Read("logs.zip", bytes.NewReader(whole[:c.size])); err != nil {
			t.Fatal(err)
		}
		r := x.Reading()
		if len(r.Records) != c.want || len(r.Unread) == 0 || !strings.Contains(r.Unread[0], "damaged or cut off") {
			t.Errorf("cut at %d of %d: %d records, want %d; unread %q", c.size, len(whole), len(r.Records), c.want, r.Unread)
		}
		if c.want > 0 && r.Records[0].File != "logs.zip!var/log/a.log" {
			t.Errorf("the first record is of %s", r.Records[0].File)
		}
	}
	for cut := range len(whole) { // no panic anywhere
		x := &Reader{}
		if err := x.Read("logs.zip", bytes.NewReader(whole[:cut])); err != nil {
			t.Fatalf("cut at %d: %v", cut, err)
		}
	}
}
