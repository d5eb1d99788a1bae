package auth

import (
	"bytes"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
)

// An API key is its prefix and 48 characters of base62: 10 that are its public
// part, 32 that are secret (190 bits), and 6 that are the CRC-32 of all before.
const (
	prefixLive  = "qs_live_"
	prefixTest  = "qs_test_"
	prefixAlias = "qs_apikey_"

	lookupLength = 10
	secretLength = 32
	sumLength    = 6
	shownLength  = 12

	// APIKeyLength is the length of a minted key.
	APIKeyLength = len(prefixLive) + lookupLength + secretLength + sumLength
)

// ErrMalformedKey reports text that is no API key of ours: a stranger's, or ours mistyped.
var ErrMalformedKey = errors.New("malformed API key")

// APIKey is the public side of an API key.
type APIKey struct {
	Lookup string // 10 characters by which it is found
	Shown  string // the first 12 characters, for lists
	Test   bool   // it is of the test environment, not the live one
}

const base62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

// NewAPIKey draws a key from random and returns its text with its public side.
// The text is secret: show it to its owner once and clear it.
func NewAPIKey(random io.Reader, test bool) ([]byte, APIKey, error) {
	prefix := prefixLive
	if test {
		prefix = prefixTest
	}
	text := append(make([]byte, 0, APIKeyLength), prefix...)
	text, err := appendRandom62(random, text, lookupLength+secretLength)
	if err != nil {
		return nil, APIKey{}, fmt.Errorf("drawing an API key: %w", err)
	}
	text = appendSum(text)
	return text, publicSide(text), nil
}

// ParseAPIKey returns the public side of a key, or ErrMalformedKey. It decides
// by form and sum alone, so that a mistyped key costs no lookup; it does not
// say that the key was ever made.
//
// A live key may also be spelt with the prefix qs_apikey_, which one published
// client insists on. It is the same key: the sum and the digest are those of
// the minted spelling. No key is minted that way.
func ParseAPIKey(text []byte) (APIKey, error) {
	if rest, ok := cutAlias(text); ok {
		text = append([]byte(prefixLive), rest...)
		defer clear(text)
	}
	if len(text) != APIKeyLength ||
		!bytes.HasPrefix(text, []byte(prefixLive)) && !bytes.HasPrefix(text, []byte(prefixTest)) {
		return APIKey{}, ErrMalformedKey
	}
	var sum [sumLength]byte
	body := text[:APIKeyLength-sumLength]
	putSum(&sum, body)
	if !bytes.Equal(sum[:], text[len(body):]) {
		return APIKey{}, ErrMalformedKey
	}
	for _, c := range body[len(prefixLive):] {
		if bytes.IndexByte([]byte(base62), c) < 0 {
			return APIKey{}, ErrMalformedKey
		}
	}
	return publicSide(text), nil
}

func publicSide(text []byte) APIKey {
	return APIKey{
		Lookup: string(text[len(prefixLive) : len(prefixLive)+lookupLength]),
		Shown:  string(text[:shownLength]),
		Test:   bytes.HasPrefix(text, []byte(prefixTest)),
	}
}

func cutAlias(text []byte) ([]byte, bool) { return bytes.CutPrefix(text, []byte(prefixAlias)) }

func appendSum(text []byte) []byte {
	var sum [sumLength]byte
	putSum(&sum, text)
	return append(text, sum[:]...)
}

// putSum writes the CRC-32 (IEEE) of body as six digits, the highest first.
func putSum(sum *[sumLength]byte, body []byte) {
	n := crc32.ChecksumIEEE(body)
	for i := sumLength - 1; i >= 0; i-- {
		sum[i] = base62[n%62]
		n /= 62
	}
}

// appendRandom62 appends n characters, each equally likely: of the 256 values
// of a byte it uses the 248 that 62 divides.
func appendRandom62(random io.Reader, text []byte, n int) ([]byte, error) {
	var pool [64]byte
	defer clear(pool[:])
	for n > 0 {
		if _, err := io.ReadFull(random, pool[:]); err != nil {
			return nil, err
		}
		for _, b := range pool {
			if b < 248 && n > 0 {
				text = append(text, base62[b%62])
				n--
			}
		}
	}
	return text, nil
}
