package domain

// What read models tell the reconciler and the sweeper. None of it is authority:
// each command folds the log again before it acts.
type (
	// DueCredential is a credential that time may have ended: it has expired, or it
	// was retired and nobody restored it.
	DueCredential struct {
		Tenant     TenantID
		Credential CredentialID
		At         int64 // when it ended, Unix microseconds
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
		AccountRef ID // the claimed address on the system chain
		Tenant     TenantID
		Index      uint32 // the tenant's place among the chains
	}
	// DueInvitee is an invitee who may have begun to accept, and claimed the address.
	DueInvitee struct {
		Tenant     TenantID
		User       UserID
		AccountRef ID
	}
	// KeptRecord is a sealed record that may or may not be named by a fact.
	KeptRecord struct {
		Cursor     int64 // the place to go on from
		Tenant     TenantID
		Credential CredentialID
		RecordHash Digest
	}
)
