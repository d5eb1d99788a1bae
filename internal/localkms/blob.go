package localkms

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha3"
	"encoding/binary"
	"fmt"
	"maps"
	"slices"
)

// A blob: magic ‖ u8 version ‖ u32 key version ‖ salt[32] ‖ nonce[12] ‖ ct ‖ tag.
const (
	blobMagic   = "QSLK"
	blobVersion = 1
	blobSalt    = 9
	blobNonce   = blobSalt + 32
	blobCT      = blobNonce + 12
	tagSize     = 16

	// MaxPlaintext is the longest plaintext that Encrypt accepts in bytes, as in AWS KMS.
	MaxPlaintext = 4096
)

// Encrypt returns plaintext, at most MaxPlaintext bytes, encrypted under the
// master key and bound to encryption context kctx, which is not secret. It
// returns ErrRequest if kctx is empty or plaintext too long.
func (k *KMS) Encrypt(ctx context.Context, kctx map[string]string, plaintext []byte) ([]byte, error) {
	var fresh [blobCT - blobSalt]byte
	_, _ = rand.Read(fresh[:]) // ends the process rather than fail
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return k.encrypt(kctx, plaintext, &fresh)
}

func (k *KMS) encrypt(kctx map[string]string, plaintext []byte, fresh *[blobCT - blobSalt]byte) ([]byte, error) {
	if len(kctx) == 0 || len(plaintext) > MaxPlaintext {
		return nil, fmt.Errorf("encrypting %d bytes with %d context entries: %w", len(plaintext), len(kctx), ErrRequest)
	}
	blob := make([]byte, 0, blobCT+len(plaintext)+tagSize)
	blob = append(blob, blobMagic...)
	blob = append(blob, blobVersion)
	blob = binary.BigEndian.AppendUint32(blob, keyVersion)
	blob = append(blob, fresh[:]...)
	aad := canonical(kctx)
	gcm, err := k.blobCipher(blob, aad)
	if err != nil {
		return nil, err
	}
	return gcm.Seal(blob, blob[blobNonce:blobCT], plaintext, aad), nil
}

// Decrypt returns the plaintext of blob, which the caller wipes. It returns
// ErrCiphertext unless this key encrypted it under the same kctx.
func (k *KMS) Decrypt(ctx context.Context, kctx map[string]string, blob []byte) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if len(blob) < blobCT+tagSize || len(blob) > blobCT+MaxPlaintext+tagSize || string(blob[:4]) != blobMagic ||
		blob[4] != blobVersion || binary.BigEndian.Uint32(blob[5:]) != keyVersion {
		return nil, ErrCiphertext
	}
	aad := canonical(kctx)
	gcm, err := k.blobCipher(blob, aad)
	if err != nil {
		return nil, err
	}
	plaintext, err := gcm.Open(nil, blob[blobNonce:blobCT], blob[blobCT:], aad)
	if err != nil {
		return nil, ErrCiphertext
	}
	return plaintext, nil
}

// Holds reports whether blob looks like a ciphertext of a key file.
func (k *KMS) Holds(blob []byte) bool { return len(blob) > 4 && string(blob[:4]) == blobMagic }

// blobCipher returns the cipher of the key that blob alone is encrypted with.
func (k *KMS) blobCipher(blob, aad []byte) (cipher.AEAD, error) {
	h := sha3.New256()
	_, _ = h.Write([]byte("quantaseal/v1/kms-context\x00")) // a hash never fails to write
	_, _ = h.Write(aad)
	key, err := derive(&k.master, blob[blobSalt:blobNonce], "blob\x00"+string(blob[:blobSalt])+string(h.Sum(nil)))
	if err != nil {
		return nil, err
	}
	defer clear(key[:])
	return newGCM(key[:])
}

// canonical is the one encoding of an encryption context: u32 count, then key and
// value of each entry in the order of keys, each after its u32 length.
func canonical(kctx map[string]string) []byte {
	b := binary.BigEndian.AppendUint32(nil, uint32(len(kctx)))
	for _, key := range slices.Sorted(maps.Keys(kctx)) {
		for _, s := range []string{key, kctx[key]} {
			b = binary.BigEndian.AppendUint32(b, uint32(len(s)))
			b = append(b, s...)
		}
	}
	return b
}

func newGCM(key []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("preparing AES-256: %w", err)
	}
	return cipher.NewGCM(block)
}
