package commands

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/eventstore"
)

// Reconciler finishes what a crash interrupted, and does what time asks. It is
// run at start and then by a clock; running it twice, or on two nodes, changes
// nothing more. Runs of one Reconciler must not overlap. All exported fields are
// required.
type Reconciler struct {
	Vault    *Vault
	Identity *Identity
	Lookups  Lookups

	// Where the last pass stopped; zero: it came to the end, and the next one begins
	// anew. So what fails again and again does not keep others waiting.
	registered domain.DueRegistration
	invited    domain.DueInvitee
	swept      domain.DueCredential
	shredded   domain.DueVersion

	checked int64 // cursor of the last kept record that a fact was found for
}

// How much one pass takes on, and how old a record that no fact names must be
// before it counts as left behind.
const (
	passLimit   = 500
	pendingFor  = time.Hour
	passRecords = 5000
)

// Run makes one pass: it finishes registrations and acceptances, destroys what is over, ends
// what has expired, and removes records that no fact names. It does as much as
// it can and returns what it could not do.
func (r *Reconciler) Run(ctx context.Context, request domain.RequestID) error {
	return errors.Join(
		r.registrations(ctx, request),
		r.invitees(ctx, request),
		r.sweep(ctx, request),
		r.shred(ctx, request),
		r.orphans(ctx),
	)
}

// stoppedAt returns where a pass stopped that took on due.
func stoppedAt[D any](due []D) (last D) {
	if len(due) == passLimit {
		last = due[passLimit-1]
	}
	return last
}

func (r *Reconciler) registrations(ctx context.Context, request domain.RequestID) error {
	due, err := r.Lookups.Unregistered(ctx, r.registered, passLimit)
	if err != nil {
		return fmt.Errorf("looking for interrupted registrations: %w", err)
	}
	r.registered = stoppedAt(due)
	var errs []error
	for _, d := range due {
		if err := r.Identity.finish(ctx, request, d); err != nil {
			errs = append(errs, fmt.Errorf("finishing the registration of tenant %s: %w", d.Tenant, err))
		}
	}
	return errors.Join(errs...)
}

// invitees finishes what the invited began to accept. Most never did, and most of
// those never will.
func (r *Reconciler) invitees(ctx context.Context, request domain.RequestID) error {
	due, err := r.Lookups.Invitees(ctx, r.invited, passLimit)
	if err != nil {
		return fmt.Errorf("looking for invitees: %w", err)
	}
	r.invited = stoppedAt(due)
	var errs []error
	for _, d := range due {
		if err := r.Identity.finishInvitee(ctx, request, d); err != nil {
			errs = append(errs, fmt.Errorf("finishing the acceptance of user %s of tenant %s: %w", d.User, d.Tenant, err))
		}
	}
	return errors.Join(errs...)
}

func (r *Reconciler) sweep(ctx context.Context, request domain.RequestID) error {
	due, err := r.Lookups.Overdue(ctx, r.Vault.Now(), r.swept, passLimit)
	if err != nil {
		return fmt.Errorf("looking for expired credentials: %w", err)
	}
	r.swept = stoppedAt(due)
	var errs []error
	for _, d := range due {
		by := domain.System(d.Tenant, request)
		c, _, err := transact(ctx, r.Vault.Log, by, credentialAggregate(d.Credential), terms[domain.Credential]{},
			func(c domain.Credential) ([]domain.CredentialEvent, error) { return c.Sweep(r.Vault.Now()) })
		if err == nil && c.Ended {
			_, err = r.Vault.shred(ctx, by, domain.DueVersion{Tenant: d.Tenant, Entry: c.Entry(), RecordHash: c.RecordHash, Ended: true})
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("sweeping %s of tenant %s: %w", d.Credential.Handle(), d.Tenant, err))
		}
	}
	return errors.Join(errs...)
}

func (r *Reconciler) shred(ctx context.Context, request domain.RequestID) error {
	due, err := r.Lookups.Unshredded(ctx, r.shredded, passLimit)
	if err != nil {
		return fmt.Errorf("looking for versions to destroy: %w", err)
	}
	r.shredded = stoppedAt(due)
	var errs []error
	for _, d := range due {
		c, err := r.credential(ctx, d.Tenant, d.Entry.Credential())
		if err == nil && !c.Ended && c.RecordHash == d.RecordHash {
			continue // the log says that it lives
		}
		if err == nil {
			_, err = r.Vault.shred(ctx, domain.System(d.Tenant, request), d)
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("destroying a version of tenant %s: %w", d.Tenant, err))
		}
	}
	return errors.Join(errs...)
}

// orphans removes sealed records that were kept and never named: their command
// died between the two. What resists it leaves for the next start.
func (r *Reconciler) orphans(ctx context.Context) error {
	before := r.Vault.Now().Add(-pendingFor)
	var errs []error
	for seen := 0; seen < passRecords; {
		kept, err := r.Vault.Records.Pending(ctx, before, r.checked, passLimit)
		if err != nil {
			errs = append(errs, fmt.Errorf("looking for records left behind: %w", err))
			break
		}
		for _, k := range kept {
			err := r.collect(ctx, k)
			if ctx.Err() != nil {
				return errors.Join(append(errs, err)...)
			}
			if err != nil {
				errs = append(errs, fmt.Errorf("collecting a record of tenant %s: %w", k.Tenant, err))
			}
			r.checked = k.Cursor
		}
		if seen += len(kept); len(kept) < passLimit {
			break
		}
	}
	return errors.Join(errs...)
}

// collect destroys a kept record unless the log names it.
func (r *Reconciler) collect(ctx context.Context, k domain.KeptRecord) error {
	named, err := r.Lookups.Named(ctx, k.Tenant, k.Credential, k.RecordHash)
	if err != nil || named {
		return err
	}
	c, err := r.credential(ctx, k.Tenant, k.Credential)
	if err != nil || c.RecordHash == k.RecordHash {
		return err
	}
	if err := r.Vault.Records.Destroy(ctx, k.Tenant, k.RecordHash); err != nil {
		return fmt.Errorf("removing a record left behind: %w", err)
	}
	return nil
}

// credential folds a credential from what is stored: before something is
// destroyed, nobody's memory counts.
func (r *Reconciler) credential(ctx context.Context, tenant domain.TenantID, id domain.CredentialID) (domain.Credential, error) {
	r.Vault.Log.Forget(tenant, credentialAggregate(id))
	c, _, err := eventstore.Fold[domain.Credential](ctx, r.Vault.Log, tenant, credentialAggregate(id))
	return c, err
}
