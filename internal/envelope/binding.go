package envelope

import (
	"crypto/sha3"
	"encoding/binary"
)

// binding returns the message that the binding signs: every part of the envelope
// after its u32 length, the context as its digest. A part cannot lend a byte to
// its neighbour, and no part is left out but the signatures themselves.
func (e *Envelope) binding() []byte {
	digest := ContextHash(e.Context)
	parts := [][]byte{
		[]byte(e.Version()), e.Tenant[:], e.KeyID[:], []byte(KEMAlgorithm), []byte(SignatureAlgorithm),
		e.KEMCiphertext, e.Data, digest[:],
	}
	size := 0
	for _, part := range parts {
		size += 4 + len(part)
	}
	message := make([]byte, 0, size)
	for _, part := range parts {
		message = binary.BigEndian.AppendUint32(message, uint32(len(part)))
		message = append(message, part...)
	}
	return message
}

// ContextHash returns SHA3-256("quantaseal/v1/envelope-context\0" ‖ context) of a
// canonical context, or zero for none.
func ContextHash(context []byte) (sum [32]byte) {
	if context == nil {
		return sum
	}
	h := sha3.New256()
	_, _ = h.Write([]byte(contextLabel)) // a hash never fails to write
	_, _ = h.Write(context)
	h.Sum(sum[:0])
	return sum
}

// DataHash returns SHA3-256 of ciphertext_data, by which the log knows an envelope.
func (e *Envelope) DataHash() [32]byte { return sha3.Sum256(e.Data) }

// KEMHash returns SHA3-256 of ciphertext_kem.
func (e *Envelope) KEMHash() [32]byte { return sha3.Sum256(e.KEMCiphertext) }
