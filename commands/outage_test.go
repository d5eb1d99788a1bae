package commands_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/quantaseal/quantaseal/commands"
	"github.com/quantaseal/quantaseal/domain"
)

var errUnavailable = &domain.Error{Kind: domain.Unavailable, Message: "down"}

// without is a key ring whose keys cannot be had.
type without struct{ commands.Sealer }

func (without) Ready(context.Context, domain.TenantID) error { return errUnavailable }

// blunt is a key ring that fails as it likes.
type blunt struct{ commands.Tenants }

func (blunt) Blind(context.Context, domain.TenantID, ...[]byte) (domain.Digest, error) {
	return domain.Digest{}, errDown
}

// Where keys are missing every command on a credential says so before it looks
// anything up: whether there is such a credential does not show.
func TestAnOutageIsToldFirst(t *testing.T) {
	within(t, func(t *testing.T, v *vault) {
		c := v.seal(t, 0)
		sealer, keys := v.Vault.Sealer, v.Vault.Keys
		v.Vault.Sealer, v.Vault.Keys = without{sealer}, blunt{keys}
		v.store.blind.Store(true)
		defer v.store.blind.Store(false)
		ctx := t.Context()
		if _, err := v.Vault.Seal(ctx, sealing(v.owner, strings.Repeat("k", 256), "b")); errors.Is(err, errUnavailable) {
			t.Errorf("got %v: what is wrong with a request comes first", err)
		}
		for _, id := range []string{c.ID.Handle(), "cred_0b6a3c862f638c0e9d2a2d3d5f0a0000", "x"} {
			for name, do := range map[string]func() error{
				"seal":   func() error { _, err := v.Vault.Seal(ctx, sealing(v.owner, "k", "b")); return err },
				"unseal": func() error { _, err := v.unseal(t, id); return err },
				"rotate": func() error {
					_, err := v.Vault.Rotate(ctx, commands.Rotate{Actor: v.owner, Reference: id})
					return err
				},
				"delete": func() error {
					_, err := v.Vault.Delete(ctx, commands.Delete{Actor: v.owner, Reference: id})
					return err
				},
				"retire": func() error {
					_, err := v.Vault.Retire(ctx, commands.Retire{Actor: v.owner, Reference: id})
					return err
				},
				"restore": func() error {
					_, err := v.Vault.Restore(ctx, commands.Restore{Actor: v.owner, Reference: id})
					return err
				},
			} {
				if err := do(); !errors.Is(err, errUnavailable) {
					t.Errorf("%s: got %v, want %v", name, err, errUnavailable)
				}
			}
		}
		v.saw(t)
	})
}

// Once a fact stands, an error is a fault and no refusal: a refusal says that
// nothing happened.
func TestNothingIsRefusedOnceRecorded(t *testing.T) {
	within(t, func(t *testing.T, v *vault) {
		rotated, deleted := v.seal(t, 0), v.seal(t, 0)
		v.Vault.Records = &stuck{Records: v.Vault.Records, on: true, err: errUnavailable}
		_, err := v.Vault.Rotate(t.Context(), commands.Rotate{Actor: v.owner, Reference: rotated.ID.Handle()})
		if _, refused := errors.AsType[*domain.Error](err); err == nil || refused {
			t.Errorf("rotate: got %v, want a fault", err)
		}
		_, err = v.Vault.Delete(t.Context(), commands.Delete{Actor: v.owner, Reference: deleted.ID.Handle()})
		if _, refused := errors.AsType[*domain.Error](err); err == nil || refused {
			t.Errorf("delete: got %v, want a fault", err)
		}
		v.saw(t, "CREDENTIAL_ROTATED", "CREDENTIAL_DELETED")
	})
}

// What a caller began it cannot stop by going away.
func TestDestructionOutlivesItsCaller(t *testing.T) {
	within(t, func(t *testing.T, v *vault) {
		c := v.seal(t, 0)
		ctx, leave := context.WithCancel(t.Context())
		v.Vault.Records = &stuck{Records: v.Vault.Records, before: leave}
		if _, err := v.Vault.Delete(ctx, commands.Delete{Actor: v.owner, Reference: c.ID.Handle()}); err != nil {
			t.Error(err)
		}
		v.saw(t, "CREDENTIAL_DELETED", "CREDENTIAL_SHREDDED")
		if n := v.kept(t); n != 0 {
			t.Errorf("%d sealed records are kept", n)
		}
	})
}
