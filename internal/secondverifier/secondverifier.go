// Package secondverifier runs a second verifier of exported chains: verify.mjs, in
// JavaScript, on npm's ML-DSA and SHA-3. It was written from docs/chain-format.md
// and shares no line and no library with the first, so that where both agree it is the
// format that says so.
//
// Its one law: it is for tests, which install what is missing and skip nothing.
package secondverifier

import (
	"bufio"
	"context"
	"crypto/sha256"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

//go:embed verify.mjs jobs.mjs package.json package-lock.json
var program embed.FS

// Job is a bundle to verify, with what its verifier trusts and holds.
type Job struct {
	Bundle   []byte   `json:"bundle"`
	LogID    string   `json:"log_id,omitempty"`
	Receipts []string `json:"receipts,omitempty"` // SEQ:HASH
	NowUS    int64    `json:"now_us,omitempty"`   // 0: the clock's
}

// Verdicts of Verify. A verdict that is not Verified may be followed by checks.
const (
	Verified   = "verified"
	Tampered   = "tampered"
	Unreadable = "unreadable"
)

// Verify returns the verdict on each job, in order, from one process of Node.js. It
// installs Node.js and the verifier's packages where they are missing.
func Verify(ctx context.Context, jobs []Job) ([]string, error) {
	dir, err := install(ctx)
	if err != nil {
		return nil, fmt.Errorf("installing the second verifier: %w", err)
	}
	node := exec.CommandContext(ctx, "node", filepath.Join(dir, "jobs.mjs"))
	var complaint strings.Builder
	node.Stderr = &complaint
	in, err := node.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := node.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := node.Start(); err != nil {
		return nil, err
	}
	sent := make(chan error, 1)
	go func() { sent <- send(in, jobs) }()
	var verdicts []string
	for lines := bufio.NewScanner(out); lines.Scan(); {
		verdicts = append(verdicts, lines.Text())
	}
	if err := errors.Join(<-sent, node.Wait()); err != nil || len(verdicts) != len(jobs) {
		return nil, fmt.Errorf("%d verdicts on %d bundles: %w\n%s", len(verdicts), len(jobs), err, complaint.String())
	}
	return verdicts, nil
}

func send(to io.WriteCloser, jobs []Job) error {
	out := bufio.NewWriter(to)
	encoder := json.NewEncoder(out)
	for i := range jobs {
		if err := encoder.Encode(&jobs[i]); err != nil {
			return err
		}
	}
	return errors.Join(out.Flush(), to.Close())
}

// patience is the longest that installing may take.
const patience = 15 * time.Minute

// install returns a directory of the user's cache that holds the program and its
// packages, as the lock file names them. Another test waits for the one that makes it.
func install(ctx context.Context) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	cache, err := os.UserCacheDir()
	if err != nil {
		cache = os.TempDir()
	}
	sum := sha256.New()
	files := map[string][]byte{}
	for _, name := range []string{"verify.mjs", "jobs.mjs", "package.json", "package-lock.json"} {
		if files[name], err = program.ReadFile(name); err != nil {
			return "", err
		}
		_, _ = sum.Write(files[name])
	}
	dir := filepath.Join(cache, "quantaseal", fmt.Sprintf("secondverifier-%x", sum.Sum(nil)[:8]))
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", err
	}
	lock, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return "", err
	}
	defer func() { _ = lock.Close() }() // and with it the lock
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
		return "", err
	}
	if err := installNode(ctx); err != nil {
		return "", err
	}
	done := filepath.Join(dir, "installed")
	if _, err := os.Stat(done); err == nil {
		return dir, nil
	}
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			return "", err
		}
	}
	if err := run(ctx, dir, "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"); err != nil {
		return "", err
	}
	return dir, os.WriteFile(done, nil, 0o600)
}

// installNode installs Node.js and npm with the system's package manager, unless
// they are here.
func installNode(ctx context.Context) error {
	_, node := exec.LookPath("node")
	_, npm := exec.LookPath("npm")
	if errors.Join(node, npm) == nil {
		return nil
	}
	if _, err := exec.LookPath("brew"); err == nil {
		return run(ctx, "", "brew", "install", "node")
	}
	if _, err := exec.LookPath("apt-get"); err != nil {
		return fmt.Errorf("neither apt-get nor brew is here: install Node.js by hand: %w", err)
	}
	apt := []string{"env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-q", "-o", "DPkg::Lock::Timeout=300"}
	if os.Geteuid() != 0 {
		apt = append([]string{"sudo"}, apt...)
	}
	if err := run(ctx, "", append(apt[:len(apt):len(apt)], "update")...); err != nil {
		return err
	}
	return run(ctx, "", append(apt[:len(apt):len(apt)], "install", "-y", "--no-install-recommends", "nodejs", "npm")...)
}

// run runs a command in a directory; its error holds what the command printed.
func run(ctx context.Context, dir string, command ...string) error {
	c := exec.CommandContext(ctx, command[0], command[1:]...)
	c.Dir = dir
	out, err := c.CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s: %w\n%s", strings.Join(command, " "), err, out)
	}
	return nil
}
