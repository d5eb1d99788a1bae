package domain

// Binding is what a sealed record belongs to: all of it is sealed in, and a record
// that is opened as anything else is refused.
type Binding struct {
	Tenant      TenantID
	Entry       EntryID // the credential and its version
	Environment Environment
	SealedAt    int64 // Unix microseconds
	ExpiresAt   int64 // Unix microseconds; 0 = never
}

// SealedRecord is a value under its keys, opaque to every rule.
type SealedRecord struct {
	Record   []byte // the ciphertext and both signatures
	Slot     []byte // the wrapped key without which the record is noise
	Hash     Digest // commits to Record; stands in the fact that makes it live
	KEMKeyID Digest // of the key pair made for this version
}
