package commands_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/quantaseal/quantaseal/commands"
	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/eventstore"
	"github.com/quantaseal/quantaseal/eventstore/chain"
)

func sealing(by domain.Actor, key, body string) commands.Seal {
	return commands.Seal{
		Actor: by, Name: "n", Type: "generic", Value: commands.Secret(value),
		Idempotency: commands.Idempotency{Key: key, Body: commands.Secret(body)},
	}
}

// The same request is the same credential, one after the other, at the same time
// and on two nodes; another request under its key is refused.
func TestSealAgain(t *testing.T) {
	within(t, func(t *testing.T, v *vault) {
		other := v.another(t, v.Vault.Now)
		var group sync.WaitGroup
		answers := make([]commands.Sealed, 16)
		for n := range answers {
			group.Go(func() {
				node := v.Vault
				if n%2 == 1 {
					node = other
				}
				var err error
				if answers[n], err = node.Seal(t.Context(), sealing(v.owner, "k", "b")); err != nil {
					t.Error(err)
				}
			})
		}
		group.Wait()
		v.saw(t, "CREDENTIAL_SEALED")
		for n := range answers {
			if diff := cmp.Diff(answers[0], answers[n]); diff != "" {
				t.Errorf("answer %d (-first +it):\n%s", n, diff)
			}
		}
		if n := v.kept(t); n != 1 {
			t.Errorf("%d sealed records are kept, want 1", n)
		}
		if _, err := v.Vault.Seal(t.Context(), sealing(v.owner, "k", "c")); !errors.Is(err, commands.ErrKeyReused) {
			t.Errorf("got %v, want %v", err, commands.ErrKeyReused)
		}
		test := v.owner
		test.Environment = domain.Test
		if s, err := v.Vault.Seal(t.Context(), sealing(test, "k", "c")); err != nil || s.Credential.ID == answers[0].Credential.ID {
			t.Errorf("in the other environment: got %v, %v", s.Credential.ID, err)
		}
		v.saw(t, "CREDENTIAL_SEALED")
	})
}

// A record that no fact can name any more is destroyed at once. Where that is
// not certain it is kept.
func TestUnusedRecordsAreDiscarded(t *testing.T) {
	for name, c := range map[string]struct {
		refuse func(v *vault, leave func()) appending
		kept   int
	}{
		"another node was first": {func(v *vault, _ func()) appending {
			other := v.another(t, v.Vault.Now)
			return func(ctx context.Context, tenant domain.TenantID, records []chain.Record) (eventstore.Position, error) {
				if _, err := other.Seal(ctx, sealing(v.owner, "k", "another body")); err != nil && !errors.Is(err, commands.ErrKeyReused) {
					t.Error(err)
				}
				return v.store.Store.Append(ctx, tenant, records)
			}
		}, 1},
		"nobody knows": {func(*vault, func()) appending {
			return func(context.Context, domain.TenantID, []chain.Record) (eventstore.Position, error) { return 0, errDown }
		}, 1},
		"the caller left": {func(v *vault, leave func()) appending {
			return func(ctx context.Context, tenant domain.TenantID, records []chain.Record) (eventstore.Position, error) {
				leave()
				time.Sleep(time.Second)
				return v.store.Store.Append(ctx, tenant, records)
			}
		}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			within(t, func(t *testing.T, v *vault) {
				ctx, leave := context.WithCancel(t.Context())
				defer leave()
				refuse := c.refuse(v, leave)
				v.store.instead.Store(&refuse)
				if _, err := v.Vault.Seal(ctx, sealing(v.owner, "k", "b")); err == nil {
					t.Error("sealed")
				}
				time.Sleep(time.Minute)
				if n := v.kept(t); n != c.kept {
					t.Errorf("%d sealed records are kept, want %d", n, c.kept)
				}
			})
		})
	}
}
