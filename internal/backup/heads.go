package backup

import (
	"bytes"
	"crypto/sha3"
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/quantaseal/quantaseal/eventstore/chain"
)

// Heads follows where chains end while their records go by in the order of the log.
// It sees to it that each record is in its place and is what its header says (V1, V2,
// V5, V6, V9, V10); signatures it leaves to others.
type Heads struct {
	ends   map[[16]byte]end
	events uint64
}

type end struct {
	next uint64
	hash chain.Hash
}

// NewHeads returns the heads before the first record.
func NewHeads() *Heads { return &Heads{ends: map[[16]byte]end{}} }

// Add takes the record at the next position.
func (h *Heads) Add(position int64, r chain.Record) error {
	header, err := chain.ParseHeader(r.Header)
	if err != nil {
		return fmt.Errorf("%w: at %d: %w", ErrDamaged, position, err)
	}
	before := h.ends[header.Tenant]
	loss, restored := r.Loss()
	follows := header.Seq == before.next && (header.Seq == 0 || header.Prev == before.hash) ||
		restored && loss.From == before.next && loss.Kept == before.hash
	detached := r.Detached == nil && header.DetachedLen == 0 || header.DetachedHash == chain.DetachedHash(r.Detached)
	if position != int64(h.events)+1 || !follows || header.PayloadHash != chain.PayloadHash(r.Payload) || !detached {
		return fmt.Errorf("%w: the record at %d is out of its place, or another one", ErrDamaged, position)
	}
	h.events++
	h.ends[header.Tenant] = end{header.Seq + 1, r.Hash()}
	return nil
}

// Set says where a chain ends that was not followed.
func (h *Heads) Set(tenant [16]byte, next uint64, hash chain.Hash) { h.ends[tenant] = end{next, hash} }

// Chains returns how many chains there are.
func (h *Heads) Chains() int { return len(h.ends) }

// System returns where the system chain ends.
func (h *Heads) System() (next uint64, hash chain.Hash) {
	e := h.ends[[16]byte{}]
	return e.next, e.hash
}

// Sum returns the SHA3-256 over tenant, length and last hash of every chain, in the
// order of their tenants.
func (h *Heads) Sum() [32]byte {
	tenants := make([][16]byte, 0, len(h.ends))
	for tenant := range h.ends {
		tenants = append(tenants, tenant)
	}
	slices.SortFunc(tenants, func(a, b [16]byte) int { return bytes.Compare(a[:], b[:]) })
	sum := sha3.New256()
	for _, tenant := range tenants {
		e := h.ends[tenant]
		_, _ = sum.Write(tenant[:]) // a hash never fails to write
		_, _ = sum.Write(binary.BigEndian.AppendUint64(nil, e.next))
		_, _ = sum.Write(e.hash[:])
	}
	return [32]byte(sum.Sum(nil))
}
