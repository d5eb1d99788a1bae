package envelope

import (
	"encoding/base64"
	"encoding/binary"
)

// A token is TokenPrefix and, in base64url without padding: u8 wire version (0 or
// 1) ‖ u8 flags ‖ tenant[16] ‖ key id[16] ‖ ciphertext_kem ‖ pqc_signature ‖
// hmac_signature ‖ binding_hmac ‖ binding_signature, if flagged ‖ u16 length and
// context, in version 1 ‖ ciphertext_data.
const (
	// TokenPrefix begins every token.
	TokenPrefix = "qs1."

	flagBindingSignature = 1
	tokenHead            = 2 + 16 + 16
	tokenFixed           = tokenHead + KEMCiphertextSize + SignatureSize + MACSize + MACSize
)

// AppendToken appends e as one line of text to b. It must carry what every envelope
// of ours carries.
func (e *Envelope) AppendToken(b []byte) []byte {
	packed := make([]byte, 0, tokenFixed+len(e.BindingSignature)+2+len(e.Context)+len(e.Data))
	version, flags := byte(0), byte(0)
	if e.Context != nil {
		version = 1
	}
	if e.BindingSignature != nil {
		flags = flagBindingSignature
	}
	packed = append(packed, version, flags)
	packed = append(packed, e.Tenant[:]...)
	packed = append(packed, e.KeyID[:]...)
	for _, part := range [][]byte{e.KEMCiphertext, e.Signature, e.MAC, e.BindingMAC, e.BindingSignature} {
		packed = append(packed, part...)
	}
	if e.Context != nil {
		packed = binary.BigEndian.AppendUint16(packed, uint16(len(e.Context)))
		packed = append(packed, e.Context...)
	}
	packed = append(packed, e.Data...)
	return base64.RawURLEncoding.AppendEncode(append(b, TokenPrefix...), packed)
}

// ParseToken reads what AppendToken writes. It returns ErrMalformed for anything else.
func ParseToken(token []byte) (Envelope, error) {
	if len(token) < len(TokenPrefix) || string(token[:len(TokenPrefix)]) != TokenPrefix {
		return Envelope{}, ErrMalformed
	}
	packed, err := decodeWith(base64.RawURLEncoding, token[len(TokenPrefix):])
	if err != nil || len(packed) < tokenFixed || packed[0] > 1 || packed[1] > flagBindingSignature {
		return Envelope{}, ErrMalformed
	}
	e := Envelope{Tenant: [16]byte(packed[2:18]), KeyID: [16]byte(packed[18:tokenHead])}
	rest := packed[tokenHead:]
	take := func(n int) (part []byte) {
		if n > len(rest) {
			n, err = 0, ErrMalformed
		}
		part, rest = rest[:n:n], rest[n:]
		return part
	}
	e.KEMCiphertext, e.Signature = take(KEMCiphertextSize), take(SignatureSize)
	e.MAC, e.BindingMAC = take(MACSize), take(MACSize)
	if packed[1] == flagBindingSignature {
		e.BindingSignature = take(SignatureSize)
	}
	if packed[0] == 1 {
		if length := take(2); err == nil {
			e.Context = take(int(binary.BigEndian.Uint16(length)))
		}
		if canonical, wrong := CanonicalContext(e.Context); wrong != nil || string(canonical) != string(e.Context) {
			return Envelope{}, ErrMalformed
		}
	}
	e.Data = rest
	if err != nil || !e.sound() {
		return Envelope{}, ErrMalformed
	}
	return e, nil
}
