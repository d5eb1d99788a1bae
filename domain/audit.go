package domain

// Facts that only observe: no later decision looks at them.
// Field names are the stored schema: add, never rename, keep them sorted.
type (
	// CredentialsListed precedes a listing. It stands for every listing by the same
	// actor with the same filter within its minute.
	CredentialsListed struct {
		FilterHash Digest `json:"filter_hash"` // MAC of the filter under a key of the tenant's
		Pages      int    `json:"pages"`
	}
	// AuditLogQueried precedes a reading of the audit log, likewise once a minute.
	AuditLogQueried struct {
		FilterHash Digest `json:"filter_hash"` // MAC of the filter under a key of the tenant's
	}
	// AuditExported precedes an export of the chain.
	AuditExported struct {
		Format string `json:"format"`
		From   uint64 `json:"from"` // sequence number of the first event, included
		To     uint64 `json:"to"`   // of the last one, included
	}
	// ComplianceScored precedes a score that somebody is given, once a minute for each
	// actor and question. What it says can be computed again from the chain up to AsOfSeq.
	ComplianceScored struct {
		AsOf            int64  `json:"as_of"` // the instant that was asked for, Unix microseconds
		AsOfSeq         uint64 `json:"as_of_seq"`
		CatalogueDigest Digest `json:"catalogue_sha3_256"`
		Framework       string `json:"framework"` // the id of one that there is
		ResultDigest    Digest `json:"result_digest"`
		Score           int    `json:"score"` // 0 to 100
	}
	// ComplianceReportGenerated says what a report is made of that somebody is given,
	// before they are: its files, by their digests, and the result that they tell.
	ComplianceReportGenerated struct {
		AsOf            int64    `json:"as_of"` // the instant that is judged, Unix microseconds
		AsOfSeq         uint64   `json:"as_of_seq"`
		CatalogueDigest Digest   `json:"catalogue_sha3_256"`
		ControlsDigest  Digest   `json:"controls_csv_sha3_256"`
		EvidenceDigest  Digest   `json:"evidence_csv_sha3_256"`
		Framework       string   `json:"framework"` // the id of one that there is
		JSONDigest      Digest   `json:"json_sha3_256"`
		OSCALDigest     Digest   `json:"oscal_sha3_256"`
		PDFDigest       Digest   `json:"pdf_sha3_256"`
		PeriodDays      int      `json:"period_days"`
		PlanDigest      Digest   `json:"plan_sha3_256"`     // of the OSCAL assessment plan
		PlatformDigest  Digest   `json:"platform_sha3_256"` // of the evidence from the system chain
		ReportID        ReportID `json:"report_id"`
		ResultDigest    Digest   `json:"result_digest"`
		Score           int      `json:"score"` // 0 to 100
	}
	// AccessDenied is an attempt by a known actor that a rule stopped.
	AccessDenied struct {
		Permission Scope  `json:"permission"` // what it would have taken
		Reason     string `json:"reason"`     // a word: scope, or why a credential was not to be had
		Route      string `json:"route"`      // the action that was asked for
	}
	// IntegrityViolated is stored data that contradicts the log or its own
	// signatures. It is never a normal event.
	IntegrityViolated struct {
		Check     string  `json:"check"` // a word: what did not hold
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
func (ComplianceScored) EventType() EventType { return EventType{"COMPLIANCE_SCORED", 1} }

// EventType implements Event.
func (ComplianceReportGenerated) EventType() EventType {
	return EventType{"COMPLIANCE_REPORT_GENERATED", 1}
}

// EventType implements Event.
func (AccessDenied) EventType() EventType { return EventType{"ACCESS_DENIED", 1} }

// EventType implements Event.
func (IntegrityViolated) EventType() EventType { return EventType{"INTEGRITY_VIOLATION", 1} }
