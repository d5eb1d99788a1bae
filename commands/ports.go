package commands

import (
	"context"
	"time"

	"github.com/quantaseal/quantaseal/domain"
)

// Sealer seals values under a tenant's keys, and opens them. The key ring implements it.
type Sealer interface {
	// Ready refuses with Unavailable if tenant's keys cannot be had now. It is asked
	// before anything is looked up, so that its answer shows nothing.
	Ready(ctx context.Context, tenant domain.TenantID) error
	// Seal draws fresh keys and seals value. It keeps no reference to value.
	Seal(ctx context.Context, b domain.Binding, value []byte) (domain.SealedRecord, error)
	// Open verifies sealed as version entry with the hash that the log gives, and
	// returns its value. It does the same work whether allowed is true or not,
	// whether sealed is empty or not, and opens nothing unless all is well: else it
	// returns ErrSealRefused.
	Open(ctx context.Context, tenant domain.TenantID, entry domain.EntryID, hash domain.Digest, sealed domain.SealedRecord, allowed bool) ([]byte, error)
}

// ErrSealRefused reports a sealed record that may not, or does not, open.
var ErrSealRefused = &domain.Error{Kind: domain.Denied, Message: "access denied"}

// Records keeps sealed records and their key slots, apart from the log because
// they must be destructible. The sealed store implements it.
type Records interface {
	// Put keeps sealed durably. It means nothing until a fact names its hash.
	Put(ctx context.Context, tenant domain.TenantID, credential domain.CredentialID, sealed domain.SealedRecord) error
	// Get returns the record and slot with a hash, or a zero SealedRecord if either is gone.
	Get(ctx context.Context, tenant domain.TenantID, hash domain.Digest) (domain.SealedRecord, error)
	// Destroy overwrites and removes the slots, then the records, durably. Those
	// already gone are no error.
	Destroy(ctx context.Context, tenant domain.TenantID, hashes ...domain.Digest) error
	// Pending returns up to limit records kept before a moment, oldest first, that
	// follow the cursor after, which starts at zero.
	Pending(ctx context.Context, before time.Time, after int64, limit int) ([]domain.KeptRecord, error)
}

// Lookups leads to what the log knows. Read models implement it; nothing is
// believed because of them. What is due comes in an order that lasts, at most
// limit that follow the one given, the zero one standing before all.
type Lookups interface {
	// APIKeyByLookup returns where the key with a public part is recorded, or zero ids.
	APIKeyByLookup(ctx context.Context, lookup string) (domain.TenantID, domain.KeyID, error)
	// Overdue returns credentials whose lifetime or restore window ended before now.
	Overdue(ctx context.Context, now time.Time, after domain.DueCredential, limit int) ([]domain.DueCredential, error)
	// Unshredded returns versions that are over and whose destruction is not on record.
	Unshredded(ctx context.Context, after domain.DueVersion, limit int) ([]domain.DueVersion, error)
	// Named reports whether a fact about a credential names the record hash.
	Named(ctx context.Context, tenant domain.TenantID, credential domain.CredentialID, hash domain.Digest) (bool, error)
	// FailedLogins counts the failed logins of a user since the last one that
	// succeeded, all of them and those from recent on. Whoever can change what it
	// counts can let guesses go on, and no more.
	FailedLogins(ctx context.Context, tenant domain.TenantID, user domain.UserID, recent time.Time) (domain.Failures, error)
	// Unregistered returns tenants that were added and have not registered, unless
	// their first user was erased.
	Unregistered(ctx context.Context, after domain.DueRegistration, limit int) ([]domain.DueRegistration, error)
	// Invitees returns people who were invited and are no users yet.
	Invitees(ctx context.Context, after domain.DueInvitee, limit int) ([]domain.DueInvitee, error)
}

// Tenants creates and erases key material. The key ring implements it.
type Tenants interface {
	// CreateTenant makes tenant's keys, durably, and returns the genesis of its
	// chain, signed by the root key. Asked again it returns the same keys.
	CreateTenant(ctx context.Context, tenant domain.TenantID, index uint32) (domain.ChainGenesis, error)
	// CreateSubject makes the key under which a user's personal data is encrypted.
	// Asked again it does nothing.
	CreateSubject(ctx context.Context, tenant domain.TenantID, user domain.UserID) error
	// EraseSubject destroys that key, durably. Asked again it does nothing.
	EraseSubject(ctx context.Context, tenant domain.TenantID, user domain.UserID) error
	// Blind returns a MAC under tenant's blinding key, which never changes, over the
	// parts, each preceded by its length.
	Blind(ctx context.Context, tenant domain.TenantID, parts ...[]byte) (domain.Digest, error)
}

// Passwords hashes passwords and checks them. Its hashes in flight are bounded:
// it refuses with Unavailable if a place does not become free soon.
type Passwords interface {
	// Check refuses with Invalid a password that is too short, too long, common, or
	// made of the given words.
	Check(password []byte, words ...string) error
	// Hash returns the peppered hash of password as a PHC string.
	Hash(ctx context.Context, password []byte) (string, error)
	// Verify reports whether password is the one that was hashed. An empty hash
	// matches nothing, after the same work.
	Verify(ctx context.Context, password []byte, hash string) (bool, error)
	// Outdated reports whether a hash that was verified cost less than hashes made now.
	Outdated(hash string) bool
	// KDF names the hash and its parameters, for the record.
	KDF() string
}

// Access is what an access token says.
type Access struct {
	Tenant  domain.TenantID
	User    domain.UserID
	Session domain.SessionID
	Role    domain.Role

	Methods     []string // how the user was authenticated (RFC 8176)
	AuthVersion uint32   // of the user, when the token was made
	ProvenAt    int64    // when the user last proved who they are, Unix microseconds
}

// HalfLogin is what an MFA token says: this user gave the password, and owes the
// second factor.
type HalfLogin struct {
	ID          domain.ID
	Tenant      domain.TenantID
	User        domain.UserID
	AuthVersion uint32 // of the user, when the token was made
}

// Tokens makes and reads what proves a caller. Reading refuses with
// domain.ErrUnauthenticated whatever it did not make.
type Tokens interface {
	// Address returns the one spelling of an e-mail address and its MAC under a key
	// that never changes. It refuses with Invalid what is no address.
	Address(address string) (normal string, ref domain.ID, err error)

	IssueAccess(a Access, now time.Time) ([]byte, error)
	ReadAccess(token []byte, now time.Time) (Access, error)

	// IssueMFA draws an id for h and returns a token that says it for 5 minutes. It is
	// no access token.
	IssueMFA(h HalfLogin, now time.Time) ([]byte, error)
	ReadMFA(token []byte, now time.Time) (HalfLogin, error)

	// NewProof returns the one-time token for a purpose that a fact with this id
	// issues, and that names its user. Of one fact it is always the same; nobody
	// without the instance's secrets can tell it.
	NewProof(purpose domain.Purpose, tenant domain.TenantID, user domain.UserID, fact domain.ID) []byte
	// ReadProof returns whose a token for a purpose claims to be. It refuses with
	// domain.ErrProofRefused.
	ReadProof(token []byte, purpose domain.Purpose) (domain.TenantID, domain.UserID, error)

	// NewDevice returns what tells from now on that a user of account logged in here.
	// It is the device of before, if that is one of account.
	NewDevice(account domain.ID, before []byte, now time.Time) ([]byte, error)
	// ReadDevice returns which device of account a token names, or the zero ID.
	ReadDevice(token []byte, account domain.ID, now time.Time) domain.ID

	// Network returns the MAC, under a key that never changes, of the network that an
	// address is in. All that is no address shares one, which is not zero.
	Network(address string) domain.Digest

	// NewRefresh draws a session's first refresh token.
	NewRefresh(tenant domain.TenantID, session domain.SessionID) ([]byte, error)
	// ReadRefresh returns which session a refresh token claims to be of.
	ReadRefresh(token []byte) (domain.TenantID, domain.SessionID, error)
	// Successor returns the one refresh token that replaces token.
	Successor(token []byte) ([]byte, error)

	// NewKey draws an API key, with its public part and what lists show of it.
	NewKey(env domain.Environment) (key []byte, lookup, prefix string, err error)
	// ReadKey checks a key's form and sum, and returns its public part.
	ReadKey(key []byte) (lookup string, env domain.Environment, err error)

	// Digest and DigestKey return the peppered MAC of a refresh token or a one-time
	// token, and of an API key, which may be stored.
	Digest(token []byte) domain.Digest
	DigestKey(key []byte) domain.Digest
}
