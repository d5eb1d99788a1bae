package keyring_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/internal/keyring"
)

// loads counts how often the KMS gave away tenant keys while do ran.
func (n node) loads(do func()) int64 {
	before := n.kms.decrypted.Load()
	do()
	return n.kms.decrypted.Load() - before
}

func (n node) ready(t *testing.T, tenant domain.TenantID) func() {
	t.Helper()
	return func() {
		t.Helper()
		if err := n.Ready(t.Context(), tenant); err != nil {
			t.Error(err)
		}
	}
}

func TestKeysAreCachedButNotForLong(t *testing.T) {
	n, tenant := newNode(t), tenantN(1)
	n.mustCreate(t, tenant)
	for range 10 {
		if got := n.loads(n.ready(t, tenant)); got != 0 {
			t.Fatalf("got %d loads of fresh keys, want 0", got)
		}
		n.clock.forward(29 * time.Second) // use does not prolong
	}
	n.clock.forward(9 * time.Second)
	if got := n.loads(n.ready(t, tenant)); got != 0 {
		t.Errorf("after 299 s: got %d loads, want 0", got)
	}
	n.clock.forward(time.Second)
	if got := n.loads(n.ready(t, tenant)); got != 1 {
		t.Errorf("after 300 s: got %d loads, want 1", got)
	}
	n.Use(tenant, keyring.MaxUses)
	if got := n.loads(n.ready(t, tenant)); got != 1 {
		t.Errorf("after 100,000 uses: got %d loads, want 1", got)
	}
	n.Purge()
	if got := n.loads(n.ready(t, tenant)); got != 1 {
		t.Errorf("after a purge: got %d loads, want 1", got)
	}
}

func TestUsesOfKeysAreCounted(t *testing.T) {
	n, tenant, ctx := newNode(t), tenantN(1), t.Context()
	n.mustCreate(t, tenant)
	n.Use(tenant, keyring.MaxUses-100)
	var last int64
	for range 60 {
		b := domain.Binding{Tenant: tenant, Entry: credentialN(1).Entry(1)}
		last = n.loads(func() {
			sealed, err := n.Seal(ctx, b, []byte("value"))
			if err != nil {
				t.Fatal(err)
			}
			if _, err := n.Open(ctx, tenant, b.Entry, sealed.Hash, sealed, true); err != nil {
				t.Fatal(err)
			}
		})
		if last > 0 {
			return
		}
	}
	t.Error("sealing and opening do not wear the keys out")
}

func TestMemoryIsBounded(t *testing.T) {
	n := newNode(t)
	for i := range 2000 {
		if err := n.Ready(t.Context(), domain.TenantID{ID: domain.ID{0: 0x55, 14: byte(i >> 8), 15: byte(i)}}); err == nil {
			t.Fatal("a tenant without keys is ready")
		}
	}
	if got := n.CachedTenants(); got != 1024 {
		t.Errorf("got %d tenants in memory, want 1024", got)
	}
}

// When the KMS is down, a tenant in memory goes on until its time is up, and
// everybody else is told before anything was looked up.
func TestAnOutageRefusesWithUnavailable(t *testing.T) {
	n, known, other := newNode(t), tenantN(1), tenantN(2)
	n.mustCreate(t, other)
	n.Purge()
	n.mustCreate(t, known)
	n.kms.down.Store(true)
	n.ready(t, known)()
	unavailable := func(tenant domain.TenantID) {
		t.Helper()
		err := n.Ready(t.Context(), tenant)
		if refusal := (*domain.Error)(nil); !errors.As(err, &refusal) || refusal.Kind != domain.Unavailable || !errors.Is(err, errDown) {
			t.Errorf("got %v, want Unavailable with its cause", err)
		}
	}
	unavailable(other)
	if got := n.loads(func() { unavailable(other) }); got != 0 {
		t.Errorf("within a second of a failure the KMS was asked %d times more", got)
	}
	n.clock.forward(keyring.CacheTTL)
	unavailable(known)
	ctx := t.Context()
	for name, do := range map[string]func() error{
		"Blind":         func() error { _, err := n.Blind(ctx, other); return err },
		"Signer":        func() error { _, _, err := n.Signer(ctx, other); return err },
		"Protect":       func() error { _, err := n.Protect(ctx, nil, other, userN(1), event, []byte("x")); return err },
		"CreateSubject": func() error { return n.CreateSubject(ctx, other, userN(1)) },
		"CreateTenant":  func() error { _, err := n.CreateTenant(ctx, other, 2); return err },
	} {
		if err := do(); !errors.Is(err, keyring.ErrUnavailable) {
			t.Errorf("%s: got %v, want Unavailable", name, err)
		}
	}
	n.kms.down.Store(false)
	n.clock.forward(time.Second)
	n.ready(t, known)()
	n.ready(t, other)()
}

func TestOneLoadServesAllWhoWait(t *testing.T) {
	n, tenant := newNode(t), tenantN(1)
	n.mustCreate(t, tenant)
	n.Purge()
	synctest.Test(t, func(t *testing.T) {
		n.kms.gate = make(chan struct{})
		before := n.kms.decrypted.Load()
		answers := make(chan error, 50)
		impatient, giveUp := context.WithCancel(t.Context())
		for i := range 50 {
			ctx := t.Context()
			if i < 25 {
				ctx = impatient
			}
			go func() { answers <- n.Ready(ctx, tenant) }()
		}
		synctest.Wait()
		giveUp() // the one whose request started the load may be among these
		for range 25 {
			if err := <-answers; !errors.Is(err, context.Canceled) {
				t.Errorf("got %v, want Canceled", err)
			}
		}
		close(n.kms.gate)
		for range 25 {
			if err := <-answers; err != nil {
				t.Error(err)
			}
		}
		if got := n.kms.decrypted.Load() - before; got != 1 {
			t.Errorf("got %d loads, want 1", got)
		}
	})
}

func TestALoadDoesNotWaitForEver(t *testing.T) {
	n, tenant := newNode(t), tenantN(1)
	n.mustCreate(t, tenant)
	n.Purge()
	synctest.Test(t, func(t *testing.T) {
		n.kms.gate = make(chan struct{})
		start := time.Now()
		err := n.Ready(t.Context(), tenant)
		if took := time.Since(start); !errors.Is(err, context.DeadlineExceeded) || took != 5*time.Second {
			t.Errorf("got %v after %v, want a deadline after 5 s", err, took)
		}
	})
}

// What was being loaded when all keys were to be forgotten is not remembered.
func TestAPurgeReachesLoadsOnTheirWay(t *testing.T) {
	n, tenant := newNode(t), tenantN(1)
	n.mustCreate(t, tenant)
	n.Purge()
	synctest.Test(t, func(t *testing.T) {
		n.kms.gate = make(chan struct{})
		done := make(chan error)
		go func() { done <- n.Ready(t.Context(), tenant) }()
		synctest.Wait()
		n.Purge()
		close(n.kms.gate)
		if err := <-done; err != nil {
			t.Error(err)
		}
		if got := n.CachedTenants(); got != 0 {
			t.Errorf("got %d tenants in memory, want 0", got)
		}
	})
}

func TestANewEpochBeginsAfterNinetyDays(t *testing.T) {
	first, tenant, ctx := newNode(t), tenantN(1), t.Context()
	first.mustCreate(t, tenant)
	b := domain.Binding{Tenant: tenant, Entry: credentialN(1).Entry(1)}
	old, err := first.Seal(ctx, b, []byte("old"))
	if err != nil {
		t.Fatal(err)
	}
	key, _, err := first.Signer(ctx, tenant)
	if err != nil {
		t.Fatal(err)
	}
	second := joining(t, first)
	first.clock.forward(90*24*time.Hour - time.Microsecond)
	first.ready(t, tenant)()
	if _, ok := first.store.keys[keyName{tenant.ID, "tenant-key", [16]byte{}, 2}]; ok {
		t.Fatal("an epoch began early")
	}
	first.clock.forward(keyring.CacheTTL)
	done := make(chan error)
	for _, n := range []node{first, second} {
		go func() { done <- n.Ready(ctx, tenant) }()
	}
	if err := errors.Join(<-done, <-done); err != nil {
		t.Fatal(err)
	}
	sealed, err := first.Seal(ctx, b, []byte("new"))
	if err != nil {
		t.Fatal(err)
	}
	if old.Slot[8] != 1 || sealed.Slot[8] != 2 {
		t.Errorf("got slots of epochs %d and %d, want 1 and 2", old.Slot[8], sealed.Slot[8])
	}
	for _, n := range []node{first, second, joining(t, first)} {
		for want, record := range map[string]domain.SealedRecord{"old": old, "new": sealed} {
			if got, err := n.Open(ctx, tenant, b.Entry, record.Hash, record, true); err != nil || string(got) != want {
				t.Errorf("got %q, %v, want %q", got, err, want)
			}
		}
		if same, _, err := n.Signer(ctx, tenant); err != nil || same.ID() != key.ID() {
			t.Errorf("the audit key changed with the epoch, %v", err)
		}
	}
}
