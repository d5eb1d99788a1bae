// Package compliance says how well what a tenant's chain shows supports the
// controls of a framework.
//
// Its one law: a score is a function of the facts up to one, of an instant and of
// the catalogue, and of nothing else. The same three give the same bytes, today
// and in ten years. What is not on the chain counts as not there.
//
// # Facts and states
//
// [State] is what a tenant's facts fold to. It takes them one after the other and
// can be asked at any instant from the last one on. Payloads and headers are all
// it looks at: erasing a person changes no score.
//
// # Checks and scores
//
// The [Catalogue] lists the checks, the frameworks, and which checks speak for
// which control. Each check is a ratio. What should have happened and did not is
// no_evidence, which is zero and stays in the denominator; not_applicable is
// found, never declared. [State.Assess] makes a score of it, in fractions, never
// in floating point.
package compliance

import (
	"encoding/json"
	"time"

	"github.com/quantaseal/quantaseal/domain"
)

// Fact is a fact as it stands on a tenant's chain.
type Fact struct {
	Ref
	ActorKind domain.ActorKind
	Actor     domain.ID // the user or API key; zero for nobody proven and for the deployment
	Request   domain.RequestID
	Outcome   domain.Outcome
	Payload   []byte // as it was signed
	Event     domain.Event

	judged, minimal bool // what its payload looks like, once somebody has looked
}

// Ref cites a fact. The zero Ref cites none.
type Ref struct {
	Seq     uint64
	EventID domain.ID
	Type    string
	Time    int64 // Unix microseconds, the server's
	Hash    domain.Digest
	Signer  domain.Digest // the key that signed it

	Platform bool // it stands on the system chain, not on the tenant's
}

// MarshalJSON writes the citation of a fact that is held against the tenant.
func (r Ref) MarshalJSON() ([]byte, error) { return r.as("failing") }

// as writes the citation of a fact in a role.
func (r Ref) as(role string) ([]byte, error) {
	return json.Marshal(struct {
		Stream  string        `json:"stream"`
		Seq     uint64        `json:"seq"`
		EventID domain.ID     `json:"event_id"`
		Type    string        `json:"type"`
		Time    Instant       `json:"recorded_at"`
		Hash    domain.Digest `json:"hash"`
		Signer  domain.Digest `json:"sig_key_id"`
		Role    string        `json:"role"`
	}{r.Stream(), r.Seq, r.EventID, r.Type, Instant(r.Time), r.Hash, r.Signer, role})
}

// Instant is Unix microseconds that are written as RFC 3339 in UTC.
type Instant int64

// MarshalJSON writes the instant with all of its microseconds.
func (t Instant) MarshalJSON() ([]byte, error) {
	return []byte(time.UnixMicro(int64(t)).UTC().Format(`"2006-01-02T15:04:05.000000Z"`)), nil
}

// cited reports whether r cites a fact.
func (r Ref) cited() bool { return r.Type != "" }

// Spans of time in microseconds, as facts count it.
const (
	second = int64(1_000_000)
	minute = 60 * second
	hour   = 60 * minute
	day    = 24 * hour
)

// horizon is how far back a state remembers each fact of a kind. No window of the
// catalogue reaches further.
const horizon = 366 * day
