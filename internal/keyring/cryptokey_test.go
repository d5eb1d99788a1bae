package keyring_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/internal/envelope"
	"github.com/quantaseal/quantaseal/internal/keyring"
)

func cryptoKeyN(tenant domain.TenantID, purpose domain.KeyPurpose, generation uint32) domain.CryptoKey {
	return domain.CryptoKey{ID: domain.NewCryptoKeyID(tenant, domain.Live, purpose, generation), Purpose: purpose, State: domain.KeyActive}
}

// One generation is one key, whoever makes it and however often, and another one is another.
func TestCryptoKeysAreMadeOnce(t *testing.T) {
	n, ctx, one := newNode(t), t.Context(), tenantN(1)
	n.mustCreate(t, one)
	other := joining(t, n)
	for _, purpose := range []domain.KeyPurpose{domain.PurposeEnvelope, domain.PurposeDocument} {
		k := cryptoKeyN(one, purpose, 1)
		made, err := n.CreateCryptoKey(ctx, one, k.ID, purpose)
		if err != nil {
			t.Fatal(err)
		}
		again, err := other.CreateCryptoKey(ctx, one, k.ID, purpose)
		if diff := cmp.Diff(made, again); diff != "" || err != nil {
			t.Errorf("%s: %v\n%s", purpose, err, diff)
		}
		next, err := n.CreateCryptoKey(ctx, one, cryptoKeyN(one, purpose, 2).ID, purpose)
		if err != nil || bytes.Equal(next.Sign, made.Sign) || purpose == domain.PurposeEnvelope && bytes.Equal(next.KEM, made.KEM) {
			t.Errorf("%s: %v, or two generations are one", purpose, err)
		}
	}
	purposes := map[string]bool{}
	for name := range n.store.keys {
		if strings.HasPrefix(name.purpose, "envelope-") || strings.HasPrefix(name.purpose, "document-") {
			purposes[name.purpose] = true
		}
	}
	if len(purposes) != 5 {
		t.Errorf("keys of the purposes %v", purposes)
	}
}

// What a key made it reads, on every node, until it is destroyed.
func TestCryptoKeysWork(t *testing.T) {
	n, ctx, one := newNode(t), t.Context(), tenantN(1)
	n.mustCreate(t, one)
	n.mustCreate(t, tenantN(2))
	k, d := cryptoKeyN(one, domain.PurposeEnvelope, 1), cryptoKeyN(one, domain.PurposeDocument, 1)
	for _, key := range []domain.CryptoKey{k, d} {
		if _, err := n.CreateCryptoKey(ctx, one, key.ID, key.Purpose); err != nil {
			t.Fatal(err)
		}
	}
	e, err := n.Encrypt(ctx, one, k, []byte("value"), nil)
	if err != nil {
		t.Fatal(err)
	}
	s, err := n.Sign(ctx, one, d, []byte("data"))
	if err != nil {
		t.Fatal(err)
	}
	other := joining(t, n)
	for _, node := range []node{n, other} {
		if got, err := node.Decrypt(ctx, one, k, e, false, true); err != nil || string(got) != "value" {
			t.Errorf("got %q, %v", got, err)
		}
		pqc, err := node.VerifyPQC(ctx, one, d, []byte("data"), s.PQC)
		if err != nil {
			t.Fatal(err)
		}
		if mac, err := node.VerifyMAC(ctx, one, d, []byte("data"), s.MAC); err != nil || pqc&mac != 1 {
			t.Errorf("verified %d, %d, %v", pqc, mac, err)
		}
	}
	demanding := k
	demanding.SignsBindings = true
	for name, got := range map[string]func() ([]byte, error){
		"no key":      func() ([]byte, error) { return n.Decrypt(ctx, one, domain.CryptoKey{}, e, false, true) },
		"not allowed": func() ([]byte, error) { return n.Decrypt(ctx, one, k, e, false, false) },
		"a stricter":  func() ([]byte, error) { return n.Decrypt(ctx, one, demanding, e, false, true) },
		"never created": func() ([]byte, error) {
			return n.Decrypt(ctx, tenantN(2), cryptoKeyN(one, k.Purpose, 9), e, false, true)
		},
	} {
		if plaintext, err := got(); !errors.Is(err, envelope.ErrRefused) || plaintext != nil {
			t.Errorf("%s: got %q, %v, want ErrRefused", name, plaintext, err)
		}
	}
	secrets, err := n.ExportKey(ctx, one, k)
	if err != nil || secrets.KEM == ([64]byte{}) || secrets.MAC == ([64]byte{}) || secrets.Sign != ([32]byte{}) {
		t.Errorf("exported what it should not, or not what it should: %v", err)
	}

	// A KMS that is down takes the keys from every node, once they have lasted their time.
	n.kms.down.Store(true)
	if _, err := n.Encrypt(ctx, one, k, []byte("value"), nil); err != nil {
		t.Errorf("with keys in memory: %v", err)
	}
	n.clock.forward(keyring.CacheTTL + time.Second)
	if _, err := n.Encrypt(ctx, one, k, []byte("value"), nil); !errors.Is(err, keyring.ErrUnavailable) {
		t.Errorf("without keys: got %v, want ErrUnavailable", err)
	}
	if _, err := n.Decrypt(ctx, one, k, e, false, true); !errors.Is(err, keyring.ErrUnavailable) {
		t.Errorf("without keys: got %v, want ErrUnavailable", err)
	}
	n.kms.down.Store(false)
	n.clock.forward(2 * time.Second)

	if err := n.DestroyCryptoKey(ctx, one, k); err != nil {
		t.Fatal(err)
	}
	if _, err := n.Decrypt(ctx, one, k, e, false, true); !errors.Is(err, envelope.ErrRefused) {
		t.Errorf("destroyed: got %v, want ErrRefused", err)
	}
	if _, err := n.ExportKey(ctx, one, k); !errors.Is(err, keyring.ErrNoKey) {
		t.Errorf("destroyed: got %v, want ErrNoKey", err)
	}
	for name := range n.store.keys {
		if strings.HasPrefix(name.purpose, "envelope-") {
			t.Errorf("%s is still there", name.purpose)
		}
	}
	if err := n.DestroyCryptoKey(ctx, one, k); err != nil {
		t.Errorf("destroyed twice: %v", err)
	}
}
