package kmstest

import (
	"crypto/rand"
	"encoding/json"

	"filippo.io/mldsa"
	"filippo.io/mldsa/mldsacrypto"
	mldsax509 "filippo.io/mldsa/x509"
)

// request is what the operations take.
type request struct {
	KeyId             string
	EncryptionContext map[string]string
	Plaintext         []byte
	CiphertextBlob    []byte
	KeySpec           string
	Message           []byte
	MessageType       string
	SigningAlgorithm  string
}

// response is what they give.
type response map[string]any

// answer does one operation, or returns the name of the error.
func (a *AWS) answer(operation string, in request) (response, string) {
	switch operation {
	case "GetPublicKey", "Sign":
		if in.KeyId != a.Root {
			return nil, a.wrongKey(in.KeyId)
		}
		if operation == "Sign" {
			return a.sign(in)
		}
		der, err := mldsax509.MarshalPKIXPublicKey(a.signing.PublicKey())
		if err != nil {
			return nil, "KMSInternalException"
		}
		return response{
			"KeyId": a.Root, "PublicKey": der, "KeySpec": "ML_DSA_65", "KeyUsage": "SIGN_VERIFY", "SigningAlgorithms": []string{"ML_DSA_SHAKE_256"},
		}, ""
	case "GenerateDataKey", "Encrypt", "Decrypt":
		if a.symmetric[in.KeyId] == nil {
			return nil, a.wrongKey(in.KeyId)
		}
		return a.wrap(operation, in)
	default:
		return nil, "UnknownOperationException"
	}
}

func (a *AWS) wrongKey(arn string) string {
	if arn == a.Root || a.symmetric[arn] != nil {
		return "InvalidKeyUsageException"
	}
	return "NotFoundException"
}

func (a *AWS) sign(in request) (response, string) {
	if in.SigningAlgorithm != "ML_DSA_SHAKE_256" || in.MessageType != "EXTERNAL_MU" || len(in.Message) != 64 {
		return nil, "ValidationException"
	}
	signature, err := a.signing.Sign(nil, in.Message, mldsacrypto.MLDSAMu)
	if err != nil {
		return nil, "KMSInternalException"
	}
	return response{"KeyId": a.Root, "Signature": signature, "SigningAlgorithm": in.SigningAlgorithm}, ""
}

// A ciphertext is as long as one of AWS KMS: the key's ARN, then nonce and GCM. The
// encryption context is authenticated in the one order that JSON gives it.
func (a *AWS) wrap(operation string, in request) (response, string) {
	aad, err := json.Marshal(in.EncryptionContext)
	if err != nil {
		return nil, "ValidationException"
	}
	gcm := a.symmetric[in.KeyId]
	head := in.KeyId
	if operation == "Decrypt" {
		at := len(head) + gcm.NonceSize()
		if len(in.CiphertextBlob) < at {
			return nil, "InvalidCiphertextException"
		}
		if string(in.CiphertextBlob[:len(head)]) != head {
			return nil, "IncorrectKeyException"
		}
		plaintext, err := gcm.Open(nil, in.CiphertextBlob[len(head):at], in.CiphertextBlob[at:], aad)
		if err != nil {
			return nil, "InvalidCiphertextException"
		}
		return response{"KeyId": in.KeyId, "Plaintext": plaintext, "EncryptionAlgorithm": "SYMMETRIC_DEFAULT"}, ""
	}
	plaintext := in.Plaintext
	if operation == "GenerateDataKey" {
		if in.KeySpec != "AES_256" {
			return nil, "ValidationException"
		}
		plaintext = make([]byte, 32)
		_, _ = rand.Read(plaintext) // ends the process rather than fail
	}
	if len(plaintext) == 0 || len(plaintext) > 4096 {
		return nil, "ValidationException"
	}
	nonce := make([]byte, gcm.NonceSize())
	_, _ = rand.Read(nonce) // ends the process rather than fail
	out := response{"KeyId": in.KeyId, "CiphertextBlob": gcm.Seal(append([]byte(head), nonce...), nonce, plaintext, aad)}
	if operation == "GenerateDataKey" {
		out["Plaintext"] = plaintext
	}
	return out, ""
}

// PublicKey returns the public half of the key that signs.
func (a *AWS) PublicKey() *mldsa.PublicKey { return a.signing.PublicKey() }
