package domain

// What read models tell the reconciler and the sweeper. None of it is authority:
// each command folds the log again before it acts.
type (
	// DueCredential is a credential that time may have ended.
	DueCredential struct {
		Tenant     TenantID
		Credential CredentialID
	}
	// DueVersion is a sealed version whose key slot may still have to be destroyed.
	DueVersion struct {
		Tenant     TenantID
		Entry      EntryID
		RecordHash Digest
		Ended      bool // the credential as a whole is over, not only this version
	}
	// DueRegistration is a claimed address whose tenant's chain may not have begun.
	DueRegistration struct {
		AccountRef ID
		Tenant     TenantID
		Index      uint32
	}
	// KeptRecord is a sealed record that may or may not be named by a fact.
	KeptRecord struct {
		Cursor     int64
		Tenant     TenantID
		Credential CredentialID
		RecordHash Digest
	}
)
