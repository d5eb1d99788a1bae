package keyring_test

import (
	"bytes"
	"errors"
	"maps"
	"slices"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/quantaseal/quantaseal/commands"
	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/eventstore"
	"github.com/quantaseal/quantaseal/eventstore/chain"
	"github.com/quantaseal/quantaseal/internal/keyring"
)

var (
	_ commands.Sealer  = (*keyring.Ring)(nil)
	_ commands.Tenants = (*keyring.Ring)(nil)
	_ commands.Crypto  = (*keyring.Ring)(nil)
	_ eventstore.Keys  = (*keyring.Ring)(nil)
)

// Nodes that start at once are one deployment.
func TestOneNodeFoundsTheDeployment(t *testing.T) {
	first := node{kms: newKMS(t), store: newStore(), clock: newClock()}
	nodes := make([]node, 8)
	var all sync.WaitGroup
	for i := range nodes {
		all.Go(func() { nodes[i] = joining(t, first) })
	}
	all.Wait()
	for _, n := range nodes {
		d := n.Deployment()
		if diff := cmp.Diff(nodes[0].Deployment(), d); diff != "" {
			t.Fatal(diff)
		}
		if n.LogID() != chain.LogID("vault.example", d.RootPublicKey, d.CreatedUS, d.Nonce) || n.Root().ID() != chain.KeyID(d.RootPublicKey) {
			t.Fatalf("the log id %s does not commit to the deployment", n.LogID())
		}
	}
	renamed, err := keyring.Open(t.Context(), keyring.Config{KMS: first.kms, Roots: []keyring.RootKey{first.kms}, Store: first.store, Now: first.clock.now, Origin: "other.example"})
	if err != nil || renamed.Deployment().Origin != "vault.example" {
		t.Errorf("got %q, %v: a deployment keeps its name", renamed.Deployment().Origin, err)
	}
	if other := newNode(t); other.LogID() == nodes[0].LogID() {
		t.Error("two deployments have one log id")
	}
}

func TestOpenRefusesAnotherDeploymentsKMS(t *testing.T) {
	n := newNode(t)
	other := newKMS(t)
	_, err := keyring.Open(t.Context(), keyring.Config{KMS: other, Roots: []keyring.RootKey{other}, Store: n.store, Now: n.clock.now, Origin: "vault.example"})
	if !errors.Is(err, keyring.ErrForeignKey) {
		t.Errorf("got %v, want ErrForeignKey", err)
	}
	for name, change := range map[string]func(*keyring.Deployment){
		"origin":  func(d *keyring.Deployment) { d.Origin = "evil.example" },
		"created": func(d *keyring.Deployment) { d.CreatedUS++ },
		"nonce":   func(d *keyring.Deployment) { d.Nonce[0] ^= 1 },
		"log id":  func(d *keyring.Deployment) { d.LogID[0] ^= 1 },
		"root":    func(d *keyring.Deployment) { d.RootPublicKey = bytes.Repeat([]byte{1}, 1952) },
	} {
		changed := n.Deployment()
		change(&changed)
		_, err := keyring.Open(t.Context(), keyring.Config{KMS: n.kms, Roots: []keyring.RootKey{n.kms}, Store: &store{deployment: &changed}, Now: n.clock.now, Origin: "vault.example"})
		if err == nil {
			t.Errorf("a changed %s was accepted", name)
		}
	}
}

func TestTheRootKeyCertifiesEachTenantsAuditKey(t *testing.T) {
	n := newNode(t)
	for _, tenant := range []domain.TenantID{{}, tenantN(5)} {
		genesis, err := n.CreateTenant(t.Context(), tenant, 5)
		if err != nil {
			t.Fatal(err)
		}
		key, epoch, err := n.Signer(t.Context(), tenant)
		if err != nil {
			t.Fatal(err)
		}
		got, err := chain.SignedCertificate(genesis.KeyCert).Verify(n.Root())
		want := chain.Certificate{LogID: n.LogID(), Tenant: tenant.ID, TenantIndex: 5, KeyEpoch: epoch, KeyID: key.ID()}
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%v (-want +got):\n%s", err, diff)
		}
		if genesis.TenantIndex != 5 || !bytes.Equal(genesis.PublicKey, key.Public().Bytes()) {
			t.Errorf("the genesis does not carry the key that is certified")
		}
		signature, err := key.Sign(chain.ContextEvent, []byte("header"))
		if err != nil || !key.Public().Verify(chain.ContextEvent, []byte("header"), signature) {
			t.Errorf("the audit key does not sign: %v", err)
		}
	}
}

// Nodes that create one tenant at once, and any node later, have the same keys.
func TestATenantsKeysAreCreatedOnce(t *testing.T) {
	first, tenant := newNode(t), tenantN(1)
	nodes := []node{first, joining(t, first), joining(t, first), joining(t, first)}
	var all sync.WaitGroup
	for _, n := range nodes {
		all.Go(func() {
			if _, err := n.CreateTenant(t.Context(), tenant, 1); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	nodes = append(nodes, joining(t, first))
	key, _, err := first.Signer(t.Context(), tenant)
	if err != nil {
		t.Fatal(err)
	}
	blind, err := first.Blind(t.Context(), tenant, []byte("x"))
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range nodes {
		if other, _, err := n.Signer(t.Context(), tenant); err != nil || other.ID() != key.ID() {
			t.Errorf("got another audit key, %v", err)
		}
		if other, err := n.Blind(t.Context(), tenant, []byte("x")); err != nil || other != blind {
			t.Errorf("got another blinding key, %v", err)
		}
	}
	first.mustCreate(t, tenantN(2))
	if other, _, err := first.Signer(t.Context(), tenantN(2)); err != nil || other.ID() == key.ID() {
		t.Errorf("two tenants share an audit key, %v", err)
	}
}

func TestBlindSeparatesPartsAndTenants(t *testing.T) {
	n, ctx := newNode(t), t.Context()
	n.mustCreate(t, tenantN(1))
	n.mustCreate(t, tenantN(2))
	seen := map[domain.Digest]string{}
	for name, c := range map[string]struct {
		tenant domain.TenantID
		parts  [][]byte
	}{
		"ab c":         {tenantN(1), [][]byte{[]byte("ab"), []byte("c")}},
		"a bc":         {tenantN(1), [][]byte{[]byte("a"), []byte("bc")}},
		"abc":          {tenantN(1), [][]byte{[]byte("abc")}},
		"abc and none": {tenantN(1), [][]byte{[]byte("abc"), nil}},
		"nothing":      {tenantN(1), nil},
		"another":      {tenantN(2), [][]byte{[]byte("abc")}},
	} {
		digest, err := n.Blind(ctx, c.tenant, c.parts...)
		if err != nil {
			t.Fatal(err)
		}
		if other, ok := seen[digest]; ok {
			t.Errorf("%q and %q have one digest", name, other)
		}
		seen[digest] = name
	}
}

func TestInstanceSecretsAreCreatedOnce(t *testing.T) {
	first, ctx := newNode(t), t.Context()
	if _, err := first.Instance(ctx); !errors.Is(err, keyring.ErrNoKey) {
		t.Fatalf("before they are created: got %v, want ErrNoKey", err)
	}
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			if err := joining(t, first).CreateInstance(ctx); err != nil { //nolint:contextcheck // t brings its own
				t.Error(err)
			}
		})
	}
	all.Wait()
	one, err := first.Instance(ctx)
	if err != nil {
		t.Fatal(err)
	}
	two, err := joining(t, first).Instance(ctx)
	if diff := cmp.Diff(one, two); err != nil || diff != "" {
		t.Fatalf("two nodes differ: %v", err)
	}
	secrets := [][]byte{one.PasswordPepper, one.KeyPepper, one.TokenPepper, one.RefreshKey, one.AddressKey, one.AccessKey}
	for i, s := range secrets {
		if want := []int{32, 32, 32, 32, 32, 64}[i]; len(s) != want || bytes.Equal(s, make([]byte, want)) {
			t.Errorf("secret %d has %d bytes, want %d that are random", i, len(s), want)
		}
		for _, other := range secrets[:i] {
			if bytes.Equal(s[:32], other[:32]) {
				t.Error("two secrets are equal")
			}
		}
	}
	asked := len(first.kms.contexts)
	if err := first.CreateInstance(ctx); err != nil || len(first.kms.contexts) != asked {
		t.Errorf("creating what exists asked the KMS, %v", err)
	}
	// A secret moved to another's place is refused.
	first.store.keys[keyName{purpose: "key-pepper", epoch: 1}] = first.store.keys[keyName{purpose: "token-pepper", epoch: 1}]
	if _, err := first.Instance(ctx); err == nil {
		t.Error("a swapped secret was accepted")
	}
	one.Wipe()
	if !bytes.Equal(one.AccessKey, make([]byte, 64)) {
		t.Error("a wiped secret is not zero")
	}
}

// The store alone, in the hands of a thief, holds no key; and what a KMS may log
// are ids.
func TestNothingIsStoredOrToldInClear(t *testing.T) {
	n, ctx := newNode(t), t.Context()
	n.mustCreate(t, tenantN(1))
	if err := errors.Join(n.CreateInstance(ctx), n.CreateSubject(ctx, tenantN(1), userN(1))); err != nil {
		t.Fatal(err)
	}
	instance, err := n.Instance(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if len(n.store.keys) != 6+6+1 {
		t.Errorf("got %d keys, want 6 of the tenant, 6 of the instance, 1 of the user", len(n.store.keys))
	}
	for name, blob := range n.store.keys {
		for _, secret := range [][]byte{instance.PasswordPepper, instance.AccessKey, instance.AddressKey} {
			if bytes.Contains(blob, secret) {
				t.Errorf("%s lies in the store in clear", name.purpose)
			}
		}
		if !bytes.HasPrefix(blob, []byte("QSW1")) && !bytes.Contains(blob, []byte("QSLK")) {
			t.Errorf("%s is not wrapped", name.purpose)
		}
	}
	for _, c := range n.kms.contexts {
		keys := slices.Sorted(maps.Keys(c))
		if c["purpose"] == "tenant-key" {
			keys = slices.DeleteFunc(keys, func(k string) bool { return k == "created_us" })
		}
		if diff := cmp.Diff([]string{"app", "epoch", "log_id", "purpose", "tenant_id"}, keys); diff != "" {
			t.Error(diff)
		}
		if c["app"] != "quantaseal" || c["log_id"] != n.LogID().String() {
			t.Errorf("got context %v", c)
		}
	}
}

// A key that a database administrator moves to another tenant, person or
// purpose does not unwrap.
func TestMovedKeysAreRefused(t *testing.T) {
	n, ctx := newNode(t), t.Context()
	one, two := tenantN(1), tenantN(2)
	n.mustCreate(t, one)
	n.mustCreate(t, two)
	for _, purpose := range []string{"tenant-key", "audit-sign", "record-sign", "record-hmac", "tenant-data", "blinding"} {
		from, to := keyName{one.ID, purpose, [16]byte{}, 1}, keyName{two.ID, purpose, [16]byte{}, 1}
		own := n.store.keys[to]
		n.store.keys[to] = n.store.keys[from]
		if err := joining(t, n).Ready(ctx, two); err == nil {
			t.Errorf("the %s of another tenant was accepted", purpose)
		}
		n.store.keys[to] = own
	}
	data, blinding := keyName{two.ID, "tenant-data", [16]byte{}, 1}, keyName{two.ID, "blinding", [16]byte{}, 1}
	n.store.keys[data], n.store.keys[blinding] = n.store.keys[blinding], n.store.keys[data]
	if err := joining(t, n).Ready(ctx, two); err == nil {
		t.Error("keys of two purposes were swapped unseen")
	}
	n.store.keys[data], n.store.keys[blinding] = n.store.keys[blinding], n.store.keys[data]
	if err := joining(t, n).Ready(ctx, two); err != nil {
		t.Errorf("in their place: %v", err)
	}
	n.store.keys[keyName{two.ID, "tenant-key", [16]byte{}, 1}][7] ^= 1
	if err := joining(t, n).Ready(ctx, two); err == nil {
		t.Error("a tenant key was made younger unseen")
	}
}
