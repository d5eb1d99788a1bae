package chain

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
)

// TypeRestored is the event that goes on with a chain after a loss.
const TypeRestored = "CHAIN_RESTORED"

// LossSize is the length of a Loss without its signature.
const LossSize = 4 + 32 + 16 + 4 + 8 + 32 + 8 + 32 + 8 + 32 + 8 + 32

const (
	lossMagic = "QSR1"
	flagsAt   = 5 // in a header
)

// ErrBadLoss reports bytes that are no loss, or one that the root key did not sign.
var ErrBadLoss = errors.New("chain: not a loss that the root key signed")

// Loss (QSR1) says that records which were anchored are lost for ever, and that a
// key goes on behind them. Their sequence numbers are not given again.
type Loss struct {
	LogID       Hash
	Tenant      [16]byte
	TenantIndex uint32
	KeyEpoch    uint64 // of the key that goes on
	KeyID       Hash
	From        uint64 // the first record that is lost; at least 1, as no chain goes on without its genesis
	Kept        Hash   // of the record before it
	To          uint64 // the last record that is lost
	Lost        Hash   // of it, as it was anchored: what the next record links to
	Anchor      uint64 // the number of an anchor that holds it
	AnchorHash  Hash   // of that anchor
}

// Append appends the loss's LossSize bytes, which the root key signs under
// ContextRecovery, to b.
func (l Loss) Append(b []byte) []byte {
	be := binary.BigEndian
	b = append(b, lossMagic...)
	b = append(b, l.LogID[:]...)
	b = append(b, l.Tenant[:]...)
	b = be.AppendUint32(b, l.TenantIndex)
	b = be.AppendUint64(b, l.KeyEpoch)
	b = append(b, l.KeyID[:]...)
	b = be.AppendUint64(b, l.From)
	b = append(b, l.Kept[:]...)
	b = be.AppendUint64(b, l.To)
	b = append(b, l.Lost[:]...)
	b = be.AppendUint64(b, l.Anchor)
	return append(b, l.AnchorHash[:]...)
}

// ParseLoss reads a loss without its signature. It refuses with ErrBadLoss a wrong
// length or magic and a range that is none: what it accepts Append writes again.
func ParseLoss(b []byte) (Loss, error) {
	if len(b) != LossSize || string(b[:4]) != lossMagic {
		return Loss{}, fmt.Errorf("%w: wrong form", ErrBadLoss)
	}
	be := binary.BigEndian
	l := Loss{
		LogID: Hash(b[4:36]), Tenant: [16]byte(b[36:52]), TenantIndex: be.Uint32(b[52:56]),
		KeyEpoch: be.Uint64(b[56:64]), KeyID: Hash(b[64:96]),
		From: be.Uint64(b[96:104]), Kept: Hash(b[104:136]), To: be.Uint64(b[136:144]), Lost: Hash(b[144:176]),
		Anchor: be.Uint64(b[176:184]), AnchorHash: Hash(b[184:216]),
	}
	if l.From == 0 || l.To < l.From || l.To+1 == 0 {
		return Loss{}, fmt.Errorf("%w: no range", ErrBadLoss)
	}
	return l, nil
}

// SignedLoss is a loss followed by the root key's signature: LossSize +
// SignatureSize bytes.
type SignedLoss []byte

// Loss returns the loss without a look at its signature, or ErrBadLoss.
func (s SignedLoss) Loss() (Loss, error) {
	if len(s) != LossSize+SignatureSize {
		return Loss{}, fmt.Errorf("%w: wrong form", ErrBadLoss)
	}
	return ParseLoss(s[:LossSize])
}

// Verify returns the loss if root signed it, and else ErrBadLoss.
func (s SignedLoss) Verify(root *PublicKey) (Loss, error) {
	l, err := s.Loss()
	if err == nil && !root.Verify(ContextRecovery, s[:LossSize], s[LossSize:]) {
		return Loss{}, fmt.Errorf("%w: wrong signature", ErrBadLoss)
	}
	return l, err
}

// Restored is the payload of CHAIN_RESTORED: what is lost, as the root key signed
// it, and its range once more for readers.
type Restored struct {
	KeyCert        SignedLoss `json:"key_cert"`
	MissingFromSeq uint64     `json:"missing_from_seq"`
	MissingToSeq   uint64     `json:"missing_to_seq"`
}

// Payload returns the payload's bytes: I-JSON with sorted keys and no spaces.
func (r Restored) Payload() []byte {
	b := appendBase64([]byte(`{"key_cert":`), r.KeyCert)
	b = strconv.AppendUint(append(b, `,"missing_from_seq":`...), r.MissingFromSeq, 10)
	b = strconv.AppendUint(append(b, `,"missing_to_seq":`...), r.MissingToSeq, 10)
	return append(b, '}')
}

// ParseRestored reads the payload of CHAIN_RESTORED and refuses with ErrBadKeyEvent
// what Payload would not have written. It verifies no signature.
func ParseRestored(payload []byte) (Restored, error) { return parseKeyEvent[Restored](payload) }

// Loss returns what r says is lost before it, and whether it says so at all. It
// verifies nothing.
func (r Record) Loss() (Loss, bool) {
	if !isHeader(r.Header) || r.Header[flagsAt]&FlagRecovery == 0 {
		return Loss{}, false
	}
	p, err := ParseRestored(r.Payload)
	if err != nil {
		return Loss{}, false
	}
	l, err := p.KeyCert.Loss()
	return l, err == nil && l.From == p.MissingFromSeq && l.To == p.MissingToSeq
}

// VerifyLoss checks what a CHAIN_RESTORED says by itself (V18): that root signed its
// loss, which is of the record's chain and key and ends right before it. The error is
// the Finding.
func VerifyLoss(root *PublicKey, r Record) (Loss, error) {
	e := examine(r)
	if !e.parsed {
		return Loss{}, e.first(e.header.Tenant, e.header.Seq)
	}
	l, wrong := e.loss(root)
	if wrong != "" {
		return Loss{}, fault{18, wrong}.in(e.header.Tenant, e.header.Seq)
	}
	return l, nil
}

// loss returns the loss that e declares, or what is wrong with it.
func (e *examined) loss(root *PublicKey) (l Loss, wrong string) {
	h := &e.header
	if h.EventType != TypeRestored || h.Flags&(FlagRecovery|FlagKeyEvent|FlagGenesis) != FlagRecovery {
		return Loss{}, "the recovery's flag and type disagree"
	}
	r, err := ParseRestored(e.record.Payload)
	if err != nil {
		return Loss{}, "the payload is not that of a recovery"
	}
	if l, err = r.KeyCert.Verify(root); err != nil {
		return Loss{}, "the root key did not authorise the recovery"
	}
	switch {
	case l.LogID != h.LogID || l.Tenant != h.Tenant:
		return Loss{}, "the root key authorised the recovery of another chain"
	case r.MissingFromSeq != l.From || r.MissingToSeq != l.To:
		return Loss{}, "the payload names another range than the root key signed"
	case h.Seq != l.To+1 || h.Prev != l.Lost:
		return Loss{}, "the record does not follow the last one that was anchored"
	case h.SignerKeyID != l.KeyID || h.KeyEpoch != l.KeyEpoch:
		return Loss{}, "the root key authorised another key to go on"
	case h.AggregateKind != kindTenant || h.AggregateID != h.Tenant || h.AggregateVersion != 0:
		return Loss{}, "the recovery is not about its tenant"
	}
	return l, ""
}

// recovery checks V18 and, if it holds, takes the loss into s. What stands between
// the record and the one before it is not checked by V5 and V6.
func (v *Verifier) recovery(e *examined, s *step) {
	s.check = 18
	l, wrong := e.loss(v.policy.Root)
	head := &v.state.Head
	switch {
	case wrong != "":
	case v.knowsIndex() && l.TenantIndex != v.state.TenantIndex:
		wrong = "the root key authorised the recovery of a chain in another place"
	case l.From != head.Next:
		wrong = fmt.Sprintf("what is lost begins with %d, and records are missing from %d on", l.From, head.Next)
	case !v.torn && l.Kept != head.Hash:
		wrong = "the record before the loss is not the one that the root key named"
	}
	if wrong != "" {
		e.fault(18, wrong)
		return
	}
	s.lost = &l
}
