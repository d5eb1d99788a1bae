package chain

import (
	"errors"
	"fmt"
)

// ErrForged reports a record that contradicts itself, its chain or its signature.
var ErrForged = errors.New("chain: the record does not verify")

// VerifyRecord verifies one record by its bytes alone: its header (V1, V2), its
// deployment (V3), payload (V9), detached blob (V10) and the signature of key
// (V13). Its place among others is for a Verifier.
func VerifyRecord(logID Hash, key *PublicKey, r Record) (Header, error) {
	h, err := ParseHeader(r.Header)
	if err != nil {
		return Header{}, err
	}
	switch {
	case h.LogID != logID:
		err = errors.New("V3: another deployment")
	case int(h.PayloadLen) != len(r.Payload) || h.PayloadHash != PayloadHash(r.Payload):
		err = errors.New("V9: another payload")
	case h.Flags&FlagDetached != 0 && (int64(h.DetachedLen) != int64(len(r.Detached)) || h.DetachedHash != DetachedHash(r.Detached)),
		h.Flags&FlagDetached == 0 && r.Detached != nil:
		err = errors.New("V10: another detached blob")
	case h.SignerKeyID != key.ID():
		err = errors.New("V12: another signer")
	case !key.Verify(ContextEvent, r.Header, r.Signature):
		err = errors.New("V13: another signature")
	}
	if err != nil {
		return Header{}, fmt.Errorf("%w: event %d: %w", ErrForged, h.Seq, err)
	}
	return h, nil
}

// VerifyGenesis verifies the first record of tenant's chain and returns the audit
// key that it introduces, which root must have certified (V15).
func VerifyGenesis(logID Hash, root *PublicKey, tenant [16]byte, r Record) (*PublicKey, error) {
	g, err := ParseGenesis(r.Payload)
	if err != nil {
		return nil, err
	}
	key, err := ParsePublicKey(g.PublicKey)
	if err != nil {
		return nil, err
	}
	h, err := VerifyRecord(logID, key, r)
	if err != nil {
		return nil, err
	}
	c, err := g.KeyCert.Verify(root)
	if err != nil {
		return nil, err
	}
	want := Certificate{LogID: logID, Tenant: tenant, TenantIndex: g.TenantIndex, KeyEpoch: 1, KeyID: key.ID()}
	if h.EventType != TypeGenesis || h.Seq != 0 || h.Tenant != tenant || h.Prev != GenesisPrev(logID, tenant) || h.KeyEpoch != 1 || c != want {
		return nil, fmt.Errorf("%w: V15: not the genesis of this chain", ErrForged)
	}
	return key, nil
}
