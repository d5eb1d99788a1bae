package commands

import (
	"context"

	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/eventstore"
)

// letterOf says which letter carries a proof.
var letterOf = map[domain.Purpose]LetterKind{
	domain.ProvesAddress: LetterVerify, domain.ProvesReset: LetterReset, domain.ProvesInvitation: LetterInvitation,
}

// prove sends the user a one-time token for a purpose, unless one is on its way
// already or there is nothing to prove. The fact comes first: what is sent is on
// the record, and a letter that is lost after that can be written anew (LetterOf).
func (i *Identity) prove(ctx context.Context, by domain.Actor, user domain.User, purpose domain.Purpose) error {
	now, eventID := i.Now(), i.Log.NewID()
	token := i.Tokens.NewProof(purpose, by.Tenant, user.ID, eventID)
	defer clear(token)
	_, receipt, err := transact(ctx, i.Log, by, userAggregate(user.ID), terms[domain.User]{proof: eventID},
		func(u domain.User) ([]domain.UserEvent, error) {
			return u.IssueProof(purpose, i.Tokens.Digest(token), now)
		})
	if err != nil || receipt == (eventstore.Receipt{}) {
		return err
	}
	i.post(ctx, by, user, Letter{ID: eventID, Kind: letterOf[purpose], Token: append(Secret(nil), token...), Expires: now.Add(purpose.Lifetime())})
	return nil
}

// tell sends the user a letter without a token.
func (i *Identity) tell(ctx context.Context, by domain.Actor, user domain.User, kind LetterKind) {
	i.post(ctx, by, user, Letter{ID: i.Log.NewID(), Kind: kind})
}

// post hands a letter to the mailer. A letter that cannot be handed over undoes
// nothing: what it tells of is on the record.
func (i *Identity) post(ctx context.Context, by domain.Actor, user domain.User, l Letter) {
	l.User, l.To = user.ID, user.Email
	if err := i.Mail.Send(context.WithoutCancel(ctx), l); err != nil {
		i.Logger.ErrorContext(ctx, "a letter could not be sent", "request_id", by.Request.String(), "letter", l.ID.String(), "err", err)
	}
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
