package main

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha3"
	"crypto/sha512"
	"time"

	"github.com/cloudflare/circl/kem/mlkem/mlkem768"
	"github.com/cloudflare/circl/sign/mldsa/mldsa65"
)

// The names of what is measured, in the order in which it is printed.
var primitiveNames = []string{
	"ML-DSA-65 sign", "ML-DSA-65 verify", "ML-KEM-768 keygen", "ML-KEM-768 encapsulate", "ML-KEM-768 decapsulate",
	"SHA3-256 of 400 B", "HMAC-SHA-512 of 5 kB", "HKDF-SHA-512", "AES-256-GCM of 256 B",
}

// operations lists the primitives that one request cannot do without.
var operations = map[string]map[string]float64{
	"seal": {
		"ML-DSA-65 sign": 2, "ML-KEM-768 keygen": 1, "ML-KEM-768 encapsulate": 1, "ML-KEM-768 decapsulate": 1,
		"HMAC-SHA-512 of 5 kB": 1, "HKDF-SHA-512": 2, "AES-256-GCM of 256 B": 3, "SHA3-256 of 400 B": 6,
	},
	"unseal": {
		"ML-DSA-65 sign": 1, "ML-DSA-65 verify": 1, "ML-KEM-768 keygen": 1, "ML-KEM-768 decapsulate": 1,
		"HMAC-SHA-512 of 5 kB": 1, "HKDF-SHA-512": 2, "AES-256-GCM of 256 B": 3, "SHA3-256 of 400 B": 6,
	},
	"encrypt": {
		"ML-DSA-65 sign": 2, "ML-KEM-768 encapsulate": 1, "HMAC-SHA-512 of 5 kB": 1, "HKDF-SHA-512": 1,
		"AES-256-GCM of 256 B": 2, "SHA3-256 of 400 B": 8,
	},
	"decrypt": {
		"ML-DSA-65 sign": 1, "ML-DSA-65 verify": 1, "ML-KEM-768 decapsulate": 1, "HMAC-SHA-512 of 5 kB": 1, "HKDF-SHA-512": 1,
		"AES-256-GCM of 256 B": 2, "SHA3-256 of 400 B": 8,
	},
	"sign":   {"ML-DSA-65 sign": 2, "AES-256-GCM of 256 B": 1, "SHA3-256 of 400 B": 5},
	"verify": {"ML-DSA-65 sign": 1, "ML-DSA-65 verify": 1, "AES-256-GCM of 256 B": 1, "SHA3-256 of 400 B": 5},
	"append": {"ML-DSA-65 sign": 1, "AES-256-GCM of 256 B": 1, "SHA3-256 of 400 B": 4},
}

// limit is how many requests of one kind a second the cores could do if nothing
// but the cryptography took time.
func (r Report) limit(operation string) float64 {
	var sum float64
	for name, n := range operations[operation] {
		sum += n * r.Primitives[name]
	}
	if sum == 0 {
		return 0
	}
	return float64(r.Cores) * 1e6 / sum
}

// primitives returns microseconds per call on one core.
func primitives() map[string]float64 {
	public, secret, err := mldsa65.GenerateKey(nil)
	must(err)
	message, signature := make([]byte, 400), make([]byte, mldsa65.SignatureSize)
	must(mldsa65.SignTo(secret, message, nil, true, signature))
	var seed [mlkem768.KeySeedSize]byte
	ek, dk := mlkem768.NewKeyFromSeed(seed[:])
	ct, shared := make([]byte, mlkem768.CiphertextSize), make([]byte, mlkem768.SharedKeySize)
	ek.EncapsulateTo(ct, shared, nil)
	block, err := aes.NewCipher(seed[:32])
	must(err)
	gcm, err := cipher.NewGCM(block)
	must(err)
	nonce, big, small := make([]byte, 12), make([]byte, 5120), make([]byte, 256)
	return map[string]float64{
		"ML-DSA-65 sign":         timed(func() { must(mldsa65.SignTo(secret, message, nil, true, signature)) }),
		"ML-DSA-65 verify":       timed(func() { mldsa65.Verify(public, message, nil, signature) }),
		"ML-KEM-768 keygen":      timed(func() { mlkem768.NewKeyFromSeed(seed[:]) }),
		"ML-KEM-768 encapsulate": timed(func() { ek.EncapsulateTo(ct, shared, nil) }),
		"ML-KEM-768 decapsulate": timed(func() { dk.DecapsulateTo(shared, ct) }),
		"SHA3-256 of 400 B":      timed(func() { sha3.Sum256(message) }),
		"HMAC-SHA-512 of 5 kB": timed(func() {
			h := hmac.New(sha512.New, seed[:])
			_, _ = h.Write(big) // a hash never fails to write
			h.Sum(nil)
		}),
		"HKDF-SHA-512": timed(func() {
			_, err := hkdf.Key(sha512.New, seed[:], nonce, "bench", 64)
			must(err)
		}),
		"AES-256-GCM of 256 B": timed(func() { gcm.Seal(nil, nonce, small, message) }),
	}
}

// timed returns the median of five rounds, in microseconds per call.
func timed(f func()) float64 {
	const rounds, each = 5, 100 * time.Millisecond
	var medians [rounds]float64
	for i := range medians {
		start, calls := time.Now(), 0
		for time.Since(start) < each {
			for range 16 {
				f()
			}
			calls += 16
		}
		medians[i] = float64(time.Since(start).Microseconds()) / float64(calls)
	}
	return median(medians[:])
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}
