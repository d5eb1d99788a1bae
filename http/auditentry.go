package http

import (
	"encoding/json"

	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/eventstore"
	"github.com/quantaseal/quantaseal/eventstore/chain"
)

// auditEntry is a fact as every published client reads it. What it says comes
// from the chain, verified; header, payload and signature let its reader verify it again.
type auditEntry struct {
	ID                 domain.ID       `json:"id"`
	Seq                uint64          `json:"seq"`
	EventType          string          `json:"event_type"`
	Action             string          `json:"action"`
	Outcome            string          `json:"outcome"`
	ActorID            string          `json:"actor_id"`
	ActorType          string          `json:"actor_type"`
	IPAddress          *string         `json:"ip_address"`
	UserAgent          *string         `json:"user_agent"`
	ResourceID         string          `json:"resource_id"`
	ResourceType       string          `json:"resource_type"`
	Metadata           json.RawMessage `json:"metadata"`
	Timestamp          instant         `json:"timestamp"`
	CreatedAt          instant         `json:"created_at"`
	RequestID          string          `json:"request_id"`
	PrevHash           string          `json:"prev_hash"`
	CurrentHash        string          `json:"current_hash"`
	SignatureAlgorithm string          `json:"signature_algorithm"`
	KeyID              string          `json:"key_id"`
	SignerKeyID        string          `json:"signer_key_id"`
	Header             []byte          `json:"header"`
	Signature          []byte          `json:"signature,omitempty"`
}

// signedRows is how many entries an answer may have and still carry signatures,
// 4.4 kB each, for callers that are not known to ignore them.
const signedRows = 100

func auditEntryOf(r eventstore.Recorded, signed bool) auditEntry {
	h := r.Header
	e := auditEntry{
		ID: h.EventID, Seq: h.Seq, EventType: h.EventType, Action: domain.Action(h.EventType), Outcome: domain.Outcome(h.Outcome).String(),
		ActorID: domain.ID(h.ActorID).String(), ActorType: domain.ActorKind(h.ActorKind).String(),
		ResourceID: domain.ID(h.AggregateID).String(), ResourceType: domain.AggregateKind(h.AggregateKind).String(),
		Metadata: r.Record.Payload, Timestamp: instant(h.TimeUS), CreatedAt: instant(h.TimeUS),
		RequestID: domain.RequestID{ID: h.RequestID}.String(),
		PrevHash:  h.Prev.String(), CurrentHash: r.Hash.String(), SignatureAlgorithm: "ML-DSA-65",
		KeyID: h.SignerKeyID.String(), SignerKeyID: h.SignerKeyID.String(), Header: r.Record.Header,
	}
	if domain.AggregateKind(h.AggregateKind) == domain.KindCredential {
		e.ResourceID = domain.CredentialID{ID: h.AggregateID}.Handle()
	}
	if r.Origin.IP != "" {
		e.IPAddress = &r.Origin.IP
	}
	if r.Origin.UserAgent != "" {
		e.UserAgent = &r.Origin.UserAgent
	}
	if signed {
		e.Signature = r.Record.Signature
	}
	return e
}

// auditProof is one fact with all that proves it but the signing key: the hashes
// that its header names, and the payload as it was hashed.
type auditProof struct {
	auditEntry
	Payload          []byte         `json:"payload"`
	PayloadHash      domain.Digest  `json:"payload_hash"`
	DetachedHash     *domain.Digest `json:"detached_hash"` // of the encrypted personal part, if there is one
	SchemaVersion    uint16         `json:"schema_version"`
	AggregateVersion uint64         `json:"aggregate_version"`
}

func auditProofOf(r eventstore.Recorded) auditProof {
	h := r.Header
	p := auditProof{
		auditEntry: auditEntryOf(r, true), Payload: r.Record.Payload, PayloadHash: domain.Digest(h.PayloadHash),
		SchemaVersion: h.SchemaVersion, AggregateVersion: h.AggregateVersion,
	}
	if h.Flags&chain.FlagDetached != 0 {
		hash := domain.Digest(h.DetachedHash)
		p.DetachedHash = &hash
	}
	return p
}
