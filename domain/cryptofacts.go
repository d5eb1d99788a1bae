package domain

// CryptoEvent is a fact about a tenant's encryption keys or their use.
//
//sumtype:decl
type CryptoEvent interface {
	Event
	crypto()
}

// Field names are the stored schema: add, never rename, keep them sorted.
// Times are Unix microseconds.
type (
	// KeyGenerated begins the first generation for a purpose. The public keys stand
	// here, so that whoever trusts the chain needs nobody's word for them.
	KeyGenerated struct {
		ActivatedAt   int64       `json:"activated_at"`
		Algorithm     string      `json:"alg"` // what the generation holds, joined by +
		Environment   Environment `json:"environment"`
		KEMPublicKey  []byte      `json:"kem_public_key"` // ML-KEM-768; empty for documents
		KeyID         CryptoKeyID `json:"key_id"`
		Purpose       KeyPurpose  `json:"purpose"`
		SignPublicKey []byte      `json:"sign_public_key"` // ML-DSA-65
		SignsBindings bool        `json:"signs_bindings"`
	}
	// KeyRotated begins a later generation. The one before opens and verifies on.
	KeyRotated struct {
		ActivatedAt   int64       `json:"activated_at"`
		Algorithm     string      `json:"alg"`
		Environment   Environment `json:"environment"`
		KEMPublicKey  []byte      `json:"kem_public_key"`
		NewKeyID      CryptoKeyID `json:"new_key_id"`
		OldKeyID      CryptoKeyID `json:"old_key_id"`
		Purpose       KeyPurpose  `json:"purpose"`
		SignPublicKey []byte      `json:"sign_public_key"`
		SignsBindings bool        `json:"signs_bindings"`
	}
	// KeyRetirement ends the use of a key.
	KeyRetirement struct {
		KeyID CryptoKeyID `json:"key_id"`
		Mode  string      `json:"mode"`
	}
	// KeyDestruction says that the secrets of a key are gone, and with them every way
	// to open what was encrypted for it.
	KeyDestruction struct {
		KeyID  CryptoKeyID `json:"key_id"`
		Method string      `json:"method"`
	}
	// EscrowExported precedes every release of a key's secrets to an owner.
	EscrowExported struct {
		KeyID   CryptoKeyID `json:"key_id"`
		Purpose KeyPurpose  `json:"purpose"`
	}
	// DataEncrypted precedes every release of an envelope, and commits to it.
	DataEncrypted struct {
		CiphertextHash Digest      `json:"ciphertext_hash"` // SHA3-256 of ciphertext_data
		ContextHash    Digest      `json:"context_hash"`    // zero = no context
		Dialect        string      `json:"dialect"`         // which client asked
		Encoding       string      `json:"encoding"`        // how it spelled the plaintext: base64 or utf8
		KEMHash        Digest      `json:"kem_hash"`        // SHA3-256 of ciphertext_kem
		KeyID          CryptoKeyID `json:"key_id"`
		Suite          int         `json:"suite"`
	}
	// DataRewrapped precedes every release of an envelope that replaces an older one.
	DataRewrapped struct {
		CiphertextHash    Digest      `json:"ciphertext_hash"`
		ContextHash       Digest      `json:"context_hash"`
		KEMHash           Digest      `json:"kem_hash"`
		KeyID             CryptoKeyID `json:"key_id"`
		OldCiphertextHash Digest      `json:"old_ciphertext_hash"`
		OldKeyID          CryptoKeyID `json:"old_key_id"`
		Suite             int         `json:"suite"`
	}
	// DataDecrypted precedes every release of a plaintext.
	DataDecrypted struct {
		CiphertextHash Digest      `json:"ciphertext_hash"`
		Dialect        string      `json:"dialect"`
		Encoding       string      `json:"encoding"`
		Form           string      `json:"form"` // how the envelope came: envelope, token or pieces
		KeyID          CryptoKeyID `json:"key_id"`
		Unverified     bool        `json:"verification_declined"` // the caller asked for no verification; it was done all the same
	}
	// DataDecryptDenied is an attempt to open an envelope that was stopped.
	DataDecryptDenied struct {
		CiphertextHash Digest `json:"ciphertext_hash"`
		Form           string `json:"form"`
		Reason         string `json:"reason"` // why the access does not go so far, or unverified
	}
	// DataSigned precedes every release of a document's signatures.
	DataSigned struct {
		Dialect       string      `json:"dialect"`
		Encoding      string      `json:"encoding"`
		KeyID         CryptoKeyID `json:"key_id"`
		SignatureHash Digest      `json:"signature_hash"` // SHA3-256 of the ML-DSA-65 signature
		Suite         int         `json:"suite"`
	}
	// SignatureVerified says that both signatures of a document held.
	SignatureVerified struct {
		KeyID     CryptoKeyID `json:"key_id"`    // zero = a key that the caller brought
		KeyTrust  KeyTrust    `json:"key_trust"` // whose key it was
		ObjectRef Digest      `json:"object_ref"`
	}
	// SignatureVerifyFailed says that they did not.
	SignatureVerifyFailed struct {
		KeyID     CryptoKeyID `json:"key_id"`
		KeyTrust  KeyTrust    `json:"key_trust"`
		MACValid  bool        `json:"mac_valid"`
		ObjectRef Digest      `json:"object_ref"` // SHA3-256 of what was offered as ML-DSA-65 signature
		PQCValid  bool        `json:"pqc_valid"`
	}
)

// KeyTrust says whose key verified a document. The words are stored.
type KeyTrust string

// Whose a key is.
const (
	TrustCurrent KeyTrust = "tenant_current"
	TrustPast    KeyTrust = "tenant_past"
	TrustCaller  KeyTrust = "caller_supplied" // nobody vouches for it
	TrustNone    KeyTrust = "none"            // there was no key to verify with
)

const (
	// EnvelopeSuite numbers what envelopes and documents are signed and encrypted with.
	EnvelopeSuite = 1
	// RetiredForGood is how keys are retired.
	RetiredForGood = "no_use"
	// ReasonUnverified is the one reason for everything that is wrong with an envelope.
	ReasonUnverified = "unverified"
)

// EventType implements Event.
func (KeyGenerated) EventType() EventType { return EventType{"KEY_GENERATED", 1} }

// EventType implements Event.
func (KeyRotated) EventType() EventType { return EventType{"KEY_ROTATED", 1} }

// EventType implements Event.
func (KeyRetirement) EventType() EventType { return EventType{"KEY_RETIRED", 1} }

// EventType implements Event.
func (KeyDestruction) EventType() EventType { return EventType{"KEY_DESTROYED", 1} }

// EventType implements Event.
func (EscrowExported) EventType() EventType { return EventType{"ESCROW_EXPORTED", 1} }

// EventType implements Event.
func (DataEncrypted) EventType() EventType { return EventType{"DATA_ENCRYPTED", 1} }

// EventType implements Event.
func (DataRewrapped) EventType() EventType { return EventType{"DATA_REWRAPPED", 1} }

// EventType implements Event.
func (DataDecrypted) EventType() EventType { return EventType{"DATA_DECRYPTED", 1} }

// EventType implements Event.
func (DataDecryptDenied) EventType() EventType { return EventType{"DATA_DECRYPT_DENIED", 1} }

// EventType implements Event.
func (DataSigned) EventType() EventType { return EventType{"DATA_SIGNED", 1} }

// EventType implements Event.
func (SignatureVerified) EventType() EventType { return EventType{"SIGNATURE_VERIFIED", 1} }

// EventType implements Event.
func (SignatureVerifyFailed) EventType() EventType { return EventType{"SIGNATURE_VERIFY_FAILED", 1} }

func (KeyGenerated) crypto()          {}
func (KeyRotated) crypto()            {}
func (KeyRetirement) crypto()         {}
func (KeyDestruction) crypto()        {}
func (EscrowExported) crypto()        {}
func (DataEncrypted) crypto()         {}
func (DataRewrapped) crypto()         {}
func (DataDecrypted) crypto()         {}
func (DataDecryptDenied) crypto()     {}
func (DataSigned) crypto()            {}
func (SignatureVerified) crypto()     {}
func (SignatureVerifyFailed) crypto() {}
func (AccessDenied) crypto()          {}
func (IntegrityViolated) crypto()     {}
