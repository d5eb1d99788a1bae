package eventstore

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"

	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/eventstore/chain"
)

// Fact is an event that a command asks to append, with the conditions under
// which it may be.
type Fact struct {
	Event     domain.Event
	Aggregate domain.AggregateID
	// Placed returns the event once its sequence number is known; nil: Event is all
	// there is to say. It must return Event's type with the same personal part, and
	// may be called more than once.
	Placed func(seq uint64) domain.Event
	// EventID makes a repeated append the same append. Zero: the Log draws one.
	EventID domain.ID
	// Fresh says that EventID was drawn for this append by NewID, so that no earlier
	// one is looked for.
	Fresh bool
	// Changes makes the fact the aggregate's next version. Without it the fact only
	// observes and carries version 0.
	Changes bool
	// Version is the version of the aggregate that the fact was decided on. A fact
	// that changes, or that requires it, is refused with ErrStale at any other.
	Version uint64
	// Requires holds an observing fact to Version.
	Requires bool
	// NotAfter is the last stamp the fact may get, Unix microseconds; 0 = any.
	NotAfter int64
	// BodyMAC is kept in the encrypted part, to recognise another request under the
	// same Idempotency-Key.
	BodyMAC []byte
}

// Keys is what the Log needs of the key ring.
type Keys interface {
	// Signer returns the key that signs tenant's next event, and its epoch.
	Signer(ctx context.Context, tenant domain.TenantID) (*chain.SigningKey, uint64, error)
	// Protect encrypts data under subject's key (the tenant's, if subject is zero),
	// bound to the event, and appends it to dst as one section.
	Protect(ctx context.Context, dst []byte, tenant domain.TenantID, subject domain.UserID, eventID domain.ID, data []byte) ([]byte, error)
	// Reveal decrypts the sections of a detached blob. A section whose subject was
	// erased is left out.
	Reveal(ctx context.Context, tenant domain.TenantID, eventID domain.ID, detached []byte) ([][]byte, error)
	// ForgetSubject drops a person's key from memory: whether there is one is looked
	// up when it is needed next.
	ForgetSubject(tenant domain.TenantID, subject domain.UserID)
}

// section is the plaintext of one section of a detached blob. Field names are
// stored: add, never rename.
type section struct {
	BodyMAC  []byte          `json:"body_mac,omitempty"`
	Origin   *domain.Origin  `json:"origin,omitempty"`
	Personal json.RawMessage `json:"personal,omitempty"`
}

// encode writes the section without the escapes that only HTML needs, so that a
// caller's own JSON in it keeps its letters.
func (s section) encode() ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	err := enc.Encode(s)
	return b.Bytes(), err
}

// encoded is a fact as bytes, ready to be linked.
type encoded struct {
	fact    Fact
	actor   domain.Actor
	from    string       // whether the request came from a declared range; "" = no request
	header  chain.Header // all but what the sequencer knows: place, time, key
	payload []byte
	blob    []byte
}

// declared returns what facts of an actor say about where their request came from,
// "" for those that no request makes. Ranges that were tampered with hold no address.
func (l *Log) declared(ctx context.Context, by domain.Actor) (string, error) {
	switch {
	case by.Kind == domain.ActorSystem, by.Kind == domain.ActorOperator:
		return "", nil
	case by.Tenant.IsZero():
		return domain.NoneDeclared, nil
	}
	tenant, _, err := Fold[domain.Tenant](ctx, l, by.Tenant, domain.AggregateID{Kind: domain.KindTenant, ID: by.Tenant.ID})
	switch {
	case errors.Is(err, ErrTampered):
		return domain.OutOfRange, nil
	case err != nil:
		return "", err
	}
	addr, _ := netip.ParseAddr(by.Origin.IP) // what is none is out of every range
	return tenant.Settings.Declared(addr), nil
}

// payloadOf returns an event as it is stored, with a payload that verifiers accept.
func payloadOf(e domain.Event, from string) (stored domain.Stored, err error) {
	if _, exact := e.(domain.ChainGenesis); exact || from == "" { // verifiers read that one to the byte
		stored, err = domain.Encode(e)
	} else {
		stored, err = domain.EncodeFrom(e, from)
	}
	if err != nil {
		return stored, err
	}
	if err := chain.CheckPayload(chain.ContentJSON, stored.Payload); err != nil {
		return stored, fmt.Errorf("a fact that no verifier would accept: %s: %w", stored.Type.Name, err)
	}
	return stored, nil
}

// place makes e say what it says at a sequence number.
func (e *encoded) place(seq uint64) error {
	if e.fact.Placed == nil {
		return nil
	}
	event := e.fact.Placed(seq)
	stored, err := payloadOf(event, e.from)
	if err != nil {
		return err
	}
	e.fact.Event, e.payload = event, stored.Payload
	e.header.PayloadLen, e.header.PayloadHash = uint32(len(e.payload)), chain.PayloadHash(e.payload)
	return nil
}

func (l *Log) encode(ctx context.Context, by domain.Actor, f Fact, from string) (encoded, error) {
	if bar := by.Bar(); bar != "" && domain.OutcomeOf(f.Event) == domain.Success {
		return encoded{}, fmt.Errorf("%w: %s, barred by %s", ErrBarred, f.Event.EventType().Name, bar)
	}
	stored, err := payloadOf(f.Event, from)
	if err != nil {
		return encoded{}, err
	}
	e := encoded{fact: f, actor: by, from: from, payload: stored.Payload}
	if e.fact.EventID.IsZero() {
		e.fact.EventID, e.fact.Fresh = l.NewID(), true
	}
	if e.blob, err = l.protect(ctx, by, e.fact, stored.Personal); err != nil {
		return encoded{}, fmt.Errorf("encrypting the personal part of %s: %w", stored.Type.Name, err)
	}
	e.header = chain.Header{
		LogID: l.LogID, Tenant: by.Tenant.ID, EventID: e.fact.EventID,
		AggregateKind: uint8(f.Aggregate.Kind), AggregateID: f.Aggregate.ID,
		ActorKind: uint8(by.Kind), ActorID: by.ID, RequestID: by.Request.ID,
		Outcome:       uint8(domain.OutcomeOf(f.Event)),
		SchemaVersion: stored.Type.Version, ContentType: chain.ContentJSON, EventType: stored.Type.Name,
		PayloadLen: uint32(len(e.payload)), PayloadHash: chain.PayloadHash(e.payload),
	}
	if f.Changes {
		e.header.AggregateVersion = f.Version + 1
	}
	if e.blob != nil {
		e.header.Flags |= chain.FlagDetached
		e.header.DetachedLen, e.header.DetachedHash = uint32(len(e.blob)), chain.DetachedHash(e.blob)
	}
	return e, nil
}

// protect builds the detached blob: what the event says of a person under that
// person's key, and where the request came from under the acting user's.
func (l *Log) protect(ctx context.Context, by domain.Actor, f Fact, personal []byte) (blob []byte, err error) {
	add := func(subject domain.UserID, s section) error {
		data, err := s.encode()
		if err != nil {
			return err
		}
		blob, err = l.Keys.Protect(ctx, blob, by.Tenant, subject, f.EventID, data)
		return err
	}
	if p, ok := f.Event.(domain.Personal); ok {
		if err := add(p.Subject(), section{Personal: personal}); err != nil {
			return nil, err
		}
	}
	if by.Origin != (domain.Origin{}) || f.BodyMAC != nil {
		s := section{BodyMAC: f.BodyMAC}
		if by.Origin != (domain.Origin{}) {
			s.Origin = &by.Origin
		}
		if err := add(by.User, s); err != nil {
			return nil, err
		}
	}
	return blob, nil
}

// decode reads a record whose bytes have been verified.
func (l *Log) decode(ctx context.Context, pos Position, h chain.Header, r chain.Record) (Recorded, error) {
	rec := Recorded{Position: pos, Header: h, Hash: r.Hash(), Record: r}
	stored := domain.Stored{Type: domain.EventType{Name: h.EventType, Version: h.SchemaVersion}, Payload: r.Payload}
	if r.Detached != nil {
		sections, err := l.Keys.Reveal(ctx, domain.TenantID{ID: h.Tenant}, h.EventID, r.Detached)
		if err != nil {
			return Recorded{}, fmt.Errorf("decrypting the personal part of %s %d: %w", h.EventType, h.Seq, err)
		}
		for _, data := range sections {
			var s section
			if err := json.Unmarshal(data, &s); err != nil {
				return Recorded{}, fmt.Errorf("reading the personal part of %s %d: %w", h.EventType, h.Seq, err)
			}
			if s.Origin != nil {
				rec.Origin = *s.Origin
			}
			if s.BodyMAC != nil {
				rec.BodyMAC = s.BodyMAC
			}
			if s.Personal != nil {
				stored.Personal = s.Personal
			}
		}
	}
	var err error
	rec.Event, err = domain.Decode(stored)
	return rec, err
}

// recorded is what decode would return for e once it stands at pos as r.
func (e encoded) recorded(pos Position, h chain.Header, hash chain.Hash, r chain.Record) Recorded {
	return Recorded{
		Position: pos, Header: h, Hash: hash, Event: e.fact.Event,
		Origin: e.actor.Origin, BodyMAC: e.fact.BodyMAC, Record: r,
	}
}
