package pgtest

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// programDirs are where distributions keep PostgreSQL's programs off the PATH.
var programDirs = []string{
	"/usr/lib/postgresql/*/bin",         // Debian, Ubuntu
	"/usr/pgsql-*/bin",                  // Red Hat, SUSE
	"/opt/homebrew/opt/postgresql*/bin", // macOS
	"/usr/local/opt/postgresql*/bin",    // macOS on Intel
	"/home/linuxbrew/.linuxbrew/opt/postgresql*/bin",
}

// installTimeout is the longest that installing PostgreSQL may take.
const installTimeout = 15 * time.Minute

// programs returns the directory of PostgreSQL's programs. If there are none it
// installs them with the system's package manager.
func programs() (string, error) {
	if dir := findPrograms(); dir != "" {
		return dir, nil
	}
	lock, err := lockFile(filepath.Join(os.TempDir(), fmt.Sprintf("quantaseal-postgres-install-%d.lock", os.Geteuid())))
	if err != nil {
		return "", fmt.Errorf("installing PostgreSQL: %w", err)
	}
	defer func() { _ = lock.Close() }() // and with it the lock
	if dir := findPrograms(); dir != "" {
		return dir, nil // another process was here first
	}
	if err := installPostgres(); err != nil {
		return "", fmt.Errorf("the tests need PostgreSQL, and installing it failed: %w", err)
	}
	if dir := findPrograms(); dir != "" {
		return dir, nil
	}
	return "", fmt.Errorf("the tests need PostgreSQL: installed, but initdb and postgres are neither in PATH nor in %s", strings.Join(programDirs, ", "))
}

// findPrograms returns the directory of the PATH's PostgreSQL, or else of the
// newest one that is installed; "" if there is none.
func findPrograms() string {
	if initdb, err := exec.LookPath("initdb"); err == nil {
		if dir := filepath.Dir(initdb); complete(dir) {
			return dir
		}
	}
	var dirs []string
	for _, pattern := range programDirs {
		found, _ := filepath.Glob(pattern) // the patterns are well formed
		dirs = append(dirs, found...)
	}
	dirs = slices.DeleteFunc(dirs, func(dir string) bool { return !complete(dir) })
	if len(dirs) == 0 {
		return ""
	}
	return slices.MaxFunc(dirs, func(a, b string) int { return major(a) - major(b) })
}

func complete(dir string) bool {
	for _, name := range []string{"initdb", "postgres"} {
		if _, err := exec.LookPath(filepath.Join(dir, name)); err != nil {
			return false
		}
	}
	return true
}

var number = regexp.MustCompile(`[0-9]+`)

// major returns the version of PostgreSQL that a directory is named after.
func major(dir string) int {
	n, _ := strconv.Atoi(number.FindString(dir)) // 0 if it is not in the name
	return n
}

// lockFile waits for an exclusive lock on a file, which closing it releases.
func lockFile(name string) (*os.File, error) {
	f, err := os.OpenFile(name, os.O_CREATE|os.O_RDWR, 0o666)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX); err != nil {
		return nil, fmt.Errorf("locking %s: %w", name, err)
	}
	return f, nil
}

// installPostgres installs PostgreSQL with apt-get, by sudo where needed, or brew.
func installPostgres() error {
	ctx, cancel := context.WithTimeout(context.Background(), installTimeout)
	defer cancel()
	if _, err := exec.LookPath("brew"); err == nil {
		return run(ctx, "brew", "install", "postgresql@17")
	}
	if _, err := exec.LookPath("apt-get"); err != nil {
		return fmt.Errorf("neither apt-get nor brew is here: install PostgreSQL by hand: %w", err)
	}
	apt := []string{"env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-q", "-o", "DPkg::Lock::Timeout=300"}
	if os.Geteuid() != 0 {
		apt = append([]string{"sudo"}, apt...)
	}
	if err := run(ctx, append(slices.Clip(apt), "update")...); err != nil {
		return err
	}
	return run(ctx, append(slices.Clip(apt), "install", "-y", "--no-install-recommends", "postgresql")...)
}

// run runs a command; its error holds what the command printed.
func run(ctx context.Context, command ...string) error {
	out, err := exec.CommandContext(ctx, command[0], command[1:]...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s: %w\n%s", strings.Join(command, " "), err, out)
	}
	return nil
}
