package vaulttest_test

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/quantaseal/quantaseal/internal/vaulttest"
)

// build builds both commands without the race detector, as they are shipped.
func build(t *testing.T, dir string) {
	t.Helper()
	c := exec.Command("go", "build", "-tags=nomsgpack", "-trimpath", "-o", dir+string(filepath.Separator),
		"github.com/quantaseal/quantaseal/cmd/quantaseal", "github.com/quantaseal/quantaseal/cmd/qsverify")
	c.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("building: %v\n%s", err, out)
	}
}

// process is the server as its users run it.
type process struct {
	bin, data, database string
	as                  *syscall.Credential // nil = whoever tests
	command             *exec.Cmd
	url                 string
}

func (p *process) environment(addr string) []string {
	return append(os.Environ(), "QUANTASEAL_ADDR="+addr, "QUANTASEAL_DATA="+p.data, "QUANTASEAL_DATABASE_URL="+p.database,
		"QUANTASEAL_LOG_LEVEL=warn", "QUANTASEAL_RATE_LIMIT=1000000", "QUANTASEAL_AUTH_RATE_LIMIT=1000000")
}

// launch starts the server and does not wait for it.
func (p *process) launch(t *testing.T) (log string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	file, err := os.OpenFile(filepath.Join(p.bin, "server.log"), os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	p.command = exec.Command(filepath.Join(p.bin, "quantaseal"))
	p.command.Env, p.command.Stderr = p.environment(addr), file
	p.command.Dir = p.data // a core file would be written here
	p.command.SysProcAttr = &syscall.SysProcAttr{Credential: p.as}
	if err := p.command.Start(); err != nil {
		t.Fatal(err)
	}
	_ = file.Close() // the process has its own
	started := p.command.Process
	t.Cleanup(func() { _ = started.Kill() })
	p.url = "http://" + addr
	return file.Name()
}

// start starts the server and waits until it is healthy.
func (p *process) start(t *testing.T) {
	t.Helper()
	log := p.launch(t)
	c := &vaulttest.Client{URL: p.url}
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if a, err := c.Try(t.Context(), http.MethodGet, "/health", nil); err == nil && a.Status == http.StatusOK {
			return
		}
	}
	text, _ := os.ReadFile(log)
	t.Fatalf("the server did not become healthy:\n%s", text)
}

func (p *process) kill(t *testing.T) { p.end(t, syscall.SIGKILL) }

// end ends the server with a signal that it does not outlive.
func (p *process) end(t *testing.T, signal syscall.Signal) {
	t.Helper()
	if err := p.command.Process.Signal(signal); err != nil {
		t.Fatal(err)
	}
	_ = p.command.Wait() // it was killed
}

// terminate asks the server to stop and waits until it did, in good order.
func (p *process) terminate(t *testing.T) {
	t.Helper()
	if err := p.command.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := p.command.Wait(); err != nil {
		t.Errorf("asked to stop, the server ends with %v", err)
	}
}

// run runs a command on the data of the stopped server; it must succeed.
func (p *process) run(t *testing.T, name string, args ...string) string {
	t.Helper()
	c := exec.Command(filepath.Join(p.bin, name), args...)
	c.Env = p.environment("127.0.0.1:0")
	out, err := c.CombinedOutput()
	if err != nil {
		t.Errorf("%s %v: %v\n%s", name, args, err, out)
	}
	return string(out)
}

// memoryStaysIn fails t unless the system keeps the server's memory from core
// files and from whoever else runs under the same account. Root may read
// everything, so the server runs as somebody else then.
func memoryStaysIn(t *testing.T, bin string) {
	dir, err := os.MkdirTemp("", "quantaseal-harden-") //nolint:usetesting // another user must reach it
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	p := &process{bin: bin, data: filepath.Join(dir, "data")}
	if err := os.Mkdir(p.data, 0o700); err != nil {
		t.Fatal(err)
	}
	uid := os.Geteuid()
	if uid == 0 {
		nobody, err := user.Lookup("nobody")
		if err != nil {
			t.Fatal(err)
		}
		if uid, err = strconv.Atoi(nobody.Uid); err != nil {
			t.Fatal(err)
		}
		p.bin, p.as = dir, &syscall.Credential{Uid: uint32(uid), Gid: uint32(uid)}
		program, err := os.ReadFile(filepath.Join(bin, "quantaseal"))
		if err != nil {
			t.Fatal(err)
		}
		for _, err := range []error{
			os.WriteFile(filepath.Join(dir, "quantaseal"), program, 0o755), os.Chmod(dir, 0o755), os.Chown(p.data, uid, uid),
		} {
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	p.start(t)
	proc := fmt.Sprintf("/proc/%d/", p.command.Process.Pid)
	limits, err := os.ReadFile(proc + "limits")
	if err != nil {
		t.Fatal(err)
	}
	found := false
	for line := range strings.Lines(string(limits)) {
		if rest, ok := strings.CutPrefix(line, "Max core file size"); ok {
			fields := strings.Fields(rest)
			found = fields[0] == "0" && fields[1] == "0"
		}
	}
	if !found {
		t.Errorf("the server may write core files:\n%s", limits)
	}
	info, err := os.Stat(proc + "mem")
	if err != nil {
		t.Fatal(err)
	}
	if owner := info.Sys().(*syscall.Stat_t).Uid; owner != 0 || uid == 0 {
		t.Errorf("the memory of a server of user %d belongs to user %d, want root: it may be dumped", uid, owner)
	}
	p.end(t, syscall.SIGABRT) // a signal whose death writes a core file
	names, err := filepath.Glob(filepath.Join(p.data, "*core*"))
	if err != nil || len(names) > 0 {
		t.Errorf("its death left %v, %v", names, err)
	}
}
