package keyring_test

import (
	"bytes"
	"errors"
	"testing"

	"pgregory.net/rapid"

	"github.com/quantaseal/quantaseal/commands"
	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/internal/seal"
)

func TestOpenReturnsWhatWasSealed(t *testing.T) {
	n, ctx := newNode(t), t.Context()
	n.mustCreate(t, tenantN(1))
	rapid.Check(t, func(t *rapid.T) {
		b := domain.Binding{
			Tenant: tenantN(1), Entry: credentialN(rapid.Byte().Draw(t, "credential")).Entry(rapid.Uint16Min(1).Draw(t, "version")),
			Environment: rapid.SampledFrom([]domain.Environment{domain.Live, domain.Test}).Draw(t, "environment"),
			SealedAt:    rapid.Int64Min(0).Draw(t, "sealed"), ExpiresAt: rapid.Int64Min(0).Draw(t, "expires"),
		}
		value := rapid.SliceOfN(rapid.Byte(), 0, 600).Draw(t, "value")
		sealed, err := n.Seal(ctx, b, value)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := n.Open(ctx, b.Tenant, b.Entry, sealed.Hash, sealed, true); err != nil || !bytes.Equal(got, value) {
			t.Fatalf("got %x, %v, want %x", got, err, value)
		}
		said, err := seal.Inspect(sealed.Record)
		want := seal.Binding{
			Identity: seal.Identity{
				LogID: n.LogID(), Tenant: b.Tenant.ID, Credential: b.Entry.Credential().ID, Version: uint64(b.Entry.Version()),
			},
			SealedAtUS: uint64(b.SealedAt), ExpiresAtUS: uint64(b.ExpiresAt), TKEpoch: 1,
			KMSKeyRef: n.kms.KeyRef(), Test: b.Environment == domain.Test,
		}
		if err != nil || said != want {
			t.Fatalf("got %+v, %v, want %+v", said, err, want)
		}
	})
}

func TestOpenRefusesEverythingElseAlike(t *testing.T) {
	n, ctx := newNode(t), t.Context()
	one, two := tenantN(1), tenantN(2)
	n.mustCreate(t, one)
	n.mustCreate(t, two)
	entry, next := credentialN(1).Entry(1), credentialN(1).Entry(2)
	mustSeal := func(tenant domain.TenantID, entry domain.EntryID) domain.SealedRecord {
		s, err := n.Seal(ctx, domain.Binding{Tenant: tenant, Entry: entry}, []byte("value"))
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	own, later, foreign := mustSeal(one, entry), mustSeal(one, next), mustSeal(two, entry)
	flipped := domain.SealedRecord{Record: bytes.Clone(own.Record), Slot: own.Slot, Hash: own.Hash}
	flipped.Record[1400] ^= 1
	damaged := domain.SealedRecord{Record: own.Record, Slot: bytes.Clone(own.Slot), Hash: own.Hash}
	damaged.Slot[60] ^= 1

	for name, c := range map[string]struct {
		tenant    domain.TenantID
		entry     domain.EntryID
		hash      domain.Digest
		sealed    domain.SealedRecord
		forbidden bool
		integrity bool // the log says it opens, so it was tampered with
	}{
		"not allowed":       {tenant: one, entry: entry, hash: own.Hash, sealed: own, forbidden: true},
		"nothing stored":    {tenant: one, entry: entry, hash: own.Hash},
		"nothing, no right": {tenant: one, entry: entry, forbidden: true},
		"another version":   {tenant: one, entry: next, hash: own.Hash, sealed: own},
		"an older record":   {tenant: one, entry: next, hash: later.Hash, sealed: own},
		"another tenant":    {tenant: two, entry: entry, hash: own.Hash, sealed: own},
		"foreign record":    {tenant: one, entry: entry, hash: foreign.Hash, sealed: foreign},
		"changed record":    {tenant: one, entry: entry, hash: seal.Hash(flipped.Record), sealed: flipped},
		"garbage":           {tenant: one, entry: entry, hash: own.Hash, sealed: domain.SealedRecord{Record: []byte("QSV2"), Slot: []byte("QSW1")}},
		"no slot":           {tenant: one, entry: entry, hash: own.Hash, sealed: domain.SealedRecord{Record: own.Record}, integrity: true},
		"damaged slot":      {tenant: one, entry: entry, hash: own.Hash, sealed: damaged, integrity: true},
		"slot of another":   {tenant: one, entry: entry, hash: own.Hash, sealed: domain.SealedRecord{Record: own.Record, Slot: later.Slot}, integrity: true},
	} {
		value, err := n.Open(ctx, c.tenant, c.entry, c.hash, c.sealed, !c.forbidden)
		if !errors.Is(err, commands.ErrSealRefused) || value != nil {
			t.Errorf("%s: got %q, %v, want ErrSealRefused", name, value, err)
		}
		if tampered := errors.Is(err, seal.ErrIntegrity) || errors.Is(err, seal.ErrMalformed); tampered != c.integrity {
			t.Errorf("%s: got cause %v, want an integrity failure: %t", name, err, c.integrity)
		}
	}
	if got, err := n.Open(ctx, one, entry, own.Hash, own, true); err != nil || string(got) != "value" {
		t.Errorf("the record itself: got %q, %v", got, err)
	}
}
