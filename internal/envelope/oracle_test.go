package envelope_test

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/mlkem"
	"crypto/sha512"
	"errors"
	"math/rand/v2"
	"testing"

	"filippo.io/mldsa"
	"github.com/cloudflare/circl/kem/mlkem/mlkem768"
	"github.com/cloudflare/circl/sign/mldsa/mldsa65"

	"github.com/quantaseal/quantaseal/internal/envelope"
)

// openByTheBook opens an envelope as docs/envelope.md says, with the other
// implementations of its algorithms and no code of the package.
func openByTheBook(e envelope.Envelope, kemSeed, signKey, macSecret []byte) ([]byte, error) {
	public, err := mldsa.NewPublicKey(mldsa.MLDSA65(), signKey)
	if err != nil {
		return nil, err
	}
	if err := mldsa.Verify(public, e.Data, e.Signature, nil); err != nil {
		return nil, err
	}
	macKey := sha512.Sum512(macSecret)
	h := hmac.New(sha512.New, macKey[:])
	h.Write(e.Data)
	if !hmac.Equal(h.Sum(nil), e.MAC) {
		return nil, errors.New("HMAC")
	}
	dk, err := mlkem.NewDecapsulationKey768(kemSeed)
	if err != nil {
		return nil, err
	}
	shared, err := dk.Decapsulate(e.KEMCiphertext)
	if err != nil {
		return nil, err
	}
	key, err := hkdf.Key(sha512.New, shared, nil, "quantaseal-aes-key", 32)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		return nil, err
	}
	return gcm.Open(nil, e.Data[:12], e.Data[12:], e.Context)
}

func TestOtherImplementationsOpenOurEnvelopes(t *testing.T) {
	k := mustKeys(t, keyID, true)
	for n := range 40 {
		plaintext, bound := fill(n*30, byte(n)), context
		if n%2 == 0 {
			bound = nil
		}
		e, err := k.Encrypt(plaintext, bound)
		if err != nil {
			t.Fatal(err)
		}
		got, err := openByTheBook(e, kemSeed[:], k.SignPublicKey(), secret[:])
		if err != nil || !bytes.Equal(got, plaintext) {
			t.Fatalf("%d bytes: got %x, %v", len(plaintext), got, err)
		}
	}
}

// differential is how many random cases two implementations have to agree on.
const differential = 1000

func TestMLKEMDiffersNowhere(t *testing.T) {
	random := rand.NewChaCha8([32]byte{1})
	for n := range differential {
		var seed [64]byte
		var m, ours, theirs [32]byte
		var ct [1088]byte
		_, _ = random.Read(seed[:])
		_, _ = random.Read(m[:])
		public, private := mlkem768.NewKeyFromSeed(seed[:])
		oracle, err := mlkem.NewDecapsulationKey768(seed[:])
		if err != nil {
			t.Fatal(err)
		}
		var ek [1184]byte
		public.Pack(ek[:])
		if !bytes.Equal(ek[:], oracle.EncapsulationKey().Bytes()) {
			t.Fatalf("case %d: two encapsulation keys", n)
		}
		public.EncapsulateTo(ct[:], ours[:], m[:])
		if n%4 == 3 { // what was never encapsulated is rejected implicitly, by both alike
			ct[n%1088] ^= 1
			private.DecapsulateTo(ours[:], ct[:])
		}
		shared, err := oracle.Decapsulate(ct[:])
		if err != nil || !bytes.Equal(shared, ours[:]) {
			t.Fatalf("case %d: %v, %x and %x", n, err, shared, ours)
		}
		shared, encapsulated := oracle.EncapsulationKey().Encapsulate()
		if private.DecapsulateTo(theirs[:], encapsulated); !bytes.Equal(theirs[:], shared) {
			t.Fatalf("case %d: decapsulated %x, not %x", n, theirs, shared)
		}
	}
}

func TestMLDSADiffersNowhere(t *testing.T) {
	random := rand.NewChaCha8([32]byte{2})
	for n := range differential {
		var seed [32]byte
		message, bound := make([]byte, random.Uint64()%300), make([]byte, random.Uint64()%40)
		for _, b := range [][]byte{seed[:], message, bound} {
			_, _ = random.Read(b)
		}
		public, private := mldsa65.NewKeyFromSeed(&seed)
		oracle, err := mldsa.NewPrivateKey(mldsa.MLDSA65(), seed[:])
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(public.Bytes(), oracle.PublicKey().Bytes()) {
			t.Fatalf("case %d: two verification keys", n)
		}
		options := &mldsa.Options{Context: string(bound)}
		theirs, err := oracle.SignDeterministic(message, options)
		if err != nil {
			t.Fatal(err)
		}
		ours := make([]byte, mldsa65.SignatureSize)
		if err := mldsa65.SignTo(private, message, bound, false, ours); err != nil || !bytes.Equal(ours, theirs) {
			t.Fatalf("case %d: two signatures, %v", n, err)
		}
		if n%10 > 0 { // hedged signatures and changed ones, of every tenth case
			continue
		}
		if err := mldsa65.SignTo(private, message, bound, true, ours); err != nil {
			t.Fatal(err)
		}
		if err := mldsa.Verify(oracle.PublicKey(), message, ours, options); err != nil {
			t.Fatalf("case %d: %v", n, err)
		}
		ours[n%mldsa65.SignatureSize] ^= 1
		if mldsa65.Verify(public, message, bound, ours) || mldsa.Verify(oracle.PublicKey(), message, ours, options) == nil {
			t.Fatalf("case %d: a changed signature verifies", n)
		}
	}
}
