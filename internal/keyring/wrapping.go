package keyring

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
)

// ErrLied reports a KMS whose answer contradicts another of its answers. Nothing
// that it answered is used.
var ErrLied = errors.New("keyring: the KMS contradicts itself")

// generate returns a fresh key, which the caller wipes, and its ciphertext, after the
// KMS has decrypted that again: what is wrapped under a key that nobody can have
// again is lost.
func (r *Ring) generate(ctx context.Context, kctx map[string]string) (plaintext, blob []byte, err error) {
	plaintext, blob, err = r.kms.GenerateDataKey(ctx, kctx)
	if err != nil {
		return nil, nil, err
	}
	if err := r.check(ctx, kctx, blob, plaintext); err != nil {
		clear(plaintext)
		return nil, nil, err
	}
	return plaintext, blob, nil
}

// encrypt returns the ciphertext of a key, checked as generate checks it.
func (r *Ring) encrypt(ctx context.Context, kctx map[string]string, plaintext []byte) ([]byte, error) {
	blob, err := r.kms.Encrypt(ctx, kctx, plaintext)
	if err != nil {
		return nil, err
	}
	return blob, r.check(ctx, kctx, blob, plaintext)
}

// check has the KMS decrypt blob and compares.
func (r *Ring) check(ctx context.Context, kctx map[string]string, blob, plaintext []byte) error {
	again, err := r.kms.Decrypt(ctx, kctx, blob)
	if err != nil {
		return fmt.Errorf("decrypting what was just encrypted: %w", err)
	}
	defer clear(again)
	if !r.kms.Holds(blob) || subtle.ConstantTimeCompare(again, plaintext) != 1 {
		return ErrLied
	}
	return nil
}

// decrypt returns the plaintext of what the KMS encrypted, or the one before it while
// a deployment moves.
func (r *Ring) decrypt(ctx context.Context, kctx map[string]string, blob []byte) ([]byte, error) {
	kms := r.kms
	if r.former != nil && !kms.Holds(blob) {
		kms = r.former
	}
	return kms.Decrypt(ctx, kctx, blob)
}

// splitStored separates what stands before a KMS blob from the blob.
func splitStored(stored []byte, size int) (head, blob []byte, err error) {
	if len(stored) <= size {
		return nil, nil, errors.New("keyring: a stored key is damaged")
	}
	return stored[:size], stored[size:], nil
}
