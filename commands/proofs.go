package commands

import (
	"context"

	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/eventstore"
)

// prove issues the user a one-time token for a purpose, unless one is on its way
// already or there is nothing to prove. The letter that carries it follows the fact
// (LettersOf).
func (i *Identity) prove(ctx context.Context, by domain.Actor, user domain.User, purpose domain.Purpose) error {
	now, eventID := i.Now(), i.Log.NewID()
	token := i.Tokens.NewProof(purpose, by.Tenant, user.ID, eventID)
	defer clear(token)
	_, _, err := transact(ctx, i.Log, by, userAggregate(user.ID), terms[domain.User]{proof: eventID},
		func(u domain.User) ([]domain.UserEvent, error) {
			return u.IssueProof(purpose, i.Tokens.Digest(token), now)
		})
	return err
}

// VerifyEmail brings back the token that proves an address.
type VerifyEmail struct {
	Actor domain.Actor // anonymous: the request and where it came from
	Token Secret
}

// VerifyEmail opens the account whose address the token proves. It refuses with
// domain.ErrProofRefused.
func (i *Identity) VerifyEmail(ctx context.Context, cmd VerifyEmail) (eventstore.Receipt, error) {
	tenant, user, err := i.Tokens.ReadProof(cmd.Token, domain.ProvesAddress)
	if err != nil {
		return eventstore.Receipt{}, err
	}
	by, digest := cmd.Actor, i.Tokens.Digest(cmd.Token)
	by.Tenant, by.Kind, by.ID, by.User = tenant, domain.ActorUser, user.ID, user
	_, receipt, err := transact(ctx, i.Log, by, userAggregate(user), terms[domain.User]{lost: domain.ErrProofRefused},
		func(u domain.User) ([]domain.UserEvent, error) { return u.VerifyEmail(digest, i.Now()) })
	return receipt, err
}
