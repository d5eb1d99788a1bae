package node

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"time"

	"github.com/quantaseal/quantaseal/commands"
	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/internal/auth"
	"github.com/quantaseal/quantaseal/internal/keyring"
)

// tokens implements commands.Tokens: the checks of package auth, with the
// instance's secrets.
type tokens struct {
	secrets *keyring.Instance
	access  *auth.AccessTokens
	random  io.Reader
}

var _ commands.Tokens = (*tokens)(nil)

func (t *tokens) Address(address string) (string, domain.ID, error) {
	normal, err := auth.NormalizeEmail(address)
	if err != nil {
		return "", domain.ID{}, &domain.Error{Kind: domain.Invalid, Message: "email is not a valid address"}
	}
	return normal, auth.AccountRef(t.secrets.AddressKey, normal), nil
}

func (t *tokens) IssueAccess(a commands.Access, now time.Time) ([]byte, error) {
	return t.access.Mint(auth.Claims{
		User: a.User.ID, Tenant: a.Tenant.ID, Session: a.Session.ID, Role: string(a.Role), Methods: a.Methods,
		AuthVersion: uint64(a.AuthVersion), ProvenAt: a.ProvenAt / microseconds,
	}, now)
}

func (t *tokens) ReadAccess(token []byte, now time.Time) (commands.Access, error) {
	c, err := t.access.Verify(token, now)
	if err != nil {
		return commands.Access{}, domain.ErrUnauthenticated
	}
	return commands.Access{
		Tenant: domain.TenantID{ID: c.Tenant}, User: domain.UserID{ID: c.User},
		Session: domain.SessionID{ID: c.Session}, Role: domain.Role(c.Role),
		Methods: c.Methods, AuthVersion: uint32(c.AuthVersion), ProvenAt: c.ProvenAt * microseconds,
	}, nil
}

// microseconds are in a second: tokens say times in the latter.
const microseconds = 1_000_000

func (t *tokens) IssueMFA(h commands.HalfLogin, now time.Time) ([]byte, error) {
	return t.access.MintMFA(auth.MFAClaims{User: h.User.ID, Tenant: h.Tenant.ID, AuthVersion: uint64(h.AuthVersion)}, now)
}

func (t *tokens) ReadMFA(token []byte, now time.Time) (commands.HalfLogin, error) {
	c, err := t.access.VerifyMFA(token, now)
	if err != nil {
		return commands.HalfLogin{}, domain.ErrUnauthenticated
	}
	return commands.HalfLogin{
		ID: c.ID, Tenant: domain.TenantID{ID: c.Tenant}, User: domain.UserID{ID: c.User},
		AuthVersion: uint32(c.AuthVersion),
	}, nil
}

var purposes = map[domain.Purpose]auth.Purpose{
	domain.ProvesAddress: auth.VerifyEmail, domain.ProvesReset: auth.ResetPassword, domain.ProvesInvitation: auth.AcceptInvitation,
}

func (t *tokens) NewProof(purpose domain.Purpose, tenant domain.TenantID, user domain.UserID, fact domain.ID) []byte {
	return auth.NewProof(t.secrets.TokenPepper, auth.Proof{Purpose: purposes[purpose], Tenant: tenant.ID, User: user.ID}, fact)
}

func (t *tokens) ReadProof(token []byte, purpose domain.Purpose) (domain.TenantID, domain.UserID, error) {
	p, err := auth.ParseProof(token, purposes[purpose])
	if err != nil {
		return domain.TenantID{}, domain.UserID{}, domain.ErrProofRefused
	}
	return domain.TenantID{ID: p.Tenant}, domain.UserID{ID: p.User}, nil
}

func (t *tokens) NewDevice(account domain.ID, before []byte, now time.Time) ([]byte, error) {
	d, err := auth.ReadDeviceToken(t.secrets.TokenPepper, before, now)
	if err != nil || d.Account != account {
		d = auth.Device{Account: account} // with an id to be drawn
	}
	return auth.NewDeviceToken(t.secrets.TokenPepper, t.random, d, now)
}

func (t *tokens) ReadDevice(token []byte, account domain.ID, now time.Time) domain.ID {
	d, err := auth.ReadDeviceToken(t.secrets.TokenPepper, token, now)
	if err != nil || d.Account != account {
		return domain.ID{}
	}
	return d.ID
}

// How much of an address names the network that a user is known in: what one
// subscriber commonly has.
const (
	networkBits4 = 24
	networkBits6 = 56
)

func (t *tokens) Network(address string) domain.Digest {
	addr, _ := netip.ParseAddr(address) // what is none is in no network
	addr, bits := addr.Unmap().WithZone(""), networkBits6
	if addr.Is4() {
		bits = networkBits4
	}
	network, _ := addr.Prefix(bits)
	return auth.NetworkRef(t.secrets.AddressKey, network)
}

func (t *tokens) NewRefresh(tenant domain.TenantID, session domain.SessionID) ([]byte, error) {
	return auth.NewRefreshToken(t.random, auth.Session{Tenant: tenant.ID, Session: session.ID})
}

func (t *tokens) ReadRefresh(token []byte) (domain.TenantID, domain.SessionID, error) {
	s, err := auth.ParseRefreshToken(token)
	if err != nil {
		return domain.TenantID{}, domain.SessionID{}, domain.ErrUnauthenticated
	}
	return domain.TenantID{ID: s.Tenant}, domain.SessionID{ID: s.Session}, nil
}

func (t *tokens) Successor(token []byte) ([]byte, error) {
	return auth.Successor(t.secrets.RefreshKey, token)
}

func (t *tokens) NewKey(env domain.Environment) ([]byte, string, string, error) {
	text, key, err := auth.NewAPIKey(t.random, env == domain.Test)
	return text, key.Lookup, key.Shown, err
}

func (t *tokens) ReadKey(text []byte) (string, domain.Environment, error) {
	key, err := auth.ParseAPIKey(text)
	if err != nil {
		return "", "", domain.ErrUnauthenticated
	}
	env := domain.Live
	if key.Test {
		env = domain.Test
	}
	return key.Lookup, env, nil
}

func (t *tokens) Digest(token []byte) domain.Digest {
	return auth.Digest(t.secrets.TokenPepper, token)
}

func (t *tokens) DigestKey(key []byte) domain.Digest {
	return auth.Digest(t.secrets.KeyPepper, key)
}

// passwords implements commands.Passwords: package auth's errors as refusals.
type passwords struct {
	*auth.Passwords
}

var _ commands.Passwords = passwords{}

var errBusy = &domain.Error{Kind: domain.Unavailable, Message: "too many logins at once; try again"}

func (p passwords) Check(password []byte, words ...string) error {
	if err := auth.CheckPassword(password, words...); err != nil {
		return &domain.Error{Kind: domain.Invalid, Message: err.Error()}
	}
	return nil
}

func (p passwords) Hash(ctx context.Context, password []byte) (string, error) {
	hash, err := p.Passwords.Hash(ctx, password)
	return hash, busy(err)
}

func (p passwords) Verify(ctx context.Context, password []byte, hash string) (bool, error) {
	ok, err := p.Passwords.Verify(ctx, password, hash)
	return ok, busy(err)
}

func busy(err error) error {
	if errors.Is(err, auth.ErrBusy) {
		return errBusy
	}
	if err != nil {
		return fmt.Errorf("hashing a password: %w", err)
	}
	return nil
}
