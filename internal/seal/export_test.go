package seal

// Randomness fixes what sealing would draw, for known answers.
type Randomness struct {
	Slot  Slot
	M     [32]byte
	Salt  [32]byte
	Nonce [12]byte
}

// SealWith is Seal with fixed randomness and deterministic signatures.
func SealWith(b Binding, keys *RecordKeys, plaintext []byte, r Randomness) (Sealed, error) {
	return seal(b, keys, plaintext, &draws{slot: r.Slot, m: r.M, salt: r.Salt, nonce: r.Nonce}, false)
}

// WrapWith is Wrap with fixed salt ‖ nonce.
func WrapWith(kek *[KeySize]byte, purpose uint8, epoch uint32, c WrapContext, key []byte, fresh [44]byte) ([]byte, error) {
	return wrap(kek, purpose, epoch, c, key, &fresh)
}

// AppendSectionWith is AppendSection with a fixed nonce.
func AppendSectionWith(dst []byte, key *[KeySize]byte, keyRef [32]byte, c SectionContext, plaintext []byte, nonce [12]byte) ([]byte, error) {
	return appendSection(dst, key, keyRef, c, plaintext, &nonce)
}

// Resign replaces the signatures of record, as only a holder of keys can.
func Resign(record []byte, keys *RecordKeys) ([]byte, error) {
	message := record[:len(record)-trailerSize]
	return keys.sign(message[:len(message):len(message)], true)
}
