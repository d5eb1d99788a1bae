package chain_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"testing"
	"time"

	"github.com/quantaseal/quantaseal/eventstore/chain"
)

// The keys and the deployment of every test. Making a key costs as much as a
// signature, so they are made once.
var (
	root    = key(0x01)
	other   = key(0x02)
	audit   = key(0x10)
	audit2  = key(0x11)
	audit3  = key(0x12)
	tenantA = [16]byte{0xaa, 15: 1}
	tenantB = [16]byte{0xbb, 15: 2}
	began   = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	today   = func() time.Time { return began.Add(24 * time.Hour) }
	bundle0 = deployment(root)
	logID   = bundle0.LogID
)

func key(fill byte) *chain.SigningKey {
	seed := [chain.SeedSize]byte(bytes.Repeat([]byte{fill}, chain.SeedSize))
	return chain.NewSigningKey(&seed)
}

// deployment returns the header of tenantA's bundles, but for their range.
func deployment(root *chain.SigningKey) chain.BundleHeader {
	h := chain.BundleHeader{
		Origin: "vault.example.com/audit", RootPublicKey: root.Public().Bytes(), CreatedUS: uint64(began.UnixMicro()),
		Nonce: [32]byte{7}, TenantID: tenantA,
	}
	h.LogID = chain.LogID(h.Origin, h.RootPublicKey, h.CreatedUS, h.Nonce)
	return h
}

func policy() chain.Policy {
	return chain.Policy{LogID: logID, Root: root.Public(), Tenant: tenantA, Now: today}
}

// scribe writes one chain, right unless it is told otherwise.
type scribe struct {
	t       testing.TB
	logID   chain.Hash
	root    *chain.SigningKey
	key     *chain.SigningKey
	tenant  [16]byte
	index   uint32
	epoch   uint64
	head    chain.Head
	ids     uint64
	records []chain.Record
}

// newScribe returns a scribe that has written the genesis of tenantA's chain.
func newScribe(tb testing.TB) *scribe {
	tb.Helper()
	s := &scribe{t: tb, logID: logID, root: root, key: audit, tenant: tenantA, index: 1}
	s.genesis()
	return s
}

// event is a record's header and content, before it is linked and signed.
type event struct {
	chain.Header
	payload  []byte
	detached []byte
	signer   *chain.SigningKey
}

// sign signs without randomness, so that a chain is the same in every process.
func (s *scribe) sign(key *chain.SigningKey, context string, message []byte) []byte {
	s.t.Helper()
	signature, err := key.SignDeterministic(context, message)
	if err != nil {
		s.t.Fatal(err)
	}
	return signature
}

// write appends an event after edits to its header. Lengths and hashes of the
// content follow the edits, everything else is as the edits leave it.
func (s *scribe) write(e event, edits ...func(*event)) chain.Record {
	s.t.Helper()
	s.ids++
	h := &e.Header
	h.LogID, h.Tenant, h.Seq, h.Prev = s.logID, s.tenant, s.head.Next, s.head.Hash
	if h.Seq == 0 {
		h.Flags |= chain.FlagGenesis
		h.Prev = chain.GenesisPrev(s.logID, s.tenant)
	}
	binary.BigEndian.PutUint64(h.EventID[:], s.ids)
	h.TimeUS = uint64(began.Add(time.Duration(s.ids) * time.Second).UnixMicro())
	h.SchemaVersion, h.ContentType = 1, chain.ContentJSON
	h.SignerKeyID, h.KeyEpoch = s.key.ID(), s.epoch
	e.signer = s.key
	if e.payload == nil {
		e.payload = []byte(`{"version":1}`)
	}
	if e.detached != nil {
		h.Flags |= chain.FlagDetached
	}
	for _, edit := range edits {
		edit(&e)
	}
	h.PayloadLen, h.PayloadHash = uint32(len(e.payload)), chain.PayloadHash(e.payload)
	if e.detached != nil {
		h.DetachedLen, h.DetachedHash = uint32(len(e.detached)), chain.DetachedHash(e.detached)
	}
	r := chain.Record{Header: h.Append(nil), Payload: e.payload, Detached: e.detached}
	r.Signature = s.sign(e.signer, chain.ContextEvent, r.Header)
	s.records = append(s.records, r)
	s.head = chain.Head{Next: h.Seq + 1, Hash: r.Hash(), TimeUS: h.TimeUS}
	return r
}

func (s *scribe) certify(c chain.Certificate) chain.SignedCertificate {
	s.t.Helper()
	b := c.Append(nil)
	return append(b, s.sign(s.root, chain.ContextKeyCert, b)...)
}

// genesis opens the chain.
func (s *scribe) genesis(edits ...func(*event)) {
	s.t.Helper()
	s.epoch = 1
	c := chain.Certificate{LogID: s.logID, Tenant: s.tenant, TenantIndex: s.index, KeyEpoch: 1, KeyID: s.key.ID()}
	g := chain.Genesis{KeyCert: s.certify(c), PublicKey: s.key.Public().Bytes(), TenantIndex: s.index}
	s.write(event{
		Header:  chain.Header{AggregateKind: 1, AggregateID: s.tenant, EventType: chain.TypeGenesis},
		payload: g.Payload(),
	}, edits...)
}

// unsealed appends what most records are: an observation of an aggregate.
func (s *scribe) unsealed(edits ...func(*event)) chain.Record {
	s.t.Helper()
	return s.write(event{Header: chain.Header{AggregateKind: 4, AggregateID: [16]byte{4}, EventType: "CREDENTIAL_UNSEALED"}}, edits...)
}

// changed appends the version-th change of an aggregate, with a detached blob.
func (s *scribe) changed(aggregate byte, version uint64, edits ...func(*event)) chain.Record {
	s.t.Helper()
	h := chain.Header{AggregateKind: 4, AggregateID: [16]byte{aggregate}, AggregateVersion: version, EventType: "CREDENTIAL_ROTATED"}
	return s.write(event{Header: h, payload: fmt.Appendf(nil, `{"version":%d}`, version), detached: []byte("QSD1 noise")}, edits...)
}

// rotate replaces the chain's key, after edits to what the rotation says.
func (s *scribe) rotate(to *chain.SigningKey, edit func(c *chain.Certificate, r *chain.Rotation), edits ...func(*event)) {
	s.t.Helper()
	c := chain.Certificate{
		LogID: s.logID, Tenant: s.tenant, TenantIndex: s.index, KeyEpoch: s.epoch + 1, ValidFromSeq: s.head.Next + 1,
		Reason: chain.ReasonScheduled, PrevKeyID: s.key.ID(), KeyID: to.ID(),
	}
	r := chain.Rotation{
		PublicKey:         to.Public().Bytes(),
		ProofOfPossession: s.sign(to, chain.ContextKeyPOP, chain.PossessionMessage(s.logID, s.tenant, s.head.Next, s.head.Hash, to.ID())),
	}
	if edit != nil {
		edit(&c, &r)
	}
	if r.KeyCert == nil {
		r.KeyCert = s.certify(c)
	}
	h := chain.Header{Flags: chain.FlagKeyEvent, AggregateKind: 1, AggregateID: s.tenant, EventType: chain.TypeRotation}
	s.write(event{Header: h, payload: r.Payload()}, edits...)
	s.key, s.epoch = to, s.epoch+1
}

// life writes seven records: changes, observations and a rotation.
func (s *scribe) life() {
	s.t.Helper()
	s.changed(1, 1)
	s.unsealed()
	s.changed(1, 2)
	s.rotate(audit2, nil)
	s.changed(2, 1)
	s.unsealed()
	s.changed(1, 3)
}

// sample returns a chain of eight records.
func sample(tb testing.TB) *scribe {
	tb.Helper()
	s := newScribe(tb)
	s.life()
	return s
}

// bundle returns records as a bundle that begins at sequence number 0.
func bundle(tb testing.TB, h chain.BundleHeader, records []chain.Record) []byte {
	tb.Helper()
	var b bytes.Buffer
	h.ToSeq = h.FromSeq + uint64(len(records)) - 1
	w, err := chain.NewBundleWriter(&b, h)
	if err != nil {
		tb.Fatal(err)
	}
	for i, r := range records {
		if err := w.WriteEvent(h.FromSeq+uint64(i), r); err != nil {
			tb.Fatal(err)
		}
	}
	return b.Bytes()
}
