package commands_test

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/quantaseal/quantaseal/commands"
	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/eventstore"
	"github.com/quantaseal/quantaseal/eventstore/chain"
)

// reconcile runs one pass of a fresh reconciler over caught-up read models.
func (v *vault) reconcile(t *testing.T) error {
	t.Helper()
	if err := v.Views.CatchUp(t.Context()); err != nil {
		t.Fatal(err)
	}
	r := &commands.Reconciler{Vault: v.Vault, Identity: v.Identity, Lookups: v.Queries}
	return r.Run(t.Context(), requestID(2))
}

// stuck keeps records that cannot be destroyed while a test says so.
type stuck struct {
	commands.Records
	only   []domain.Digest // nil = all
	on     bool
	err    error  // nil = errDown
	before func() // runs before each destruction; nil = nothing does
}

func (s *stuck) Destroy(ctx context.Context, tenant domain.TenantID, hashes ...domain.Digest) error {
	if s.before != nil {
		s.before()
	}
	if s.on && (s.only == nil || slices.ContainsFunc(hashes, func(h domain.Digest) bool { return slices.Contains(s.only, h) })) {
		return cmp.Or(s.err, errDown)
	}
	return s.Records.Destroy(ctx, tenant, hashes...)
}

// keep keeps a sealed record that no fact names, as a command that died did.
func (v *vault) keep(t *testing.T, n byte) domain.Digest {
	t.Helper()
	id := domain.NewCredentialID(domain.ID{15: n})
	sealed, err := v.Ring.Seal(t.Context(), domain.Binding{Tenant: v.tenant, Entry: id.Entry(1), Environment: domain.Live}, []byte(value))
	if err == nil {
		err = v.Vault.Records.Put(t.Context(), v.tenant, id, sealed)
	}
	if err != nil {
		t.Fatal(err)
	}
	return sealed.Hash
}

// What a crash interrupted is finished once, however often and by whomever.
func TestReconcilerFinishesOnce(t *testing.T) {
	within(t, func(t *testing.T, v *vault) {
		records := &stuck{Records: v.Vault.Records}
		v.Vault.Records = records
		rotated, deleted, retired, expiring := v.seal(t, 0), v.seal(t, 0), v.seal(t, 0), v.seal(t, 1)
		live := v.seal(t, 0)
		records.on = true
		if _, err := v.Vault.Rotate(t.Context(), commands.Rotate{Actor: v.owner, Reference: rotated.ID.Handle()}); !errors.Is(err, errDown) {
			t.Fatal(err)
		}
		if _, err := v.Vault.Delete(t.Context(), commands.Delete{Actor: v.owner, Reference: deleted.ID.Handle()}); !errors.Is(err, errDown) {
			t.Fatal(err)
		}
		records.on = false
		if _, err := v.Vault.Retire(t.Context(), commands.Retire{Actor: v.owner, Reference: retired.ID.Handle()}); err != nil {
			t.Fatal(err)
		}
		v.keep(t, 1)
		v.saw(t, "CREDENTIAL_ROTATED", "CREDENTIAL_DELETED", "CREDENTIAL_RETIRED")

		if err := v.reconcile(t); err != nil {
			t.Fatal(err)
		}
		v.saw(t, "CREDENTIAL_VERSION_SHREDDED", "CREDENTIAL_SHREDDED")
		time.Sleep(25 * time.Hour)
		if err := v.reconcile(t); err != nil {
			t.Fatal(err)
		}
		v.saw(t, "CREDENTIAL_EXPIRED", "CREDENTIAL_SHREDDED")
		time.Sleep(domain.RestoreWindow)
		for range 2 {
			if err := v.reconcile(t); err != nil {
				t.Fatal(err)
			}
		}
		v.saw(t, "CREDENTIAL_DELETED", "CREDENTIAL_SHREDDED")
		if n := v.kept(t); n != 2 {
			t.Errorf("%d sealed records are kept, want those of 2 credentials", n)
		}
		for _, c := range []domain.Credential{rotated, live} {
			if got, err := v.unseal(t, c.ID.Handle()); err != nil || got != value {
				t.Errorf("got %q, %v", got, err)
			}
		}
		if _, err := v.unseal(t, expiring.ID.Handle()); !errors.Is(err, domain.ErrCredentialUnavailable) {
			t.Errorf("got %v", err)
		}
	})
}

// A node that missed what another did destroys nothing that the log calls live,
// however old its memory and its read models are.
func TestReconcilerBelievesTheLog(t *testing.T) {
	within(t, func(t *testing.T, v *vault) {
		c := v.seal(t, 0)
		other := v.another(t, time.Now)
		if _, err := other.Rotate(t.Context(), commands.Rotate{Actor: v.owner, Reference: c.ID.Handle()}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * time.Hour)
		r := &commands.Reconciler{Vault: v.Vault, Identity: v.Identity, Lookups: v.Queries}
		if err := r.Run(t.Context(), requestID(2)); err != nil {
			t.Fatal(err)
		}
		if got, err := v.unseal(t, c.ID.Handle()); err != nil || got != value {
			t.Errorf("got %q, %v", got, err)
		}
	})
}

// One record that resists does not protect those behind it.
func TestReconcilerGoesOn(t *testing.T) {
	within(t, func(t *testing.T, v *vault) {
		v.Vault.Records = &stuck{Records: v.Vault.Records, only: []domain.Digest{v.keep(t, 1)}, on: true}
		v.keep(t, 2)
		time.Sleep(2 * time.Hour)
		if err := v.reconcile(t); !errors.Is(err, errDown) {
			t.Errorf("got %v, want %v", err, errDown)
		}
		if n := v.kept(t); n != 1 {
			t.Errorf("%d sealed records are kept, want the one that resists", n)
		}
	})
}

// lingering are lookups in which what failed stays due, like hundreds of others.
type lingering struct {
	commands.Lookups
	due []domain.DueVersion
}

func (l *lingering) Unshredded(_ context.Context, after domain.DueVersion, limit int) ([]domain.DueVersion, error) {
	from := slices.Index(l.due, after) + 1
	return l.due[from:min(from+limit, len(l.due))], nil
}

// However much resists destruction, and however often, the rest gets its turn, and
// what resisted its next one.
func TestReconcilerTakesTurns(t *testing.T) {
	within(t, func(t *testing.T, v *vault) {
		c := v.seal(t, 0)
		if _, err := v.Vault.Rotate(t.Context(), commands.Rotate{Actor: v.owner, Reference: c.ID.Handle()}); err != nil {
			t.Fatal(err)
		}
		lookups := &lingering{Lookups: v.Queries}
		for n := range 700 {
			lookups.due = append(lookups.due, domain.DueVersion{
				Tenant: v.tenant, Entry: c.ID.Entry(1), RecordHash: domain.Digest{byte(n), byte(n >> 8), 1},
			})
		}
		asked := map[domain.Digest]int{}
		v.Vault.Records = &refusing{Records: v.Vault.Records, asked: asked}
		r := &commands.Reconciler{Vault: v.Vault, Identity: v.Identity, Lookups: lookups}
		for pass := range 3 {
			if err := r.Run(t.Context(), requestID(2)); !errors.Is(err, errDown) {
				t.Fatalf("pass %d: got %v", pass, err)
			}
		}
		for _, d := range lookups.due {
			if n := asked[d.RecordHash]; n < 1 || n > 2 {
				t.Fatalf("%x was tried %d times in 3 passes", d.RecordHash[:3], n)
			}
		}
	})
}

// refusing destroys nothing, and remembers what it was asked for.
type refusing struct {
	commands.Records
	asked map[domain.Digest]int
}

func (r *refusing) Destroy(_ context.Context, _ domain.TenantID, hashes ...domain.Digest) error {
	for _, h := range hashes {
		r.asked[h]++
	}
	return errDown
}

// An address that was claimed by somebody who was erased before the tenant began
// becomes free, and is nobody's to finish.
func TestReconcilerReleasesTheErased(t *testing.T) {
	within(t, func(t *testing.T, v *vault) {
		breaking := appending(func(ctx context.Context, tenant domain.TenantID, records []chain.Record) (eventstore.Position, error) {
			if tenant != (domain.TenantID{}) {
				return 0, errDown
			}
			return v.store.Store.Append(ctx, tenant, records)
		})
		v.store.instead.Store(&breaking)
		if _, err := v.tryRegister(t.Context(), newcomer); !errors.Is(err, errDown) {
			t.Fatal(err)
		}
		v.store.instead.Store(nil)
		v.tenant, v.next = domain.TenantID{}, 0
		claim, ok := v.since(t)[3].Event.(domain.AccountClaimed)
		if !ok {
			t.Fatal("that is no claim")
		}
		v.Log.Forget(domain.TenantID{}, domain.AggregateID{Kind: domain.KindUser, ID: claim.AccountRef})
		if err := v.Ring.EraseSubject(t.Context(), domain.TenantID{}, claim.UserID); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if err := v.reconcile(t); err != nil {
				t.Fatal(err)
			}
		}
		v.saw(t, "ACCOUNT_RELEASED")
		if due, err := v.Queries.Unregistered(t.Context(), domain.DueRegistration{}, 10); err != nil || len(due) > 0 {
			t.Errorf("%d registrations are due, %v", len(due), err)
		}
		if _, err := v.tryRegister(t.Context(), newcomer); err != nil {
			t.Errorf("claiming it again: %v", err)
		}
	})
}
