// Package nodetest lends tests Node.js, for programs that check ours with nothing
// of ours. What a program needs comes from npm by its lock file, once a machine.
//
// Its one law: a Node that is missing is installed, never a reason to skip.
package nodetest

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// patience is the longest that installing anything may take.
const patience = 10 * time.Minute

// installing keeps tests of one process from waiting for one another's file lock
// on a thread each.
var installing sync.Mutex

// Package copies a program to a directory where the modules of its lock file are
// installed, and returns that. source holds package.json, package-lock.json and the
// program itself.
func Package(t testing.TB, source string) string {
	t.Helper()
	installing.Lock()
	defer installing.Unlock()
	modules, err := modulesOf(source)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	files, err := os.ReadDir(source)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if f.IsDir() {
			continue // modules that somebody installed beside the program
		}
		text, err := os.ReadFile(filepath.Join(source, f.Name()))
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, f.Name()), text, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(modules, filepath.Join(dir, "node_modules")); err != nil {
		t.Fatal(err)
	}
	return dir
}

// Run runs a program of a directory that Package returned, and returns what it
// printed. The input goes to its standard input. A status other than 0 is an error,
// which holds what it said.
func Run(t testing.TB, dir string, input []byte, script string, args ...string) (string, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	command := exec.CommandContext(ctx, "node", append([]string{filepath.Join(dir, script)}, args...)...)
	command.Dir, command.Stdin = dir, strings.NewReader(string(input))
	var said strings.Builder
	command.Stderr = &said
	out, err := command.Output()
	if err != nil {
		err = fmt.Errorf("%s: %w\n%s", script, err, said.String())
	}
	return string(out), err
}

// modulesOf returns a directory with the modules of a program's lock file. It is
// named after the lock file and made once, however many ask.
func modulesOf(source string) (string, error) {
	lockfile, err := os.ReadFile(filepath.Join(source, "package-lock.json"))
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(lockfile)
	root := filepath.Join(os.TempDir(), fmt.Sprintf("quantaseal-node-%d-%s", os.Geteuid(), hex.EncodeToString(sum[:8])))
	lock, err := locked(root + ".lock")
	if err != nil {
		return "", err
	}
	defer func() { _ = lock.Close() }() // and with it the lock
	modules := filepath.Join(root, "node_modules")
	if _, err := os.Stat(modules); err == nil {
		return modules, nil
	}
	if err := findNode(); err != nil {
		return "", err
	}
	if err := os.RemoveAll(root + ".new"); err != nil {
		return "", err
	}
	if err := os.MkdirAll(root+".new", 0o700); err != nil {
		return "", err
	}
	for _, name := range []string{"package.json", "package-lock.json"} {
		text, err := os.ReadFile(filepath.Join(source, name))
		if err != nil {
			return "", err
		}
		if err := os.WriteFile(filepath.Join(root+".new", name), text, 0o600); err != nil {
			return "", err
		}
	}
	if err := run(root+".new", "npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts"); err != nil {
		return "", fmt.Errorf("the tests need modules of npm: %w", err)
	}
	return modules, os.Rename(root+".new", root)
}

// findNode makes sure that node and npm are in the PATH.
func findNode() error {
	missing := func() error {
		_, node := exec.LookPath("node")
		_, npm := exec.LookPath("npm")
		return errors.Join(node, npm)
	}
	if missing() == nil {
		return nil
	}
	if err := install(); err != nil {
		return fmt.Errorf("the tests need Node.js, and installing it failed: %w", err)
	}
	return missing()
}

// install installs Node.js with brew, or apt-get, by sudo where needed.
func install() error {
	if _, err := exec.LookPath("brew"); err == nil {
		return run("", "brew", "install", "node")
	}
	if _, err := exec.LookPath("apt-get"); err != nil {
		return fmt.Errorf("neither apt-get nor brew is here: install Node.js by hand: %w", err)
	}
	apt := []string{"env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-q", "-o", "DPkg::Lock::Timeout=300"}
	if os.Geteuid() != 0 {
		apt = append([]string{"sudo"}, apt...)
	}
	if err := run("", append(apt[:len(apt):len(apt)], "update")...); err != nil {
		return err
	}
	return run("", append(apt[:len(apt):len(apt)], "install", "-y", "--no-install-recommends", "nodejs", "npm")...)
}

// run runs a command in a directory; its error holds what the command printed.
func run(dir string, command ...string) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	c := exec.CommandContext(ctx, command[0], command[1:]...)
	c.Dir = dir
	if out, err := c.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s", strings.Join(command, " "), err, out)
	}
	return nil
}

// locked waits for an exclusive lock on a file, which closing it releases.
func locked(name string) (*os.File, error) {
	f, err := os.OpenFile(name, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX); err != nil {
		return nil, errors.Join(fmt.Errorf("locking %s: %w", name, err), f.Close())
	}
	return f, nil
}
