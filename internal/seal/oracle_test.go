package seal_test

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/mlkem"
	"crypto/sha3"
	"crypto/sha512"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"

	"filippo.io/mldsa"
	"github.com/cloudflare/circl/kem/mlkem/mlkem768"
	"github.com/cloudflare/circl/sign/mldsa/mldsa65"

	"github.com/quantaseal/quantaseal/internal/seal"
)

// openByTheBook opens a record with the other implementations of its algorithms
// and with the offsets of its description, sharing no code with the package.
func openByTheBook(record, signSeed, macSecret, slot []byte) ([]byte, error) {
	message, sig, mac := record[:len(record)-3373], record[len(record)-3373:len(record)-64], record[len(record)-64:]
	sk, err := mldsa.NewPrivateKey(mldsa.MLDSA65(), signSeed)
	if err != nil {
		return nil, err
	}
	if err := mldsa.Verify(sk.PublicKey(), message, sig, &mldsa.Options{Context: "quantaseal/v1/vault-record"}); err != nil {
		return nil, err
	}
	h := hmac.New(sha512.New, macSecret)
	h.Write([]byte("quantaseal/v1/vault-record-hmac\x00"))
	h.Write(record[:len(record)-64])
	if !hmac.Equal(h.Sum(nil), mac) {
		return nil, errors.New("HMAC")
	}
	dk, err := mlkem.NewDecapsulationKey768(slot[:64])
	if err != nil {
		return nil, err
	}
	ekHash := sha3.Sum256(append([]byte("quantaseal/v1/ek\x00"), dk.EncapsulationKey().Bytes()...))
	if !bytes.Equal(ekHash[:], message[168:200]) {
		return nil, errors.New("ek_hash")
	}
	k1, err := dk.Decapsulate(message[232:1320])
	if err != nil {
		return nil, err
	}
	salt := sha3.Sum256(append([]byte("quantaseal/v1/dek-salt\x00"), message[200:1320]...))
	okm, err := hkdf.Key(sha512.New, append(k1, slot[64:]...), salt[:], "quantaseal/v1/vault-dek\x00"+string(message[:1320]), 64)
	if err != nil {
		return nil, err
	}
	if !bytes.Equal(okm[32:], message[1320:1352]) {
		return nil, errors.New("key_commit")
	}
	block, err := aes.NewCipher(okm[:32])
	if err != nil {
		return nil, err
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		return nil, err
	}
	ct := message[1368:]
	if n := binary.BigEndian.Uint32(message[1364:]); int(n) != len(ct) {
		return nil, fmt.Errorf("ct_len %d of %d", n, len(ct))
	}
	pt, err := gcm.Open(nil, message[1352:1364], ct, message[:1352])
	if err != nil {
		return nil, err
	}
	return pt[4 : 4+binary.BigEndian.Uint32(pt)], nil
}

func TestOtherImplementationsOpenOurRecords(t *testing.T) {
	keys := testKeys(20)
	for n := range 20 {
		plaintext := fill(n*40, byte(n))
		s := mustSeal(t, testBinding(), keys, plaintext)
		got, err := openByTheBook(s.Record, fill(32, 20), fill(64, 21), s.Slot[:])
		if err != nil || !bytes.Equal(got, plaintext) {
			t.Fatalf("%d bytes: got %x, %v", len(plaintext), got, err)
		}
		want := sha3.Sum256(append([]byte("quantaseal/v1/vault-record\x00"), s.Record...))
		if s.Hash != want {
			t.Fatalf("got hash %x, want %x", s.Hash, want)
		}
	}
}

func TestTheTwoMLKEMsAgree(t *testing.T) {
	random := rand.NewChaCha8([32]byte{1})
	for range 200 {
		var seed [mlkem768.KeySeedSize]byte
		var m [32]byte
		_, _ = random.Read(seed[:])
		_, _ = random.Read(m[:])
		pub, sec := mlkem768.NewKeyFromSeed(seed[:])
		oracle, err := mlkem.NewDecapsulationKey768(seed[:])
		if err != nil {
			t.Fatal(err)
		}
		ek := make([]byte, mlkem768.PublicKeySize)
		pub.Pack(ek)
		if !bytes.Equal(ek, oracle.EncapsulationKey().Bytes()) {
			t.Fatalf("seed %x: two encapsulation keys", seed)
		}
		ct, shared := make([]byte, mlkem768.CiphertextSize), make([]byte, 32)
		pub.EncapsulateTo(ct, shared, m[:])
		if got, err := oracle.Decapsulate(ct); err != nil || !bytes.Equal(got, shared) {
			t.Fatalf("seed %x: circl to crypto/mlkem: got %x, %v, want %x", seed, got, err, shared)
		}
		theirs, theirCT := oracle.EncapsulationKey().Encapsulate()
		sec.DecapsulateTo(shared, theirCT)
		if !bytes.Equal(shared, theirs) {
			t.Fatalf("seed %x: crypto/mlkem to circl: got %x, want %x", seed, shared, theirs)
		}
		theirCT[int(m[0])*4] ^= 1
		sec.DecapsulateTo(shared, theirCT)
		if got, err := oracle.Decapsulate(theirCT); err != nil || !bytes.Equal(got, shared) || bytes.Equal(got, theirs) {
			t.Fatalf("seed %x: two implicit rejections: %x and %x, %v", seed, got, shared, err)
		}
	}
}

func TestTheTwoMLDSAsAgree(t *testing.T) {
	random := rand.NewChaCha8([32]byte{2})
	const context = "quantaseal/v1/vault-record"
	for range 50 {
		var seed [mldsa65.SeedSize]byte
		message := make([]byte, 1640)
		_, _ = random.Read(seed[:])
		_, _ = random.Read(message)
		pub, sec := mldsa65.NewKeyFromSeed(&seed)
		oracle, err := mldsa.NewPrivateKey(mldsa.MLDSA65(), seed[:])
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(pub.Bytes(), oracle.PublicKey().Bytes()) {
			t.Fatalf("seed %x: two public keys", seed)
		}
		sig := make([]byte, mldsa65.SignatureSize)
		if err := mldsa65.SignTo(sec, message, []byte(context), true, sig); err != nil {
			t.Fatal(err)
		}
		if err := mldsa.Verify(oracle.PublicKey(), message, sig, &mldsa.Options{Context: context}); err != nil {
			t.Fatalf("seed %x: circl to filippo: %v", seed, err)
		}
		theirs, err := oracle.Sign(nil, message, &mldsa.Options{Context: context})
		if err != nil || !mldsa65.Verify(pub, message, []byte(context), theirs) {
			t.Fatalf("seed %x: filippo to circl: %v", seed, err)
		}
		if mldsa65.Verify(pub, message, nil, theirs) || mldsa.Verify(oracle.PublicKey(), message, sig, nil) == nil {
			t.Fatalf("seed %x: a signature without its context was accepted", seed)
		}
	}
}

// FuzzSeal seals and opens by the book whatever the fuzzer likes.
func FuzzSeal(f *testing.F) {
	keys := testKeys(20)
	f.Add([]byte(""))
	f.Add(fill(253, 0))
	f.Fuzz(func(t *testing.T, plaintext []byte) {
		s, err := seal.Seal(testBinding(), keys, plaintext)
		if errors.Is(err, seal.ErrTooLong) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		if got, err := openByTheBook(s.Record, fill(32, 20), fill(64, 21), s.Slot[:]); err != nil || !bytes.Equal(got, plaintext) {
			t.Fatalf("got %x, %v, want %x", got, err, plaintext)
		}
	})
}
