package vaulttest_test

import (
	"bufio"
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/quantaseal/quantaseal/eventstore/chain"
	"github.com/quantaseal/quantaseal/internal/vaulttest"
)

const streamPath = "/api/v2/audit/stream"

// frame is one frame of a stream.
type frame struct {
	Type          string `json:"type"`
	Seq           uint64 `json:"seq"`
	EventType     string `json:"event_type"`
	Reason        string `json:"reason"`
	Header        []byte `json:"header"`
	Payload       []byte `json:"payload"`
	Detached      []byte `json:"detached"`
	Signature     []byte `json:"signature"`
	Origin        string `json:"origin"`
	RootPublicKey []byte `json:"root_public_key"`
	CreatedUS     uint64 `json:"created_us"`
	Nonce         string `json:"nonce"`
	LogID         string `json:"log_id"`
	FromSeq       uint64 `json:"from_seq"`
	Genesis       struct {
		Header, Payload, Detached, Signature []byte
	} `json:"genesis"`
}

func (f frame) record() chain.Record {
	return chain.Record{Header: f.Header, Payload: f.Payload, Detached: f.Detached, Signature: f.Signature}
}

// streaming is an open stream.
type streaming struct {
	t      *testing.T
	lines  *bufio.Scanner
	events bool
	id     string // of the last frame that had one
	close  func()
}

// follow opens a stream as server-sent events if lastEventID is not "-".
func follow(t *testing.T, c *vaulttest.Client, query, lastEventID string) *streaming {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, c.URL+streamPath+query, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+c.Key)
	want := "application/x-ndjson"
	if lastEventID != "-" {
		want = "text/event-stream"
		r.Header.Set("Accept", want)
		r.Header.Set("Last-Event-ID", lastEventID)
	}
	response, err := http.DefaultClient.Do(r) //nolint:bodyclose // close closes it
	if err != nil {
		t.Fatal(err)
	}
	s := &streaming{t: t, lines: bufio.NewScanner(response.Body), events: lastEventID != "-", close: func() { cancel(); _ = response.Body.Close() }}
	s.lines.Buffer(nil, 1<<20)
	t.Cleanup(s.close)
	if got := response.Header.Get("Content-Type"); response.StatusCode != http.StatusOK || got != want {
		body, _ := io.ReadAll(response.Body)
		t.Fatalf("%s: got %d, %s: %s", query, response.StatusCode, got, body)
	}
	return s
}

// next returns the next frame; one without a type is that the stream ended.
func (s *streaming) next() (f frame) {
	s.t.Helper()
	for s.lines.Scan() {
		line := s.lines.Text()
		if s.events {
			if id, ok := strings.CutPrefix(line, "id: "); ok {
				s.id = id
			}
			if line, _ = strings.CutPrefix(line, "data: "); line == s.lines.Text() {
				continue
			}
		}
		if err := json.Unmarshal([]byte(line), &f); err != nil {
			s.t.Fatalf("%s: %v", line, err)
		}
		if !s.events && f.Type != "stream" {
			s.id = fmt.Sprint(f.Seq)
		}
		return f
	}
	return frame{}
}

// verifierOf returns what verifies the facts of a stream from the genesis on.
func verifierOf(t *testing.T, v *vaulttest.Vault, tenant string, f frame) *chain.Verifier {
	t.Helper()
	var nonce [32]byte
	if n, err := hex.Decode(nonce[:], []byte(f.Nonce)); err != nil || n != len(nonce) || f.Type != "stream" {
		t.Fatalf("the first frame is %+v: %v", f, err)
	}
	id := chain.LogID(f.Origin, f.RootPublicKey, f.CreatedUS, nonce)
	root, err := chain.ParsePublicKey(f.RootPublicKey)
	if err != nil || id != v.Ring.LogID() || id.String() != f.LogID {
		t.Fatalf("the stream is of log %s: %v", id, err)
	}
	g := chain.Record{Header: f.Genesis.Header, Payload: f.Genesis.Payload, Detached: f.Genesis.Detached, Signature: f.Genesis.Signature}
	if _, err := chain.VerifyGenesis(id, root, tenantID(t, tenant).ID, g); err != nil {
		t.Fatal(err)
	}
	return chain.NewVerifier(chain.Policy{LogID: id, Root: root, Tenant: tenantID(t, tenant).ID, Now: time.Now})
}

// TestStreamSurvivesItsConsumer kills a consumer 20 times under load. It goes on after
// the last fact it has, and gets every fact once, in order, and verified.
func TestStreamSurvivesItsConsumer(t *testing.T) {
	t.Parallel()
	vaulttest.Engines(t, func(t *testing.T, v *vaulttest.Vault) {
		a := v.Register(t, "owner@example.com")
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		var sealed atomic.Int64
		loaded := make(chan struct{})
		go func() {
			defer close(loaded)
			for ctx.Err() == nil {
				if answer, err := a.Try(ctx, http.MethodPost, sealPath, `{"name":"n","secret":"s"}`); err == nil && answer.Status == http.StatusCreated {
					sealed.Add(1)
				}
			}
		}()
		var verifier *chain.Verifier
		last, seen, seals := "", uint64(0), int64(0)
		for life := range 21 {
			query, from := "", last
			if life%2 == 1 {
				query, from = "?from_seq="+fmt.Sprint(seen), "-"
			} else if life == 0 {
				query = "?from_seq=0"
			}
			s := follow(t, a.Client, query, from)
			opening := s.next()
			if verifier == nil {
				verifier = verifierOf(t, v, a.TenantID, opening)
			}
			if opening.FromSeq != seen {
				t.Fatalf("life %d begins at %d, want %d", life, opening.FromSeq, seen)
			}
			if life == 20 {
				stop()
				<-loaded
			}
			for facts := 0; life < 20 && facts < 2+life || life == 20 && seals < sealed.Load(); {
				f := s.next()
				if f.Type != "event" {
					if f.Type == "" || f.Type == "end" {
						t.Fatalf("life %d ended at %d: %+v", life, seen, f)
					}
					continue
				}
				h, err := verifier.Check(f.record())
				if err != nil || h.Seq != seen || f.Seq != seen || h.EventType != f.EventType {
					t.Fatalf("event %d came for %d: %v", f.Seq, seen, err)
				}
				if facts, seen, last = facts+1, seen+1, s.id; f.EventType == "CREDENTIAL_SEALED" {
					seals++
				}
			}
			s.close()
		}
		if n := sealed.Load(); seals < n || seals > n+1 { // one was under way
			t.Errorf("%d seals were acknowledged and %d streamed", n, seals)
		}
	})
}

// TestStreamShowsWhatItsReaderMay filters, ends when its reader may no more, and does
// not feed on its own readings.
func TestStreamShowsWhatItsReaderMay(t *testing.T) {
	t.Parallel()
	v := vaulttest.New(t)
	a, e := story(t, v, "owner@example.com")
	reader, made := key(t, v, a, map[string]any{"name": "reader", "scopes": []string{"audit:read"}})
	types := func(s *streaming) (got []string) {
		for f := s.next(); f.Type != "progress"; f = s.next() {
			if f.Type == "event" {
				got = append(got, f.EventType)
			}
		}
		return got
	}
	for query, want := range map[string][]string{
		"&action=vault.unseal":                              {"CREDENTIAL_UNSEALED", "CREDENTIAL_UNSEALED", "CREDENTIAL_UNSEAL_DENIED"},
		"&resource_id=" + e.ID + "&event_type=vault.unseal": {"CREDENTIAL_UNSEALED", "CREDENTIAL_UNSEALED"},
		"&outcome=failure&user=" + a.UserID:                 {"CREDENTIAL_UNSEAL_DENIED"},
		"&event_type=CREDENTIAL_RESTORED":                   nil,
	} {
		if got := types(follow(t, reader, "?from_seq=0"+query, "-")); !slices.Equal(got, want) {
			t.Errorf("%s streams %v, want %v", query, got, want)
		}
	}
	editor, row := join(t, v, a, "editor@example.com", "editor")
	editor.Must(t, http.StatusCreated, http.MethodPost, sealPath, `{"name":"x","secret":"s"}`)
	for s, done := follow(t, editor, "?from_seq=0", "-"), false; !done; {
		f := s.next()
		if done = f.Type == "progress"; f.Type == "event" {
			if h, err := chain.ParseHeader(f.Header); err != nil || tenantID(t, row.ID).ID != h.ActorID {
				t.Errorf("an editor sees %s of somebody else: %v", f.EventType, err)
			}
		}
	}

	w := watch(t, v, a.TenantID)
	live, other := follow(t, reader, "", "-"), follow(t, a.Client, "?format=sse", "")
	live.next()
	other.next()
	if read := w.since(t); len(read) > 2 {
		t.Errorf("two readers left %d facts", len(read))
	}
	a.Seal(t, "seen", `{"k":"v"}`)
	for _, s := range []*streaming{live, other} {
		for f := s.next(); f.EventType != "CREDENTIAL_SEALED"; f = s.next() {
			if f.Type == "" {
				t.Fatal("a stream ended")
			}
		}
	}
	for query, want := range map[string]int{
		"?from_seq=100000": http.StatusConflict, "?from_seq=x": http.StatusUnprocessableEntity, "?limit=3": http.StatusUnprocessableEntity,
		"?format=xml": http.StatusUnprocessableEntity, "?event_type=NEVER": http.StatusUnprocessableEntity,
	} {
		reader.Must(t, want, http.MethodGet, streamPath+query, nil)
	}
	began := time.Now()
	a.Token.Must(t, http.StatusOK, http.MethodDelete, keysPath+"/"+made.ID, nil)
	reason := ""
	for f := live.next(); f.Type != ""; f = live.next() {
		reason = f.Reason
	}
	if took := time.Since(began); reason != "unauthenticated" || took > 5*time.Second {
		t.Errorf("a revoked key's stream ended after %v: %q", took, reason)
	}
	v.Stop()
	for f := other.next(); f.Type != ""; f = other.next() {
		reason = f.Reason
	}
	if reason != "unavailable" {
		t.Errorf("a stream of a server that stops ended with %q", reason)
	}
}
