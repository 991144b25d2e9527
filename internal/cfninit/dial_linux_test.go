package cfninit

import (
	"strings"
	"testing"
)

func TestAddressesOfAHostsFile(t *testing.T) {
	hosts := "127.0.0.1 localhost\n# 10.0.0.9 files\n10.0.0.1\tfiles.example.com files # 10.0.0.2 cache\n::1 localhost ip6-localhost\nnonsense files\n10.0.0.3 FILES"
	for name, want := range map[string]string{
		"files": "10.0.0.1 10.0.0.3", "Files.Example.com.": "10.0.0.1", "localhost": "127.0.0.1 ::1", "cache": "", "10.0.0.1": "", "": "",
	} {
		if got := strings.Join(hostAddresses(hosts, name), " "); got != want {
			t.Errorf("%q: %s, want %s", name, got, want)
		}
	}
}
