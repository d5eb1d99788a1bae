package domain

// What jobs find out about the stored record and about the platform beneath it. All
// of it only observes. Field names are the stored schema: add, never rename, keep
// them sorted.
type (
	// AuditChainVerified says that a chain was verified from one record to another, and
	// that nothing is wrong with it. Gaps counts what the chain itself says is lost.
	AuditChainVerified struct {
		BadLinks int    `json:"bad_links"`
		BadSigs  int    `json:"bad_sigs"`
		From     uint64 `json:"from_seq"`
		Gaps     int    `json:"gaps"`
		HeadHash Digest `json:"head_hash"` // of the last record that was verified
		To       uint64 `json:"to_seq"`    // its sequence number
	}
	// ChainVerificationFailed says that a chain is not what was signed.
	ChainVerificationFailed struct {
		Fault       string `json:"fault"` // the first check that did not hold, such as V13
		FirstBadSeq uint64 `json:"first_bad_seq"`
	}
	// CheckpointPublished says which checkpoint the log of anchors had come to.
	CheckpointPublished struct {
		RootHash Digest `json:"root_hash"`
		Signer   Digest `json:"sig_key_id"`
		Size     uint64 `json:"size"` // anchors
	}
	// ProjectionReconciled says that what is stored beside the chain was compared with
	// it: read models, sealed records, and that what was destroyed is gone.
	ProjectionReconciled struct {
		AtSeq      uint64 `json:"at_seq"`
		Mismatches int    `json:"mismatches"`
		Rows       uint64 `json:"rows"` // that were compared
	}
	// CrossTenantAccess says that one tenant was given what is another's. It is an
	// incident.
	CrossTenantAccess struct {
		TenantA TenantID `json:"tenant_a"` // who was given it
		TenantB TenantID `json:"tenant_b"` // whose it is
	}
	// IsolationTested says how many tries to cross from one tenant to another were made
	// by a job, and how many succeeded.
	IsolationTested struct {
		Leaks  int `json:"leaks"`
		Probes int `json:"probes"`
	}
	// PlatformStarted says what a server runs on, once it has begun.
	PlatformStarted struct {
		AlgsOutsideModule []string `json:"algs_outside_module"` // in use, of no validated module
		CryptoModule      string   `json:"crypto_module"`
		CryptoModuleCert  string   `json:"crypto_module_cert"` // of its validation; "" = it has none
		FIPSMode          bool     `json:"fips_mode"`
		Version           string   `json:"version"`
	}
	// KMSAttested says where the root key is and whether it answered rightly.
	KMSAttested struct {
		Backend string `json:"backend"`
		Custody string `json:"custody"` // one of the Custody words
		KeyRef  Digest `json:"key_ref"`
		ProbeOK bool   `json:"probe_ok"`
	}
	// ClockSyncObserved says how far the clock may be off.
	ClockSyncObserved struct {
		OffsetMS int    `json:"offset_ms"` // at most, of whichever sign
		Source   string `json:"source"`    // who says so
	}
	// BackupCompleted says that a backup was made, and read again.
	BackupCompleted struct {
		ChainHead      Digest `json:"chain_head"` // of the system chain in the backup
		CheckpointSize uint64 `json:"checkpoint_size"`
		Encrypted      bool   `json:"encrypted"`
		Events         uint64 `json:"events"`   // of all chains
		SHA3           Digest `json:"sha3_256"` // of the backup's manifest
	}
	// RestoreTested says that a backup was restored, and whether it is what was backed up.
	RestoreTested struct {
		HeadMatch bool   `json:"head_match"` // its chains end where the backup's did, and verify
		RowsMatch bool   `json:"rows_match"` // what is sealed is there, and nothing else
		SHA3      Digest `json:"sha3_256"`   // of the backup's manifest
	}
)

// Custody of a root key, in words.
const (
	CustodyHSM      = "hsm_nonexportable"
	CustodyCloudKMS = "cloud_kms_nonexportable"
	CustodyExternal = "external_software_kms"
	CustodyFile     = "local_file"
	CustodyDev      = "dev" // a file that nothing but its mode protects
)

// EventType implements Event.
func (AuditChainVerified) EventType() EventType { return EventType{"AUDIT_CHAIN_VERIFIED", 1} }

// EventType implements Event.
func (ChainVerificationFailed) EventType() EventType {
	return EventType{"AUDIT_CHAIN_VERIFICATION_FAILED", 1}
}

// EventType implements Event.
func (CheckpointPublished) EventType() EventType { return EventType{"CHECKPOINT_PUBLISHED", 1} }

// EventType implements Event.
func (ProjectionReconciled) EventType() EventType { return EventType{"PROJECTION_RECONCILED", 1} }

// EventType implements Event.
func (CrossTenantAccess) EventType() EventType { return EventType{"CROSS_TENANT_ACCESS", 1} }

// EventType implements Event.
func (IsolationTested) EventType() EventType { return EventType{"TENANT_ISOLATION_TESTED", 1} }

// EventType implements Event.
func (PlatformStarted) EventType() EventType { return EventType{"PLATFORM_STARTED", 1} }

// EventType implements Event.
func (KMSAttested) EventType() EventType { return EventType{"KMS_ATTESTED", 1} }

// EventType implements Event.
func (ClockSyncObserved) EventType() EventType { return EventType{"CLOCK_SYNC_OBSERVED", 1} }

// EventType implements Event.
func (BackupCompleted) EventType() EventType { return EventType{"BACKUP_COMPLETED", 1} }

// EventType implements Event.
func (RestoreTested) EventType() EventType { return EventType{"RESTORE_TESTED", 1} }

// PlatformEvent is a fact about the platform, on the system chain, that every
// tenant's compliance rests on.
//
//sumtype:decl
type PlatformEvent interface {
	Event
	platform()
}

func (CrossTenantAccess) platform() {}
func (IsolationTested) platform()   {}
func (PlatformStarted) platform()   {}
func (KMSAttested) platform()       {}
func (ClockSyncObserved) platform() {}
func (BackupCompleted) platform()   {}
func (RestoreTested) platform()     {}
