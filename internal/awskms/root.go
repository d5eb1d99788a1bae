package awskms

import (
	"bytes"
	"context"
	"crypto/sha3"
	"crypto/x509/pkix"
	"encoding/asn1"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
)

// Sizes of ML-DSA-65 in bytes (FIPS 204 table 2).
const (
	publicKeySize = 1952
	signatureSize = 3309
	muSize        = 64
)

// RootKey is an ML-DSA-65 key in AWS KMS that signs and never leaves it. It is safe
// for concurrent use.
type RootKey struct {
	*client

	public []byte
	tr     [64]byte // the hash of the public key that every message is hashed with
}

// OpenRoot returns the ML_DSA_65 key with an ARN. An empty endpoint is the region's
// own. It returns ErrARN or ErrEndpoint for arguments that are none, ErrAnswer for a
// key of another kind.
func OpenRoot(ctx context.Context, keyARN, endpoint string) (*RootKey, error) {
	return openRoot(ctx, keyARN, endpoint, standard)
}

func openRoot(ctx context.Context, keyARN, endpoint string, p patience) (*RootKey, error) {
	c, err := connect(ctx, keyARN, endpoint, p)
	if err != nil {
		return nil, err
	}
	out, err := call(ctx, c.calls, "GetPublicKey", func(ctx context.Context) (*kms.GetPublicKeyOutput, error) {
		return c.api.GetPublicKey(ctx, &kms.GetPublicKeyInput{KeyId: aws.String(keyARN)})
	})
	if err != nil {
		return nil, err
	}
	if out.KeySpec != types.KeySpecMlDsa65 || out.KeyUsage != types.KeyUsageTypeSignVerify {
		return nil, fmt.Errorf("%s is of spec %s for %s, not ML_DSA_65 for SIGN_VERIFY: %w", keyARN, out.KeySpec, out.KeyUsage, ErrAnswer)
	}
	r := &RootKey{client: c}
	if r.public, err = parsePublicKey(out.PublicKey); err == nil {
		err = c.isThisKey(out.KeyId)
	}
	if err != nil {
		return nil, err
	}
	h := sha3.NewSHAKE256()
	_, _ = h.Write(r.public) // a hash never fails
	_, _ = h.Read(r.tr[:])
	return r, nil
}

// oidMLDSA65 names the algorithm (RFC 9881).
var oidMLDSA65 = asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 3, 18}

// parsePublicKey returns the key in a SubjectPublicKeyInfo of ML-DSA-65, or ErrAnswer.
func parsePublicKey(der []byte) ([]byte, error) {
	var info struct {
		Algorithm pkix.AlgorithmIdentifier
		Key       asn1.BitString
	}
	rest, err := asn1.Unmarshal(der, &info)
	if err != nil || len(rest) != 0 || !info.Algorithm.Algorithm.Equal(oidMLDSA65) || len(info.Algorithm.Parameters.FullBytes) != 0 ||
		info.Key.BitLength != 8*publicKeySize {
		return nil, fmt.Errorf("no public key of ML-DSA-65: %w", ErrAnswer)
	}
	return info.Key.Bytes, nil
}

// PublicKey implements keyring.RootKey.
func (r *RootKey) PublicKey(context.Context) ([]byte, error) { return bytes.Clone(r.public), nil }

// Sign implements keyring.RootKey. AWS KMS itself signs with an empty context string
// alone, so the message is hashed here with its context, and AWS KMS signs the hash.
// It returns ErrRequest for a context of another length.
func (r *RootKey) Sign(ctx context.Context, signContext string, message []byte) ([]byte, error) {
	if signContext == "" || len(signContext) > 255 {
		return nil, fmt.Errorf("a signature context of %d bytes: %w", len(signContext), ErrRequest)
	}
	mu := r.representative(signContext, message)
	out, err := call(ctx, r.calls, "Sign", func(ctx context.Context) (*kms.SignOutput, error) {
		return r.api.Sign(ctx, &kms.SignInput{
			KeyId: aws.String(r.key), Message: mu[:], MessageType: types.MessageTypeExternalMu,
			SigningAlgorithm: types.SigningAlgorithmSpecMlDsaShake256,
		})
	})
	if err != nil {
		return nil, err
	}
	if err := r.isThisKey(out.KeyId); err != nil {
		return nil, err
	}
	if len(out.Signature) != signatureSize {
		return nil, fmt.Errorf("a signature of %d bytes: %w", len(out.Signature), ErrAnswer)
	}
	return out.Signature, nil
}

// representative returns μ of FIPS 204: algorithm 7 line 6, over the M' of algorithm 2.
func (r *RootKey) representative(signContext string, message []byte) (mu [muSize]byte) {
	h := sha3.NewSHAKE256()
	_, _ = h.Write(r.tr[:]) // a hash never fails
	_, _ = h.Write([]byte{0, byte(len(signContext))})
	_, _ = h.Write([]byte(signContext))
	_, _ = h.Write(message)
	_, _ = h.Read(mu[:])
	return mu
}
