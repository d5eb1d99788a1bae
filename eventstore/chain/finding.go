package chain

import (
	"encoding/hex"
	"fmt"
)

// Finding is a check that a record, or a bundle as a whole, did not pass.
type Finding struct {
	Tenant [16]byte // whose chain
	Seq    uint64   // of the record
	Check  string   // V1 to V28, see the package comment
	Detail string   // what is wrong, in words, with nothing of the content
}

// Error returns the finding as one line.
func (f Finding) Error() string {
	return fmt.Sprintf("tenant %s seq %d %s: %s", FormatUUID(f.Tenant), f.Seq, f.Check, f.Detail)
}

// fault is a Finding that does not yet know its record.
type fault struct {
	check  int
	detail string
}

func (f fault) in(tenant [16]byte, seq uint64) Finding {
	return Finding{Tenant: tenant, Seq: seq, Check: fmt.Sprintf("V%d", f.check), Detail: f.detail}
}

// FormatUUID returns id in its usual form, 36 characters in lower case.
func FormatUUID(id [16]byte) string {
	var b [36]byte
	hex.Encode(b[0:], id[0:4])
	hex.Encode(b[9:], id[4:6])
	hex.Encode(b[14:], id[6:8])
	hex.Encode(b[19:], id[8:10])
	hex.Encode(b[24:], id[10:16])
	b[8], b[13], b[18], b[23] = '-', '-', '-', '-'
	return string(b[:])
}

// ParseUUID reads what FormatUUID writes, and nothing else.
func ParseUUID(s string) (id [16]byte, ok bool) {
	if len(s) != 36 {
		return id, false
	}
	digits := s[0:8] + s[9:13] + s[14:18] + s[19:23] + s[24:36]
	if _, err := hex.Decode(id[:], []byte(digits)); err != nil || FormatUUID(id) != s {
		return [16]byte{}, false
	}
	return id, true
}
