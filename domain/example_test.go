package domain_test

import (
	"fmt"
	"time"

	"github.com/quantaseal/quantaseal/domain"
)

// show prints what a rule decided.
func show[E domain.Event](facts []E, err error) {
	for _, e := range facts {
		fmt.Println(e.EventType().Name)
	}
	if err != nil {
		fmt.Println("refused:", err)
	}
}

// A value may be released where and while its credential is in use. The refusal
// is a fact as well, and tells its reason to auditors alone.
func ExampleCredential_Unseal() {
	c := domain.Credential{}.Evolve(sealed)
	show(c.Unseal(c.Entry(), domain.Live, now))
	show(c.Unseal(c.Entry(), domain.Test, now))
	// Output:
	// CREDENTIAL_UNSEALED
	// CREDENTIAL_UNSEAL_DENIED
	// refused: access denied
}

// A rotation makes the next version. The old id still leads to the credential,
// and deleting by it touches nothing that lives.
func ExampleCredential_Rotate() {
	c := domain.Credential{}.Evolve(sealed)
	old := c.Entry()
	facts, err := c.Rotate(domain.CredentialRotated{
		OldEntryID: old, NewEntryID: c.ID.Entry(c.Version + 1), Version: c.Version + 1, RecordHash: digest(2),
		ExpiresAt: c.Expiry(true, domain.Settings{}, now), ValueChanged: true,
	}, old, domain.Live, now)
	show(facts, err)
	c = c.Evolve(facts[0])
	show(c.Unseal(old, domain.Live, now))
	show(c.Delete(old, domain.Live))
	fmt.Println("version", c.Version, "over:", c.Ended)
	// Output:
	// CREDENTIAL_ROTATED
	// CREDENTIAL_UNSEALED
	// version 2 over: false
}

// A retired credential comes back within its window, and is destroyed after it.
func ExampleCredential_Retire() {
	c := domain.Credential{}.Evolve(sealed)
	facts, err := c.Retire(c.Entry(), domain.Live, now)
	show(facts, err)
	c = c.Evolve(facts[0])
	show(c.Unseal(c.Entry(), domain.Live, now))
	show(c.Restore(c.Entry(), domain.Live, now.Add(domain.RestoreWindow-time.Second)))
	show(c.Restore(c.Entry(), domain.Live, now.Add(domain.RestoreWindow)))
	show(c.Sweep(now.Add(domain.RestoreWindow)))
	// Output:
	// CREDENTIAL_RETIRED
	// CREDENTIAL_UNSEAL_DENIED
	// refused: access denied
	// CREDENTIAL_RESTORED
	// ACCESS_DENIED
	// refused: access denied
	// CREDENTIAL_DELETED
}

// A refresh token is used once. Just after that it leads to the same successor,
// for a client whose answer was lost; later it ends the session.
func ExampleSession_Refresh() {
	s := domain.Session{}.Evolve(issued)
	facts, err := s.Refresh(digest(0), digest(1), now)
	show(facts, err)
	s = s.Evolve(facts[0])
	show(s.Refresh(digest(0), digest(1), now.Add(time.Second)))
	show(s.Refresh(digest(0), digest(1), now.Add(time.Minute)))
	// Output:
	// SESSION_REFRESHED
	// REFRESH_TOKEN_REUSE_DETECTED
	// SESSION_REVOKED
	// refused: authentication required
}

// Nobody can make a key that may do more than they may.
func ExampleAPIKey_Create() {
	creator := domain.Actor{Kind: domain.ActorUser, User: userID, Role: domain.RoleAdmin, Verdict: domain.Judged(""), Scopes: []domain.Scope{domain.ScopeVaultList}}
	show(domain.APIKey{}.Create(created, creator, now))
	greedy := created
	greedy.Scopes = []domain.Scope{domain.ScopeVaultDelete, domain.ScopeVaultList}
	show(domain.APIKey{}.Create(greedy, creator, now))
	// Output:
	// API_KEY_CREATED
	// refused: access denied
}

// An address belongs to whoever claimed it first.
func ExampleAccount_Claim() {
	facts, err := domain.Account{}.Claim(claimed)
	show(facts, err)
	show(domain.Account{}.Evolve(facts[0]).Claim(claimed))
	// Output:
	// ACCOUNT_CLAIMED
	// refused: an account with this address exists
}

// The handle names a credential for life, a UUID one of its versions.
func ExampleParseReference() {
	for _, text := range []string{"cred_cba98d391a8687e8a7c2623f0b1f0000", "cba98d39-1a86-87e8-a7c2-623f0b1f0003", "db"} {
		e, err := domain.ParseReference(text)
		if err != nil {
			fmt.Println(err)
			continue
		}
		fmt.Println(e.Credential().Handle(), e.Version())
	}
	// Output:
	// cred_cba98d391a8687e8a7c2623f0b1f0000 0
	// cred_cba98d391a8687e8a7c2623f0b1f0000 3
	// malformed id
}

// Published clients have their own names for scopes.
func ExampleParseScopes() {
	fmt.Println(domain.ParseScopes([]string{"encryption:write", "audit:read", "sign"}))
	fmt.Println(domain.ParseScopes([]string{"everything"}))
	// Output:
	// [audit:read encryption:encrypt encryption:sign] <nil>
	// [] unknown scope
}

// What a fact says of a person is no part of what is signed.
func ExampleEncode() {
	stored, err := domain.Encode(domain.TenantRegistered{
		Owner: userID, Plan: "trial", TenantID: tenantID, TrialEndsAt: 1767322800000000, Personal: domain.TenantName{Name: "Ada & Charles"},
	})
	fmt.Printf("%s v%d\n%s\n%s\n%v\n", stored.Type.Name, stored.Type.Version, stored.Payload, stored.Personal, err)
	// Output:
	// TENANT_REGISTERED v1
	// {"owner":"22222222-2222-4222-a222-222222222222","plan":"trial","tenant_id":"11111111-1111-4111-9111-111111111111","trial_ends_at":1767322800000000}
	// {"name":"Ada & Charles"}
	// <nil>
}
