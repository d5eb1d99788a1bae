package chain

import "github.com/cloudflare/circl/sign/mldsa/mldsa65"

// SignDeterministic signs without randomness, as the vectors do.
func (k *SigningKey) SignDeterministic(context string, message []byte) ([]byte, error) {
	signature := make([]byte, SignatureSize)
	return signature, mldsa65.SignTo(k.secret, message, []byte(context), false, signature)
}
