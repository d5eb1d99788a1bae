package vaulttest_test

import (
	"net"
	"net/http"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/quantaseal/quantaseal/cmd/quantaseal/node"
	"github.com/quantaseal/quantaseal/internal/vaulttest"
)

// crowd keeps n connections that never finish a request, each a byte further now
// and then, until stop is called. The server drops them; they come back.
func crowd(t *testing.T, addr string, n int) (stop func()) {
	t.Helper()
	done := make(chan struct{})
	var group, here sync.WaitGroup
	here.Add(n)
	for range n {
		group.Go(func() {
			arrive := sync.OnceFunc(here.Done)
			defer arrive()
			for refused := 0; ; {
				c, err := net.Dial("tcp", addr)
				if err != nil { // a full server may hang up before the client knows that it was let in
					if refused++; refused == 1000 {
						t.Errorf("a slow client: %v", err)
						return
					}
					select {
					case <-done:
						return
					case <-time.After(10 * time.Millisecond):
						continue
					}
				}
				_, err = c.Write([]byte("GET /api/v2/vault/list HTTP/1.1\r\nHost: slow\r\nX-Slow: "))
				arrive()
				for err == nil {
					select {
					case <-done:
						_ = c.Close()
						return
					case <-time.After(2 * time.Second):
						_, err = c.Write([]byte("s"))
					}
				}
				_ = c.Close()
			}
		})
	}
	here.Wait()
	return func() {
		close(done)
		group.Wait()
	}
}

// latency returns the median and the 99th percentile of n unseals.
func latency(t *testing.T, c *vaulttest.Client, id string, n int) (p50, p99 time.Duration) {
	t.Helper()
	took := make([]time.Duration, n)
	for i := range took {
		start := time.Now()
		c.Must(t, http.StatusOK, http.MethodGet, vaultPath+id, nil)
		took[i] = time.Since(start)
	}
	slices.Sort(took)
	return took[n/2], took[n*99/100]
}

// TestSlowConnections has a crowd of clients that never finish a request, and one
// that does its work meanwhile. QUANTASEAL_SLOW_CONNECTIONS makes the crowd
// larger, and holds the healthy client's p99 to twice what it is without it.
func TestSlowConnections(t *testing.T) {
	n, strict := 200, false
	if s := os.Getenv("QUANTASEAL_SLOW_CONNECTIONS"); s != "" {
		var err error
		if n, err = strconv.Atoi(s); err != nil {
			t.Fatal(err)
		}
		strict = true
	}
	v := vaulttest.Start(t, node.Config{MaxConnections: n + 50, MaxClientConnections: n + 50})
	a := v.Register(t, "owner@example.com")
	e := a.Seal(t, "n", `{"k":"v"}`)
	rounds, unseals := 1, 200
	if strict {
		rounds, unseals = 8, 500
	}
	// What else the machine does only adds, so the best of some rounds counts.
	best := func() (p50, p99 time.Duration) {
		for i := range rounds {
			one50, one99 := latency(t, a.Client, e.ID, unseals)
			if i == 0 {
				p50, p99 = one50, one99
			}
			p50, p99 = min(p50, one50), min(p99, one99)
		}
		return p50, p99
	}
	latency(t, a.Client, e.ID, unseals/4)
	before, before99 := best()
	var empty, full runtime.MemStats
	runtime.ReadMemStats(&empty)
	stop := crowd(t, strings.TrimPrefix(v.URL, "http://"), n)
	runtime.ReadMemStats(&full)
	among, among99 := best()
	stop()
	t.Logf("p50 and p99 alone %v %v, among %d slow connections %v %v; both ends of one take %d bytes",
		before, before99, n, among, among99, (full.Sys-empty.Sys)/uint64(n))
	if strict && among99 > 2*before99 {
		t.Errorf("among %d slow connections p99 is %v, more than twice %v", n, among99, before99)
	}
}

// TestAFullServerServes fills every place with clients that never finish a
// request: whoever does is served all the same.
func TestAFullServerServes(t *testing.T) {
	v := vaulttest.Start(t, node.Config{MaxConnections: 20, MaxClientConnections: 1000})
	a := v.Register(t, "owner@example.com")
	stop := crowd(t, strings.TrimPrefix(v.URL, "http://"), 100)
	defer stop()
	for range 20 {
		c := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, v.URL+vaultPath+"list", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("X-API-Key", a.Key)
		answer, err := c.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = answer.Body.Close()
		if answer.StatusCode != http.StatusOK {
			t.Errorf("got %d", answer.StatusCode)
		}
	}
}
