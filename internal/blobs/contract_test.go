package blobs_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/quantaseal/quantaseal/internal/blobs"
)

// store is what both kinds of blobs are.
type store interface {
	Put(ctx context.Context, key, contentType string, data []byte) error
	Get(ctx context.Context, key string) ([]byte, error)
	URL(ctx context.Context, key string, until time.Time) (string, error)
}

// engine is a kind of blobs under test.
type engine struct {
	open func(t *testing.T) store // all that a test opens keep to the same place
	// fetch reads what a URL gives anybody, and under which name; allowed is false if
	// that is nothing, and t fails if it is anything else.
	fetch func(t *testing.T, address string) (data []byte, name string, allowed bool)
	now   *clock // of all that open returns
	// signature is the parameter that holds it in a URL, expiry the one that says until when.
	signature, expiry string
}

// clock is one that tests move.
type clock struct {
	mu     sync.Mutex
	offset time.Duration
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Now().Add(c.offset)
}

func (c *clock) set(offset time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.offset = offset
}

const (
	tenantA = "reports/0196f4a2-0000-7000-8000-00000000000a/"
	tenantB = "reports/0196f4a2-0000-7000-8000-00000000000b/"
)

// testContract fails t unless an engine is what the port promises.
func testContract(t *testing.T, e engine) {
	t.Run("Kept", e.testKept)
	t.Run("Refused", e.testRefused)
	t.Run("Concurrent", e.testConcurrent)
	t.Run("URL", e.testURL)
	t.Run("Over", e.testOver)
}

func put(t *testing.T, s store, key, data string) {
	t.Helper()
	if err := s.Put(t.Context(), key, "application/json", []byte(data)); err != nil {
		t.Fatalf("put %s: %v", key, err)
	}
}

func get(t *testing.T, s store, key string) string {
	t.Helper()
	data, err := s.Get(t.Context(), key)
	if err != nil {
		t.Fatalf("get %s: %v", key, err)
	}
	return string(data)
}

// What was put is there for whoever opens the store next, and the first content of a
// key is the only one.
func (e engine) testKept(t *testing.T) {
	s := e.open(t)
	longest := tenantA + strings.Repeat("0123456789/", 40) + "x"
	for key, data := range map[string]string{tenantA + "kept/a.json": `{"a":1}`, tenantA + "kept/b.json": "", "top": "top", longest: "deep"} {
		put(t, s, key, data)
		put(t, s, key, data)
		put(t, s, key, "something else")
		for _, s := range []store{s, e.open(t)} {
			if got := get(t, s, key); got != data {
				t.Errorf("under %s is %q, want %q", key, got, data)
			}
		}
	}
	for _, key := range []string{tenantA + "kept/none.json", tenantB + "kept/a.json", tenantA + "kept", "nothing"} {
		if got, err := s.Get(t.Context(), key); !errors.Is(err, blobs.ErrNotFound) {
			t.Errorf("under %s is %q, %v, want ErrNotFound", key, got, err)
		}
	}
}

// What is no key is one nowhere, and nothing grows without a bound.
func (e engine) testRefused(t *testing.T) {
	s := e.open(t)
	for _, key := range []string{
		"", "/", "/a", "a/", "a//b", ".", "..", "../a", "a/../b", "a/.b", "A", "a b", "a?b", "a%2fb", "a\x00b", "ä", `a\b`, "a\n",
		strings.Repeat("k", blobs.MaxKey+1),
	} {
		_, got := s.Get(t.Context(), key)
		_, signed := s.URL(t.Context(), key, e.now.now().Add(time.Hour))
		for _, err := range []error{s.Put(t.Context(), key, "", nil), got, signed} {
			if !errors.Is(err, blobs.ErrBadKey) {
				t.Errorf("%q: got %v, want ErrBadKey", key, err)
			}
		}
	}
	if err := s.Put(t.Context(), tenantA+"large", "", make([]byte, blobs.MaxSize+1)); !errors.Is(err, blobs.ErrTooLarge) {
		t.Errorf("got %v, want ErrTooLarge", err)
	}
	for _, after := range []time.Duration{-time.Hour, 0, time.Second / 1000, blobs.MaxTTL + 2*time.Second} {
		if _, err := s.URL(t.Context(), tenantA+"any", time.Unix(e.now.now().Unix(), 0).Add(after)); !errors.Is(err, blobs.ErrRefused) {
			t.Errorf("a URL that is good for %s: got %v, want ErrRefused", after, err)
		}
	}
}

// Of many that put under one key at the same time all succeed, and from then on all
// read what one of them put, whole.
func (e engine) testConcurrent(t *testing.T) {
	const writers = 8
	s := e.open(t)
	for round := range 3 {
		key := fmt.Sprintf("%sat-once/%d.json", tenantA, round)
		content := func(i int) []byte { return bytes.Repeat([]byte{byte('a' + i)}, 200_000) }
		var wg sync.WaitGroup
		read := make([][]byte, writers)
		errs := make([]error, writers)
		for i := range writers {
			wg.Go(func() {
				if errs[i] = s.Put(t.Context(), key, "", content(i)); errs[i] == nil {
					read[i], errs[i] = s.Get(t.Context(), key)
				}
			})
		}
		wg.Wait()
		if err := errors.Join(errs...); err != nil {
			t.Fatal(err)
		}
		winner := int(read[0][0] - 'a')
		for _, got := range read {
			if !bytes.Equal(got, content(winner)) {
				t.Fatalf("round %d: readers see different contents", round)
			}
		}
	}
}

// A URL reads one blob, and none that was made of it reads anything.
func (e engine) testURL(t *testing.T) {
	s := e.open(t)
	own, next, foreign := tenantA+"url/a.json", tenantA+"url/b.json", tenantB+"url/a.json"
	for _, key := range []string{own, next, foreign} {
		put(t, s, key, "content of "+key)
	}
	address, err := s.URL(t.Context(), own, e.now.now().Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if data, name, ok := e.fetch(t, address); !ok || string(data) != "content of "+own || name != "a.json" {
			t.Fatalf("a valid URL reads %q as %q, %t", data, name, ok)
		}
	}
	path, _, _ := strings.Cut(address, "?")
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	with := func(name, value string) string {
		q := u.Query()
		if q.Set(name, value); value == "" {
			q.Del(name)
		}
		return path + "?" + q.Encode()
	}
	signature, expiry := u.Query().Get(e.signature), u.Query().Get(e.expiry)
	if with(e.signature, signature) != path+"?"+u.Query().Encode() || len(signature) != 64 || expiry == "" {
		t.Fatalf("the URL %s does not take apart", address)
	}
	flipped := "0" + signature[1:]
	if flipped == signature {
		flipped = "1" + signature[1:]
	}
	for what, changed := range map[string]string{
		"unsigned": path, "without a signature": with(e.signature, ""), "with another signature": with(e.signature, flipped),
		"with half a signature": with(e.signature, signature[:32]), "good for longer": with(e.expiry, expiry+"0"), "good forever": with(e.expiry, ""),
		"of another tenant": strings.Replace(address, tenantA, tenantB, 1), "of another file": strings.Replace(address, "a.json", "b.json", 1),
		"of no file": strings.Replace(address, "a.json", "c.json", 1), "of a directory": strings.Replace(address, "/a.json", "", 1),
	} {
		if data, _, ok := e.fetch(t, changed); ok || changed == address {
			t.Errorf("a URL %s reads %q", what, data)
		}
	}
}

// A URL is good until its moment and not for longer.
func (e engine) testOver(t *testing.T) {
	s := e.open(t)
	key := tenantA + "over/a.json"
	put(t, s, key, "over")
	e.now.set(-time.Hour)
	defer e.now.set(0)
	long, err := s.URL(t.Context(), key, e.now.now().Add(2*time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	short, err := s.URL(t.Context(), key, e.now.now().Add(time.Hour-5*time.Second))
	if err != nil {
		t.Fatal(err)
	}
	e.now.set(0)
	if _, _, ok := e.fetch(t, long); !ok {
		t.Error("a URL reads nothing before it is over")
	}
	if data, _, ok := e.fetch(t, short); ok {
		t.Errorf("a URL that is over reads %q", data)
	}
}
