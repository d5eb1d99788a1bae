package envelope

// EncryptWith is Encrypt with fixed randomness and deterministic signatures.
func (k *Keys) EncryptWith(plaintext, context []byte, m [32]byte, nonce [12]byte) (Envelope, error) {
	k.signer.deterministic = true
	defer func() { k.signer.deterministic = false }()
	e, err := k.encrypt(plaintext, context, &draws{m: m, nonce: nonce})
	if err != nil {
		return Envelope{}, err
	}
	return e, k.seal(&e)
}

// Resign signs e anew, as only a holder of the keys can.
func (k *Keys) Resign(e *Envelope) error { return k.seal(e) }
