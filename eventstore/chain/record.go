package chain

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
)

// Record is one link, as it is stored.
type Record struct {
	Header    []byte
	Payload   []byte
	Detached  []byte // nil: none
	Signature []byte
}

// Hash returns the event hash, which commits to all of the record but its
// signature and is what the next record links to.
func (r Record) Hash() Hash { return Tagged("event", r.Header) }

// VerifyRecord verifies one record by its bytes alone: its header (V1, V2), its
// deployment (V3), payload (V9), detached blob (V10), that key signed it (V12, V13).
// The error is the first Finding. Its place among others is for a Verifier.
func VerifyRecord(logID Hash, key *PublicKey, r Record) (Header, error) {
	e := examine(r)
	if e.parsed {
		if e.header.LogID != logID {
			e.fault(3, "the record belongs to another deployment")
		}
		if e.header.SignerKeyID != key.ID() {
			e.fault(12, "another key is said to have signed")
		}
		if len(e.faults) == 0 { // a signature says nothing new of what is wrong already
			e.verify(key, 13)
		}
	}
	if err := e.first(e.header.Tenant, e.header.Seq); err != nil {
		return Header{}, err
	}
	return e.header, nil
}

// examined is a record with what is wrong with it.
type examined struct {
	record Record
	header Header
	hash   Hash
	parsed bool // header is what the record says
	faults []fault
}

// examine makes the checks that need nothing but the record: V1, V2, V9, V10.
func examine(r Record) examined {
	e := examined{record: r, hash: r.Hash()}
	var err error
	switch e.header, err = ParseHeader(r.Header); {
	case errors.Is(err, ErrNotHeader):
		e.fault(1, "the header is not QSE1 of a known suite")
		return e
	case err != nil:
		e.fault(2, "the header is one that no encoder writes")
		return e
	}
	e.parsed = true
	h := &e.header
	switch {
	case int(h.PayloadLen) != len(r.Payload) || h.PayloadHash != PayloadHash(r.Payload):
		e.fault(9, "the payload is not the one that the header commits to")
	case CheckPayload(h.ContentType, r.Payload) != nil:
		e.fault(9, "the payload is not strict JSON")
	}
	switch flagged := h.Flags&FlagDetached != 0; {
	case flagged != (r.Detached != nil):
		e.fault(10, "a detached blob is missing or too many")
	case flagged && (int64(h.DetachedLen) != int64(len(r.Detached)) || h.DetachedHash != DetachedHash(r.Detached)):
		e.fault(10, "the detached blob is not the one that the header commits to")
	}
	return e
}

// verify checks the signature; a failure is one of check.
func (e *examined) verify(key *PublicKey, check int) {
	switch {
	case len(e.record.Signature) != SignatureSize:
		e.fault(check, fmt.Sprintf("the signature has not %d bytes", SignatureSize))
	case !key.Verify(ContextEvent, e.record.Header, e.record.Signature):
		e.fault(check, "the signature is not the active key's")
	}
}

func (e *examined) fault(check int, detail string) {
	e.faults = append(e.faults, fault{check, detail})
}

// findings returns what is wrong, in the order of the checks.
func (e *examined) findings(tenant [16]byte, seq uint64) []Finding {
	slices.SortStableFunc(e.faults, func(a, b fault) int { return cmp.Compare(a.check, b.check) })
	all := make([]Finding, 0, len(e.faults))
	for _, f := range e.faults {
		all = append(all, f.in(tenant, seq))
	}
	return all
}

// first returns the first finding as an error, or nil.
func (e *examined) first(tenant [16]byte, seq uint64) error {
	if len(e.faults) == 0 {
		return nil
	}
	return e.findings(tenant, seq)[0]
}
