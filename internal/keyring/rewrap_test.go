package keyring_test

import (
	"context"
	"errors"
	"testing"

	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/eventstore/chain"
	"github.com/quantaseal/quantaseal/internal/awskms"
	"github.com/quantaseal/quantaseal/internal/keyring"
	"github.com/quantaseal/quantaseal/internal/kmstest"
)

// cloud returns an AWS KMS and what the key ring makes of it.
func cloud(t *testing.T) (*kmstest.AWS, keyring.KMS) {
	t.Helper()
	a := kmstest.NewAWS(t)
	k, err := awskms.Open(t.Context(), a.Key, a.URL)
	if err != nil {
		t.Fatal(err)
	}
	return a, k
}

// on returns a node of n's deployment with other keepers of keys.
func on(t *testing.T, n node, kms, former keyring.KMS, roots ...keyring.RootKey) node {
	t.Helper()
	ring, err := keyring.Open(t.Context(), keyring.Config{KMS: kms, Former: former, Roots: roots, Store: n.store, Now: n.clock.now, Origin: "vault.example"})
	if err != nil {
		t.Fatal(err)
	}
	n.Ring = ring
	return n
}

// failing is a store that does not survive its first replacement.
type failing struct {
	*store
	calls int
}

var errPower = errors.New("the power went")

func (f *failing) ReplaceKeys(ctx context.Context, r []keyring.Replacement) (int, error) {
	if f.calls++; f.calls > 1 {
		return 0, errPower
	}
	return f.store.ReplaceKeys(ctx, r)
}

// A move that breaks off is readable as it is, and is ended by asking again. Another
// node of before sees nothing of it.
func TestAMoveThatBreaksOffIsEndedLater(t *testing.T) {
	_, aws := cloud(t)
	n, ctx := newNode(t), t.Context()
	if err := n.CreateInstance(ctx); err != nil {
		t.Fatal(err)
	}
	tenants := []domain.TenantID{{}, tenantN(1), tenantN(2)}
	for _, tenant := range tenants {
		n.mustCreate(t, tenant)
	}
	key, _, err := n.Signer(ctx, tenants[1])
	if err != nil {
		t.Fatal(err)
	}
	seed, err := n.kms.RootSeed()
	if err != nil {
		t.Fatal(err)
	}
	stored := n.store
	dying, err := keyring.Open(ctx, keyring.Config{
		KMS: aws, Former: n.kms, Roots: []keyring.RootKey{n.kms}, Store: &failing{store: stored}, Now: n.clock.now, Origin: "vault.example",
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := dying.KeepRoot(ctx, &[chain.SeedSize]byte{1}); !errors.Is(err, keyring.ErrForeignKey) {
		t.Errorf("another root key: got %v, want ErrForeignKey", err)
	}
	if err := dying.KeepRoot(ctx, &seed); err != nil {
		t.Fatal(err)
	}
	if _, err := dying.Rewrap(ctx); !errors.Is(err, errPower) {
		t.Fatalf("got %v, want the power to go", err)
	}
	moving := on(t, n, aws, n.kms, n.kms)
	left, err := moving.Unmoved(ctx)
	if err != nil || left == 0 {
		t.Fatalf("%d keys are left, %v", left, err)
	}
	for _, tenant := range tenants {
		if err := moving.Ready(ctx, tenant); err != nil {
			t.Errorf("half way: %v", err)
		}
		if err := n.Ready(ctx, tenant); err != nil {
			t.Errorf("the node of before: %v", err)
		}
	}
	if moved, err := moving.Rewrap(ctx); err != nil || moved != left {
		t.Errorf("moved %d of %d, %v", moved, left, err)
	}
	if left, err := moving.Unmoved(ctx); err != nil || left != 0 {
		t.Errorf("%d keys are left, %v", left, err)
	}
	both := on(t, n, aws, n.kms, n.kms) // as servers are until their next start
	if _, err := both.Instance(ctx); err != nil || both.Ready(ctx, tenants[2]) != nil {
		t.Errorf("with both at hand: %v, %v", err, both.Ready(ctx, tenants[2]))
	}
	alone := on(t, n, aws, nil)
	if again, _, err := alone.Signer(ctx, tenants[1]); err != nil || again.ID() != key.ID() {
		t.Errorf("another audit key, %v", err)
	}
	if _, err := alone.Instance(ctx); err != nil {
		t.Errorf("the instance's secrets: %v", err)
	}
	alone.mustCreate(t, tenantN(3))
	if alone.LogID() != n.LogID() {
		t.Error("the deployment is another one")
	}
}

// Who has neither the root key nor what wraps it does not start.
func TestAStrangersKMSIsNotEnough(t *testing.T) {
	a, aws := cloud(t)
	n := newNode(t)
	if _, err := keyring.Open(t.Context(), keyring.Config{KMS: aws, Store: n.store, Now: n.clock.now, Origin: "vault.example"}); !errors.Is(err, keyring.ErrForeignKey) {
		t.Errorf("got %v, want ErrForeignKey", err)
	}
	founded := on(t, node{store: newStore(), clock: newClock()}, aws, nil)
	other, err := awskms.Open(t.Context(), a.Other, a.URL)
	if err != nil {
		t.Fatal(err)
	}
	config := keyring.Config{KMS: other, Store: founded.store, Now: founded.clock.now, Origin: "vault.example"}
	if _, err := keyring.Open(t.Context(), config); !errors.Is(err, keyring.ErrForeignKey) {
		t.Errorf("another key of the same KMS: got %v, want ErrForeignKey", err)
	}
}

// What a KMS answers wrongly is not stored, and not given away.
func TestNoAnswerOfAKMSIsBelieved(t *testing.T) {
	a, aws := cloud(t)
	root, err := awskms.OpenRoot(t.Context(), a.Root, a.URL)
	if err != nil {
		t.Fatal(err)
	}
	n, ctx := on(t, node{store: newStore(), clock: newClock()}, aws, nil, root), t.Context()
	for operation, do := range map[string]func() error{
		"GenerateDataKey": func() error { _, err := n.CreateTenant(ctx, tenantN(1), 1); return err },
		"Sign":            func() error { _, err := n.SignRoot(ctx, chain.ContextCheckpoint, []byte("note")); return err },
		"Decrypt":         func() error { return n.CreateInstance(ctx) },
	} {
		before := len(n.store.keys)
		a.Break(operation, kmstest.Fault{Lie: true})
		if err := do(); !errors.Is(err, keyring.ErrLied) {
			t.Errorf("%s: got %v, want ErrLied", operation, err)
		}
		a.Mend()
		if len(n.store.keys) != before {
			t.Errorf("%s: something is stored", operation)
		}
		n.clock.forward(keyring.CacheTTL)
		if err := do(); err != nil {
			t.Errorf("%s, when it is right: %v", operation, err)
		}
	}
}

// The first of several nodes makes the root key that a KMS wraps, and all use it.
func TestTheRootKeyIsMadeOnce(t *testing.T) {
	_, aws := cloud(t)
	n := node{store: newStore(), clock: newClock()}
	one, two := on(t, n, aws, nil), on(t, n, aws, nil)
	if one.Root().ID() != two.Root().ID() || one.LogID() != two.LogID() {
		t.Error("two nodes have two root keys")
	}
	for _, ring := range []node{one, two} {
		signature, err := ring.SignRoot(t.Context(), chain.ContextCheckpoint, []byte("note"))
		if err != nil || !one.Root().Verify(chain.ContextCheckpoint, []byte("note"), signature) {
			t.Errorf("the root key does not sign: %v", err)
		}
	}
	if _, err := keyring.Open(t.Context(), keyring.Config{KMS: newKMS(t), Store: n.store, Now: n.clock.now, Origin: "vault.example"}); err == nil {
		t.Error("a key file that holds none of it will do")
	}
}
