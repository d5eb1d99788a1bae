// Package localkms is a key management service in a key file: the root of all
// keys for a deployment that has no other. It keeps one master key and answers
// the questions that AWS KMS answers, so the key ring cannot tell them apart.
//
// Its one law: the master key leaves it in no form, and every use names its
// encryption context. What is derived from it for signing can leave, see [KMS.RootSeed].
//
// Without a passphrase the file's mode is the only protection: whoever reads the
// disk reads the key. Such a deployment calls itself a development one.
//
// # The directory
//
// The key file kms.qsk (mode 0600) lies alone in a directory (mode 0700) that all
// nodes of a deployment share. Open refuses one that others could read or
// replace. It appears whole or not at all: it is written and synced under another
// name, then linked to its own, which succeeds for one of any number of nodes.
//
// # What is derived
//
// Every key is derived from the master key by HKDF-SHA-512 (RFC 5869) with its own
// label: one per blob from the blob's random salt, so that no number of blobs
// wears the master key out; the root signing key's ML-DSA-65 seed under
// "root-sign"; and the public identifier under "id".
package localkms

import (
	"bytes"
	"context"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha512"
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/cloudflare/circl/sign/mldsa/mldsa65"

	"github.com/quantaseal/quantaseal/internal/seal"
)

var (
	// ErrUnsafe reports a key file or directory that others may read, write or replace.
	ErrUnsafe = errors.New("localkms: unsafe key file")
	// ErrDamaged reports a key file that this package did not write, or not so.
	ErrDamaged = errors.New("localkms: damaged key file")
	// ErrPassphrase reports a passphrase that is wrong, missing, or given for a file that has none.
	ErrPassphrase = errors.New("localkms: wrong passphrase")
	// ErrCiphertext reports a blob that is not ours, or is of another encryption context.
	ErrCiphertext = errors.New("localkms: not a ciphertext of this key and context")
	// ErrRequest reports a call without a context, or beyond a limit.
	ErrRequest = errors.New("localkms: invalid request")
)

const (
	label      = "quantaseal/v1/local-kms/"
	keySize    = 32
	keyVersion = 1
)

// KMS holds the master key of one key file. It is safe for concurrent use.
type KMS struct {
	master    [keySize]byte
	id        [32]byte // public
	root      *mldsa65.PrivateKey
	public    []byte
	protected bool
}

// Options are what opening a key file depends on.
type Options struct {
	// Passphrase protects the master key with Argon2id, or not if it is empty. The
	// caller wipes it.
	Passphrase []byte

	cost cost // of a new file; zero: the default
}

// Open returns the KMS of the key file in dir, and whether it created the file.
// It creates dir too. Any number of nodes may open one directory at once; all get
// the same key. It returns ErrUnsafe if dir or the file belong to another user, if
// others could read the file or write to either, or if either is a symbolic link;
// ErrPassphrase if the passphrase does not fit; ErrDamaged if the file does not parse.
func Open(ctx context.Context, dir string, o Options) (k *KMS, created bool, err error) {
	d, err := openDirectory(dir)
	if err != nil {
		return nil, false, fmt.Errorf("opening the key directory %s: %w", dir, err)
	}
	defer d.close()
	master, created, err := d.load(ctx, o)
	if err != nil {
		return nil, false, fmt.Errorf("opening %s in %s: %w", fileName, dir, err)
	}
	defer clear(master[:])
	k, err = newKMS(&master, len(o.Passphrase) > 0)
	return k, created, err
}

func newKMS(master *[keySize]byte, protected bool) (*KMS, error) {
	k := &KMS{master: *master, protected: protected}
	var err error
	if k.id, err = identify(master); err != nil {
		return nil, err
	}
	seed, err := k.RootSeed()
	if err != nil {
		return nil, err
	}
	defer clear(seed[:])
	var public *mldsa65.PublicKey
	public, k.root = mldsa65.NewKeyFromSeed(&seed)
	k.public = public.Bytes()
	return k, nil
}

// identify returns the public identifier of a master key.
func identify(master *[keySize]byte) ([32]byte, error) { return derive(master, nil, "id") }

// derive returns a key for one purpose. No two purposes or salts share one.
func derive(master *[keySize]byte, salt []byte, purpose string) (key [keySize]byte, err error) {
	b, err := hkdf.Key(sha512.New, master[:], salt, label+purpose, keySize)
	if err != nil {
		return key, fmt.Errorf("deriving a key: %w", err)
	}
	copy(key[:], b)
	clear(b)
	return key, nil
}

// GenerateDataKey returns a fresh 32-byte key, which the caller wipes, and its
// ciphertext under encryption context kctx. It returns ErrRequest if kctx is empty.
func (k *KMS) GenerateDataKey(ctx context.Context, kctx map[string]string) (plaintext, blob []byte, err error) {
	plaintext = make([]byte, keySize)
	_, _ = rand.Read(plaintext) // ends the process rather than fail
	blob, err = k.Encrypt(ctx, kctx, plaintext)
	if err != nil {
		clear(plaintext)
		return nil, nil, err
	}
	return plaintext, blob, nil
}

// Sign returns the root key's ML-DSA-65 signature, 3309 bytes, of message under a
// FIPS 204 context string of 1 to 255 bytes. It is hedged: no two are equal. It
// returns ErrRequest for a context of another length.
func (k *KMS) Sign(ctx context.Context, signContext string, message []byte) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if signContext == "" || len(signContext) > 255 {
		return nil, fmt.Errorf("a signature context of %d bytes: %w", len(signContext), ErrRequest)
	}
	signature := make([]byte, mldsa65.SignatureSize)
	if err := mldsa65.SignTo(k.root, message, []byte(signContext), true, signature); err != nil {
		return nil, fmt.Errorf("signing with the root key: %w", err)
	}
	return signature, nil
}

// RootSeed returns the seed of the root key, which the caller wipes. It is for a
// deployment that moves to another KMS and takes its root key along.
func (k *KMS) RootSeed() ([keySize]byte, error) { return derive(&k.master, nil, "root-sign") }

// PublicKey returns the root key's verification key, 1952 bytes.
func (k *KMS) PublicKey(context.Context) ([]byte, error) {
	return bytes.Clone(k.public), nil
}

// KeyRef returns T("kms-key", "local:" ‖ hex identifier), which names the master
// key for good: a node with another key has another.
func (k *KMS) KeyRef() [32]byte { return seal.KMSKeyRef("local:" + hex.EncodeToString(k.id[:])) }

// Development reports whether no passphrase protects the master key.
func (k *KMS) Development() bool { return !k.protected }

// Close overwrites the keys. k must not be used again.
func (k *KMS) Close() {
	clear(k.master[:])
	*k.root = mldsa65.PrivateKey{}
}
