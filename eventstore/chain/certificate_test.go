package chain_test

import (
	"bytes"
	"errors"
	"testing"

	"pgregory.net/rapid"

	"github.com/quantaseal/quantaseal/eventstore/chain"
)

func drawCertificate(t *rapid.T) chain.Certificate {
	return chain.Certificate{
		LogID: drawHash(t, "log"), Tenant: drawID(t, "tenant"), TenantIndex: rapid.Uint32().Draw(t, "index"),
		KeyEpoch: rapid.Uint64Min(1).Draw(t, "epoch"), ValidFromSeq: rapid.Uint64().Draw(t, "from"),
		Reason: rapid.Uint8Range(0, 3).Draw(t, "reason"), PrevKeyID: drawHash(t, "prev"), KeyID: drawHash(t, "key"),
	}
}

func TestCertificateIsReadAsWritten(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := drawCertificate(t)
		got, err := chain.ParseCertificate(c.Append(nil))
		if err != nil || got != c {
			t.Fatalf("got %+v, %v, want %+v", got, err, c)
		}
	})
}

// A certificate is worth what the root key signed, for that purpose, to the byte.
func TestSignedCertificate(t *testing.T) {
	s := newScribe(t)
	c := chain.Certificate{LogID: logID, Tenant: tenantA, TenantIndex: 1, KeyEpoch: 1, KeyID: audit.ID()}
	good := s.certify(c)
	if got, err := good.Verify(root.Public()); err != nil || got != c {
		t.Fatalf("got %+v, %v", got, err)
	}
	bad := map[string]chain.SignedCertificate{
		"nothing":       nil,
		"no signature":  good[:chain.CertificateSize],
		"a byte less":   good[:len(good)-1],
		"a byte more":   append(bytes.Clone(good), 0),
		"magic":         edit(good, 0, 'X'),
		"other purpose": append(c.Append(nil), s.sign(root, chain.ContextKeyPOP, c.Append(nil))...),
		"no purpose":    append(c.Append(nil), s.sign(root, "", c.Append(nil))...),
		"other root":    append(c.Append(nil), s.sign(other, chain.ContextKeyCert, c.Append(nil))...),
		"signed reason": s.certify(chain.Certificate{KeyEpoch: 1, Reason: 4}),
		"signed epoch":  s.certify(chain.Certificate{}),
	}
	for name, cert := range bad {
		if _, err := cert.Verify(root.Public()); !errors.Is(err, chain.ErrBadCertificate) {
			t.Errorf("%s: got %v, want ErrBadCertificate", name, err)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		at, mask := rapid.IntRange(0, len(good)-1).Draw(t, "at"), rapid.ByteRange(1, 255).Draw(t, "mask")
		if _, err := chain.SignedCertificate(edit(good, at, good[at]^mask)).Verify(root.Public()); err == nil {
			t.Fatal("a changed certificate verifies")
		}
	})
}

func TestKeyEventsAreReadAsWritten(t *testing.T) {
	blob := rapid.SliceOfN(rapid.Byte(), 1, 200)
	rapid.Check(t, func(t *rapid.T) {
		g := chain.Genesis{KeyCert: blob.Draw(t, "cert"), PublicKey: blob.Draw(t, "key"), TenantIndex: rapid.Uint32().Draw(t, "index")}
		got, err := chain.ParseGenesis(g.Payload())
		if err != nil || !bytes.Equal(got.Payload(), g.Payload()) || got.TenantIndex != g.TenantIndex || !bytes.Equal(got.PublicKey, g.PublicKey) {
			t.Fatalf("genesis: got %+v, %v, want %+v", got, err, g)
		}
		r := chain.Rotation{KeyCert: blob.Draw(t, "cert"), ProofOfPossession: blob.Draw(t, "proof"), PublicKey: blob.Draw(t, "key")}
		back, err := chain.ParseRotation(r.Payload())
		if err != nil || !bytes.Equal(back.Payload(), r.Payload()) || !bytes.Equal(back.ProofOfPossession, r.ProofOfPossession) {
			t.Fatalf("rotation: got %+v, %v, want %+v", back, err, r)
		}
		for _, p := range [][]byte{g.Payload(), r.Payload()} {
			if err := chain.CheckPayload(chain.ContentJSON, p); err != nil {
				t.Fatalf("%s: %v", p, err)
			}
		}
	})
}

// What encoding/json tolerates is refused.
func TestKeyEventRefused(t *testing.T) {
	if _, err := chain.ParseGenesis([]byte(`{"key_cert":"AQ==","public_key":"AQ==","tenant_index":1}`)); err != nil {
		t.Fatal(err)
	}
	for _, p := range []string{
		``, `null`, `[]`, `{}`,
		`{"public_key":"AQ==","key_cert":"AQ==","tenant_index":1}`,
		`{"KEY_CERT":"AQ==","public_key":"AQ==","tenant_index":1}`,
		`{"key_cert":"AQ==","public_key":"AQ==","tenant_index":1,"a":1}`,
		`{"key_cert":"AQ==","public_key":"AQ==","tenant_index":1 }`,
		`{"key_cert":"AQ==","public_key":"AQ==","tenant_index":1}{}`,
		`{"key_cert":"AQ==","public_key":"AQ==","tenant_index":1.0}`,
		`{"key_cert":"AQ==","public_key":"AQ==","tenant_index":4294967296}`,
		`{"key_cert":"AQ==","public_key":"AQ==","tenant_index":-1}`,
		`{"key_cert":"AQ==","key_cert":"AQ==","public_key":"AQ==","tenant_index":1}`,
		`{"key_cert":"AR==","public_key":"AQ==","tenant_index":1}`,
		`{"key_cert":"AQ","public_key":"AQ==","tenant_index":1}`,
		`{"key_cert":"A\nQ==","public_key":"AQ==","tenant_index":1}`,
		`{"key_cert":null,"public_key":"AQ==","tenant_index":1}`,
	} {
		if _, err := chain.ParseGenesis([]byte(p)); !errors.Is(err, chain.ErrBadKeyEvent) {
			t.Errorf("%s: got %v, want ErrBadKeyEvent", p, err)
		}
		if _, err := chain.ParseRotation([]byte(p)); !errors.Is(err, chain.ErrBadKeyEvent) {
			t.Errorf("%s as a rotation: got %v, want ErrBadKeyEvent", p, err)
		}
	}
}

func FuzzParseCertificate(f *testing.F) {
	f.Add(chain.Certificate{LogID: logID, Tenant: tenantA, TenantIndex: 1, KeyEpoch: 1, KeyID: audit.ID()}.Append(nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := chain.ParseCertificate(b)
		if err != nil {
			return
		}
		if again := c.Append(nil); !bytes.Equal(again, b) {
			t.Fatalf("%x is written as %x", b, again)
		}
	})
}

func FuzzParseGenesis(f *testing.F) {
	f.Add(sample(f).records[0].Payload)
	f.Add([]byte(`{"key_cert":"AQ==","public_key":"AQ==","tenant_index":1}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		g, err := chain.ParseGenesis(b)
		if err != nil {
			return
		}
		if again := g.Payload(); !bytes.Equal(again, b) {
			t.Fatalf("%q is written as %q", b, again)
		}
	})
}
