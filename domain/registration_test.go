package domain_test

import (
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/quantaseal/quantaseal/domain"
)

var (
	claimed = domain.AccountClaimed{AccountRef: account, TenantID: tenantID, UserID: userID, Personal: domain.Registration{
		Email: "ada@example.org", PasswordHash: "$argon2id$", TenantName: "Lovelace", TrialEndsAt: expiry, Verified: true,
	}}
	user = domain.UserRegistered{
		AccountRef: account, Role: domain.RoleOwner, UserID: userID, Verified: true, Personal: domain.UserAddress{Email: "ada@example.org"},
	}
	registered = domain.User{
		ID: userID, AccountRef: account, Email: "ada@example.org", Role: domain.RoleOwner, Status: domain.Active, Verified: true,
		PasswordHash: "$argon2id$", PolicyVersion: 1, AuthVersion: 1,
	}
	password = domain.PasswordSet{KDF: "argon2id", PolicyVersion: 1, UserID: userID, Personal: domain.PasswordHash{Hash: "$argon2id$"}}
)

// An address is claimed once, by whoever was first.
func TestAccountProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var a domain.Account
		var first domain.AccountClaimed
		t.Repeat(map[string]func(*rapid.T){
			"claim": func(t *rapid.T) {
				proposed := drawn[domain.AccountClaimed]().Draw(t, "claim").(domain.AccountClaimed)
				proposed.UserID.ID[0] |= 1 // a claim names a user
				taken := !first.UserID.IsZero()
				next, facts, err := decide(t, a, func(a domain.Account) ([]domain.AccountEvent, error) { return a.Claim(proposed) })
				if taken != errors.Is(err, domain.ErrAddressTaken) || taken == (len(facts) == 1) {
					t.Fatalf("taken: %v, claimed by %v, %v", taken, facts, err)
				}
				if a = next; !taken {
					first = proposed
				}
			},
			"": func(t *rapid.T) {
				want := domain.Account{Ref: first.AccountRef, Tenant: first.TenantID, User: first.UserID, Registration: first.Personal}
				if a != want {
					t.Fatalf("%+v, want %+v", a, want)
				}
			},
		})
	})
}

// Tenants get the indexes 1, 2, 3…; the last fact alone says how many there are.
func TestDirectoryProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var d domain.Directory
		for n := range rapid.Uint32Range(0, 50).Draw(t, "tenants") {
			facts, err := d.Add(tenantID)
			want := []domain.DirectoryEvent{domain.TenantAdded{TenantID: tenantID, TenantIndex: n + 1}}
			if diff := cmp.Diff(want, facts); diff != "" || err != nil {
				t.Fatalf("%v (-want +got):\n%s", err, diff)
			}
			d = d.Evolve(facts[0])
			if alone := (domain.Directory{}).Evolve(facts[0]); alone != d || d.Tenants != n+1 {
				t.Fatalf("%v, from the last fact alone %v", d, alone)
			}
		}
	})
}

// A tenant registers once, under a name that does, with a trial clock or without.
func TestTenantProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var tn domain.Tenant
		var first domain.Tenant
		t.Repeat(map[string]func(*rapid.T){
			"register": func(t *rapid.T) {
				name := rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{"", " ", "Lovelace", strings.Repeat("x", 256)})).Draw(t, "name")
				ends := rapid.SampledFrom([]int64{0, expiry}).Draw(t, "trial")
				next, facts, err := decide(t, tn, func(tn domain.Tenant) ([]domain.TenantEvent, error) { return tn.Register(tenantID, userID, name, ends) })
				fits := domain.CheckName("tenant_name", name) == nil
				if wants := first.ID.IsZero() && fits; wants != (len(facts) == 1) || (err != nil) != (first.ID.IsZero() && !fits) {
					t.Fatalf("registered %q by %v, %v", name, facts, err)
				}
				if tn = next; len(facts) == 1 {
					first = domain.Tenant{
						ID: tenantID, Name: name, TrialEndsAt: ends, Owners: []domain.UserID{userID}, Settings: domain.DefaultSettings(),
					}
					if plan := facts[0].(domain.TenantRegistered).Plan; (plan == "trial") != (ends != 0) || (plan == "self_hosted") != (ends == 0) {
						t.Fatalf("a trial until %d is called %s", ends, plan)
					}
				}
			},
			"": func(t *rapid.T) {
				if !reflect.DeepEqual(tn, first) {
					t.Fatalf("%+v, want %+v", tn, first)
				}
			},
		})
	})
}

// A user registers once, with a password, and logins change nothing.
func TestUserProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var u, want domain.User
		t.Repeat(map[string]func(*rapid.T){
			"register": func(t *rapid.T) {
				next, facts, err := decide(t, u, func(u domain.User) ([]domain.UserEvent, error) { return u.Register(user, password) })
				if err != nil || (len(facts) == 2) != u.ID.IsZero() {
					t.Fatalf("registered by %v, %v", facts, err)
				}
				u, want = next, registered
			},
			"log in": func(*rapid.T) {
				u = u.Evolve(domain.LoginSucceeded{UserID: userID}).Evolve(domain.LoginFailed{AccountRef: account})
			},
			"": func(t *rapid.T) {
				if !reflect.DeepEqual(u, want) {
					t.Fatalf("%+v, want %+v", u, want)
				}
			},
		})
	})
}

// Once the person was erased, what folds holds nothing of them and still stands.
func TestErasedStates(t *testing.T) {
	erase := func(e domain.Event) domain.Event {
		stored, err := domain.Encode(e)
		if err != nil {
			t.Fatal(err)
		}
		stored.Personal = nil
		read, err := domain.Decode(stored)
		if err != nil {
			t.Fatal(err)
		}
		return read
	}
	a := domain.Account{}.Evolve(erase(claimed).(domain.AccountEvent))
	if want := (domain.Account{Ref: account, Tenant: tenantID, User: userID}); a != want {
		t.Errorf("%+v, want %+v", a, want)
	}
	u := domain.User{}.Evolve(erase(user).(domain.UserEvent)).Evolve(erase(password).(domain.UserEvent))
	want := registered
	want.Email, want.PasswordHash = "", ""
	if !reflect.DeepEqual(u, want) {
		t.Errorf("%+v, want %+v", u, want)
	}
	c := domain.Credential{}.Evolve(erase(sealed).(domain.CredentialEvent))
	if _, err := c.Unseal(credID.Entry(1), domain.Live, now); err != nil || c.Name != "" {
		t.Errorf("%+v refuses with %v", c, err)
	}
}

func TestCheckName(t *testing.T) {
	for name, tt := range map[string]struct{ name, want string }{
		"one letter":        {"x", ""},
		"any script":        {"Ada 🔐 ключ", ""},
		"longest":           {strings.Repeat("x", domain.MaxName), ""},
		"empty":             {"", "label is required"},
		"spaces":            {" \u2003", "label is required"},
		"too long":          {strings.Repeat("x", domain.MaxName+1), "label is too long"},
		"too many bytes":    {strings.Repeat("é", 128), "label is too long"},
		"newline":           {"a\nb", "label holds characters that are not allowed"},
		"NUL":               {"a\x00", "label holds characters that are not allowed"},
		"C1 control":        {"a\u0085b", "label holds characters that are not allowed"},
		"torn UTF-8":        {"a\xff", "label holds characters that are not allowed"},
		"surrogate as text": {"a\xed\xa0\x80", "label holds characters that are not allowed"},
	} {
		t.Run(name, func(t *testing.T) {
			err := domain.CheckName("label", tt.name)
			if tt.want == "" && err != nil || tt.want != "" && !sameError(err, invalid(tt.want)) {
				t.Errorf("refused with %v, want %q", err, tt.want)
			}
		})
	}
}
