package awskms

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"

	"github.com/quantaseal/quantaseal/internal/seal"
)

// A blob: magic ‖ u8 version ‖ key reference[32] ‖ what AWS KMS made. The reference
// tells without asking whose it is.
const (
	blobMagic   = "QSAK"
	blobVersion = 1
	blobRef     = 5
	blobCT      = blobRef + 32

	keySize = 32

	// MaxPlaintext is the longest plaintext that AWS KMS encrypts, in bytes.
	MaxPlaintext  = 4096
	maxCiphertext = 6144 // that it decrypts
)

// KMS wraps keys with one symmetric key of AWS KMS. It is safe for concurrent use.
type KMS struct {
	*client

	ref [32]byte
}

// Open returns the KMS of the symmetric key with an ARN, after it has encrypted and
// decrypted something: what is misconfigured shows at the start. An empty endpoint is
// the region's own. It returns ErrARN or ErrEndpoint for arguments that are none.
func Open(ctx context.Context, keyARN, endpoint string) (*KMS, error) {
	return open(ctx, keyARN, endpoint, standard)
}

func open(ctx context.Context, keyARN, endpoint string, p patience) (*KMS, error) {
	c, err := connect(ctx, keyARN, endpoint, p)
	if err != nil {
		return nil, err
	}
	k := &KMS{client: c, ref: seal.KMSKeyRef(keyARN)}
	probe := map[string]string{"app": "quantaseal", "purpose": "probe"}
	plaintext, blob, err := k.GenerateDataKey(ctx, probe)
	if err != nil {
		return nil, fmt.Errorf("trying %s: %w", keyARN, err)
	}
	again, err := k.Decrypt(ctx, probe, blob)
	if err == nil && !bytes.Equal(again, plaintext) {
		err = ErrAnswer
	}
	clear(plaintext)
	clear(again)
	if err != nil {
		return nil, fmt.Errorf("trying %s: %w", keyARN, err)
	}
	return k, nil
}

// GenerateDataKey implements keyring.KMS. It returns ErrRequest if kctx is empty.
func (k *KMS) GenerateDataKey(ctx context.Context, kctx map[string]string) (plaintext, blob []byte, err error) {
	if len(kctx) == 0 {
		return nil, nil, fmt.Errorf("no encryption context: %w", ErrRequest)
	}
	out, err := call(ctx, k.calls, "GenerateDataKey", func(ctx context.Context) (*kms.GenerateDataKeyOutput, error) {
		return k.api.GenerateDataKey(ctx, &kms.GenerateDataKeyInput{
			KeyId: aws.String(k.key), KeySpec: types.DataKeySpecAes256, EncryptionContext: kctx,
		})
	})
	if err != nil {
		return nil, nil, err
	}
	err = k.isThisKey(out.KeyId)
	if len(out.Plaintext) != keySize {
		err = errors.Join(err, fmt.Errorf("a key of %d bytes: %w", len(out.Plaintext), ErrAnswer))
	}
	if blob, err = k.frame(out.CiphertextBlob, err); err != nil {
		clear(out.Plaintext)
		return nil, nil, err
	}
	return out.Plaintext, blob, nil
}

// Encrypt implements keyring.KMS. It returns ErrRequest if kctx is empty or plaintext
// longer than MaxPlaintext bytes.
func (k *KMS) Encrypt(ctx context.Context, kctx map[string]string, plaintext []byte) ([]byte, error) {
	if len(kctx) == 0 || len(plaintext) == 0 || len(plaintext) > MaxPlaintext {
		return nil, fmt.Errorf("encrypting %d bytes with %d context entries: %w", len(plaintext), len(kctx), ErrRequest)
	}
	out, err := call(ctx, k.calls, "Encrypt", func(ctx context.Context) (*kms.EncryptOutput, error) {
		return k.api.Encrypt(ctx, &kms.EncryptInput{KeyId: aws.String(k.key), Plaintext: plaintext, EncryptionContext: kctx})
	})
	if err != nil {
		return nil, err
	}
	return k.frame(out.CiphertextBlob, k.isThisKey(out.KeyId))
}

// Decrypt implements keyring.KMS. It returns ErrCiphertext unless this key encrypted
// blob under the same kctx.
func (k *KMS) Decrypt(ctx context.Context, kctx map[string]string, blob []byte) ([]byte, error) {
	if !k.Holds(blob) || len(blob) > blobCT+maxCiphertext || len(kctx) == 0 {
		return nil, ErrCiphertext
	}
	out, err := call(ctx, k.calls, "Decrypt", func(ctx context.Context) (*kms.DecryptOutput, error) {
		return k.api.Decrypt(ctx, &kms.DecryptInput{KeyId: aws.String(k.key), CiphertextBlob: blob[blobCT:], EncryptionContext: kctx})
	})
	if err != nil {
		return nil, err
	}
	if err := k.isThisKey(out.KeyId); err != nil {
		clear(out.Plaintext)
		return nil, err
	}
	return out.Plaintext, nil
}

// frame says whose ciphertext it is, unless err says what is wrong already.
func (k *KMS) frame(ciphertext []byte, err error) ([]byte, error) {
	if err == nil && (len(ciphertext) == 0 || len(ciphertext) > maxCiphertext) {
		err = fmt.Errorf("a ciphertext of %d bytes: %w", len(ciphertext), ErrAnswer)
	}
	if err != nil {
		return nil, err
	}
	blob := append([]byte(blobMagic), blobVersion)
	return append(append(blob, k.ref[:]...), ciphertext...), nil
}

// Holds reports whether blob names this key as its own.
func (k *KMS) Holds(blob []byte) bool {
	return len(blob) > blobCT && string(blob[:4]) == blobMagic && blob[4] == blobVersion && bytes.Equal(blob[blobRef:blobCT], k.ref[:])
}

// KeyRef returns T("kms-key", ARN).
func (k *KMS) KeyRef() [32]byte { return k.ref }

// Development returns false: the key lies in no file.
func (k *KMS) Development() bool { return false }
