package envelope

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha512"
	"fmt"
)

// draws is the randomness of one envelope.
type draws struct {
	m     [32]byte // of the encapsulation (FIPS 203, algorithm 20)
	nonce [nonceSize]byte
}

// Encrypt puts plaintext into an envelope for k's tenant, bound to context, which
// is nil or came from [CanonicalContext]. It keeps and wipes nothing of the
// caller's. It returns ErrTooLong for more than MaxPlaintext bytes. No two calls
// give the same envelope.
func (k *Keys) Encrypt(plaintext, context []byte) (Envelope, error) {
	var d draws
	_, _ = rand.Read(d.m[:]) // ends the process rather than fail
	_, _ = rand.Read(d.nonce[:])
	e, err := k.encrypt(plaintext, context, &d)
	if err != nil {
		return Envelope{}, err
	}
	return e, k.seal(&e)
}

// encrypt makes an envelope that is not signed yet.
func (k *Keys) encrypt(plaintext, context []byte, d *draws) (Envelope, error) {
	if len(plaintext) > MaxPlaintext || len(context) > MaxContext {
		return Envelope{}, ErrTooLong
	}
	defer func() { *d = draws{} }()
	e := Envelope{
		Tenant: k.id.Tenant, KeyID: k.id.Key, Context: context,
		KEMCiphertext: make([]byte, KEMCiphertextSize), Data: make([]byte, nonceSize, Overhead+len(plaintext)),
	}
	var shared [keySize]byte
	defer clear(shared[:])
	k.public.EncapsulateTo(e.KEMCiphertext, shared[:], d.m[:])
	gcm, err := newGCM(shared[:])
	if err != nil {
		return Envelope{}, err
	}
	copy(e.Data, d.nonce[:])
	e.Data = gcm.Seal(e.Data, d.nonce[:], plaintext, context)
	return e, nil
}

// seal signs e.
func (k *Keys) seal(e *Envelope) (err error) {
	if e.Signature, err = k.signer.sign(e.Data, ""); err != nil {
		return err
	}
	message := e.binding()
	e.MAC, e.BindingMAC = mac512(&k.signer.mac, e.Data), mac512(&k.bindingMAC, message)
	if k.signsBindings {
		e.BindingSignature, err = k.signer.sign(message, bindingContext)
	}
	return err
}

// newGCM returns AES-256-GCM under the key that shared gives.
func newGCM(shared []byte) (cipher.AEAD, error) {
	key, err := hkdf.Key(sha512.New, shared, nil, encryptionKeyLabel, keySize)
	if err != nil {
		return nil, fmt.Errorf("deriving an envelope key: %w", err)
	}
	defer clear(key)
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("preparing AES-256: %w", err)
	}
	return cipher.NewGCM(block)
}
