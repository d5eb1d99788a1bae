package vaulttest_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/quantaseal/quantaseal/internal/vaulttest"
)

const crashWorkers = 16

// TestCrash kills the server with SIGKILL in the middle of its work, again and
// again on the same data, and holds it to what it acknowledged: every seal
// unseals to its value, every delete is gone, every receipt is on the chain, the
// chain verifies, and read models folded anew equal the live ones.
func TestCrash(t *testing.T) {
	rounds := 5
	if s := os.Getenv("QUANTASEAL_CRASH_ROUNDS"); s != "" {
		var err error
		if rounds, err = strconv.Atoi(s); err != nil {
			t.Fatal(err)
		}
	}
	bin := t.TempDir()
	build(t, bin)
	for _, engine := range []string{"sqlite", "postgres"} {
		t.Run(engine, func(t *testing.T) {
			p := &process{bin: bin, data: t.TempDir()}
			if engine == "postgres" {
				p.database = vaulttest.Postgres(t)
			}
			crash(t, p, rounds)
		})
	}
}

// build builds both commands without the race detector, as they are shipped.
func build(t *testing.T, dir string) {
	t.Helper()
	c := exec.Command("go", "build", "-trimpath", "-o", dir+string(filepath.Separator),
		"github.com/quantaseal/quantaseal/cmd/quantaseal", "github.com/quantaseal/quantaseal/cmd/qsverify")
	c.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("building: %v\n%s", err, out)
	}
}

func crash(t *testing.T, p *process, rounds int) {
	l := &ledger{}
	p.start(t)
	l.register(t, p)
	acknowledged := 0
	for round := range rounds {
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		for worker := range crashWorkers {
			wg.Go(func() { l.work(ctx, p, worker, round) })
		}
		time.Sleep(time.Duration(150+rand.IntN(600)) * time.Millisecond)
		p.kill(t)
		cancel()
		wg.Wait()
		p.run(t, "quantaseal", "rebuild", "--check")
		p.start(t)
		acknowledged = l.check(t, p, round)
		if t.Failed() {
			break
		}
	}
	if acknowledged < rounds*crashWorkers {
		t.Errorf("only %d operations were acknowledged in %d rounds: the load was too small to prove anything", acknowledged, rounds)
	}
	t.Logf("%d rounds, %d operations acknowledged, %d credentials", rounds, acknowledged, len(l.credentials))
	p.kill(t)
}

// process is the server as its users run it.
type process struct {
	bin, data, database string
	command             *exec.Cmd
	url                 string
}

func (p *process) environment(addr string) []string {
	return append(os.Environ(), "QUANTASEAL_ADDR="+addr, "QUANTASEAL_DATA="+p.data, "QUANTASEAL_DATABASE_URL="+p.database,
		"QUANTASEAL_LOG_LEVEL=warn")
}

func (p *process) start(t *testing.T) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	log, err := os.OpenFile(filepath.Join(p.data, "server.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	p.command = exec.Command(filepath.Join(p.bin, "quantaseal"))
	p.command.Env, p.command.Stderr = p.environment(addr), log
	if err := p.command.Start(); err != nil {
		t.Fatal(err)
	}
	_ = log.Close() // the process has its own
	t.Cleanup(func() { _ = p.command.Process.Kill() })
	p.url = "http://" + addr
	c := &vaulttest.Client{URL: p.url}
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if a, err := c.Try(t.Context(), http.MethodGet, "/health", nil); err == nil && a.Status == http.StatusOK {
			return
		}
	}
	text, _ := os.ReadFile(log.Name())
	t.Fatalf("the server did not become healthy:\n%s", text)
}

func (p *process) kill(t *testing.T) {
	t.Helper()
	if err := p.command.Process.Signal(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	_ = p.command.Wait() // it was killed
}

// run runs a command on the data of the stopped or running server; it must succeed.
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

// ledger is what the server acknowledged, and what it may have done besides.
type ledger struct {
	key, token string

	mu          sync.Mutex
	credentials []*known
	receipts    []string
	done        int
}

// known is a credential of one worker. Fields are guarded by the ledger's mutex.
type known struct {
	worker  int
	id      string
	values  []string // what it may hold: one, or two while a rotation was under way
	deleted bool     // acknowledged
	maybe   bool     // a delete was under way
}

func (l *ledger) register(t *testing.T, p *process) {
	v := &vaulttest.Vault{URL: p.url}
	a := v.Register(t, "crash@example.com")
	l.key, l.token = a.Key, a.Token.Key
}

func (l *ledger) client(p *process) *vaulttest.Client {
	return &vaulttest.Client{URL: p.url, Key: l.key}
}

// work does random things until the server is gone.
func (l *ledger) work(ctx context.Context, p *process, worker, round int) {
	c := l.client(p)
	random := rand.New(rand.NewPCG(uint64(worker), uint64(round)))
	for n := 0; ctx.Err() == nil; n++ {
		mine := l.pick(worker, random)
		var err error
		switch dice := random.IntN(100); {
		case mine == nil || dice < 45:
			err = l.seal(ctx, c, worker, fmt.Sprintf(`{"v":"w%d-r%d-n%d"}`, worker, round, n))
		case dice < 65:
			_, err = c.Try(ctx, http.MethodGet, "/api/v2/vault/"+mine.id, nil)
		case dice < 85:
			err = l.rotate(ctx, c, mine, fmt.Sprintf(`{"v":"w%d-r%d-n%d"}`, worker, round, n))
		case dice < 95:
			err = l.remove(ctx, c, mine)
		default:
			_, err = c.Try(ctx, http.MethodGet, "/api/v2/vault/list?limit=10", nil)
		}
		if err != nil {
			return
		}
	}
}

func (l *ledger) pick(worker int, random *rand.Rand) *known {
	l.mu.Lock()
	defer l.mu.Unlock()
	for range 8 {
		if len(l.credentials) == 0 {
			return nil
		}
		if k := l.credentials[random.IntN(len(l.credentials))]; k.worker == worker && !k.deleted && !k.maybe {
			return k
		}
	}
	return nil
}

// acknowledge keeps the receipt of an answer.
func (l *ledger) acknowledge(a vaulttest.Answer) {
	var envelope struct {
		Meta struct {
			Audit struct {
				Seq       uint64 `json:"seq"`
				EventHash string `json:"event_hash"`
			} `json:"audit"`
		} `json:"meta"`
	}
	if json.Unmarshal(a.Body, &envelope) == nil && envelope.Meta.Audit.EventHash != "" {
		l.receipts = append(l.receipts, fmt.Sprintf("%d:%s", envelope.Meta.Audit.Seq, envelope.Meta.Audit.EventHash))
	}
	l.done++
}

func (l *ledger) seal(ctx context.Context, c *vaulttest.Client, worker int, value string) error {
	a, err := c.Try(ctx, http.MethodPost, "/api/v2/vault/seal", `{"name":"crash","values":`+value+`}`)
	if err != nil {
		return err
	}
	var sealed struct {
		Data struct {
			ID string `json:"credential_id"`
		} `json:"data"`
	}
	if a.Status != http.StatusCreated || json.Unmarshal(a.Body, &sealed) != nil {
		return fmt.Errorf("seal: %d", a.Status)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.credentials = append(l.credentials, &known{worker: worker, id: sealed.Data.ID, values: []string{value}})
	l.acknowledge(a)
	return nil
}

func (l *ledger) rotate(ctx context.Context, c *vaulttest.Client, k *known, value string) error {
	l.mu.Lock()
	k.values = append(k.values, value)
	l.mu.Unlock()
	a, err := c.Try(ctx, http.MethodPost, "/api/v2/vault/entries/"+k.id+"/rotate", `{"new_plaintext":`+value+`}`)
	if err != nil || a.Status != http.StatusOK {
		return fmt.Errorf("rotate: %d %w", a.Status, err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	k.values = []string{value}
	l.acknowledge(a)
	return nil
}

func (l *ledger) remove(ctx context.Context, c *vaulttest.Client, k *known) error {
	l.mu.Lock()
	k.maybe = true
	l.mu.Unlock()
	a, err := c.Try(ctx, http.MethodDelete, "/api/v2/vault/"+k.id, nil)
	if err != nil || a.Status != http.StatusOK {
		return fmt.Errorf("delete: %d %w", a.Status, err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	k.deleted = true
	l.acknowledge(a)
	return nil
}
