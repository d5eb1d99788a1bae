package http

import (
	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/internal/envelope"
	"github.com/quantaseal/quantaseal/internal/openapi"
)

// newEnvelopeForm is how newEnvelope writes itself. Which forms of the envelope it
// holds is for representation, or the dialect, to say.
type newEnvelopeForm struct {
	Algorithm     string             `json:"algorithm"`
	KeyID         domain.CryptoKeyID `json:"key_id"`
	Metadata      encryptionMetadata `json:"encryption_metadata"`
	Encoding      string             `json:"encoding,omitempty"`
	Ciphertext    string             `json:"ciphertext,omitempty"`
	Envelope      *envelope.Wire     `json:"envelope,omitempty"`
	Signature     string             `json:"signature,omitempty"`
	KEMCiphertext string             `json:"ciphertext_kem,omitempty"`
	Data          string             `json:"ciphertext_data,omitempty"`
	Nonce         string             `json:"nonce,omitempty"`
}

type encryptionMetadata struct {
	Algorithm          string             `json:"algorithm"`
	KeyID              domain.CryptoKeyID `json:"key_id"`
	SignatureAlgorithm string             `json:"signature_algorithm,omitempty"`
	Version            string             `json:"version"`
	Encoding           string             `json:"encoding,omitempty"`
}

// plaintextAnswerForm is how plaintext writes itself.
type plaintextAnswerForm struct {
	SignatureValid bool               `json:"signature_valid"`
	Algorithm      string             `json:"algorithm"`
	KeyID          domain.CryptoKeyID `json:"key_id"`
	Encoding       string             `json:"encoding"`
	Metadata       encryptionMetadata `json:"encryption_metadata"`
	Plaintext      openedText         `json:"plaintext"`
}

// openedText is what an envelope held. It has a type of its own because plaintext
// means a credential's value elsewhere.
type openedText string

// batchOf is what became of the items of a batch.
type batchOf struct{ of any }

func encryptionArea() area {
	representation := []*openapi.Parameter{asked("representation", "Which forms of the envelope to answer with; all if it is not given.", openapi.OneOf("all", "envelope", "token", "pieces"))}
	encrypt := operation{
		summary: "Encrypt", request: encryptRequest{}, example: `{"data":"sensitive customer PII","algorithm":"ML-KEM-768"}`, query: representation, answer: newEnvelopeForm{}, dialect: true,
		about: "Takes data, or plaintext, of up to 131,072 bytes. The envelope opens with any ML-KEM-768 and nothing of ours, once its owner took the key away.",
	}
	decrypt := operation{
		summary: "Decrypt", request: decryptRequest{}, example: `{"ciphertext":"qs1.…"}`, answer: plaintextAnswerForm{}, dialect: true,
		about: "Takes the envelope in any of its forms. Both signatures and the binding are verified before it is opened; whatever is wrong is one 403.",
	}
	sign := operation{summary: "Sign", request: signRequest{}, required: []string{"data"}, example: `{"data":"payload to sign"}`, answer: signed{}, dialect: true, about: "With ML-DSA-65 and HMAC-SHA-512. In the cli dialect signature holds both."}
	verify := operation{
		summary: "Verify", request: verifyRequest{}, required: []string{"data"}, example: `{"data":"payload","pqc_signature":"…","hmac_signature":"…"}`, answer: verdict{}, dialect: true,
		about: "Both must hold. Neither is skipped, whatever the other one says.",
	}
	rewrap := operation{summary: "Replace an envelope", request: ciphertext{}, example: `{"ciphertext":"qs1.…"}`, query: representation, answer: newEnvelopeForm{}, dialect: true, about: "By one of the same plaintext under the active key. No plaintext leaves."}
	return area{"encryption", "Encrypt and sign what is kept elsewhere.", map[pattern]operation{
		{"POST", "/encryption/encrypt"}:       encrypt,
		{"POST", "/encryption/decrypt"}:       decrypt,
		{"POST", "/encryption/sign"}:          sign,
		{"POST", "/encryption/verify"}:        verify,
		{"POST", "/encryption/rewrap"}:        rewrap,
		{"POST", "/encryption/encrypt/batch"}: inBatch(encrypt, batchRequest[encryptRequest]{}),
		{"POST", "/encryption/decrypt/batch"}: inBatch(decrypt, batchRequest[decryptRequest]{}),
		{"POST", "/encryption/sign/batch"}:    inBatch(sign, batchRequest[signRequest]{}),
		{"POST", "/encryption/verify/batch"}:  inBatch(verify, batchRequest[verifyRequest]{}),
		{"POST", "/encryption/rewrap/batch"}:  inBatch(rewrap, batchRequest[ciphertext]{}),
		{"POST", "/encryption/selftest"}:      {summary: "Test the cryptography", answer: selfTested{}, about: "Fresh operations, whose sizes are compared with FIPS 203 and 204."},
	}}
}

// inBatch is o for up to a hundred items at once.
func inBatch(o operation, request any) operation {
	o.summary += " a batch"
	o.about = "Answers each of up to 100 items as it would be answered alone, in their order."
	o.example = `{"items":[` + o.example + `]}`
	o.request, o.required, o.answer = request, nil, batchOf{o.answer}
	return o
}

// escrowedForm is how escrowed writes itself.
type escrowedForm struct {
	KeyID         domain.CryptoKeyID `json:"key_id"`
	Purpose       domain.KeyPurpose  `json:"purpose"`
	Algorithm     string             `json:"algorithm"`
	KEMSeed       string             `json:"kem_seed,omitempty"`
	KEMPrivateKey string             `json:"kem_private_key,omitempty"`
	KEMPublicKey  string             `json:"kem_public_key,omitempty"`
	HMACSecret    string             `json:"hmac_secret"`
	SignPublicKey string             `json:"sign_public_key"`
}

func cryptoKeysArea() area {
	return area{"encryption keys", "Generations of the keys that encrypt and sign.", map[pattern]operation{
		{"GET", "/encryption/keys"}: {summary: "List keys", answer: []keyAnswer{}, about: "Public keys in base64, JWK and PEM, the newest first."},
		{"POST", "/encryption/keys/rotate"}: {
			summary: "Begin the next generation", request: rotateKeyRequest{}, required: []string{"purpose"}, example: `{"purpose":"envelope"}`, status: 201, answer: rotatedKey{},
			conflicts: true, idempotent: true, about: "The one before goes on opening and verifying.",
		},
		{"POST", "/settings/rotate-signing-key"}: {summary: "Begin the next key for documents", answer: signingKeyRotated{}, conflicts: true, idempotent: true, about: "HMACs of the one before verify for 24 hours more."},
		{"POST", "/encryption/keys/:id/retire"}:  {summary: "Retire a key", answer: rotatedKey{}, missing: true, conflicts: true, about: "It opens and verifies nothing any more."},
		{"POST", "/encryption/keys/:id/escrow"}:  {summary: "Take a key away", answer: escrowedForm{}, missing: true, conflicts: true, about: "What opens envelopes and checks HMACs. What signs never leaves."},
		{"DELETE", "/encryption/keys/:id"}:       {summary: "Destroy a retired key", answer: rotatedKey{}, missing: true, conflicts: true, about: "Nothing that was encrypted for it is ever opened."},
	}}
}
