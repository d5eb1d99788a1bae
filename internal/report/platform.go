package report

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/eventstore/chain"
	"github.com/quantaseal/quantaseal/internal/compliance"
)

// PlatformFile holds the facts of the platform that bear on a report, each as it was
// signed. They stand on the system chain, which tells of other tenants too, so no more
// of it is given out. That none of them was left out is the operator's word: the
// sidecar signs the file.
const PlatformFile = "platform-evidence.json"

const platformFormat = "quantaseal/platform-evidence"

type platformDocument struct {
	Format  string           `json:"format"`
	Version int              `json:"version"`
	Records []platformRecord `json:"records"` // the genesis of the system chain first
}

type platformRecord struct {
	Header    []byte `json:"header"`
	Payload   []byte `json:"payload"`
	Signature []byte `json:"signature"`
	Detached  []byte `json:"detached"` // encrypted; null if there is none
}

// PlatformJSON renders the records of the platform.
func (r *Report) PlatformJSON() ([]byte, error) {
	doc := platformDocument{Format: platformFormat, Version: 1, Records: []platformRecord{}}
	for _, p := range r.Platform {
		doc.Records = append(doc.Records, platformRecord{p.Header, p.Payload, p.Signature, p.Detached})
	}
	return json.Marshal(doc)
}

// ErrPlatform reports platform evidence that is not what the system chain holds.
var ErrPlatform = errors.New("report: not evidence of the platform")

// readPlatform verifies records of the system chain one by one, and folds them. It
// returns ErrPlatform.
func readPlatform(data []byte, logID chain.Hash, root *chain.PublicKey) (*compliance.Platform, error) {
	var doc platformDocument
	if err := json.Unmarshal(data, &doc); err != nil || doc.Format != platformFormat || doc.Version != 1 {
		return nil, fmt.Errorf("%w: its form: %w", ErrPlatform, err)
	}
	p := compliance.NewPlatform()
	var key *chain.PublicKey
	for i, stored := range doc.Records {
		record := chain.Record{Header: stored.Header, Payload: stored.Payload, Signature: stored.Signature, Detached: stored.Detached}
		if i == 0 {
			var err error
			if key, err = chain.VerifyGenesis(logID, root, [16]byte{}, record); err != nil {
				return nil, fmt.Errorf("%w: its genesis: %w", ErrPlatform, err)
			}
			continue
		}
		header, err := chain.VerifyRecord(logID, key, record)
		if err != nil {
			return nil, fmt.Errorf("%w: record %d: %w", ErrPlatform, i, err)
		}
		if header.Tenant != [16]byte{} || header.Seq < p.Next() {
			return nil, fmt.Errorf("%w: record %d is out of place", ErrPlatform, i)
		}
		fact, err := factOf(header, record)
		if err != nil {
			return nil, fmt.Errorf("%w: record %d: %w", ErrPlatform, i, err)
		}
		p.Apply(fact)
	}
	return p, nil
}

// factOf returns the fact in a record that was verified, as scores are folded from
// it: nothing personal is looked at.
func factOf(h chain.Header, r chain.Record) (compliance.Fact, error) {
	event, err := domain.Decode(domain.Stored{Type: domain.EventType{Name: h.EventType, Version: h.SchemaVersion}, Payload: r.Payload})
	if err != nil {
		return compliance.Fact{}, err
	}
	return compliance.Fact{
		Ref: compliance.Ref{
			Seq: h.Seq, EventID: h.EventID, Type: h.EventType, Time: int64(h.TimeUS), Hash: domain.Digest(r.Hash()), Signer: domain.Digest(h.SignerKeyID),
		},
		ActorKind: domain.ActorKind(h.ActorKind), Actor: h.ActorID, Request: domain.RequestID{ID: h.RequestID},
		Outcome: domain.Outcome(h.Outcome), Payload: r.Payload, Event: event,
	}, nil
}
