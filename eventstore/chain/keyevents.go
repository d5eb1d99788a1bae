package chain

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"strconv"
)

// The events that carry keys.
const (
	TypeGenesis  = "CHAIN_GENESIS"
	TypeRotation = "CHAIN_KEY_ROTATED"
)

// ErrBadKeyEvent reports a payload that no key event has.
var ErrBadKeyEvent = errors.New("chain: not the payload of a key event")

// Genesis is the payload of CHAIN_GENESIS: the chain's first audit key, with the
// root key's certificate for it.
type Genesis struct {
	KeyCert     SignedCertificate `json:"key_cert"`
	PublicKey   []byte            `json:"public_key"`
	TenantIndex uint32            `json:"tenant_index"`
}

// Payload returns the payload's bytes: I-JSON with sorted keys and no spaces.
func (g Genesis) Payload() []byte {
	b := appendBase64([]byte(`{"key_cert":`), g.KeyCert)
	b = appendBase64(append(b, `,"public_key":`...), g.PublicKey)
	b = strconv.AppendUint(append(b, `,"tenant_index":`...), uint64(g.TenantIndex), 10)
	return append(b, '}')
}

// ParseGenesis reads the payload of CHAIN_GENESIS and refuses with ErrBadKeyEvent
// what Payload would not have written. It verifies no signature.
func ParseGenesis(payload []byte) (Genesis, error) { return parseKeyEvent[Genesis](payload) }

// Rotation is the payload of CHAIN_KEY_ROTATED: the key that signs from the next
// record on, with its certificate and the proof that its owner has it.
type Rotation struct {
	KeyCert           SignedCertificate `json:"key_cert"`
	ProofOfPossession []byte            `json:"proof_of_possession"` // of PossessionMessage
	PublicKey         []byte            `json:"public_key"`
}

// Payload returns the payload's bytes: I-JSON with sorted keys and no spaces.
func (r Rotation) Payload() []byte {
	b := appendBase64([]byte(`{"key_cert":`), r.KeyCert)
	b = appendBase64(append(b, `,"proof_of_possession":`...), r.ProofOfPossession)
	b = appendBase64(append(b, `,"public_key":`...), r.PublicKey)
	return append(b, '}')
}

// ParseRotation reads the payload of CHAIN_KEY_ROTATED and refuses with
// ErrBadKeyEvent what Payload would not have written. It verifies no signature.
func ParseRotation(payload []byte) (Rotation, error) { return parseKeyEvent[Rotation](payload) }

// parseKeyEvent accepts only what encodes to the same bytes again, so what
// encoding/json tolerates does not matter.
func parseKeyEvent[P interface{ Payload() []byte }](payload []byte) (P, error) {
	var p, none P
	if err := json.Unmarshal(payload, &p); err != nil || !bytes.Equal(p.Payload(), payload) {
		return none, ErrBadKeyEvent
	}
	return p, nil
}

// PossessionMessage is what a new key signs, under ContextKeyPOP, for the record
// seq that introduces it and that links to prev.
func PossessionMessage(logID Hash, tenant [16]byte, seq uint64, prev, newKey Hash) []byte {
	m := append(make([]byte, 0, 120), logID[:]...)
	m = append(m, tenant[:]...)
	m = binary.BigEndian.AppendUint64(m, seq)
	m = append(m, prev[:]...)
	return append(m, newKey[:]...)
}

// appendBase64 appends b as a JSON string.
func appendBase64(to, b []byte) []byte {
	return append(base64.StdEncoding.AppendEncode(append(to, '"'), b), '"')
}
