package chain_test

import (
	"bytes"
	"errors"
	"testing"

	"github.com/quantaseal/quantaseal/eventstore/chain"
)

// A chain whose rotation is wrong in one thing is found there, and nowhere else:
// the records after it are verified under the key that it introduced.
func TestWrongRotation(t *testing.T) {
	type edit = func(c *chain.Certificate, r *chain.Rotation)
	possession := func(key *chain.SigningKey, context string, seq uint64) edit {
		return func(_ *chain.Certificate, r *chain.Rotation) {
			var err error
			if r.ProofOfPossession, err = key.Sign(context, chain.PossessionMessage(logID, tenantA, seq, chain.Hash{}, key.ID())); err != nil {
				panic(err)
			}
		}
	}
	tests := []struct {
		name string
		edit edit
		sent func(e *event)
	}{
		{"signed by another key", nil, func(e *event) { e.signer = audit3 }},
		{"signed by the new key", nil, func(e *event) { e.signer = audit2 }},
		{"no certificate", func(_ *chain.Certificate, r *chain.Rotation) { r.KeyCert = chain.SignedCertificate{} }, nil},
		{"no proof", func(_ *chain.Certificate, r *chain.Rotation) { r.ProofOfPossession = nil }, nil},
		{"proof of another key", possession(audit3, chain.ContextKeyPOP, 2), nil},
		{"proof for another purpose", possession(audit2, chain.ContextEvent, 2), nil},
		{"proof for another record", possession(audit2, chain.ContextKeyPOP, 3), nil},
		{"log", func(c *chain.Certificate, _ *chain.Rotation) { c.LogID[0]++ }, nil},
		{"tenant", func(c *chain.Certificate, _ *chain.Rotation) { c.Tenant = tenantB }, nil},
		{"index", func(c *chain.Certificate, _ *chain.Rotation) { c.TenantIndex++ }, nil},
		{"epoch repeated", func(c *chain.Certificate, _ *chain.Rotation) { c.KeyEpoch-- }, nil},
		{"epoch left out", func(c *chain.Certificate, _ *chain.Rotation) { c.KeyEpoch++ }, nil},
		{"valid too early", func(c *chain.Certificate, _ *chain.Rotation) { c.ValidFromSeq-- }, nil},
		{"valid too late", func(c *chain.Certificate, _ *chain.Rotation) { c.ValidFromSeq++ }, nil},
		{"previous key", func(c *chain.Certificate, _ *chain.Rotation) { c.PrevKeyID = audit3.ID() }, nil},
		{"certified key", func(c *chain.Certificate, _ *chain.Rotation) { c.KeyID = audit3.ID() }, nil},
		{"compromise", func(c *chain.Certificate, _ *chain.Rotation) { c.Reason = chain.ReasonCompromise }, nil},
		{"initial", func(c *chain.Certificate, _ *chain.Rotation) { c.Reason = chain.ReasonInitial }, nil},
		{"unknown reason", func(c *chain.Certificate, _ *chain.Rotation) { c.Reason = 9 }, nil},
		{"type without flag", nil, func(e *event) { e.Flags = 0 }},
		{"flag without type", nil, func(e *event) { e.EventType = "CHAIN_KEY_CHANGED" }},
		{"key cut", func(_ *chain.Certificate, r *chain.Rotation) { r.PublicKey = r.PublicKey[1:] }, nil},
		{"other payload", nil, func(e *event) { e.payload = append([]byte("{ "), e.payload[1:]...) }},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := newScribe(t)
			s.unsealed()
			var sent []func(*event)
			if test.sent != nil {
				sent = append(sent, test.sent)
			}
			s.rotate(audit2, test.edit, sent...)
			records := s.records
			want(t, findings(t, records, chain.Options{LogID: &logID}), "2 V16")
			want(t, findings(t, records, chain.Options{LogID: &logID, Fast: true}), "2 V16")
		})
	}
	t.Run("certified by another root", func(t *testing.T) {
		s := newScribe(t)
		s.root = other
		s.rotate(audit2, nil)
		s.unsealed()
		want(t, findings(t, s.records, chain.Options{}), "1 V16")
	})
	t.Run("signed as the new key", func(t *testing.T) {
		s := newScribe(t)
		s.rotate(audit2, nil, func(e *event) { e.signer, e.SignerKeyID, e.KeyEpoch = audit2, audit2.ID(), 2 })
		s.unsealed()
		want(t, findings(t, s.records, chain.Options{}), "1 V12", "1 V16")
	})
	t.Run("back to an old key", func(t *testing.T) {
		s := newScribe(t)
		s.rotate(audit2, nil)
		s.rotate(audit, nil)
		s.rotate(audit, nil)
		got := findings(t, s.records, chain.Options{})
		want(t, got[:1], "2 V16")
	})
}

// A key that was replaced signs nothing more, not even with its own epoch.
func TestRetiredKeySigns(t *testing.T) {
	s := newScribe(t)
	s.rotate(audit2, nil)
	s.unsealed(func(e *event) { e.signer, e.SignerKeyID, e.KeyEpoch = audit, audit.ID(), 1 })
	s.rotate(audit3, nil)
	s.unsealed(func(e *event) { e.signer, e.SignerKeyID = audit, audit.ID() })
	s.unsealed()
	want(t, findings(t, s.records, chain.Options{}), "2 V13", "2 V17", "4 V13", "4 V17")
	want(t, findings(t, s.records, chain.Options{Fast: true}), "2 V17", "4 V17")
}

func TestWrongGenesis(t *testing.T) {
	rewrite := func(edit func(g *chain.Genesis)) func(e *event) {
		return func(e *event) {
			g, err := chain.ParseGenesis(e.payload)
			if err != nil {
				panic(err)
			}
			edit(&g)
			e.payload = g.Payload()
		}
	}
	recertify := func(edit func(c *chain.Certificate)) func(e *event) {
		return rewrite(func(g *chain.Genesis) {
			c, err := g.KeyCert.Verify(root.Public())
			if err != nil {
				panic(err)
			}
			edit(&c)
			b := c.Append(nil)
			signature, err := root.Sign(chain.ContextKeyCert, b)
			if err != nil {
				panic(err)
			}
			g.KeyCert = append(b, signature...)
		})
	}
	tests := []struct {
		name string
		edit func(e *event)
		want []string
	}{
		{"link", func(e *event) { e.Prev[0]++ }, []string{"0 V6"}},
		{"payload", func(e *event) { e.payload = []byte(`{}`) }, []string{"0 V15"}},
		{"short key", rewrite(func(g *chain.Genesis) { g.PublicKey = g.PublicKey[1:] }), []string{"0 V15"}},
		{"other key", rewrite(func(g *chain.Genesis) { g.PublicKey = audit2.Public().Bytes() }), []string{"0 V12", "0 V13", "0 V15"}},
		{"other index", rewrite(func(g *chain.Genesis) { g.TenantIndex++ }), []string{"0 V15"}},
		{"no certificate", rewrite(func(g *chain.Genesis) { g.KeyCert = nil }), []string{"0 V15"}},
		{"changed certificate", rewrite(func(g *chain.Genesis) { g.KeyCert[60]++ }), []string{"0 V15"}},
		{"certificate signed for something else", rewrite(func(g *chain.Genesis) {
			signature, err := root.Sign(chain.ContextEvent, g.KeyCert[:chain.CertificateSize])
			if err != nil {
				panic(err)
			}
			copy(g.KeyCert[chain.CertificateSize:], signature)
		}), []string{"0 V15"}},
		{"certified log", recertify(func(c *chain.Certificate) { c.LogID[0]++ }), []string{"0 V15"}},
		{"certified tenant", recertify(func(c *chain.Certificate) { c.Tenant = tenantB }), []string{"0 V15"}},
		{"certified index", recertify(func(c *chain.Certificate) { c.TenantIndex++ }), []string{"0 V15"}},
		{"certified epoch", recertify(func(c *chain.Certificate) { c.KeyEpoch++ }), []string{"0 V15"}},
		{"certified start", recertify(func(c *chain.Certificate) { c.ValidFromSeq++ }), []string{"0 V15"}},
		{"certified reason", recertify(func(c *chain.Certificate) { c.Reason++ }), []string{"0 V15"}},
		{"certified predecessor", recertify(func(c *chain.Certificate) { c.PrevKeyID[0]++ }), []string{"0 V15"}},
		{"certified key", recertify(func(c *chain.Certificate) { c.KeyID[0]++ }), []string{"0 V15"}},
		{"type", func(e *event) { e.EventType = "TENANT_REGISTERED" }, []string{"0 V15"}},
		{"key event", func(e *event) { e.Flags |= chain.FlagKeyEvent }, []string{"0 V15"}},
		{"aggregate", func(e *event) { e.AggregateID = tenantB }, []string{"0 V15"}},
		{"aggregate kind", func(e *event) { e.AggregateKind = 2 }, []string{"0 V15"}},
		{"epoch", func(e *event) { e.KeyEpoch = 2 }, []string{"0 V12"}},
		{"signer", func(e *event) { e.SignerKeyID = audit2.ID() }, []string{"0 V12"}},
		{"signature", func(e *event) { e.signer = audit2 }, []string{"0 V13"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := &scribe{t: t, logID: logID, root: root, key: audit, tenant: tenantA, index: 1}
			s.genesis(test.edit)
			want(t, findings(t, s.records, chain.Options{LogID: &logID}), test.want...)
			want(t, findings(t, s.records, chain.Options{LogID: &logID, Fast: true}), test.want...)
			var f chain.Finding
			if _, err := chain.VerifyGenesis(logID, root.Public(), tenantA, s.records[0]); !errors.As(err, &f) {
				t.Errorf("VerifyGenesis: got %v, want a finding", err)
			}
		})
	}
	for name, s := range map[string]*scribe{
		"a tenant in the system's place": {logID: logID, root: root, key: audit, tenant: tenantA},
		"the system in a tenant's place": {logID: logID, root: root, key: audit, index: 1},
	} {
		t.Run(name, func(t *testing.T) {
			s.t = t
			s.genesis()
			var f chain.Finding
			if _, err := chain.VerifyGenesis(logID, root.Public(), s.tenant, s.records[0]); !errors.As(err, &f) || f.Check != "V15" {
				t.Errorf("got %v, want V15", err)
			}
		})
	}
	t.Run("VerifyGenesis", func(t *testing.T) {
		s := newScribe(t)
		key, err := chain.VerifyGenesis(logID, root.Public(), tenantA, s.records[0])
		if err != nil || !bytes.Equal(key.Bytes(), audit.Public().Bytes()) {
			t.Errorf("got %v, want the audit key", err)
		}
		if _, err := chain.VerifyGenesis(logID, root.Public(), tenantA, s.unsealed()); err == nil {
			t.Error("the second record was taken for a genesis")
		}
	})
}

// Whoever replaces the root key and signs everything anew has a chain that
// contradicts nothing but the log id that its readers have pinned.
func TestExchangedRoot(t *testing.T) {
	forged := deployment(other)
	s := &scribe{t: t, logID: forged.LogID, root: other, key: audit3, tenant: tenantA, index: 1}
	s.genesis()
	s.unsealed()
	want(t, verify(t, bundle(t, forged, s.records), chain.Options{}))
	want(t, verify(t, bundle(t, forged, s.records), chain.Options{LogID: &logID}), "0 V3")

	claimed := forged
	claimed.LogID = logID
	want(t, verify(t, bundle(t, claimed, s.records), chain.Options{LogID: &logID}), "0 V3", "0 V3")

	s = &scribe{t: t, logID: logID, root: other, key: audit3, tenant: tenantA, index: 1}
	s.genesis()
	s.unsealed()
	want(t, verify(t, bundle(t, claimed, s.records), chain.Options{LogID: &logID}), "0 V3")
	want(t, verify(t, bundle(t, bundle0, s.records), chain.Options{LogID: &logID}), "0 V15")
}
