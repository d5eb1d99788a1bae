package keyring_test

import (
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/internal/keyring"
	"github.com/quantaseal/quantaseal/internal/seal"
)

var event = domain.ID{0: 0x44}

func (n node) mustProtect(t testing.TB, dst []byte, user domain.UserID, data string) []byte {
	t.Helper()
	dst, err := n.Protect(t.Context(), dst, tenantN(1), user, event, []byte(data))
	if err != nil {
		t.Fatal(err)
	}
	return dst
}

// revealed requires what blob reveals to be exactly want.
func (n node) revealed(t *testing.T, blob []byte, want ...string) {
	t.Helper()
	sections, err := n.Reveal(t.Context(), tenantN(1), event, blob)
	if err != nil {
		t.Error(err)
	}
	var got []string
	for _, s := range sections {
		got = append(got, string(s))
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestRevealReturnsWhatWasProtected(t *testing.T) {
	n, ctx, tenant := newNode(t), t.Context(), tenantN(1)
	n.mustCreate(t, tenant)
	for user := range byte(3) {
		if err := n.CreateSubject(ctx, tenant, userN(user+1)); err != nil {
			t.Fatal(err)
		}
	}
	other := joining(t, n)
	rapid.Check(t, func(t *rapid.T) {
		var blob []byte
		var want []string
		for range rapid.IntRange(1, 4).Draw(t, "sections") {
			user := domain.UserID{}
			if u := rapid.IntRange(0, 3).Draw(t, "user"); u > 0 {
				user = userN(byte(u))
			}
			data := rapid.String().Draw(t, "data")
			var err error
			if blob, err = n.Protect(ctx, blob, tenant, user, event, []byte(data)); err != nil {
				t.Fatal(err)
			}
			want = append(want, data)
		}
		sections, err := other.Reveal(ctx, tenant, event, blob)
		if err != nil || len(sections) != len(want) {
			t.Fatalf("got %d sections, %v, want %d", len(sections), err, len(want))
		}
		for i, s := range sections {
			if string(s) != want[i] {
				t.Fatalf("got %q, want %q", s, want[i])
			}
		}
	})
}

func TestAnErasedPersonsDataIsNoise(t *testing.T) {
	n, ctx, tenant := newNode(t), t.Context(), tenantN(1)
	n.mustCreate(t, tenant)
	if err := errors.Join(n.CreateSubject(ctx, tenant, userN(1)), n.CreateSubject(ctx, tenant, userN(2))); err != nil {
		t.Fatal(err)
	}
	blob := n.mustProtect(t, nil, userN(1), "one")
	blob = n.mustProtect(t, blob, domain.UserID{}, "tenant")
	blob = n.mustProtect(t, blob, userN(2), "two")
	other := joining(t, n)
	other.revealed(t, blob, "one", "tenant", "two")

	if err := errors.Join(n.EraseSubject(ctx, tenant, userN(1)), n.EraseSubject(ctx, tenant, userN(1))); err != nil {
		t.Fatal(err)
	}
	n.revealed(t, blob, "tenant", "two")
	n.clock.forward(keyring.CacheTTL)
	other.revealed(t, blob, "tenant", "two")
	if _, err := n.Protect(ctx, nil, tenant, userN(1), event, []byte("x")); !errors.Is(err, keyring.ErrNoKey) {
		t.Errorf("got %v, want ErrNoKey", err)
	}
	// The same person may come back; what was erased does not.
	if err := n.CreateSubject(ctx, tenant, userN(1)); err != nil {
		t.Fatal(err)
	}
	blob = n.mustProtect(t, blob, userN(1), "again")
	n.revealed(t, blob, "tenant", "two", "again")
	if err := n.EraseSubject(ctx, tenant, domain.UserID{}); err == nil {
		t.Error("the tenant's own data was erased as a person's")
	}
}

func TestASubjectsKeyIsCreatedOnce(t *testing.T) {
	first, ctx, tenant := newNode(t), t.Context(), tenantN(1)
	first.mustCreate(t, tenant)
	nodes := []node{first, joining(t, first), joining(t, first), joining(t, first)}
	for _, n := range nodes { // each remembers that there is no key
		if _, err := n.Protect(ctx, nil, tenant, userN(1), event, nil); !errors.Is(err, keyring.ErrNoKey) {
			t.Fatalf("got %v, want ErrNoKey", err)
		}
	}
	var all sync.WaitGroup
	blobs := make([][]byte, len(nodes))
	for i, n := range nodes {
		all.Go(func() {
			if err := errors.Join(n.CreateSubject(ctx, tenant, userN(1)), n.CreateSubject(ctx, tenant, userN(1))); err != nil {
				t.Error(err)
				return
			}
			blobs[i], _ = n.Protect(ctx, nil, tenant, userN(1), event, []byte("data"))
		})
	}
	all.Wait()
	for _, n := range nodes {
		for _, blob := range blobs {
			n.revealed(t, blob, "data")
		}
	}
}

func TestRevealRefusesWhatWasMoved(t *testing.T) {
	n, ctx, tenant := newNode(t), t.Context(), tenantN(1)
	n.mustCreate(t, tenant)
	n.mustCreate(t, tenantN(2))
	blob := n.mustProtect(t, nil, domain.UserID{}, "data")
	if _, err := n.Reveal(ctx, tenant, domain.ID{0: 0x45}, blob); !errors.Is(err, seal.ErrIntegrity) {
		t.Errorf("another event: got %v, want ErrIntegrity", err)
	}
	if _, err := n.Reveal(ctx, tenantN(2), event, blob); !errors.Is(err, seal.ErrIntegrity) {
		t.Errorf("another tenant: got %v, want ErrIntegrity", err)
	}
	if _, err := n.Reveal(ctx, tenant, event, blob[:len(blob)-1]); !errors.Is(err, seal.ErrMalformed) {
		t.Errorf("a cut blob: got %v, want ErrMalformed", err)
	}
	n.kms.down.Store(true)
	n.clock.forward(keyring.CacheTTL)
	if _, err := n.Reveal(ctx, tenant, event, blob); !errors.Is(err, errDown) {
		t.Errorf("an outage: got %v, want its cause, since nothing was erased", err)
	}
	n.kms.down.Store(false)
	n.clock.forward(time.Second)
	n.revealed(t, blob, "data")
}

// Keys that were lost are no erasure: data must not vanish in silence.
func TestALostTenantKeyIsAFault(t *testing.T) {
	n, ctx, tenant := newNode(t), t.Context(), tenantN(1)
	n.mustCreate(t, tenant)
	if err := n.CreateSubject(ctx, tenant, userN(1)); err != nil {
		t.Fatal(err)
	}
	blob := n.mustProtect(t, nil, userN(1), "data")
	for _, purpose := range []string{"audit-sign", "tenant-key"} {
		delete(n.store.keys, keyName{tenant.ID, purpose, [16]byte{}, 1})
		other := joining(t, n)
		if sections, err := other.Reveal(ctx, tenant, event, blob); err == nil || errors.Is(err, keyring.ErrNoKey) {
			t.Errorf("without the %s: got %q, %v, want a fault", purpose, sections, err)
		}
		if err := other.CreateSubject(ctx, tenant, userN(2)); err == nil {
			t.Errorf("without the %s a subject was created", purpose)
		}
	}
	if err := joining(t, n).Ready(ctx, tenant); !errors.Is(err, keyring.ErrNoTenant) {
		t.Errorf("got %v, want ErrNoTenant", err)
	}
	if _, err := joining(t, n).CreateTenant(ctx, tenant, 1); err == nil {
		t.Error("a tenant that lost its keys got new ones beside the old")
	}
}
