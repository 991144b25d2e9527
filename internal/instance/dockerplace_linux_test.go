package instance

import (
	"bytes"
	"context"
	"strings"
	"testing"
	"time"

	"beanpole/internal/docker"
)

func TestAContainersNameIsFreeForTheOneThatReplacesIt(t *testing.T) {
	_, c, img := dockerOf(t, &Spec{}, "sh", "sleep")
	long := docker.Run{Layer: img.Layer, Name: "app", Args: []string{"/bin/sh", "-c", "echo on; sleep 60"}}
	short := docker.Run{Layer: img.Layer, Name: "app", Args: []string{"/bin/sh", "-c", "echo mine"}}
	for range 5 {
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() {
			defer close(done)
			c.Run(ctx, long, nil, &bytes.Buffer{}, &bytes.Buffer{})
		}()
		for end := time.Now().Add(10 * time.Second); ; time.Sleep(20 * time.Millisecond) {
			all, err := c.Containers(t.Context())
			if err != nil || time.Now().After(end) {
				t.Fatalf("the first does not run: %v", err)
			}
			if len(all) == 1 && all[0].Address != "" {
				break
			}
		}
		cancel()
		if got := says(t, c, short); got != "mine\n" {
			t.Errorf("the next one said %q", got)
		}
		<-done
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go c.Run(ctx, long, nil, &bytes.Buffer{}, &bytes.Buffer{})
	for {
		if all, err := c.Containers(t.Context()); err != nil || len(all) == 1 {
			break
		}
		time.Sleep(20 * time.Millisecond)
	}
	if err := c.Run(t.Context(), short, nil, &bytes.Buffer{}, &bytes.Buffer{}); err == nil || !strings.Contains(err.Error(), `the container name "app" is in use by container `) {
		t.Errorf("beside one that runs on: %v", err)
	}
}
