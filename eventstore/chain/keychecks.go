package chain

// kindTenant is the aggregate kind of a tenant, which a genesis is about.
const kindTenant = 1

// genesis checks V15 and takes the chain's first key into s.
func (v *Verifier) genesis(e *examined, s *step) {
	h := &e.header
	if v.state.Head.Next != 0 || h.Seq != 0 {
		e.fault(15, "the chain has its genesis already")
		return
	}
	g, err := ParseGenesis(e.record.Payload)
	if err != nil {
		e.fault(15, "the payload is not that of a genesis")
		return
	}
	key, err := ParsePublicKey(g.PublicKey)
	if err != nil {
		e.fault(15, "the public key has not the length of one")
		return
	}
	s.next.Key, s.next.KeyEpoch, s.next.TenantIndex = key, 1, g.TenantIndex
	s.signer = key
	want := Certificate{LogID: h.LogID, Tenant: h.Tenant, TenantIndex: g.TenantIndex, KeyEpoch: 1, KeyID: key.ID()}
	c, err := g.KeyCert.Verify(v.policy.Root)
	switch {
	case err != nil:
		e.fault(15, "the root key did not certify the chain's key")
	case c != want:
		e.fault(15, "the certificate is for something else than this chain's first key")
	case (g.TenantIndex == 0) != (h.Tenant == [16]byte{}):
		e.fault(15, "the place 0 is the system chain's")
	case h.EventType != TypeGenesis || h.Flags&FlagKeyEvent != 0 ||
		h.AggregateKind != kindTenant || h.AggregateID != h.Tenant || h.AggregateVersion != 0:
		e.fault(15, "the first record is not the genesis of its tenant")
	}
	if h.SignerKeyID != key.ID() || h.KeyEpoch != 1 {
		e.fault(12, "the genesis is not said to be signed by the key it introduces")
	}
}

// rotation checks V16 and takes the chain's next key into s.
func (v *Verifier) rotation(e *examined, s *step) {
	s.check = 16
	h := &e.header
	if h.EventType != TypeRotation || h.Flags&FlagKeyEvent == 0 {
		e.fault(16, "the key event's flag and type disagree")
		return
	}
	r, err := ParseRotation(e.record.Payload)
	if err != nil {
		e.fault(16, "the payload is not that of a key event")
		return
	}
	key, err := ParsePublicKey(r.PublicKey)
	if err != nil {
		e.fault(16, "the public key has not the length of one")
		return
	}
	s.next.Key, s.next.KeyEpoch = key, v.state.KeyEpoch+1
	c, err := r.KeyCert.Verify(v.policy.Root)
	if err != nil {
		e.fault(16, "the root key did not certify the next key")
		return
	}
	if v.state.Key == nil { // a chain that has lost its genesis is known again from here on
		s.next.KeyEpoch = c.KeyEpoch
	}
	if wrong := v.wrongRotation(h, r, key, c); wrong != "" {
		e.fault(16, wrong)
	}
}

// wrongRotation says what is wrong with a certificate of the root key or with the
// proof, or "".
func (v *Verifier) wrongRotation(h *Header, r Rotation, key *PublicKey, c Certificate) string {
	_, old := v.retired[key.ID()]
	switch {
	case v.state.Key == nil:
		return "the key that is replaced is not known"
	case c.LogID != h.LogID || c.Tenant != h.Tenant || v.knowsIndex() && c.TenantIndex != v.state.TenantIndex:
		return "the certificate is for another chain"
	case c.KeyID != key.ID():
		return "the certificate is for another key"
	case c.PrevKeyID != v.state.Key.ID():
		return "the certificate replaces another key"
	case c.KeyEpoch != v.state.KeyEpoch+1:
		return "the certificate is for another epoch"
	case c.ValidFromSeq != h.Seq+1:
		return "the certificate is valid from another record on"
	case c.Reason != ReasonScheduled:
		return "this verifier knows no rotation for this reason"
	case old || key.ID() == v.state.Key.ID():
		return "the next key has signed before"
	case !key.Verify(ContextKeyPOP, PossessionMessage(h.LogID, h.Tenant, h.Seq, h.Prev, key.ID()), r.ProofOfPossession):
		return "the proof of possession is not the next key's"
	}
	return ""
}

func (v *Verifier) knowsIndex() bool {
	return v.state.TenantIndex != 0 || v.policy.Tenant == [16]byte{}
}

// VerifyGenesis verifies the first record of tenant's chain, all but its time, and
// returns the audit key that it introduces, which root must have certified. The
// error is the first Finding.
func VerifyGenesis(logID Hash, root *PublicKey, tenant [16]byte, r Record) (*PublicKey, error) {
	v := NewVerifierAt(Policy{LogID: logID, Root: root, Tenant: tenant}, State{})
	if _, err := v.Check(r); err != nil {
		return nil, err
	}
	return v.State().Key, nil
}
