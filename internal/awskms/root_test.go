package awskms_test

import (
	"bytes"
	"errors"
	"testing"

	"filippo.io/mldsa"
	"filippo.io/mldsa/x509"

	"github.com/quantaseal/quantaseal/internal/awskms"
)

// FuzzPublicKey reads what a KMS says is a public key: the other implementation's
// encoding of one, and nothing else.
func FuzzPublicKey(f *testing.F) {
	seed := make([]byte, mldsa.PrivateKeySize)
	key, err := mldsa.NewPrivateKey(mldsa.MLDSA65(), seed)
	if err != nil {
		f.Fatal(err)
	}
	small, err := mldsa.NewPrivateKey(mldsa.MLDSA44(), seed)
	if err != nil {
		f.Fatal(err)
	}
	for _, public := range []*mldsa.PublicKey{key.PublicKey(), small.PublicKey()} {
		der, err := x509.MarshalPKIXPublicKey(public)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(der)
		f.Add(der[:len(der)-1])
		f.Add(append(der, 0))
	}
	f.Fuzz(func(t *testing.T, der []byte) {
		got, err := awskms.ParsePublicKey(der)
		if err != nil {
			if !errors.Is(err, awskms.ErrAnswer) {
				t.Fatalf("got %v", err)
			}
			if bytes.HasSuffix(der, key.PublicKey().Bytes()) && len(der) == 1974 {
				if _, err := x509.ParsePKIXPublicKey(der); err == nil {
					t.Fatal("a public key is refused")
				}
			}
			return
		}
		public, err := mldsa.NewPublicKey(mldsa.MLDSA65(), got)
		if err != nil {
			t.Fatal(err)
		}
		if again, err := x509.MarshalPKIXPublicKey(public); err != nil || !bytes.Equal(again, der) {
			t.Fatalf("accepted what is not its encoding, %v", err)
		}
	})
}
