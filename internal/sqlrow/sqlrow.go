// Package sqlrow is what database/sql leaves out of writing and reading rows: many
// at once, and columns of a fixed size.
//
// Its one law: SQLite and PostgreSQL read the same text and the same parameters.
package sqlrow

import "fmt"

// Bytes scans a column into a slice, which it must fill exactly. It is how ids
// and hashes are read.
type Bytes []byte

// Scan implements sql.Scanner. It returns a fault for NULL, for another type and
// for another length.
func (b Bytes) Scan(src any) error {
	got, ok := src.([]byte)
	if !ok {
		return fmt.Errorf("sqlrow: a column of type %T, want %d bytes", src, len(b))
	}
	if len(got) != len(b) {
		return fmt.Errorf("sqlrow: a column of %d bytes, want %d", len(got), len(b))
	}
	copy(b, got)
	return nil
}
