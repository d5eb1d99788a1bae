package chain

import (
	"encoding/hex"
	"strconv"
	"strings"
)

// Receipt is what a caller was told of its record: wherever the chain is shown,
// the record must be there (V28).
type Receipt struct {
	Seq  uint64
	Hash Hash
}

// String returns SEQ:HASH, a decimal number and 64 hexadecimal digits.
func (r Receipt) String() string { return strconv.FormatUint(r.Seq, 10) + ":" + r.Hash.String() }

// ParseReceipt reads SEQ:HASH.
func ParseReceipt(s string) (Receipt, bool) {
	seq, hash, _ := strings.Cut(s, ":")
	n, err := strconv.ParseUint(seq, 10, 64)
	h, ok := ParseHash(hash)
	return Receipt{Seq: n, Hash: h}, err == nil && ok
}

// ParseHash reads 64 hexadecimal digits.
func ParseHash(s string) (h Hash, ok bool) {
	if len(s) != hex.EncodedLen(HashSize) {
		return Hash{}, false
	}
	_, err := hex.Decode(h[:], []byte(s))
	return h, err == nil
}
