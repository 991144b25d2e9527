package cli

import (
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"beanpole/internal/docker"
	"beanpole/internal/docker/testimage"
)

// TestContainersGetTheImagesThatTheUserNames also sees that a bundle does not
// reach a registry of this machine's own networks, and its user does.
func TestContainersGetTheImagesThatTheUserNames(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("unpacking gives files to their owners, which root alone may do")
	}
	img := testimage.Image(t, testimage.Root(t, "true"), v1.Config{Cmd: []string{"/bin/true"}, WorkingDir: "/srv",
		ExposedPorts: map[string]struct{}{"9090/tcp": {}, "80/tcp": {}, "8080/tcp": {}}})
	server := httptest.NewServer(registry.New())
	defer server.Close()
	local := strings.TrimPrefix(server.URL, "http://") + "/shop/web:1"
	ref, err := name.ParseReference(local)
	if err != nil {
		t.Fatal(err)
	}
	if err := remote.Write(ref, img); err != nil {
		t.Fatal(err)
	}
	f := serveFlags{images: []string{"shop/file=" + testimage.Save(t, img, "shop/file:1"), "docker.io/shop/web:2=" + local}}
	if err := f.checkImages(); err != nil {
		t.Fatal(err)
	}
	d := f.dockerImages(t.TempDir())
	for _, named := range []string{"shop/file", "shop/file:latest", "shop/web:2"} {
		got, err := d.pull(t.Context(), docker.Pull{Name: named})
		if err != nil {
			t.Errorf("%s: %v", named, err)
			continue
		}
		if c := got.Config; c.Dir != "/srv" || c.FirstPort() != 80 || strings.Join(c.Cmd, " ") != "/bin/true" {
			t.Errorf("%s: %+v", named, c)
		}
		if _, err := os.Stat(filepath.Join(got.Root, "bin/true")); err != nil {
			t.Error(err)
		}
	}
	for named, want := range map[string]string{
		local: "it is not on the internet",
		"123456789012.dkr.ecr.us-east-1.amazonaws.com/web": "--docker-image 123456789012.dkr.ecr.us-east-1.amazonaws.com/web=IMAGE",
		"UPPER/case": "no image's reference",
	} {
		if _, err := d.pull(t.Context(), docker.Pull{Name: named}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", named, err)
		}
	}
	d.offline = true
	if _, err := d.pull(t.Context(), docker.Pull{Name: "nginx"}); err == nil || !strings.Contains(err.Error(), "no registry is reached with --offline") {
		t.Errorf("offline: %v", err)
	}
	for _, bad := range []string{"web", "=x", "web=", "UPPER=x"} {
		if err := (&serveFlags{images: []string{bad}}).checkImages(); err == nil {
			t.Errorf("--docker-image %s is taken", bad)
		}
	}
}
