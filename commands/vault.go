package commands

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"golang.org/x/sync/singleflight"

	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/eventstore"
)

// Vault holds what the vault commands need. All exported fields are required.
type Vault struct {
	Log     *eventstore.Log
	Sealer  Sealer
	Records Records
	Keys    Tenants
	Now     func() time.Time
	Logger  *slog.Logger

	turns    turns
	coalesce singleflight.Group
	recent   recent
}

// Sealed is a credential as a command left it.
type Sealed struct {
	Credential domain.Credential
	Created    int64 // stamp of the fact that made this version, Unix microseconds
	Receipt    eventstore.Receipt
}

func credentialAggregate(id domain.CredentialID) domain.AggregateID {
	return domain.AggregateID{Kind: domain.KindCredential, ID: id.ID}
}

// reasonContended is recorded of a command that lost too many races.
const reasonContended = "contended"

// credentialTerms hold for every command on an existing credential: not even a
// lost race tells a caller that it exists, and denial is on the record of it too.
func credentialTerms(notAfter func(domain.Credential) int64, denial domain.CredentialEvent) terms[domain.Credential] {
	return terms[domain.Credential]{notAfter: notAfter, lost: domain.ErrCredentialUnavailable, denial: denial}
}

// parseReference reads how a caller names a credential. What nobody could have been
// given becomes the zero entry, which no credential has: it is refused like an
// unknown one, by the same way.
func parseReference(s string) domain.EntryID {
	e, err := domain.ParseReference(s)
	if err != nil {
		return domain.EntryID{}
	}
	return e
}

// settings returns what a tenant decided about itself.
func (v *Vault) settings(ctx context.Context, id domain.TenantID) (domain.Settings, error) {
	t, _, err := eventstore.Fold[domain.Tenant](ctx, v.Log, id, tenantAggregate(id))
	if err != nil {
		return t.Settings, fmt.Errorf("loading a tenant: %w", err)
	}
	return t.Settings, nil
}

// discard destroys a sealed record that no fact will name. What it cannot
// destroy now the reconciler will.
func (v *Vault) discard(ctx context.Context, tenant domain.TenantID, hash domain.Digest) {
	if err := v.Records.Destroy(context.WithoutCancel(ctx), tenant, hash); err != nil {
		v.Logger.WarnContext(ctx, "a record that was not used stays for the reconciler", "err", err)
	}
}

// shred destroys the slot and record of a version that is over, and puts that on
// the record. It goes on when its caller is gone.
func (v *Vault) shred(ctx context.Context, by domain.Actor, due domain.DueVersion) (eventstore.Receipt, error) {
	ctx = context.WithoutCancel(ctx)
	if err := v.Records.Destroy(ctx, due.Tenant, due.RecordHash); err != nil {
		return eventstore.Receipt{}, unfinished{err}
	}
	var fact domain.Event = domain.CredentialVersionShredded{
		EntryID: due.Entry, Method: domain.ShredMethod, RecordHash: due.RecordHash, Version: due.Entry.Version(),
	}
	if due.Ended {
		fact = domain.CredentialShredded(fact.(domain.CredentialVersionShredded))
	}
	// The command and the reconciler may both come here: the record's hash makes it one fact.
	eventID := domain.DerivedID(due.RecordHash)
	receipt, err := v.Log.Append(ctx, by, eventstore.Fact{
		Event: fact, EventID: eventID, Aggregate: credentialAggregate(due.Entry.Credential()),
	})
	if errors.Is(err, eventstore.ErrRepeated) {
		var before eventstore.Recorded
		before, err = v.Log.Find(ctx, due.Tenant, eventID)
		receipt = before.Receipt()
	}
	if err != nil {
		return eventstore.Receipt{}, unfinished{fmt.Errorf("recording a destruction: %w", err)}
	}
	return receipt, nil
}
