package localkms

import "io/fs"

// Safe is the rule about owners and permissions.
func Safe(info fs.FileInfo, forbidden fs.FileMode, euid int) error {
	return safe(info, forbidden, euid)
}

// Cheap returns o with a passphrase cost that tests can afford.
func Cheap(o Options) Options {
	o.cost = cost{passes: 1, kib: 64, threads: 1}
	return o
}

// ChangePassphraseTo is ChangePassphrase with options.
var ChangePassphraseTo = changePassphrase

// EncodeFile returns a key file with fixed salt ‖ nonce.
func EncodeFile(master [32]byte, o Options, fresh [28]byte) ([]byte, error) {
	return encodeFileWith(&master, o, &fresh)
}

// DecodeFile returns the master key in a key file.
func DecodeFile(b, passphrase []byte) ([32]byte, error) { return decodeFile(b, passphrase) }

// WithMaster returns the KMS of a fixed master key.
func WithMaster(master [32]byte) (*KMS, error) { return newKMS(&master, false) }

// EncryptWith is Encrypt with fixed salt ‖ nonce.
func (k *KMS) EncryptWith(kctx map[string]string, plaintext []byte, fresh [44]byte) ([]byte, error) {
	return k.encrypt(kctx, plaintext, &fresh)
}

// Canonical is the encoding of an encryption context.
var Canonical = canonical
