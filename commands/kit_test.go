package commands_test

import (
	"context"
	"errors"
	"iter"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/quantaseal/quantaseal/cmd/quantaseal/node"
	"github.com/quantaseal/quantaseal/commands"
	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/eventstore"
	"github.com/quantaseal/quantaseal/eventstore/chain"
	"github.com/quantaseal/quantaseal/internal/auth"
)

const (
	password = "marker-password-7Rk2"
	marker   = "marker-value-4Qx9"
	value    = `{"k":"` + marker + `"}`
)

// vault is a whole node without its edge, on the embedded engine. Its owner is
// registered, and what its chain gains is read with saw.
type vault struct {
	*node.Node
	store  *unreliable
	owner  domain.Actor
	tenant domain.TenantID
	next   uint64
}

// within runs f on a fresh vault in a bubble: time passes only while everybody waits.
func within(t *testing.T, f func(t *testing.T, v *vault)) {
	t.Helper()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		v := open(t, dir)
		defer v.close(t)
		v.owner = v.register(t, "owner@example.com")
		v.tenant = v.owner.Tenant
		v.since(t)
		f(t, v)
	})
}

func open(t *testing.T, dir string) *vault {
	t.Helper()
	n, err := node.Open(t.Context(), node.Config{Addr: "127.0.0.1:0", Data: dir, KMS: "local", TrialDays: 14}, node.Options{
		Version: "test", Logger: slog.New(slog.DiscardHandler), Argon: auth.Argon{MemoryKiB: 64, Passes: 1, Lanes: 1},
	})
	if err != nil {
		t.Fatal(err)
	}
	v := &vault{Node: n, store: &unreliable{Store: n.Log.Store}}
	n.Log.Store = v.store
	return v
}

func (v *vault) close(t *testing.T) {
	t.Helper()
	if err := v.Close(); err != nil {
		t.Error(err)
	}
}

// another returns the vault of a second node on the same stores, with its own
// memory and clock. The test does not interfere with it.
func (v *vault) another(t *testing.T, now func() time.Time) *commands.Vault {
	t.Helper()
	log, err := (&eventstore.Log{
		Store: v.store.Store, Keys: v.Ring, LogID: v.Log.LogID, Root: v.Log.Root, Now: now, NewID: v.Log.NewID, Logger: slog.New(slog.DiscardHandler),
	}).Open()
	if err != nil {
		t.Fatal(err)
	}
	return &commands.Vault{Log: log, Sealer: v.Ring, Records: v.Vault.Records, Keys: v.Ring, Now: now, Logger: log.Logger}
}

func requestID(n byte) domain.RequestID { return domain.RequestID{ID: domain.ID{15: n}} }

func nobody() domain.Actor {
	return domain.Actor{Kind: domain.ActorAnonymous, Environment: domain.Live, Request: requestID(1), Verdict: domain.Judged("")}
}

// register makes a tenant and returns its owner.
func (v *vault) register(t *testing.T, email string) domain.Actor {
	t.Helper()
	s, err := v.Identity.Register(t.Context(), commands.Register{
		Actor: nobody(), Email: email, Password: commands.Secret(password), Tenant: "Tenant",
	})
	if err != nil {
		t.Fatal(err)
	}
	by, _, err := v.Identity.AuthenticateAccess(t.Context(), s.Access)
	if err != nil {
		t.Fatal(err)
	}
	by.Verdict = domain.Judged("")
	return by
}

func (v *vault) seal(t *testing.T, ttlDays int) domain.Credential {
	t.Helper()
	sealed, err := v.Vault.Seal(t.Context(), commands.Seal{
		Actor: v.owner, Name: "n", Type: "generic", Value: commands.Secret(value), TTLDays: ttlDays,
	})
	if err != nil {
		t.Fatal(err)
	}
	v.since(t)
	return sealed.Credential
}

func (v *vault) unseal(t *testing.T, reference string) (string, error) {
	t.Helper()
	got, err := v.Vault.Unseal(t.Context(), commands.Unseal{Actor: v.owner, Reference: reference})
	return string(got.Value), err
}

// since returns the facts recorded on the owner's chain since it was last asked.
func (v *vault) since(t *testing.T) []eventstore.Recorded {
	t.Helper()
	var facts []eventstore.Recorded
	for r, err := range v.Log.History(context.WithoutCancel(t.Context()), v.tenant, v.next) {
		if err != nil {
			t.Fatal(err)
		}
		facts = append(facts, r)
	}
	v.next += uint64(len(facts))
	return facts
}

// saw fails t unless exactly these events were recorded since it was last asked,
// in whatever order.
func (v *vault) saw(t *testing.T, want ...string) []eventstore.Recorded {
	t.Helper()
	facts := v.since(t)
	var got []string
	for _, r := range facts {
		got = append(got, r.Header.EventType)
	}
	slices.Sort(want)
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatalf("recorded (-want +got):\n%s", diff)
	}
	return facts
}

// kept counts the sealed records there are.
func (v *vault) kept(t *testing.T) int {
	t.Helper()
	records, err := v.Vault.Records.Pending(t.Context(), time.Now().Add(time.Hour), 0, 1000)
	if err != nil {
		t.Fatal(err)
	}
	return len(records)
}

// errDown is what a store says that is down.
var errDown = errors.New("down")

// unreliable is a store that a test watches and interferes with.
type unreliable struct {
	eventstore.Store
	instead atomic.Pointer[appending] // of Append, if not nil
	blind   atomic.Bool               // nothing of an aggregate can be read
	tampers atomic.Bool               // payloads of an aggregate are not what they were

	mu    sync.Mutex
	calls []string // what the log asked for since it was last looked at
}

func (u *unreliable) called(what string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.calls = append(u.calls, what)
}

// asked returns what the log asked for since it was last looked at.
func (u *unreliable) asked() []string {
	u.mu.Lock()
	defer u.mu.Unlock()
	calls := u.calls
	u.calls = nil
	return calls
}

func (u *unreliable) Head(ctx context.Context, tenant domain.TenantID) (chain.Head, error) {
	u.called("head")
	return u.Store.Head(ctx, tenant)
}

func (u *unreliable) Latest(ctx context.Context, tenant domain.TenantID, id domain.AggregateID) (chain.Record, error) {
	u.called("latest")
	return u.Store.Latest(ctx, tenant, id)
}

func (u *unreliable) Find(ctx context.Context, tenant domain.TenantID, eventID domain.ID) (eventstore.Positioned, error) {
	u.called("find")
	return u.Store.Find(ctx, tenant, eventID)
}

type appending func(ctx context.Context, tenant domain.TenantID, records []chain.Record) (eventstore.Position, error)

func (u *unreliable) Append(ctx context.Context, tenant domain.TenantID, records []chain.Record) (eventstore.Position, error) {
	u.called("append")
	if f := u.instead.Load(); f != nil {
		return (*f)(ctx, tenant, records)
	}
	return u.Store.Append(ctx, tenant, records)
}

func (u *unreliable) Aggregate(ctx context.Context, tenant domain.TenantID, id domain.AggregateID) iter.Seq2[chain.Record, error] {
	u.called("aggregate")
	if u.blind.Load() {
		return func(yield func(chain.Record, error) bool) { yield(chain.Record{}, errDown) }
	}
	return func(yield func(chain.Record, error) bool) {
		for r, err := range u.Store.Aggregate(ctx, tenant, id) {
			if u.tampers.Load() {
				r.Payload = append(r.Payload[:len(r.Payload):len(r.Payload)], ' ')
			}
			if !yield(r, err) {
				return
			}
		}
	}
}

// thenBlind makes u unable to read from the next append on.
func (u *unreliable) thenBlind() {
	f := appending(func(ctx context.Context, tenant domain.TenantID, records []chain.Record) (eventstore.Position, error) {
		u.blind.Store(true)
		return u.Store.Append(ctx, tenant, records)
	})
	u.instead.Store(&f)
}
