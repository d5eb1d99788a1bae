package sealedstore

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
)

// What is kept as a key is a length of two bytes, the key, and zeros up to a
// multiple of slotSize, so that a row never changes its size.
const (
	slotSize = 256
	// MaxSlot is the longest key slot, in bytes.
	MaxSlot = slotSize - 2
	// MaxWrapped is the longest wrapped key, in bytes.
	MaxWrapped = 32*slotSize - 2
)

var errPadding = errors.New("sealedstore: a stored key is damaged")

// pad returns key in a row of the next multiple of slotSize, up to limit bytes.
func pad(key []byte, limit int) ([]byte, error) {
	if len(key)+2 > limit {
		return nil, fmt.Errorf("sealedstore: %d bytes are more than the %d that fit", len(key), limit-2)
	}
	row := make([]byte, (len(key)+2+slotSize-1)/slotSize*slotSize)
	binary.BigEndian.PutUint16(row, uint16(len(key)))
	copy(row[2:], key)
	return row, nil
}

// unpad returns the key in row.
func unpad(row []byte) ([]byte, error) {
	if len(row) < 2 {
		return nil, errPadding
	}
	n := int(binary.BigEndian.Uint16(row))
	if n > len(row)-2 || len(bytes.Trim(row[2+n:], "\x00")) > 0 {
		return nil, errPadding
	}
	return row[2 : 2+n : 2+n], nil
}
