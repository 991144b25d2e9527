package endtoend

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// recipe is what AWS's own HTTPS recipes do in container_commands, and a package
// that is not installed where yum is missing.
const recipe = `
packages:
  yum: {htop: []}
services:
  sysvinit: {nginx: {ensureRunning: true}}
container_commands:
  01restart: {command: service nginx restart}
  02restart: {command: systemctl restart nginx}
  03answers: {command: "curl -sk https://localhost/ -o /dev/null"}
`

func TestAWSsRecipeRestartsNginxAndAKilledInstanceIsReplaced(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.fix()
	if err := os.WriteFile(filepath.Join(s.dir, "app", ".ebextensions", "zz.config"), []byte(recipe), 0o644); err != nil {
		t.Fatal(err)
	}
	r := s.must(0, s.upArgs()...)
	contains(t, r.out, "WARN    beanpole: this instance's root is not Amazon Linux; packages that AWS would install count as installed.", "yum htop (.ebextensions/zz.config)")
	s.serves()
	before := s.instances()
	if len(before) != 1 {
		t.Fatalf("instances %v", before)
	}
	s.kill(initPID(t, before[0]), syscall.SIGKILL)
	s.soon("another instance is in the place of the killed one", func() bool {
		now := s.instances()
		return len(now) == 1 && now[0] != before[0]
	})
	s.soon("the other instance serves", func() bool {
		status, _, _, err := s.get("https", s.https)
		return err == nil && status == 200
	})
	s.serves()
	s.soon("the environment is well again", func() bool { return strings.Contains(s.run("events").out, "transitioned from Severe to Ok.") })
	id := filepath.Base(before[0])
	contains(t, s.must(0, "events").out, id+" ended without being told to", "Removed instance ["+id+"] from your environment.")
	s.down()
}
