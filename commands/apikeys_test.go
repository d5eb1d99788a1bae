package commands_test

import (
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

// key makes an API key that this node has seen at work.
func (v *vault) key(t *testing.T) commands.CreatedKey {
	t.Helper()
	k, err := v.Identity.CreateKey(t.Context(), commands.CreateKey{Actor: v.owner, Name: "k", Environment: domain.Live})
	if err == nil {
		err = v.Views.CatchUp(t.Context())
	}
	if err == nil {
		_, _, err = v.Identity.AuthenticateKey(t.Context(), k.Key)
	}
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// A key is over once its end is on the record, whatever else this node does at
// that moment, and even if whoever revoked it did not wait or learn of it.
func TestARevokedKeyIsOver(t *testing.T) {
	for name, during := range map[string]func(v *vault, leave func(), write func() (eventstore.Position, error)) (eventstore.Position, error){
		"others were faster elsewhere": func(v *vault, _ func(), write func() (eventstore.Position, error)) (eventstore.Position, error) {
			v.Log.Forget(v.tenant, domain.AggregateID{Kind: domain.KindSession, ID: domain.ID{1}})
			return write()
		},
		"the caller left": func(_ *vault, leave func(), write func() (eventstore.Position, error)) (eventstore.Position, error) {
			leave()
			time.Sleep(time.Second)
			return write()
		},
		"nobody learnt": func(_ *vault, _ func(), write func() (eventstore.Position, error)) (eventstore.Position, error) {
			_, _ = write()
			return 0, errDown
		},
		"it came late": func(_ *vault, _ func(), write func() (eventstore.Position, error)) (eventstore.Position, error) {
			time.AfterFunc(20*time.Second, func() { _, _ = write() })
			return 0, errDown
		},
	} {
		t.Run(name, func(t *testing.T) {
			within(t, func(t *testing.T, v *vault) {
				k := v.key(t)
				ctx, leave := context.WithCancel(t.Context())
				defer leave()
				revoking := appending(func(ctx context.Context, tenant domain.TenantID, records []chain.Record) (eventstore.Position, error) {
					return during(v, leave, func() (eventstore.Position, error) {
						return v.store.Store.Append(context.WithoutCancel(ctx), tenant, records)
					})
				})
				v.store.instead.Store(&revoking)
				_, _ = v.Identity.RevokeKey(ctx, commands.RevokeKey{Actor: v.owner, Key: k.ID})
				_, _, _ = v.Identity.AuthenticateKey(t.Context(), k.Key) // until it is recorded it may pass
				time.Sleep(time.Minute)
				v.store.instead.Store(nil)
				if _, err := v.Vault.RecordListing(t.Context(), v.owner, "f"); err != nil {
					t.Error(err)
				}
				if facts := v.since(t); !slices.ContainsFunc(facts, func(r eventstore.Recorded) bool { return r.Header.EventType == "API_KEY_REVOKED" }) {
					t.Error("it was not revoked")
				}
				if _, _, err := v.Identity.AuthenticateKey(t.Context(), k.Key); !errors.Is(err, domain.ErrUnauthenticated) {
					t.Errorf("got %v, want %v", err, domain.ErrUnauthenticated)
				}
			})
		})
	}
}

// A key that acts from some addresses only makes none that acts from others.
func TestARestrictedKeyMakesNoFreerOne(t *testing.T) {
	within(t, func(t *testing.T, v *vault) {
		made, err := v.Identity.CreateKey(t.Context(), commands.CreateKey{
			Actor: v.owner, Name: "k", Environment: domain.Live, Ranges: []string{"192.0.2.0/24"},
		})
		if err == nil {
			err = v.Views.CatchUp(t.Context())
		}
		if err != nil {
			t.Fatal(err)
		}
		by, _, err := v.Identity.AuthenticateKey(t.Context(), made.Key)
		if err != nil {
			t.Fatal(err)
		}
		by.Request, by.Verdict = requestID(2), domain.Judged("")
		v.since(t)
		for _, tt := range []struct {
			asked, got []string // nil = it is refused
		}{
			{nil, []string{"192.0.2.0/24"}},
			{[]string{"192.0.2.7"}, []string{"192.0.2.7/32"}},
			{[]string{"192.0.0.0/16"}, nil},
			{[]string{"192.0.2.7", "2001:db8::/32"}, nil},
		} {
			k, err := v.Identity.CreateKey(t.Context(), commands.CreateKey{Actor: by, Name: "k", Environment: domain.Live, Ranges: tt.asked})
			if tt.got == nil {
				if v.saw(t, "ACCESS_DENIED"); !errors.Is(err, domain.ErrDenied) {
					t.Errorf("from %v: got %v", tt.asked, err)
				}
				continue
			}
			if v.saw(t, "API_KEY_CREATED"); err != nil || !slices.Equal(k.Ranges, tt.got) {
				t.Errorf("from %v: acts from %v, %v", tt.asked, k.Ranges, err)
			}
		}
	})
}
