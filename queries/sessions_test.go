package queries_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/queries"
)

// A user's sessions come the newest first, each with where it was used from last,
// and nobody else's among them.
func TestSessionsAreListed(t *testing.T) {
	engines(t, func(t *testing.T, w *world) {
		from := func(ip string) domain.Actor {
			by := user(acme, 3)
			by.Origin = domain.Origin{IP: ip, UserAgent: "agent of " + ip}
			return by
		}
		now := time.UnixMicro(w.now)
		issue := func(by domain.Actor, n byte, expires time.Time) queries.Session {
			id := domain.SessionID{ID: domain.ID{n}}
			s := queries.Session{ID: id, CreatedAt: w.now, ExpiresAt: expires.UnixMicro(), Origin: by.Origin}
			w.append(by, domain.KindSession, id.ID, domain.SessionIssued{SessionID: id, UserID: by.User, ExpiresAt: s.ExpiresAt})
			return s
		}
		first, second := issue(from("192.0.2.1"), 1, now.Add(time.Hour)), issue(from("192.0.2.2"), 2, now.Add(time.Hour))
		ended := issue(from("192.0.2.3"), 3, now.Add(time.Hour))
		issue(from("192.0.2.4"), 4, now) // is over
		issue(user(acme, 5), 5, now.Add(time.Hour))
		issue(user(other, 3), 6, now.Add(time.Hour))
		first.RefreshedAt, first.Origin = w.now, from("192.0.2.9").Origin
		w.append(from("192.0.2.9"), domain.KindSession, first.ID.ID, domain.SessionRefreshed{SessionID: first.ID})
		w.append(from("192.0.2.9"), domain.KindSession, ended.ID.ID, domain.SessionRevoked{SessionID: ended.ID})
		w.fold(t)
		got, err := w.Sessions(t.Context(), acme, user(acme, 3).User, now)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]queries.Session{second, first}, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}
