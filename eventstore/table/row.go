package table

import (
	"bytes"
	"fmt"

	"github.com/quantaseal/quantaseal/eventstore"
	"github.com/quantaseal/quantaseal/eventstore/chain"
)

// Columns are the columns of a Row, in the order of its fields.
const Columns = `pos, tenant_id, seq, event_id, aggregate_kind, aggregate_id, aggregate_version, header, payload, detached, signature`

// Neighbours are two columns more, of rows called e: where the records stand that
// its chain has before it and after it. They name their table with a %[1]s.
const Neighbours = `, (SELECT n.pos FROM %[1]s AS n WHERE n.tenant_id = e.tenant_id AND n.seq = e.seq - 1)` +
	`, (SELECT n.pos FROM %[1]s AS n WHERE n.tenant_id = e.tenant_id AND n.seq = e.seq + 1)`

// Row is a record as it is stored, with what its engine repeats beside it.
type Row struct {
	Pos         int64
	TenantID    []byte
	Seq         int64
	EventID     []byte
	Kind        int64
	AggregateID []byte
	Version     *int64 // nil: the record changes nothing
	Record      chain.Record
	Before      *int64 // nil: nothing, or nobody asked
	After       *int64
}

// Fields returns where to scan Columns to.
func (r *Row) Fields() []any {
	return []any{
		&r.Pos, &r.TenantID, &r.Seq, &r.EventID, &r.Kind, &r.AggregateID, &r.Version,
		&r.Record.Header, (*blob)(&r.Record.Payload), (*blob)(&r.Record.Detached), &r.Record.Signature,
	}
}

// FieldsAmong returns where to scan Columns and Neighbours to.
func (r *Row) FieldsAmong() []any { return append(r.Fields(), &r.Before, &r.After) }

// restores reports whether r says that its chain has lost everything from a sequence
// number, or one before that, up to r.
func (r *Row) restores(seq int64) bool {
	loss, ok := r.Record.Loss()
	return ok && loss.From <= uint64(seq) && loss.To+1 == uint64(r.Seq)
}

// inOrder returns ErrTampered unless r stands between its neighbours.
func (r *Row) inOrder() error {
	if (r.Seq == 0 || r.Before != nil && *r.Before < r.Pos || r.Before == nil && r.restores(r.Seq-1)) && (r.After == nil || *r.After > r.Pos) {
		return nil
	}
	return fmt.Errorf("%w: event %d stands at %d, and not between those before and after it", eventstore.ErrTampered, r.Seq, r.Pos)
}

// blob is scanned such that NULL becomes nil and no bytes become no bytes, which
// drivers do not tell apart by themselves.
type blob []byte

// Scan implements sql.Scanner. Src is nil for NULL, and a nil slice for no bytes.
func (b *blob) Scan(src any) error {
	switch src := src.(type) {
	case nil:
		*b = nil
	case []byte:
		*b = append([]byte{}, src...)
	default:
		return fmt.Errorf("eventstore: %T where a blob was stored", src)
	}
	return nil
}

// ScanBytes implements pgtype.BytesScanner. Src is nil for NULL alone.
func (b *blob) ScanBytes(src []byte) error {
	if *b = nil; src != nil {
		*b = append([]byte{}, src...)
	}
	return nil
}

// Positioned returns the record in its place. It returns ErrTampered if a column
// is not what the header says (check V14).
func (r *Row) Positioned() (eventstore.Positioned, error) {
	index, err := r.Record.Index()
	if err != nil {
		return eventstore.Positioned{}, fmt.Errorf("%w: at %d: %w", eventstore.ErrTampered, r.Pos, err)
	}
	var version int64
	if r.Version != nil {
		version = *r.Version
	}
	same := bytes.Equal(r.TenantID, index.Tenant[:]) && uint64(r.Seq) == index.Seq &&
		bytes.Equal(r.EventID, index.EventID[:]) && r.Kind == int64(index.AggregateKind) &&
		bytes.Equal(r.AggregateID, index.AggregateID[:]) && uint64(version) == index.AggregateVersion &&
		(version == 0) == (r.Version == nil)
	if !same {
		return eventstore.Positioned{}, fmt.Errorf("%w: columns at %d are not those of the header (V14)", eventstore.ErrTampered, r.Pos)
	}
	return eventstore.Positioned{Position: eventstore.Position(r.Pos), Record: r.Record}, nil
}
