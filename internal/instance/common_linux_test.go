package instance

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
)

// Instances that start at the same time share what is hidden and whom they trust;
// the layer lives as long as the last of them, and none can change it for others.
func TestInstancesThatStartTogetherShareALayer(t *testing.T) {
	requireInstances(t)
	dir := t.TempDir()
	authority, _ := ca(t)
	secret := "/etc/beanpole-test-" + filepath.Base(filepath.Dir(dir))
	if err := os.WriteFile(secret, []byte("kept from users"), 0o600); err != nil {
		t.Fatal(err)
	}
	defer os.Remove(secret)
	all := make([]*Instance, 4)
	var starting sync.WaitGroup
	for n := range all {
		starting.Go(func() {
			i, err := Start(t.Context(), &Spec{ID: fmt.Sprintf("i-0000000000000000%d", n), Dir: dir, Args: []string{"test-pid-1"}, CA: authority, Log: &bytes.Buffer{}})
			if err != nil {
				t.Error(err)
			}
			all[n] = i
		})
	}
	starting.Wait()
	layers := func() int {
		found, _ := filepath.Glob(filepath.Join(instancesDir(dir), commonPrefix+"*"))
		return len(found)
	}
	stop := func(i *Instance) {
		if i == nil {
			return
		}
		if err := i.Stop(context.Background()); err != nil {
			t.Error(err)
		}
	}
	defer func() {
		for _, i := range all {
			stop(i)
		}
		if n := layers(); n > 0 {
			t.Errorf("%d layers are left", n)
		}
	}()
	if t.Failed() {
		return
	}
	if n := layers(); n < 1 || n >= len(all) {
		t.Errorf("%d instances have %d layers", len(all), n)
	}
	// What one does to what is shared is its own.
	spoil := "rm -f /bin/sh /etc/ssl/certs/ca-certificates.crt; touch " + secret + "; mkdir -p /etc/kubernetes/x; mv /var/log /var/logs && mv /etc/nginx /etc/nginx.old"
	if out, ok := sh(t, all[0], spoil); !ok {
		t.Error(out)
	}
	for n := range 3 {
		stop(all[n])
		if out, ok := sh(t, all[3], "[[ $(readlink /bin/sh) = bash && -d /var/log && -d /etc/nginx && ! -e "+secret+" && ! -e /etc/kubernetes/x ]] && tail -1 /etc/ssl/certs/ca-certificates.crt"); !ok || out != "-----END CERTIFICATE-----" {
			t.Errorf("after the end of %d instances: %s", n+1, out)
		}
	}
}
