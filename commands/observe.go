package commands

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/eventstore"
)

// Authorize refuses with ErrDenied, on the record, an actor whose access does
// not cover scope. route names what was asked. It is for questions that are
// themselves no fact.
func (v *Vault) Authorize(ctx context.Context, by domain.Actor, scope domain.Scope, route string) error {
	return authorize(ctx, v.Log, by, scope, route)
}

// RecordDenied puts on the record that an actor asked for something that is not
// there for it, and returns ErrDenied.
func (v *Vault) RecordDenied(ctx context.Context, by domain.Actor, scope domain.Scope, reference, route string) error {
	id := credentialAggregate(parseReference(reference).Credential())
	receipt, err := observe(ctx, v.Log, by, id, domain.AccessDenied{Permission: scope, Reason: "not_found", Route: route})
	if err != nil {
		return err
	}
	return recorded(domain.ErrDenied, receipt)
}

// RecordListing puts a listing of credentials on the record before it is
// answered: one fact for each actor, filter and minute. Access requirement:
// vault:list; it refuses with ErrDenied. The receipt is zero if the minute's
// fact stood already.
func (v *Vault) RecordListing(ctx context.Context, by domain.Actor, filter string) (eventstore.Receipt, error) {
	if err := authorize(ctx, v.Log, by, domain.ScopeVaultList, "vault.list"); err != nil {
		return eventstore.Receipt{}, err
	}
	return v.oncePerMinute(ctx, by, "vault.list", filter, func(hash domain.Digest) domain.Event {
		return domain.CredentialsListed{FilterHash: hash, Pages: 1}
	})
}

// RecordAuditQuery puts a reading of the audit log on the record, likewise.
// Access requirement: audit:read; it refuses with ErrDenied.
func (v *Vault) RecordAuditQuery(ctx context.Context, by domain.Actor, filter string) (eventstore.Receipt, error) {
	if err := authorize(ctx, v.Log, by, domain.ScopeAuditRead, "audit.read"); err != nil {
		return eventstore.Receipt{}, err
	}
	return v.oncePerMinute(ctx, by, "audit.read", filter, func(hash domain.Digest) domain.Event {
		return domain.AuditLogQueried{FilterHash: hash}
	})
}

// RecordScore puts on the record that an actor is given a compliance score, before
// it is: one fact for each actor, question and minute, of the score that was given
// first. Access requirement: compliance:read; it refuses with ErrDenied.
func (v *Vault) RecordScore(ctx context.Context, by domain.Actor, question string, given domain.ComplianceScored) (eventstore.Receipt, error) {
	if err := authorize(ctx, v.Log, by, domain.ScopeCompliance, "compliance.score"); err != nil {
		return eventstore.Receipt{}, err
	}
	return v.oncePerMinute(ctx, by, "compliance.score", question, func(domain.Digest) domain.Event { return given })
}

// RecordExport puts an export of the whole chain on the record before it
// begins. The receipt's event says that the export goes up to it; what was anchored
// together with it may follow. Access requirement:
// audit:export; it refuses with ErrDenied.
func (v *Vault) RecordExport(ctx context.Context, by domain.Actor, format string) (eventstore.Receipt, error) {
	if err := authorize(ctx, v.Log, by, domain.ScopeAuditExport, "audit.export"); err != nil {
		return eventstore.Receipt{}, err
	}
	receipt, err := v.Log.Append(ctx, by, eventstore.Fact{
		Event: domain.AuditExported{Format: format}, Aggregate: tenantAggregate(by.Tenant),
		Placed: func(seq uint64) domain.Event { return domain.AuditExported{Format: format, To: seq} },
	})
	if err != nil {
		return receipt, fmt.Errorf("recording: %w", err)
	}
	return receipt, nil
}

// oncePerMinute appends a fact whose event id names the actor, the filter and
// the minute, so that it is appended once even by several nodes.
func (v *Vault) oncePerMinute(ctx context.Context, by domain.Actor, route, filter string, fact func(domain.Digest) domain.Event) (eventstore.Receipt, error) {
	minute := binary.BigEndian.AppendUint64(nil, uint64(v.Now().Truncate(time.Minute).Unix()))
	digest, err := v.Keys.Blind(ctx, by.Tenant, []byte("once-per-minute"), by.ID[:], []byte(route), []byte(filter), minute)
	if err != nil {
		return eventstore.Receipt{}, err
	}
	if v.recent.seen(digest) {
		return eventstore.Receipt{}, nil
	}
	ctx = context.WithoutCancel(ctx) // others wait for this append too
	receipt, err, _ := v.coalesce.Do(string(digest[:]), func() (any, error) {
		if v.recent.seen(digest) {
			return eventstore.Receipt{}, nil
		}
		hash, err := v.Keys.Blind(ctx, by.Tenant, []byte("filter"), []byte(route), []byte(filter))
		if err != nil {
			return eventstore.Receipt{}, err
		}
		receipt, err := v.Log.Append(ctx, by, eventstore.Fact{
			Event: fact(hash), EventID: domain.DerivedID(digest), Aggregate: tenantAggregate(by.Tenant),
		})
		if errors.Is(err, eventstore.ErrRepeated) {
			receipt, err = eventstore.Receipt{}, nil
		}
		if err != nil {
			return eventstore.Receipt{}, fmt.Errorf("recording: %w", err)
		}
		v.recent.add(digest)
		return receipt, nil
	})
	if err != nil {
		return eventstore.Receipt{}, err
	}
	return receipt.(eventstore.Receipt), nil
}
