package chain

import "encoding/binary"

// Index is what a store may repeat beside a record to find it again. Whatever a
// store repeats it compares on every read (check V14).
type Index struct {
	Tenant           [16]byte
	Seq              uint64
	EventID          [16]byte
	AggregateKind    uint8
	AggregateID      [16]byte
	AggregateVersion uint64
}

// Index returns what the header says of its record's place, without a look at its
// other fields, or ErrNotHeader.
func (r Record) Index() (Index, error) {
	b := r.Header
	if !isHeader(b) {
		return Index{}, ErrNotHeader
	}
	return Index{
		Tenant:           [16]byte(b[40:56]),
		Seq:              binary.BigEndian.Uint64(b[56:64]),
		EventID:          [16]byte(b[96:112]),
		AggregateKind:    b[120],
		AggregateID:      [16]byte(b[124:140]),
		AggregateVersion: binary.BigEndian.Uint64(b[140:148]),
	}, nil
}
