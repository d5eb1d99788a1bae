package domain

// EventType is the stored name and schema version of a fact. It is chosen,
// never derived from a Go name, and never changes once a fact has been stored.
type EventType struct {
	Name    string // [A-Z][A-Z0-9_]*, at most 63 bytes
	Version uint16 // of the payload's schema, from 1 on
}

// Event is a fact on the record. Its exported fields are its payload: stored as
// JSON with sorted keys, signed, kept for ever, readable by every auditor of the
// tenant, and therefore free of secrets and of personal data.
type Event interface {
	// EventType returns the same for every value of a type.
	EventType() EventType
}

// Personal is kept by facts that carry personal data beside their payload. That
// part is stored encrypted under the subject's key. Erasing a person destroys the
// key, and from then on the part is read as zero.
type Personal interface {
	Event
	// PersonalData returns the part, a struct whose fields are its stored schema.
	PersonalData() any
	// Subject returns whose data it is: a user's, or, if zero, the tenant's as a whole.
	Subject() UserID
}

// AggregateKind says what kind of thing an aggregate is. The numbers are stored.
type AggregateKind uint8

// The kinds of aggregate.
const (
	KindTenant     AggregateKind = 1
	KindUser       AggregateKind = 2 // on the system chain: a claimed address
	KindKey        AggregateKind = 3 // API key
	KindCredential AggregateKind = 4
	KindCrypto     AggregateKind = 5 // cryptographic key
	KindSession    AggregateKind = 6
	KindReport     AggregateKind = 7
	KindWebhook    AggregateKind = 8
)

// String returns the name that audit answers show as resource_type.
func (k AggregateKind) String() string {
	names := [...]string{"unknown", "tenant", "user", "api_key", "credential", "key", "session", "report", "webhook"}
	if int(k) < len(names) {
		return names[k]
	}
	return "unknown"
}

// AggregateID names an aggregate, a thing with versions of its own, within a
// tenant's chain.
type AggregateID struct {
	Kind AggregateKind
	ID   ID
}

// Outcome says how the attempt that a fact records ended. The numbers are stored.
type Outcome uint8

// The outcomes.
const (
	Success Outcome = 0
	Refused Outcome = 1 // stopped by a rule
	Failed  Outcome = 2 // stopped by a fault or a violated check
)

// String returns what audit answers show: success or failure.
func (o Outcome) String() string {
	if o == Success {
		return "success"
	}
	return "failure"
}

// OutcomeOf returns the outcome that a fact stands for by itself.
func OutcomeOf(e Event) Outcome {
	switch e.(type) {
	case CredentialUnsealDenied, AccessDenied, LoginFailed, AuthFailuresSummarised, DataDecryptDenied, SignatureVerifyFailed:
		return Refused
	case IntegrityViolated, RefreshTokenReused, ChainVerificationFailed, CrossTenantAccess:
		return Failed
	}
	return Success
}

// Observes reports whether e leaves every later decision as it is. Such a fact is
// no version of its aggregate, and may stand beside any number of others.
func Observes(e Event) bool {
	switch e.(type) {
	case ChainGenesis, ChainRestored, KeysRewrapped,
		LoginSucceeded, LoginFailed, RefreshTokenReused, AuthFailuresSummarised,
		CredentialUnsealed, CredentialUnsealDenied, CredentialVersionShredded, CredentialShredded,
		CredentialsListed, AuditLogQueried, AuditExported, ComplianceScored, ComplianceReportGenerated, AccessDenied, IntegrityViolated,
		EscrowExported, DataEncrypted, DataRewrapped, DataDecrypted, DataDecryptDenied, DataSigned, SignatureVerified, SignatureVerifyFailed,
		AuditChainVerified, ChainVerificationFailed, CheckpointPublished, ProjectionReconciled,
		CrossTenantAccess, IsolationTested, PlatformStarted, KMSAttested, ClockSyncObserved, BackupCompleted, RestoreTested:
		return true
	}
	return false
}

// RequiresVersion reports whether e, though it only observes, holds for no other
// version of its aggregate than the one it was decided on: a value is not released after its credential
// was deleted, nothing is made with a key that was retired, and an id or a signature is not called unknown by
// a fold from before it was made.
func RequiresVersion(e Event) bool {
	switch e := e.(type) {
	case CredentialUnsealed, IntegrityViolated,
		EscrowExported, DataEncrypted, DataRewrapped, DataDecrypted, DataSigned, SignatureVerified, SignatureVerifyFailed:
		return true
	case DataDecryptDenied:
		return e.Reason == ReasonUnverified
	case CredentialUnsealDenied:
		return e.Reason == reasonUnborn
	case AccessDenied:
		return e.Reason == reasonUnborn
	}
	return false
}
