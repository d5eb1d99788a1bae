package backup_test

import (
	"bytes"
	"crypto/sha3"
)

func flip(data []byte, at int) []byte {
	data = bytes.Clone(data)
	data[at] ^= 1
	return data
}

func sum(data []byte) []byte {
	s := sha3.Sum256(data)
	return s[:]
}
