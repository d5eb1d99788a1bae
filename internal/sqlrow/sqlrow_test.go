package sqlrow_test

import (
	"testing"

	"github.com/quantaseal/quantaseal/internal/sqlrow"
)

func TestBytesFillsExactly(t *testing.T) {
	db := open(t)
	var id [4]byte
	if err := db.QueryRow(`SELECT x'01020304'`).Scan(sqlrow.Bytes(id[:])); err != nil || id != [4]byte{1, 2, 3, 4} {
		t.Errorf("got %x, %v", id, err)
	}
	for _, other := range []string{`x'010203'`, `x'0102030405'`, `NULL`, `'abcd'`, `1`} {
		if err := db.QueryRow(`SELECT ` + other).Scan(sqlrow.Bytes(id[:])); err == nil {
			t.Errorf("%s filled 4 bytes", other)
		}
	}
	if id != [4]byte{1, 2, 3, 4} {
		t.Errorf("a refused column left %x behind", id)
	}
}
