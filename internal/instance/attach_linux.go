package instance

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"beanpole/internal/source"
)

// Attach runs a program as root on an instance that another process of this
// state directory runs; with a terminal as its input it gets one of its own.
// The error wraps *exec.ExitError when the program failed, and is a
// *source.Problem when there is no such instance.
func Attach(ctx context.Context, dir, id string, argv []string, stdin io.Reader, stdout, stderr io.Writer) error {
	if len(argv) == 0 {
		return errors.New("run a program on the instance: none is named")
	}
	place := filepath.Join(instancesDir(dir), filepath.Base(id))
	data, err := os.ReadFile(filepath.Join(place, recordName))
	if errors.Is(err, fs.ErrNotExist) {
		return &source.Problem{What: fmt.Sprintf("no instance %q runs here", id), Remedy: "beanpole status lists the environments"}
	}
	if err != nil {
		return fmt.Errorf("read instance record: %w", err)
	}
	var r record
	if err := json.Unmarshal(data, &r); err != nil {
		return fmt.Errorf("read instance record: %w", err)
	}
	return containerOf(place, r).exec(ctx, argv, stdin, stdout, stderr)
}
