package s3test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"
)

// buildTimeout is the longest that building the server may take, modules included.
const buildTimeout = 15 * time.Minute

// source is what the module in tools/s3 pins.
const source = "github.com/versity/versitygw/cmd/versitygw"

// program returns the path of versitygw, which it builds once for each machine and
// version of what it is made of.
func program() (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), buildTimeout)
	defer cancel()
	module, err := moduleDir(ctx)
	if err != nil {
		return "", err
	}
	id, err := identity(module)
	if err != nil {
		return "", err
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		cache = os.TempDir() // there is no home
	}
	dir := filepath.Join(cache, "quantaseal")
	binary := filepath.Join(dir, "versitygw-"+id)
	if _, err := os.Stat(binary); !errors.Is(err, fs.ErrNotExist) {
		return binary, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", err
	}
	lock, err := os.OpenFile(binary+".lock", os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return "", err
	}
	defer func() { _ = lock.Close() }() // and with it the lock
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
		return "", fmt.Errorf("locking %s: %w", lock.Name(), err)
	}
	if _, err := os.Stat(binary); err == nil {
		return binary, nil // another process was here first
	}
	draft := binary + ".draft"
	build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags=-s", "-o", draft, source)
	build.Dir = module
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("building %s: %w\n%s", source, err, out)
	}
	return binary, os.Rename(draft, binary)
}

// moduleDir returns the directory of the module that pins the server.
func moduleDir(ctx context.Context) (string, error) {
	out, err := exec.CommandContext(ctx, "go", "env", "GOMOD").Output()
	if err != nil {
		return "", fmt.Errorf("looking for the module: %w", err)
	}
	return filepath.Join(filepath.Dir(strings.TrimSpace(string(out))), "tools", "s3"), nil
}

// identity tells programs apart that are made of something else.
func identity(module string) (string, error) {
	h := sha256.New()
	for _, name := range []string{"go.mod", "go.sum"} {
		data, err := os.ReadFile(filepath.Join(module, name))
		if err != nil {
			return "", err
		}
		h.Write(data)
	}
	_, _ = fmt.Fprint(h, runtime.Version(), runtime.GOOS, runtime.GOARCH)
	return hex.EncodeToString(h.Sum(nil)[:8]), nil
}
