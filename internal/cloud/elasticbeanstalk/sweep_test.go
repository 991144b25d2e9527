package elasticbeanstalk_test

import (
	"os"
	"path/filepath"
	"testing"
)

func TestCopiesOfBundlesThatAKilledProcessLeftAreRemoved(t *testing.T) {
	dir := t.TempDir()
	left := filepath.Join(dir, "bundle-123")
	if err := os.Mkdir(left, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(left, "bundle.zip"), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	open(t, dir)
	if _, err := os.Stat(left); !os.IsNotExist(err) {
		t.Errorf("it is still there: %v", err)
	}
}
