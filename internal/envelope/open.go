package envelope

import (
	"crypto/rand"
	"crypto/subtle"
	"fmt"
)

// Opener verifies and opens envelopes. For an envelope that may not be opened, or
// for which there is no key, it works as hard with keys of its own, so that the
// time an answer takes says nothing. It is safe for concurrent use; one per process
// is enough.
type Opener struct {
	keys  *Keys
	dummy Envelope
}

// NewOpener draws the keys and the envelope that stand in for missing ones.
func NewOpener() (*Opener, error) {
	var kemSeed [KEMSeedSize]byte
	var signSeed [SignSeedSize]byte
	var secret [MACSecretSize]byte
	for _, b := range [][]byte{kemSeed[:], signSeed[:], secret[:]} {
		_, _ = rand.Read(b) // ends the process rather than fail
	}
	keys, err := NewKeys(KeyID{}, &kemSeed, &signSeed, &secret, false)
	if err != nil {
		return nil, fmt.Errorf("making stand-in keys: %w", err)
	}
	dummy, err := keys.Encrypt(nil, nil)
	if err != nil {
		return nil, fmt.Errorf("making a stand-in envelope: %w", err)
	}
	return &Opener{keys, dummy}, nil
}

// Request says what is to be opened, and what its caller knows of it.
type Request struct {
	Envelope Envelope
	Keys     *Keys // of the key it was made with; nil = there is none
	Vouched  bool  // the log says of an envelope without any signature that it was made so
	Allowed  bool  // by everything that the caller decides
}

// Open verifies everything and decrypts. The caller wipes the plaintext. It
// returns ErrRefused, after as much work as a success, unless the request is
// allowed, the envelope is sound, of keys' tenant and key, and either carries
// signatures that all verify, all those that the keys put there among them, or
// carries none and is vouched for. It returns ErrIntegrity if that held and it
// does not decrypt.
func (o *Opener) Open(r Request) ([]byte, error) {
	e, keys, ok := r.Envelope, r.Keys, mask(r.Allowed)
	if keys == nil {
		keys, ok = o.keys, 0
	}
	if !e.sound() {
		e, ok = o.dummy, 0
	}
	ok &= subtle.ConstantTimeCompare(e.Tenant[:], keys.id.Tenant[:]) & subtle.ConstantTimeCompare(e.KeyID[:], keys.id.Key[:])
	ok &= keys.vouches(&e, o) | mask(r.Vouched)&mask(!e.Signed())
	if ok != 1 {
		e.KEMCiphertext, keys = o.dummy.KEMCiphertext, o.keys
	}
	var shared [keySize]byte
	defer clear(shared[:])
	keys.secret.DecapsulateTo(shared[:], e.KEMCiphertext)
	gcm, err := newGCM(shared[:])
	if err != nil {
		return nil, err
	}
	plaintext, err := gcm.Open(nil, e.Data[:nonceSize], e.Data[nonceSize:], e.Context)
	switch {
	case ok != 1:
		clear(plaintext)
		return nil, ErrRefused
	case err != nil:
		return nil, ErrIntegrity
	}
	return plaintext, nil
}

// vouches returns 1 if all signatures that e has to carry are there and are k's,
// and so are those that it need not, else 0. It always checks everything; what is
// absent it checks on the stand-in.
func (k *Keys) vouches(e *Envelope, o *Opener) int {
	ok := mask(e.complete())
	message := e.binding()
	signature, mac, bindingMAC := e.Signature, e.MAC, e.BindingMAC
	if ok != 1 {
		signature, mac, bindingMAC = o.dummy.Signature, o.dummy.MAC, o.dummy.BindingMAC
	}
	pqc := k.signer.verify(e.Data, signature, "")
	ok &= pqc
	ok &= subtle.ConstantTimeCompare(mac512(&k.signer.mac, e.Data), mac)
	ok &= subtle.ConstantTimeCompare(mac512(&k.bindingMAC, message), bindingMAC)
	if k.signsBindings || e.BindingSignature != nil {
		ok &= k.signer.verify(message, e.BindingSignature, bindingContext)
	}
	return ok
}
