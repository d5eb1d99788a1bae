package s3test_test

import (
	"bufio"
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/quantaseal/quantaseal/internal/s3test"
)

// TestNothingIsLeft kills a process that has a server, which runs no deferred call.
func TestNothingIsLeft(t *testing.T) {
	if os.Getenv("S3TEST_CHILD") != "" {
		_, _ = os.Stdout.WriteString("at " + s3test.Shared(t).Endpoint + "\n")
		select {} // until killed
	}
	child := exec.CommandContext(t.Context(), os.Args[0], "-test.run", "^TestNothingIsLeft$")
	tmp := t.TempDir()
	child.Env = append(os.Environ(), "S3TEST_CHILD=1", "TMPDIR="+tmp)
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	endpoint, ok := strings.CutPrefix(strings.TrimSpace(line), "at http://")
	if err != nil || !ok {
		t.Fatalf("the child says %q, %v", line, err)
	}
	if kept, err := os.ReadDir(tmp); err != nil || len(kept) != 1 {
		t.Fatalf("it keeps %v, %v", kept, err)
	}
	if err := child.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = child.Wait() // it was killed
	deadline := time.After(30 * time.Second)
	for {
		kept, err := os.ReadDir(tmp)
		if err != nil {
			t.Fatal(err)
		}
		if len(kept) == 0 {
			break
		}
		select {
		case <-time.After(10 * time.Millisecond):
		case <-deadline:
			t.Fatalf("%v outlives its process", kept)
		}
	}
	if conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", endpoint); err == nil {
		_ = conn.Close()
		t.Errorf("the server at %s outlives its process", endpoint)
	}
}
