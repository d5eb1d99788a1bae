package commands_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/quantaseal/quantaseal/commands"
	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/eventstore"
	"github.com/quantaseal/quantaseal/eventstore/chain"
)

const newcomer = "newcomer@example.com"

func (v *vault) tryRegister(ctx context.Context, email string) (commands.Session, error) {
	return v.Identity.Register(ctx, commands.Register{Actor: nobody(), Email: email, Password: commands.Secret(password), Tenant: "New"})
}

// Wherever a registration breaks off, it either never was or is finished by the
// reconciler: then its owner logs in, and the address is taken.
func TestRegistrationBreaksOff(t *testing.T) {
	system := domain.TenantID{}
	for name, at := range map[string]struct {
		fails func(v *vault, tenant domain.TenantID, records []chain.Record) bool
		never bool
	}{
		"before the claim": {func(_ *vault, tenant domain.TenantID, _ []chain.Record) bool { return tenant == system }, true},
		"before the chain": {func(_ *vault, tenant domain.TenantID, _ []chain.Record) bool { return tenant != system }, false},
		"before the session": {func(_ *vault, tenant domain.TenantID, records []chain.Record) bool {
			index, err := records[0].Index()
			return err != nil || tenant != system && index.Seq > 0
		}, false},
	} {
		t.Run(name, func(t *testing.T) {
			within(t, func(t *testing.T, v *vault) {
				breaking := appending(func(ctx context.Context, tenant domain.TenantID, records []chain.Record) (eventstore.Position, error) {
					if at.fails(v, tenant, records) {
						return 0, errDown
					}
					return v.store.Store.Append(ctx, tenant, records)
				})
				v.store.instead.Store(&breaking)
				if _, err := v.tryRegister(t.Context(), newcomer); !errors.Is(err, errDown) {
					t.Fatalf("got %v, want %v", err, errDown)
				}
				v.store.instead.Store(nil)
				for range 2 {
					if err := v.reconcile(t); err != nil {
						t.Fatal(err)
					}
				}
				if !at.never {
					if _, err := v.tryRegister(t.Context(), newcomer); !errors.Is(err, domain.ErrAddressTaken) {
						t.Errorf("got %v, want %v", err, domain.ErrAddressTaken)
					}
				} else if _, err := v.tryRegister(t.Context(), newcomer); err != nil {
					t.Errorf("registering again: %v", err)
				}
				s, err := v.Identity.Login(t.Context(), commands.Login{Actor: nobody(), Email: newcomer, Password: commands.Secret(password)})
				if err != nil {
					t.Fatal(err)
				}
				v.tenant, v.next = s.Tenant, 0
				if facts := v.since(t); len(facts) < 6 || facts[0].Header.EventType != "CHAIN_GENESIS" || facts[3].Header.EventType != "PASSWORD_SET" {
					t.Errorf("the chain has %d facts", len(facts))
				}
			})
		})
	}
}

// Whoever was told of a fault after the claim, and asks again with the same
// password, gets what was claimed. Nobody else does.
func TestRegistrationIsFinishedByItsRetry(t *testing.T) {
	within(t, func(t *testing.T, v *vault) {
		var claimed domain.TenantID
		breaking := appending(func(ctx context.Context, tenant domain.TenantID, records []chain.Record) (eventstore.Position, error) {
			if tenant != (domain.TenantID{}) {
				claimed = tenant
				return 0, errDown
			}
			return v.store.Store.Append(ctx, tenant, records)
		})
		v.store.instead.Store(&breaking)
		for range 2 {
			if _, err := v.tryRegister(t.Context(), newcomer); !errors.Is(err, errDown) {
				t.Fatalf("got %v, want %v", err, errDown)
			}
		}
		v.store.instead.Store(nil)
		again := commands.Register{Actor: nobody(), Email: newcomer, Password: commands.Secret("another-password-3Km8"), Tenant: "New"}
		if _, err := v.Identity.Register(t.Context(), again); !errors.Is(err, domain.ErrAddressTaken) {
			t.Errorf("with another password: got %v, want %v", err, domain.ErrAddressTaken)
		}
		s, err := v.tryRegister(t.Context(), newcomer)
		if err != nil || s.Tenant != claimed || s.TrialEndsAt == 0 {
			t.Fatalf("got tenant %s until %d, %v, want %s", s.Tenant, s.TrialEndsAt, err, claimed)
		}
		if _, err := v.tryRegister(t.Context(), newcomer); !errors.Is(err, domain.ErrAddressTaken) {
			t.Errorf("once more: got %v, want %v", err, domain.ErrAddressTaken)
		}
		if err := v.reconcile(t); err != nil {
			t.Fatal(err)
		}
		v.tenant, v.next = claimed, 0
		v.saw(t, "CHAIN_GENESIS", "TENANT_REGISTERED", "USER_REGISTERED", "PASSWORD_SET", "NEW_DEVICE_SEEN", "LOGIN_SUCCEEDED", "SESSION_ISSUED")
		v.tenant, v.next = domain.TenantID{}, 0
		v.saw(t, "CHAIN_GENESIS", "ACCOUNT_CLAIMED", "TENANT_ADDED", "ACCOUNT_CLAIMED", "TENANT_ADDED")
		next, err := v.tryRegister(t.Context(), "next@example.com")
		if err != nil || next.Tenant == claimed {
			t.Errorf("the next registration made %s, %v", next.Tenant, err)
		}
	})
}

// Who asks while a registration is going on, even with its password, comes too late.
func TestRegistrationGoingOnIsNoRetry(t *testing.T) {
	within(t, func(t *testing.T, v *vault) {
		slow := appending(func(ctx context.Context, tenant domain.TenantID, records []chain.Record) (eventstore.Position, error) {
			time.Sleep(time.Minute)
			return v.store.Store.Append(ctx, tenant, records)
		})
		v.store.instead.Store(&slow)
		var first, second error
		var group sync.WaitGroup
		group.Go(func() { _, first = v.tryRegister(t.Context(), newcomer) })
		time.Sleep(90 * time.Second) // the address is claimed, and the chain not begun
		group.Go(func() { _, second = v.tryRegister(t.Context(), newcomer) })
		group.Wait()
		if first != nil || !errors.Is(second, domain.ErrAddressTaken) {
			t.Errorf("got %v and %v, want nothing and %v", first, second, domain.ErrAddressTaken)
		}
	})
}

// A password is hashed once, whatever becomes of the registration: the time that
// takes tells nothing of an account.
func TestRegistrationHashesOnce(t *testing.T) {
	within(t, func(t *testing.T, v *vault) {
		hashes := &counting{Passwords: v.Identity.Passwords}
		v.Identity.Passwords = hashes
		for _, email := range []string{"owner@example.com", newcomer, newcomer} {
			before := hashes.n
			if _, err := v.tryRegister(t.Context(), email); err != nil && !errors.Is(err, domain.ErrAddressTaken) {
				t.Fatal(err)
			}
			if got := hashes.n - before; got != 1 {
				t.Errorf("%s: %d hashes, want 1", email, got)
			}
		}
	})
}

// counting counts how often a password is hashed.
type counting struct {
	commands.Passwords
	n int
}

func (c *counting) Hash(ctx context.Context, password []byte) (string, error) {
	c.n++
	return c.Passwords.Hash(ctx, password)
}

func (c *counting) Verify(ctx context.Context, password []byte, hash string) (bool, error) {
	c.n++
	return c.Passwords.Verify(ctx, password, hash)
}

// The reconciler may meet a registration that is still going on.
func TestRegistrationMeetsReconciler(t *testing.T) {
	within(t, func(t *testing.T, v *vault) {
		met := false
		meeting := appending(func(ctx context.Context, tenant domain.TenantID, records []chain.Record) (eventstore.Position, error) {
			if index, err := records[0].Index(); err == nil && tenant != (domain.TenantID{}) && index.Seq == 0 && !met {
				met = true
				if err := v.Views.CatchUp(ctx); err != nil {
					t.Error(err)
				}
				other := v.another(t, v.Identity.Now)
				identity := &commands.Identity{Log: other.Log, Keys: v.Ring, Passwords: v.Identity.Passwords, Now: v.Identity.Now}
				if err := (&commands.Reconciler{Vault: other, Identity: identity, Lookups: v.Queries}).Run(ctx, requestID(2)); err != nil {
					t.Error(err)
				}
			}
			return v.store.Store.Append(ctx, tenant, records)
		})
		v.store.instead.Store(&meeting)
		s, err := v.tryRegister(t.Context(), newcomer)
		if err != nil || !met {
			t.Fatalf("got %v, having met: %v", err, met)
		}
		v.tenant, v.next = s.Tenant, 0
		v.saw(t, "CHAIN_GENESIS", "TENANT_REGISTERED", "USER_REGISTERED", "PASSWORD_SET", "NEW_DEVICE_SEEN", "LOGIN_SUCCEEDED", "SESSION_ISSUED")
	})
}

// counted counts the keys that are made for people.
type counted struct {
	commands.Tenants
	mu       sync.Mutex
	subjects int
}

func (c *counted) CreateSubject(ctx context.Context, tenant domain.TenantID, user domain.UserID) error {
	c.mu.Lock()
	c.subjects++
	c.mu.Unlock()
	return c.Tenants.CreateSubject(ctx, tenant, user)
}

// Whoever asks for what is taken leaves nothing behind, however often.
func TestTakenAddressMakesNoKey(t *testing.T) {
	within(t, func(t *testing.T, v *vault) {
		keys := &counted{Tenants: v.Identity.Keys}
		v.Identity.Keys = keys
		if _, err := v.tryRegister(t.Context(), "owner@example.com"); !errors.Is(err, domain.ErrAddressTaken) {
			t.Errorf("got %v, want %v", err, domain.ErrAddressTaken)
		}
		if keys.subjects != 0 {
			t.Errorf("%d keys were made for nobody", keys.subjects)
		}
	})
}

// Other nodes that are always faster are a conflict, and no fault of ours.
func TestRegistrationIsContended(t *testing.T) {
	within(t, func(t *testing.T, v *vault) {
		other := v.another(t, v.Identity.Now).Log
		tenants := uint32(1)
		faster := appending(func(ctx context.Context, tenant domain.TenantID, records []chain.Record) (eventstore.Position, error) {
			if tenant == (domain.TenantID{}) {
				tenants++
				_, err := other.Append(ctx, domain.System(domain.TenantID{}, requestID(2)), eventstore.Fact{
					Event: domain.TenantAdded{TenantID: domain.TenantID{ID: v.Log.NewID()}, TenantIndex: tenants}, Aggregate: domain.DirectoryAggregate,
					Changes: true, Version: uint64(tenants) - 1,
				})
				if err != nil {
					t.Error(err)
				}
			}
			return v.store.Store.Append(ctx, tenant, records)
		})
		v.store.instead.Store(&faster)
		if _, err := v.tryRegister(t.Context(), newcomer); !errors.Is(err, domain.ErrContended) {
			t.Errorf("got %v, want %v", err, domain.ErrContended)
		}
		v.store.instead.Store(nil)
		if _, err := v.tryRegister(t.Context(), newcomer); err != nil {
			t.Error(err)
		}
	})
}
