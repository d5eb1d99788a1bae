package domain

// The facts of the chains themselves and of the deployment's system chain.
// Field names are the stored schema: add, never rename, keep them sorted.
type (
	// ChainGenesis opens every chain: the root key certifies the chain's first audit key.
	ChainGenesis struct {
		KeyCert     []byte `json:"key_cert"`
		PublicKey   []byte `json:"public_key"`
		TenantIndex uint32 `json:"tenant_index"`
	}
	// AccountClaimed reserves an e-mail address for one tenant's user. It is
	// version 1 of the aggregate that the address's MAC names, so an address is claimed once.
	AccountClaimed struct {
		AccountRef ID       `json:"account_ref"`
		TenantID   TenantID `json:"tenant_id"`
		UserID     UserID   `json:"user_id"`
	}
	// TenantAdded gives a tenant its place among the chains. Its aggregate version
	// is the index, so indexes are dense and unique.
	TenantAdded struct {
		TenantID    TenantID `json:"tenant_id"`
		TenantIndex uint32   `json:"tenant_index"`
	}
)

// EventType implements Event.
func (ChainGenesis) EventType() EventType { return EventType{"CHAIN_GENESIS", 1} }

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

func (AccountClaimed) account() {}

// Account is what the facts about one e-mail address fold to. The zero Account is free.
type Account struct {
	Ref    ID
	Tenant TenantID
	User   UserID
}

// ErrAddressTaken refuses a second claim of an address.
var ErrAddressTaken = &Error{Conflict, "an account with this address exists"}

// Evolve returns the account as it is after e.
func (a Account) Evolve(e AccountEvent) Account {
	if e, ok := e.(AccountClaimed); ok {
		return Account{Ref: e.AccountRef, Tenant: e.TenantID, User: e.UserID}
	}
	return a
}

// Claim decides whether the address may become user's. Claiming again for the
// same user is no news; it refuses with ErrAddressTaken for another.
func (a Account) Claim(ref ID, tenant TenantID, user UserID) ([]AccountEvent, error) {
	switch {
	case a.Tenant == tenant && a.User == user && !user.IsZero():
		return nil, nil
	case !a.User.IsZero():
		return nil, ErrAddressTaken
	}
	return []AccountEvent{AccountClaimed{ref, tenant, user}}, nil
}

// DirectoryEvent is a fact about the set of tenants.
//
//sumtype:decl
type DirectoryEvent interface {
	Event
	directory()
}

func (TenantAdded) directory() {}

// Directory is what the system chain knows about the set of tenants.
type Directory struct {
	Tenants uint32 // how many were added; the next one's index is Tenants+1, since index 0 is the system chain
}

// Evolve returns the directory as it is after e.
func (d Directory) Evolve(e DirectoryEvent) Directory {
	if e, ok := e.(TenantAdded); ok {
		d.Tenants = e.TenantIndex
	}
	return d
}

// Add gives tenant the next index.
func (d Directory) Add(tenant TenantID) ([]DirectoryEvent, error) {
	return []DirectoryEvent{TenantAdded{tenant, d.Tenants + 1}}, nil
}

// DirectoryAggregate is the aggregate whose version counts tenants.
var DirectoryAggregate = AggregateID{Kind: KindTenant}
