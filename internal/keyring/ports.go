package keyring

import (
	"context"
	"errors"
)

// KMS keeps the encryption key at the root of all others. Every use of it names a
// context of ids, which is not secret and may be logged where the KMS runs. Both
// internal/awskms and internal/localkms implement it, as internal/kmstest checks. An
// error means that the answer was refused or could not be had; the key ring does
// not care which, and believes no answer that it has not checked.
type KMS interface {
	// GenerateDataKey returns a fresh key of 32 bytes, which the caller wipes, and
	// its ciphertext under kctx.
	GenerateDataKey(ctx context.Context, kctx map[string]string) (plaintext, blob []byte, err error)
	// Encrypt returns the ciphertext of at most 4096 bytes under kctx.
	Encrypt(ctx context.Context, kctx map[string]string, plaintext []byte) (blob []byte, err error)
	// Decrypt returns the plaintext of a blob that was encrypted under the same kctx,
	// which the caller wipes.
	Decrypt(ctx context.Context, kctx map[string]string, blob []byte) (plaintext []byte, err error)
	// Holds reports whether blob looks like a ciphertext of this KMS and key. It asks
	// nobody.
	Holds(blob []byte) bool
	// KeyRef names the encryption key in sealed records.
	KeyRef() [32]byte
	// Development reports whether nothing but a file mode protects the keys.
	Development() bool
}

// RootKey certifies the audit keys of all chains, and signs checkpoints.
type RootKey interface {
	// Sign returns the root key's hedged ML-DSA-65 signature of message under a
	// FIPS 204 context string of 1 to 255 bytes, 3309 bytes.
	Sign(ctx context.Context, signContext string, message []byte) (signature []byte, err error)
	// PublicKey returns the root key's verification key, 1952 bytes.
	PublicKey(ctx context.Context) ([]byte, error)
}

// Errors of a Store.
var (
	// ErrNoKey reports that no such key is stored.
	ErrNoKey = errors.New("keyring: no such key")
	// ErrKeyExists reports that a key of that name is stored. None of those offered
	// with it was.
	ErrKeyExists = errors.New("keyring: the key exists")
	// ErrNoDeployment reports that there is no deployment yet.
	ErrNoDeployment = errors.New("keyring: no deployment yet")
	// ErrDeploymentExists reports that there is one.
	ErrDeploymentExists = errors.New("keyring: the deployment exists")
)

// WrappedKey is key material under another key. All but Blob is its name.
type WrappedKey struct {
	Tenant  [16]byte // zero: the deployment's own
	Purpose string   // what the key is for
	Subject [16]byte // whom it is about; zero: the tenant as a whole
	Epoch   uint32   // which in the succession of such keys, from 1
	Blob    []byte
}

// Replacement is a key under another key than before. Both have the same name.
type Replacement struct{ Old, New WrappedKey }

// Store keeps wrapped keys and the deployment's identity. What it answers is
// durable.
type Store interface {
	// LoadKey returns the blob with a name, or ErrNoKey.
	LoadKey(ctx context.Context, tenant [16]byte, purpose string, subject [16]byte, epoch uint32) ([]byte, error)
	// StoreKeys keeps all of keys or none. It returns ErrKeyExists if one is stored
	// already, also to the slower of two nodes.
	StoreKeys(ctx context.Context, keys []WrappedKey) error
	// DestroyKey removes a key so that it cannot be recovered from the live store.
	// One already gone is no error.
	DestroyKey(ctx context.Context, tenant [16]byte, purpose string, subject [16]byte, epoch uint32) error
	// KeysOf returns keys of a purpose, of all tenants, at most limit of them: those
	// behind the place after, and the place of the last. The first place is 0.
	KeysOf(ctx context.Context, purpose string, after int64, limit int) (keys []WrappedKey, last int64, err error)
	// ReplaceKeys puts new blobs where the old ones still are, all in one transaction,
	// and returns how many. What is gone, or another by now, it leaves as it is.
	ReplaceKeys(ctx context.Context, replacements []Replacement) (int, error)
	// LoadDeployment returns the deployment, or ErrNoDeployment.
	LoadDeployment(ctx context.Context) (Deployment, error)
	// StoreDeployment keeps it once: after that, and for the slower of two nodes, it
	// returns ErrDeploymentExists.
	StoreDeployment(ctx context.Context, d Deployment) error
}
