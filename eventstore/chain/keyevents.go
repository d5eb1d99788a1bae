package chain

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
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
	KeyCert     []byte `json:"key_cert"` // certificate and signature
	PublicKey   []byte `json:"public_key"`
	TenantIndex uint32 `json:"tenant_index"`
}

// Payload returns the payload's bytes.
func (g Genesis) Payload() ([]byte, error) { return json.Marshal(g) }

// ParseGenesis reads the payload of CHAIN_GENESIS and refuses with ErrBadKeyEvent
// what Payload would not have written.
func ParseGenesis(payload []byte) (Genesis, error) { return parseKeyEvent[Genesis](payload) }

// Rotation is the payload of CHAIN_KEY_ROTATED: the key that signs from the next
// record on, with its certificate and the proof that its owner has it.
type Rotation struct {
	KeyCert           []byte `json:"key_cert"` // certificate and signature
	ProofOfPossession []byte `json:"proof_of_possession"`
	PublicKey         []byte `json:"public_key"`
}

// Payload returns the payload's bytes.
func (r Rotation) Payload() ([]byte, error) { return json.Marshal(r) }

// ParseRotation reads the payload of CHAIN_KEY_ROTATED and refuses with
// ErrBadKeyEvent what Payload would not have written.
func ParseRotation(payload []byte) (Rotation, error) { return parseKeyEvent[Rotation](payload) }

func parseKeyEvent[P any](payload []byte) (P, error) {
	var p P
	if err := json.Unmarshal(payload, &p); err != nil {
		return p, fmt.Errorf("%w: %w", ErrBadKeyEvent, err)
	}
	if again, err := json.Marshal(p); err != nil || !bytes.Equal(again, payload) {
		return p, ErrBadKeyEvent
	}
	return p, nil
}

// PossessionMessage is what a new key signs, under ContextKeyPOP, in the record
// seq that introduces it.
func PossessionMessage(logID Hash, tenant [16]byte, seq uint64, prev, newKey Hash) []byte {
	m := append(make([]byte, 0, 120), logID[:]...)
	m = append(m, tenant[:]...)
	m = binary.BigEndian.AppendUint64(m, seq)
	m = append(m, prev[:]...)
	return append(m, newKey[:]...)
}
