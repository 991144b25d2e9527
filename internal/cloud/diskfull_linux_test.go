package cloud

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"golang.org/x/sys/unix"
)

func TestAFullDiskIsSaidAndHurtsNothingThatLiesThere(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root, to mount a small file system")
	}
	dir := t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size=2m,mode=700"); err != nil {
		t.Skipf("cannot mount a small file system: %v", err)
	}
	t.Cleanup(func() { unix.Unmount(dir, unix.MNT_DETACH) })
	var log bytes.Buffer
	c, err := New(Config{Dir: dir, Region: "us-east-1", Log: &log})
	must(t, err)
	server := httptest.NewServer(c)
	closed := false
	end := func() {
		if !closed {
			closed = true
			server.Close()
			c.Close(context.Background())
		}
	}
	t.Cleanup(end)
	admin, err := c.State().Admin()
	must(t, err)
	w := &world{Cloud: c, url: server.URL}
	w.config = w.as(admin, "us-east-1")
	objects, ctx := s3.NewFromConfig(w.config, pathStyle), t.Context()
	makeBucket(t, objects, "full", "us-east-1")
	put := func(key string, n int) error {
		return second(objects.PutObject(ctx, &s3.PutObjectInput{Bucket: awssdk.String("full"), Key: &key, Body: strings.NewReader(strings.Repeat("x", n))}))
	}
	must(t, put("before", 1000))
	// A body that is read to its end in any case: a longer one may be cut off by
	// the connection before the answer is read.
	err = put("large", 2<<20)
	wantStatus(t, err, 507)
	if err == nil || !strings.Contains(err.Error(), "the disk of the state folder is full") {
		t.Errorf("the error is %v", err)
	}
	must(t, put("small", 1000)) // the large one took its file along
	for n := range 100 {
		if put(fmt.Sprint("filler", n), 50<<10) != nil {
			break
		}
	}
	roles := iam.NewFromConfig(w.config)
	for n := range 1000 { // until the store itself does not fit any more
		_, err = roles.CreateRole(ctx, &iam.CreateRoleInput{RoleName: awssdk.String(fmt.Sprint("r", n)), AssumeRolePolicyDocument: awssdk.String(ec2Trust),
			Description: awssdk.String(strings.Repeat("d", 900))})
		if err != nil {
			break
		}
	}
	wantStatus(t, err, 507)
	got, err := objects.GetObject(ctx, &s3.GetObjectInput{Bucket: awssdk.String("full"), Key: awssdk.String("before")})
	must(t, err)
	if data, err := io.ReadAll(got.Body); err != nil || len(data) != 1000 {
		t.Errorf("what lay there before: %d bytes, %v", len(data), err)
	}
	end()
	again, err := New(Config{Dir: dir, Log: &log})
	if err != nil {
		t.Fatalf("it does not start again: %v", err)
	}
	again.Close(context.Background())
}
