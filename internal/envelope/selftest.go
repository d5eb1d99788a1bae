package envelope

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
)

// Check is one thing that a self-test looked at: a size against its standard, or a
// property as 1 for yes.
type Check struct {
	Name     string
	Standard string // where the expected value comes from
	Want     int
	Got      int
}

// Passed reports whether the check holds.
func (c Check) Passed() bool { return c.Want == c.Got }

// SelfTest draws fresh keys, makes, opens and breaks an envelope and signs a
// document with them, and returns every size and property that this has to show.
// No key or data of a tenant is touched. It fails only if it cannot be run.
func SelfTest() ([]Check, error) {
	var kemSeed [KEMSeedSize]byte
	var signSeed [SignSeedSize]byte
	var secret [MACSecretSize]byte
	for _, b := range [][]byte{kemSeed[:], signSeed[:], secret[:]} {
		_, _ = rand.Read(b) // ends the process rather than fail
	}
	opener, err := NewOpener()
	if err != nil {
		return nil, err
	}
	id := KeyID{[16]byte{1}, [16]byte{2}}
	keys, err := NewKeys(id, &kemSeed, &signSeed, &secret, true)
	if err != nil {
		return nil, err
	}
	message := []byte("quantaseal self-test")
	e, err := keys.Encrypt(message, []byte(`{"purpose":"self-test"}`))
	if err != nil {
		return nil, err
	}
	opened, err := opener.Open(Request{Envelope: e, Keys: keys, Allowed: true})
	if err != nil && !errors.Is(err, ErrRefused) && !errors.Is(err, ErrIntegrity) {
		return nil, err
	}
	documents := NewDocumentKeys(&signSeed, &secret)
	signatures, err := documents.Sign(message)
	if err != nil {
		return nil, err
	}
	return []Check{
		{"ml_kem_768_public_key_bytes", "FIPS 203, table 3", 1184, len(keys.KEMPublicKey())},
		{"ml_kem_768_private_key_bytes", "FIPS 203, table 3", 2400, len(ExpandKEM(&kemSeed))},
		{"ml_kem_768_ciphertext_bytes", "FIPS 203, table 3", 1088, len(e.KEMCiphertext)},
		{"ml_kem_768_shared_key_bytes", "FIPS 203, table 3", 32, keySize},
		{"ml_dsa_65_public_key_bytes", "FIPS 204, table 2", 1952, len(keys.SignPublicKey())},
		{"ml_dsa_65_signature_bytes", "FIPS 204, table 2", 3309, len(e.Signature)},
		{"ml_dsa_65_binding_signature_bytes", "FIPS 204, table 2", 3309, len(e.BindingSignature)},
		{"hmac_sha_512_bytes", "FIPS 180-4", 64, len(e.MAC)},
		{"aes_256_gcm_overhead_bytes", "SP 800-38D", 28, len(e.Data) - len(message)},
		{"envelope_opens", "round trip", 1, mask(bytes.Equal(opened, message))},
		{"changed_envelopes_refused", "both signatures", 1, mask(refusesChanges(opener, keys, e))},
		{"document_signatures_verify", "both signatures", 1, documents.VerifyPQC(message, signatures.PQC) & documents.VerifyMAC(message, signatures.MAC)},
		{"changed_documents_refused", "both signatures", 0, documents.VerifyPQC(message[1:], signatures.PQC) | documents.VerifyMAC(message[1:], signatures.MAC)},
	}, nil
}

// ErrSelfTest reports a check of the self-test that does not hold.
var ErrSelfTest = errors.New("the self-test of the cryptography failed")

// Healthy runs the self-test. It returns ErrSelfTest unless every check holds.
func Healthy() error {
	checks, err := SelfTest()
	if err != nil {
		return err
	}
	for _, c := range checks {
		if !c.Passed() {
			return fmt.Errorf("%w: %s is %d, want %d", ErrSelfTest, c.Name, c.Got, c.Want)
		}
	}
	return nil
}

// refusesChanges reports whether one changed bit in any part of e is refused.
func refusesChanges(o *Opener, keys *Keys, e Envelope) bool {
	refused := true
	parts := []*[]byte{&e.KEMCiphertext, &e.Data, &e.Context, &e.Signature, &e.MAC, &e.BindingMAC, &e.BindingSignature}
	for _, part := range parts {
		whole := *part
		*part = bytes.Clone(whole)
		(*part)[len(whole)/2] ^= 1
		plaintext, err := o.Open(Request{Envelope: e, Keys: keys, Allowed: true})
		refused = refused && plaintext == nil && errors.Is(err, ErrRefused)
		*part = whole
	}
	return refused
}
