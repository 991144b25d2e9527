package check

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"beanpole/internal/source"
)

// TestManyOptionsTakeNoLonger: rules about options are linear in their number.
func TestManyOptionsTakeNoLonger(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, ".ebextensions"), 0o755); err != nil {
		t.Fatal(err)
	}
	texts := map[string]*strings.Builder{} // of several files: one of so many keys is not read
	for i := range 2500 {
		name := fmt.Sprintf(".ebextensions/big%d.config", i/500)
		if texts[name] == nil {
			texts[name] = &strings.Builder{}
			texts[name].WriteString("option_settings:\n")
		}
		b := texts[name]
		fmt.Fprintf(b, "  aws:elasticbeanstalk:environment:process:p%d:\n    HealthCheckTimeout: 60\n    Prot: x\n", i)
		fmt.Fprintf(b, "  aws:elbv2:listener:%d:\n    DefaultProcess: q%d\n    Protocol: HTTPS\n", i, i)
		fmt.Fprintf(b, "  aws:elb:listener:%d:\n    ListenerProtocol: HTTPS\n    InstanceProtocol: TCP\n    InstancePort: %d\n", i, i)
	}
	for name, b := range texts {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	bundle, err := source.OpenBundle(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer bundle.Close()
	begun := time.Now()
	r, err := Run(&Input{Bundle: bundle, Read: func(name string) []byte { return []byte(texts[name].String()) }})
	if err != nil {
		t.Fatal(err)
	}
	took := time.Since(begun)
	if len(r.Findings) < 10000 || took > 10*time.Second {
		t.Errorf("%d findings in %s", len(r.Findings), took)
	}
}
