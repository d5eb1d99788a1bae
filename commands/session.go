package commands

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/eventstore"
)

// Session is a login as its caller gets it: both tokens, once.
type Session struct {
	Tenant        domain.TenantID
	User          domain.UserID
	ID            domain.SessionID // zero: an address is to be proven first, and there are no tokens
	Access        Secret
	Refresh       Secret // nil where the caller keeps the one it has
	Device        Secret // tells this browser from a stranger's while the account is guessed at; nil but after a login
	RefreshExpiry time.Time
	TrialEndsAt   int64 // Unix microseconds; 0 = no trial clock
	OwesFactor    bool  // nothing but a second factor's enrolment is open to the session
	Receipt       eventstore.Receipt
}

// How a user proves who they are (RFC 8176 §2).
var (
	byPassword = []string{"pwd"}
	byFactor   = []string{"pwd", "otp", "mfa"}
)

// deciding says what follows about a user from what a caller proved, or refuses.
type deciding func(domain.User) ([]domain.UserEvent, error)

// issue opens a session for a user who has proven who they are, beside the facts
// that decide says about the user. mfa tells that a second factor was among the
// proofs; device is what the caller's browser kept of an earlier login. It
// refuses as decide does, and with ErrUnauthenticated whoever lost too many races: of
// two who use one code, one gets in.
func (i *Identity) issue(ctx context.Context, by domain.Actor, id domain.UserID, mfa bool, device Secret, decide deciding) (Session, error) {
	s := Session{Tenant: by.Tenant, User: id, ID: domain.SessionID{ID: i.Log.NewID()}}
	var err error
	if s.Refresh, err = i.Tokens.NewRefresh(s.Tenant, s.ID); err != nil {
		return Session{}, fmt.Errorf("drawing a refresh token: %w", err)
	}
	by.Kind, by.ID, by.User, by.Session = domain.ActorUser, id.ID, id, s.ID
	network := i.Tokens.Network(by.Origin.IP)
	for races := 0; races <= maxRaces; races++ {
		as := i.Log.Generation()
		user, version, err := eventstore.Fold[domain.User](ctx, i.Log, by.Tenant, userAggregate(id))
		if err != nil {
			return Session{}, fmt.Errorf("loading a user: %w", err)
		}
		facts, err := decide(user)
		if err != nil {
			return Session{}, err
		}
		now := i.Now()
		known := !i.Tokens.ReadDevice(device, user.AccountRef, now).IsZero()
		facts = append(facts, user.Recognise(known, network, s.ID)...)
		after, reached, list := place(user, version, userAggregate(id), terms[domain.User]{}, facts)
		s.RefreshExpiry = now.Add(domain.RefreshTTL)
		if s.Device, err = i.Tokens.NewDevice(user.AccountRef, device, now); err != nil {
			return Session{}, fmt.Errorf("drawing a device token: %w", err)
		}
		settings, err := i.prepare(ctx, &s, after, now.UnixMicro())
		if err != nil {
			return Session{}, err
		}
		list = append(list, eventstore.Fact{
			Event:     domain.LoginSucceeded{InDeclaredRange: declared(settings, by.Origin), MFA: mfa, SessionID: s.ID, UserID: s.User},
			Aggregate: userAggregate(id),
		}, eventstore.Fact{
			Event: domain.SessionIssued{
				AccessTTLSeconds: int(domain.AccessTTL.Seconds()), RefreshTTLSeconds: int(domain.RefreshTTL.Seconds()),
				IdleLimitSeconds: settings.SessionTimeoutMinutes * 60, AuthVersion: after.AuthVersion,
				ExpiresAt: s.RefreshExpiry.UnixMicro(), SessionID: s.ID, TokenDigest: i.Tokens.Digest(s.Refresh), UserID: s.User,
			},
			Aggregate: sessionAggregate(s.ID), Changes: true,
		})
		s.Receipt, err = i.Log.Append(ctx, by, list...)
		if errors.Is(err, eventstore.ErrStale) {
			i.Log.Forget(by.Tenant, userAggregate(id))
			continue
		}
		if err != nil {
			return Session{}, fmt.Errorf("recording a session: %w", err)
		}
		if reached > version {
			eventstore.Remember(i.Log, by.Tenant, userAggregate(id), after, reached, as)
		}
		return s, nil
	}
	return Session{}, domain.ErrUnauthenticated
}

// nothingMore is what follows from a proof that changes nothing about its user.
func nothingMore(domain.User) ([]domain.UserEvent, error) { return nil, nil }

// prepare adds to s what its answer needs beside the refresh token, and returns
// the tenant's settings. It comes before the session's fact, because nothing after
// that may fail.
func (i *Identity) prepare(ctx context.Context, s *Session, user domain.User, provenAt int64) (domain.Settings, error) {
	tenant, err := i.tenant(ctx, s.Tenant)
	if err != nil {
		return domain.Settings{}, err
	}
	s.TrialEndsAt, s.OwesFactor = tenant.TrialEndsAt, tenant.Settings.MFAEnforced && !user.MFA.Enabled
	methods := byPassword
	if user.MFA.Enabled {
		methods = byFactor
	}
	s.Access, err = i.Tokens.IssueAccess(Access{
		Tenant: s.Tenant, User: s.User, Session: s.ID, Role: user.Role,
		Methods: methods, AuthVersion: user.AuthVersion, ProvenAt: provenAt,
	}, i.Now())
	if err != nil {
		return domain.Settings{}, fmt.Errorf("issuing an access token: %w", err)
	}
	return tenant.Settings, nil
}

// declared says whether a request came from where the tenant says that its
// requests come from.
func declared(s domain.Settings, from domain.Origin) string {
	addr, _ := netip.ParseAddr(from.IP) // what is none is out of every range
	return s.Declared(addr)
}

// again gives the caller of a session a fresh access token of it, as the user is
// now, and no other refresh token.
func (i *Identity) again(ctx context.Context, by domain.Actor, user domain.User, provenAt int64, receipt eventstore.Receipt) (Session, error) {
	s := Session{Tenant: by.Tenant, User: by.User, ID: by.Session, Receipt: receipt}
	if by.Session.IsZero() {
		return s, nil
	}
	if _, err := i.prepare(ctx, &s, user, provenAt); err != nil {
		return Session{}, unfinished{err}
	}
	return s, nil
}

// hold waits until an answer has taken as long as it takes whether or not there
// is an account: begun is when its request came.
func (i *Identity) hold(ctx context.Context, begun time.Time, least time.Duration) {
	left := least - i.Now().Sub(begun)
	if left <= 0 {
		return
	}
	timer := time.NewTimer(left)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
