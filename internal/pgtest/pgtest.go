// Package pgtest lends tests a throw-away PostgreSQL. It is apart from vaulttest
// so that the packages of which the product is made need not build all of it to
// test themselves.
//
// Its one law: what it starts ends with the process that asked for it.
package pgtest

import (
	"bufio"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
)

// startTimeout is the longest that a cluster may take to accept connections,
// recovery from a kill included.
const startTimeout = time.Minute

//go:embed keeper.sh
var keeper string

// Cluster is a throw-away PostgreSQL cluster that survives crashes as a
// production one must: fsync, synchronous_commit and full_page_writes are on,
// and data pages have checksums. It listens on a socket in its own directory
// only, where nobody else can connect and no port is taken. Its URLs stay good
// across Start. If this process ends, however it ends, so does the cluster.
type Cluster struct {
	dir       string // socket, data and log
	databases atomic.Int64

	conn chan *pgx.Conn // the one that exec keeps; nil = it has to connect

	mu      sync.Mutex // one order at a time
	keeper  *exec.Cmd
	orders  io.WriteCloser
	answers *bufio.Reader
}

// NewCluster makes a cluster and starts it. If PostgreSQL's programs are missing
// it installs them.
func NewCluster() (*Cluster, error) {
	bin, err := programs()
	if err != nil {
		return nil, err
	}
	c, err := newCluster(bin)
	if err != nil {
		return nil, fmt.Errorf("making a PostgreSQL cluster: %w", err)
	}
	if err := errors.Join(c.order("init"), c.Start()); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return c, nil
}

func newCluster(bin string) (*Cluster, error) {
	as, err := unprivileged()
	if err != nil {
		return nil, err
	}
	base := os.TempDir()
	if as != nil {
		base = "/tmp" // the other user need not be able to reach root's TMPDIR
	}
	dir, err := os.MkdirTemp(base, "quantaseal-postgres-")
	if err != nil {
		return nil, err
	}
	script := filepath.Join(dir, "keeper.sh")
	c := &Cluster{dir: dir, conn: make(chan *pgx.Conn, 1), keeper: exec.Command("/bin/sh", script, dir, bin)}
	c.conn <- nil
	c.keeper.Dir = dir
	c.keeper.Env = []string{"PATH=" + os.Getenv("PATH"), "LC_ALL=C"}
	c.keeper.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Credential: as} // a terminal's ^C is ours to notice
	err = os.WriteFile(script, []byte(keeper), 0o644)
	if err == nil && as != nil {
		err = os.Chown(dir, int(as.Uid), int(as.Gid))
	}
	if err == nil {
		err = c.open()
	}
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	return c, nil
}

func (c *Cluster) open() error {
	orders, err := c.keeper.StdinPipe()
	if err != nil {
		return err
	}
	answers, err := c.keeper.StdoutPipe()
	if err != nil {
		return err
	}
	c.orders, c.answers = orders, bufio.NewReader(answers)
	return c.keeper.Start()
}

// unprivileged returns whom PostgreSQL runs as, which refuses to run as root;
// nil = as this process.
func unprivileged() (*syscall.Credential, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	var u *user.User
	var err error
	for _, name := range []string{"postgres", "nobody"} {
		if u, err = user.Lookup(name); err == nil {
			break
		}
	}
	if err != nil {
		return nil, err
	}
	uid, err := strconv.ParseUint(u.Uid, 10, 32)
	if err != nil {
		return nil, err
	}
	gid, err := strconv.ParseUint(u.Gid, 10, 32)
	if err != nil {
		return nil, err
	}
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
}

// Start starts a stopped cluster and returns when it accepts connections. It
// returns a fault if the cluster runs.
func (c *Cluster) Start() error {
	if err := c.order("start"); err != nil {
		return err
	}
	deadline := time.After(startTimeout)
	retry := time.NewTicker(20 * time.Millisecond)
	defer retry.Stop()
	for {
		err := c.exec(context.Background(), "SELECT 1")
		if err == nil {
			return nil
		}
		select {
		case <-retry.C:
		case <-deadline:
			return fmt.Errorf("starting PostgreSQL: %w%s", err, c.log())
		}
	}
}

// Stop ends every connection, writes a checkpoint and stops the cluster.
func (c *Cluster) Stop() error { return c.order("INT") }

// KillImmediate ends the cluster without a checkpoint, as a crash would: the
// next Start recovers from the write-ahead log.
func (c *Cluster) KillImmediate() error { return c.order("QUIT") }

// Close ends the cluster and removes it.
func (c *Cluster) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return errors.Join(c.orders.Close(), c.keeper.Wait())
}

// order has the keeper do something and returns when it is done.
func (c *Cluster) order(name string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, err := io.WriteString(c.orders, name+"\n"); err != nil {
		return fmt.Errorf("ordering PostgreSQL's keeper to %s: %w", name, err)
	}
	answer, err := c.answers.ReadString('\n')
	if err != nil {
		return fmt.Errorf("ordering PostgreSQL's keeper to %s: %w", name, err)
	}
	if answer != "ok\n" {
		return fmt.Errorf("PostgreSQL's keeper could not %s%s", name, c.log())
	}
	return nil
}

// log returns the end of what PostgreSQL had to say.
func (c *Cluster) log() string {
	text, err := os.ReadFile(filepath.Join(c.dir, "log"))
	if err != nil {
		return ""
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	return "\n" + strings.Join(lines[max(0, len(lines)-20):], "\n")
}
