// Package auth makes and checks what proves a caller: passwords, access tokens,
// refresh tokens, API keys, second factors, one-time proofs, known devices, and
// the one spelling of an e-mail address.
//
// Its one law: it knows bytes, keys and the time it is given, and nothing of
// accounts. It looks nothing up, stores nothing and logs nothing; what it made
// it recognises, and it accepts no other spelling of it. Secrets are byte
// slices whose owner clears them.
package auth

import (
	"crypto/hmac"
	"crypto/sha3"
	"errors"
	"hash"
	"net/netip"
)

// MinKey is the shortest key or pepper that any type of this package takes, in bytes.
const MinKey = 32

// ErrShortKey reports a key or pepper shorter than MinKey.
var ErrShortKey = errors.New("key is shorter than 32 bytes")

// Digest returns HMAC-SHA3-256 of a token or API key under pepper: what may be
// stored of it. Both spellings of one API key (see ParseAPIKey) have one digest.
// Compare digests with crypto/subtle.
func Digest(pepper, token []byte) [32]byte {
	if rest, ok := cutAlias(token); ok {
		return mac(pepper, []byte(prefixLive), rest)
	}
	return mac(pepper, token)
}

// AccountRef returns what stands for a normalised e-mail address where the
// address itself may not: the first 16 bytes of its HMAC-SHA3-256 under key.
func AccountRef(key []byte, normal string) [16]byte {
	sum := mac(key, []byte(normal))
	return [16]byte(sum[:16])
}

// networkLabel keeps MACs of networks apart from those of addresses, which hold
// no zero byte.
var networkLabel = []byte("quantaseal/v1/network\x00")

// NetworkRef returns what stands for a network where its addresses may not: HMAC-SHA3-256
// under key over a label and the network. All that is no network shares one.
func NetworkRef(key []byte, network netip.Prefix) [32]byte {
	text, _ := network.MarshalBinary() // never fails
	return mac(key, networkLabel, text)
}

func mac(key []byte, parts ...[]byte) [32]byte {
	h := hmac.New(func() hash.Hash { return sha3.New256() }, key)
	for _, part := range parts {
		_, _ = h.Write(part) // a hash never fails to write
	}
	return [32]byte(h.Sum(nil))
}
