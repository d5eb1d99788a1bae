package domain

// Facts that only observe: no later decision looks at them.
// Field names are the stored schema: add, never rename, keep them sorted.
type (
	// CredentialsListed precedes a listing. It stands for every listing by the same
	// actor with the same filter within its minute.
	CredentialsListed struct {
		FilterHash Digest `json:"filter_hash"`
		Pages      int    `json:"pages"`
	}
	// AuditLogQueried precedes a reading of the audit log, likewise once a minute.
	AuditLogQueried struct {
		FilterHash Digest `json:"filter_hash"`
	}
	// AuditExported precedes an export of the chain from From to To, both included.
	AuditExported struct {
		Format string `json:"format"`
		From   uint64 `json:"from"`
		To     uint64 `json:"to"`
	}
	// AccessDenied is an attempt by a known actor that a rule stopped.
	AccessDenied struct {
		Permission Scope  `json:"permission"`
		Reason     string `json:"reason"`
		Route      string `json:"route"`
	}
	// IntegrityViolated is stored data that contradicts the log or its own
	// signatures. It is never a normal event.
	IntegrityViolated struct {
		Check     string  `json:"check"`
		ObjectRef EntryID `json:"object_ref"`
	}
)

// EventType implements Event.
func (CredentialsListed) EventType() EventType { return EventType{"CREDENTIALS_LISTED", 1} }

// EventType implements Event.
func (AuditLogQueried) EventType() EventType { return EventType{"AUDIT_LOG_QUERIED", 1} }

// EventType implements Event.
func (AuditExported) EventType() EventType { return EventType{"AUDIT_EXPORTED", 1} }

// EventType implements Event.
func (AccessDenied) EventType() EventType { return EventType{"ACCESS_DENIED", 1} }

// EventType implements Event.
func (IntegrityViolated) EventType() EventType { return EventType{"INTEGRITY_VIOLATION", 1} }
