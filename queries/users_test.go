package queries_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/queries"
)

// Users are listed in the order in which they came, page by page, and an invitee
// who becomes one comes then.
func TestUsersAreListed(t *testing.T) {
	engines(t, func(t *testing.T, w *world) {
		ids := []domain.UserID{{ID: domain.ID{3}}, {ID: domain.ID{1}}, {ID: domain.ID{2}}}
		by := user(acme, 3)
		w.append(by, domain.KindTenant, acme.ID, domain.ChainGenesis{}) // no user is a chain's first fact
		want := []queries.User{{ID: ids[0], RegisteredAt: w.now}}
		w.append(by, domain.KindUser, ids[0].ID, domain.UserRegistered{UserID: ids[0], Role: domain.RoleOwner})
		w.append(by, domain.KindUser, ids[1].ID, domain.UserInvited{UserID: ids[1], Role: domain.RoleViewer})
		w.append(by, domain.KindUser, ids[2].ID, domain.UserInvited{UserID: ids[2], Role: domain.RoleViewer})
		w.append(user(other, 9), domain.KindUser, domain.ID{9}, domain.UserInvited{UserID: domain.UserID{ID: domain.ID{9}}, Role: domain.RoleViewer})
		want = append(want, queries.User{ID: ids[2]}, queries.User{ID: ids[1], RegisteredAt: w.now})
		w.append(by, domain.KindUser, ids[1].ID, domain.UserRegistered{UserID: ids[1], Role: domain.RoleViewer, Verified: true})
		w.append(by, domain.KindUser, ids[1].ID, domain.UserRoleChanged{UserID: ids[1], NewRole: domain.RoleAdmin})
		w.append(by, domain.KindUser, ids[0].ID, domain.UserEmailVerified{UserID: ids[0]})
		w.fold(t)
		var got []queries.User
		for after := uint64(0); ; {
			page, err := w.Users(t.Context(), acme, after, 2)
			if err != nil {
				t.Fatal(err)
			}
			if len(page) == 0 {
				break
			}
			got, after = append(got, page...), page[len(page)-1].Cursor
		}
		for n := range got {
			got[n].Cursor = 0
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

// Whoever leaves takes their sessions and keys with them, and nobody else's.
func TestWhoLeavesEndsWhatTheyHad(t *testing.T) {
	engines(t, func(t *testing.T, w *world) {
		for n := range byte(2) {
			by := user(acme, n+1)
			w.append(by, domain.KindUser, by.User.ID, domain.UserRegistered{UserID: by.User, Role: domain.RoleAdmin})
			w.append(by, domain.KindKey, domain.ID{n + 10}, domain.APIKeyCreated{KeyID: domain.KeyID{ID: domain.ID{n + 10}}, Lookup: string('a' + rune(n)), Owner: by.User})
		}
		leaving := user(acme, 1)
		w.append(leaving, domain.KindUser, leaving.User.ID, domain.UserDeactivated{UserID: leaving.User})
		w.fold(t)
		keys, err := w.APIKeys(t.Context(), acme)
		if err != nil {
			t.Fatal(err)
		}
		for _, k := range keys {
			if (k.RevokedAt != 0) != (k.Owner == leaving.User) {
				t.Errorf("the key of %s ended at %d", k.Owner, k.RevokedAt)
			}
		}
	})
}
