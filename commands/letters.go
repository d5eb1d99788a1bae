package commands

import (
	"context"
	"fmt"
	"time"

	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/eventstore"
)

// letterOf says which letter carries a proof.
var letterOf = map[domain.Purpose]LetterKind{
	domain.ProvesAddress: LetterVerify, domain.ProvesReset: LetterReset, domain.ProvesInvitation: LetterInvitation,
}

// TellsSomebody reports whether a letter may follow from a fact.
func TellsSomebody(e domain.Event) bool { return tellsUser(e) || concernsTenant(e) }

// tellsUser reports whether a letter may follow to the user whom the fact is about.
func tellsUser(e domain.Event) bool {
	switch e := e.(type) {
	case domain.PasswordSet:
		return !e.Rehashed
	case domain.NewDeviceSeen:
		return !e.First
	case domain.ProofIssued, domain.MFAEnabled, domain.MFADisabled, domain.BackupCodeUsed:
		return true
	}
	return false
}

// LettersOf writes the letters that follow from a fact, from the log and the
// instance's secrets alone: asked again, on whatever node, it writes the same ones,
// with the same ids. There is none for a fact that tells nobody, for a token that is
// spent, replaced or over, and for a person who was erased.
func (i *Identity) LettersOf(ctx context.Context, r eventstore.Recorded) ([]Letter, error) {
	var list []Letter
	told := "" // the address of who is told already
	if tellsUser(r.Event) {
		l, ok, err := i.letterTo(ctx, r)
		if err != nil {
			return nil, err
		}
		if ok {
			list, told = append(list, l), l.To
		}
	}
	if !concernsTenant(r.Event) {
		return list, nil
	}
	others, err := i.notices(ctx, r, told)
	return append(list, others...), err
}

// letterTo writes the letter to the user whom a fact is about.
func (i *Identity) letterTo(ctx context.Context, r eventstore.Recorded) (l Letter, ok bool, err error) {
	tenant := domain.TenantID{ID: r.Header.Tenant}
	user, err := i.userAfter(ctx, tenant, r)
	if err != nil || user.Email == "" {
		return Letter{}, false, err
	}
	l = Letter{ID: r.Header.EventID, User: user.ID, To: user.Email}
	switch e := r.Event.(type) {
	case domain.ProofIssued:
		return i.proofLetter(ctx, tenant, user, e, l)
	case domain.PasswordSet:
		l.Kind = LetterPasswordChanged
		first, err := i.isFirstPassword(ctx, tenant, r)
		return l, !first, err
	case domain.MFAEnabled:
		l.Kind = LetterMFAEnabled
	case domain.MFADisabled:
		l.Kind = LetterMFADisabled
	case domain.BackupCodeUsed:
		l.Kind = LetterBackupCodeUsed
	case domain.NewDeviceSeen:
		l.Kind, l.At, l.From = LetterNewDevice, time.UnixMicro(int64(r.Header.TimeUS)), r.Origin
	}
	return l, true, nil
}

func (i *Identity) proofLetter(ctx context.Context, tenant domain.TenantID, user domain.User, e domain.ProofIssued, l Letter) (Letter, bool, error) {
	if !user.Awaits(e, i.Now()) {
		return Letter{}, false, nil
	}
	if e.Purpose == domain.ProvesInvitation {
		t, err := i.tenant(ctx, tenant)
		if err != nil {
			return Letter{}, false, err
		}
		l.Tenant = t.Name
	}
	l.Kind, l.Token = letterOf[e.Purpose], i.Tokens.NewProof(e.Purpose, tenant, user.ID, l.ID)
	l.Expires = time.UnixMicro(e.ExpiresAt)
	if i.Tokens.Digest(l.Token) != e.Digest { // issued before tokens followed from facts
		clear(l.Token)
		return Letter{}, false, nil
	}
	return l, true, nil
}

// Erased returns which person a fact says was erased, and makes sure that no letter
// to them is written on this node from now on. ok is false for every other fact.
func (i *Identity) Erased(ctx context.Context, r eventstore.Recorded) (user domain.UserID, ok bool, err error) {
	fact, ok := r.Event.(domain.SubjectErased)
	if !ok {
		return domain.UserID{}, false, nil
	}
	_, err = i.userAfter(ctx, domain.TenantID{ID: r.Header.Tenant}, r)
	return fact.Subject, true, err
}

// userAfter returns the user that a fact is about, as of that fact or later.
func (i *Identity) userAfter(ctx context.Context, tenant domain.TenantID, r eventstore.Recorded) (domain.User, error) {
	id := r.Aggregate()
	for again := false; ; again = true {
		user, version, err := eventstore.Fold[domain.User](ctx, i.Log, tenant, id)
		if err != nil {
			return user, fmt.Errorf("loading a user: %w", err)
		}
		if version >= r.Header.AggregateVersion {
			return user, nil
		}
		if again {
			return user, fmt.Errorf("%w: version %d of a user is gone", eventstore.ErrTampered, r.Header.AggregateVersion)
		}
		i.Log.Forget(tenant, id) // what was in memory is older than the fact
	}
}

// isFirstPassword reports whether a password came with its user.
func (i *Identity) isFirstPassword(ctx context.Context, tenant domain.TenantID, r eventstore.Recorded) (bool, error) {
	before, err := i.Log.At(ctx, tenant, r.Header.Seq-1)
	if err != nil {
		return false, fmt.Errorf("reading what came before a password: %w", err)
	}
	_, registered := before.Event.(domain.UserRegistered)
	return registered && before.Aggregate() == r.Aggregate(), nil
}
