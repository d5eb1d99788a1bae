package domain

// The facts of the chains themselves and of the deployment's system chain.
// Field names are the stored schema: add, never rename, keep them sorted.
type (
	// ChainGenesis opens every chain: the root key certifies the chain's first audit key.
	ChainGenesis struct {
		KeyCert     []byte `json:"key_cert"`     // certificate and root signature
		PublicKey   []byte `json:"public_key"`   // ML-DSA-65, 1,952 bytes
		TenantIndex uint32 `json:"tenant_index"` // 0 is the system chain
	}
	// ChainRestored goes on with a chain whose newest facts are lost, as the operator
	// decided: the database is an older one than the anchors hold. The lost sequence
	// numbers are not given again.
	ChainRestored struct {
		KeyCert        []byte `json:"key_cert"`         // what is lost, and which key goes on, with the root key's signature
		MissingFromSeq uint64 `json:"missing_from_seq"` // of the first fact that is lost
		MissingToSeq   uint64 `json:"missing_to_seq"`   // of the last one, included
	}
	// AccountClaimed reserves an e-mail address for one tenant's user. It is
	// version 1 of the aggregate that the address's MAC names, so an address is claimed once.
	AccountClaimed struct {
		AccountRef ID       `json:"account_ref"` // MAC of the address, its first 16 bytes
		TenantID   TenantID `json:"tenant_id"`
		UserID     UserID   `json:"user_id"`

		Personal Registration `json:"-"`
	}
	// Registration is the personal part of AccountClaimed: what finishing an
	// interrupted registration needs.
	Registration struct {
		Email        string `json:"email"`
		PasswordHash string `json:"password_hash"` // peppered PHC string
		TenantName   string `json:"tenant_name"`
		TrialEndsAt  int64  `json:"trial_ends_at"` // Unix microseconds; 0 = no trial clock
		Verified     bool   `json:"verified"`      // the address was proven, or needed no proof
	}
	// TenantAdded gives a tenant its place among the chains. Its aggregate version
	// is the index, so indexes are dense and unique.
	TenantAdded struct {
		TenantID    TenantID `json:"tenant_id"`
		TenantIndex uint32   `json:"tenant_index"`
	}
	// TenantLost keeps the place of a tenant of whom nothing is left: the database is
	// one from before it registered. Its aggregate version is the index, as that of
	// TenantAdded is.
	TenantLost struct {
		Events      uint64   `json:"events"` // how many of its chain were anchored
		TenantID    TenantID `json:"tenant_id"`
		TenantIndex uint32   `json:"tenant_index"`
	}
	// KeysRewrapped precedes that another key wraps the keys of tenants and of the
	// deployment, as the operator wants it. The keys themselves stay.
	KeysRewrapped struct {
		KeyRef Digest `json:"key_ref"` // of the key that wraps them from now on, as sealed records name it
		Keys   int    `json:"keys"`    // how many another key wraps until then
	}
	// AuthFailuresSummarised stands for all failed proofs of nobody known that came
	// from one place within a window: outsiders do not make the chain grow. A zero
	// bucket stands for all places of the window that have no fact of their own.
	AuthFailuresSummarised struct {
		Accounts      int    `json:"accounts"` // how many different accounts they named at least, known or not; 128 at most
		Bucket        Digest `json:"bucket"`   // keyed MAC of the network that they came from
		Count         uint64 `json:"count"`
		WindowSeconds int    `json:"window_s"`
	}
)

// EventType implements Event.
func (AuthFailuresSummarised) EventType() EventType {
	return EventType{"AUTH_FAILURES_SUMMARISED", 1}
}

// EventType implements Event.
func (KeysRewrapped) EventType() EventType { return EventType{"KEYS_REWRAPPED", 1} }

// EventType implements Event.
func (ChainGenesis) EventType() EventType { return EventType{"CHAIN_GENESIS", 1} }

// EventType implements Event.
func (ChainRestored) EventType() EventType { return EventType{"CHAIN_RESTORED", 1} }

// EventType implements Event.
func (TenantLost) EventType() EventType { return EventType{"TENANT_LOST", 1} }

// EventType implements Event.
func (AccountClaimed) EventType() EventType { return EventType{"ACCOUNT_CLAIMED", 1} }

// EventType implements Event.
func (TenantAdded) EventType() EventType { return EventType{"TENANT_ADDED", 1} }

// AccountEvent is a fact about a claimed address.
//
//sumtype:decl
type AccountEvent interface {
	Event
	account()
}

// PersonalData implements Personal.
func (e AccountClaimed) PersonalData() any { return e.Personal }

// Subject implements Personal.
func (e AccountClaimed) Subject() UserID { return e.UserID }

func (e *AccountClaimed) personalField() any { return &e.Personal }

func (AccountClaimed) account() {}

// Account is what the facts about one e-mail address fold to. The zero Account is
// an address that nobody claimed.
type Account struct {
	Ref          ID           // MAC of the address
	Tenant       TenantID     // whose user claimed it
	User         UserID       // who claimed it
	Registration Registration // zero once the person was erased
	Releases     int          // how often the address was released
}

// ErrAddressTaken refuses a second claim of an address.
var ErrAddressTaken = &Error{Conflict, "an account with this address exists"}

// Evolve returns the account as it is after e. It is total.
func (a Account) Evolve(e AccountEvent) Account {
	switch e := e.(type) {
	case AccountClaimed:
		return Account{Ref: e.AccountRef, Tenant: e.TenantID, User: e.UserID, Registration: e.Personal, Releases: a.Releases}
	case AccountReleased:
		return Account{Ref: e.AccountRef, Releases: a.Releases + 1}
	}
	return a
}

// Claim decides whether the address may become the proposed user's. It refuses
// with ErrAddressTaken if it is somebody's already.
func (a Account) Claim(proposed AccountClaimed) ([]AccountEvent, error) {
	if !a.User.IsZero() {
		return nil, ErrAddressTaken
	}
	return []AccountEvent{proposed}, nil
}

// DirectoryEvent is a fact about the set of tenants.
//
//sumtype:decl
type DirectoryEvent interface {
	Event
	directory()
}

func (TenantAdded) directory() {}

func (TenantLost) directory() {}

// Directory is what the system chain knows about the set of tenants. The zero
// Directory has none.
type Directory struct {
	Tenants uint32 // how many were added, or lost; the next one's index is Tenants+1, since index 0 is the system chain
}

// Evolve returns the directory as it is after e. It is total, and since each fact
// holds the index it gave, the last one alone gives the same.
func (d Directory) Evolve(e DirectoryEvent) Directory {
	switch e := e.(type) {
	case TenantAdded:
		d.Tenants = e.TenantIndex
	case TenantLost:
		d.Tenants = e.TenantIndex
	}
	return d
}

// Add gives tenant the next index. It never refuses, and knows no tenant again:
// asking twice gives two indexes.
func (d Directory) Add(tenant TenantID) ([]DirectoryEvent, error) {
	return []DirectoryEvent{TenantAdded{tenant, d.Tenants + 1}}, nil
}

// DirectoryAggregate is the aggregate whose version counts tenants.
var DirectoryAggregate = AggregateID{Kind: KindTenant}
