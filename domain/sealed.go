package domain

// Binding is what a sealed record belongs to. A record opened as anything else
// is refused.
type Binding struct {
	Tenant      TenantID
	Entry       EntryID // the credential and its version
	Environment Environment
	SealedAt    int64 // Unix microseconds
	ExpiresAt   int64 // Unix microseconds; 0 = never
}

// SealedRecord is a value under its keys, opaque to every rule: the record, and
// the slot that holds the wrapped key without which the record is noise.
type SealedRecord struct {
	Record   []byte
	Slot     []byte
	Hash     Digest // commits to Record; stands in the fact that makes it live
	KEMKeyID Digest // of the key pair made for this version
}
