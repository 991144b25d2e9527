package cfninit

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// TestMain lets this program be an agent that is killed, and stand in for
// programs that keep services.
func TestMain(m *testing.M) {
	if root := os.Getenv("BEANPOLE_TEST_BUILD"); root != "" {
		r := &Runner{Root: root, KeepState: true}
		closeAll := r.OpenLogs(os.Stderr, "cfn-init.log", "cfn-init-cmd.log")
		fmt.Println("begun")
		_, err := r.Build(context.Background(), longBuild(root), nil)
		closeAll()
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	if name := filepath.Base(os.Args[0]); name == "service" || name == "chkconfig" || name == "systemctl" {
		os.Exit(servicesStub(name, os.Args[1:]))
	}
	os.Exit(m.Run())
}
