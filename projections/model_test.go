package projections_test

import (
	"bytes"
	"encoding/json"
	"fmt"

	"pgregory.net/rapid"

	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/eventstore"
)

// model is what the tables must say, folded by the domain.
type model struct {
	credentials, versions, keys, sessions, users map[string]string
}

func newModel(facts []eventstore.Recorded) model {
	m := model{map[string]string{}, map[string]string{}, map[string]string{}, map[string]string{}, map[string]string{}}
	users, came := map[domain.UserID]domain.User{}, map[domain.UserID]eventstore.Recorded{}
	credentials := map[domain.CredentialID]domain.Credential{}
	keys := map[domain.KeyID]domain.APIKey{}
	sessions := map[domain.SessionID]domain.Session{}
	used := map[domain.ID]int64{}
	versions := map[domain.EntryID]domain.Digest{}
	shredded := map[domain.EntryID]bool{}
	ended := map[domain.ID]bool{} // sessions and keys that ended with what their user could do
	end := func(user domain.UserID, kept domain.SessionID) {
		for id, s := range sessions {
			ended[id.ID] = ended[id.ID] || s.User == user && id != kept
		}
	}
	for _, f := range facts {
		id := domain.ID(f.Header.AggregateID)
		if domain.ActorKind(f.Header.ActorKind) == domain.ActorKey {
			used[f.Header.ActorID] = int64(f.Header.TimeUS)
		}
		switch e := f.Event.(type) {
		case domain.CredentialVersionShredded:
			shredded[e.EntryID] = true
		case domain.CredentialShredded:
			shredded[e.EntryID] = true
		case domain.CredentialSealed:
			versions[e.EntryID] = e.RecordHash
		case domain.CredentialRotated:
			versions[e.NewEntryID] = e.RecordHash
		}
		switch e := f.Event.(type) {
		case domain.AccessDenied:
		case domain.CredentialEvent:
			c := domain.CredentialID{ID: id}
			credentials[c] = credentials[c].Evolve(e)
		case domain.APIKeyEvent:
			k := domain.KeyID{ID: id}
			keys[k] = keys[k].Evolve(e)
		case domain.SessionEvent:
			s := domain.SessionID{ID: id}
			sessions[s] = sessions[s].Evolve(e)
		case domain.UserEvent:
			u := domain.UserID{ID: id}
			users[u] = users[u].Evolve(e)
			switch e := e.(type) { //nolint:gochecksumtype // others end nothing
			case domain.UserInvited, domain.UserRegistered:
				came[u] = f
			case domain.PasswordSet:
				if !e.Rehashed {
					end(u, e.KeptSession)
				}
			case domain.UserDeactivated:
				end(u, domain.SessionID{})
				for id, k := range keys {
					ended[id.ID] = ended[id.ID] || k.Owner == u
				}
			}
		}
	}
	for id, c := range credentials {
		m.credentials[id.String()] = credentialText(int64(c.Version), status(c), c.RecordHash[:], c.ExpiresAt, c.RestoreUntil,
			c.Name, c.Type, string(c.Environment), int64(c.TTLDays))
	}
	for entry, hash := range versions {
		c := credentials[entry.Credential()]
		state := 1
		if entry.Version() == c.Version {
			state = 0
			if c.Ended {
				state = 2
			}
		}
		m.versions[entry.String()] = fmt.Sprintf("%x state %d shredded %v", hash[:], state, shredded[entry])
	}
	for id, k := range keys {
		m.keys[id.String()] = fmt.Sprintf("owner %s scopes %v until %d revoked %v used %d", k.Owner, k.Scopes, k.ExpiresAt, k.Revoked || ended[id.ID], used[id.ID])
	}
	for id, s := range sessions {
		m.sessions[id.String()] = fmt.Sprintf("user %s until %d revoked %v", s.User, s.ExpiresAt, s.Revoked || ended[id.ID])
	}
	for id, u := range users {
		if came[id].Event == nil {
			continue // of a tenant that never began
		}
		registered := int64(0) // an invitee never did
		if _, ok := came[id].Event.(domain.UserRegistered); ok {
			registered = int64(came[id].Header.TimeUS)
		}
		m.users[id.String()] = userText(domain.ID(came[id].Header.Tenant), u.AccountRef, string(u.Role), u.Verified, int64(came[id].Header.Seq), registered)
	}
	return m
}

func userText(tenant, ref domain.ID, role string, verified bool, seq, at int64) string {
	return fmt.Sprintf("of %s account %s role %s verified %v seq %d at %d", tenant, ref, role, verified, seq, at)
}

func status(c domain.Credential) int64 {
	switch {
	case c.Ended:
		return 2
	case c.RestoreUntil != 0:
		return 1
	}
	return 0
}

func credentialText(version, status int64, hash []byte, expires, restore int64, name, kind, env string, ttl int64) string {
	return fmt.Sprintf("version %d status %d hash %x until %d restore %d name %q type %s env %s ttl %d",
		version, status, hash, expires, restore, name, kind, env, ttl)
}

// read collects what scan makes of each row of a query.
func read(t *rapid.T, v views, query string, scan func(scan func(...any) error) (key, row string, err error)) map[string]string {
	rows, err := v.db.Query(query)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	all := map[string]string{}
	for rows.Next() {
		key, row, err := scan(rows.Scan)
		if err != nil {
			t.Fatal(err)
		}
		all[key] = row
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return all
}

func readCredentials(t *rapid.T, v views) map[string]string {
	return read(t, v, `SELECT credential_id, version, status, record_hash, expires_at, restore_until, name, type, environment, ttl_days FROM credentials`,
		func(scan func(...any) error) (string, string, error) {
			var id, hash []byte
			var version, status, expires, restore, ttl int64
			var name, kind, env string
			err := scan(&id, &version, &status, &hash, &expires, &restore, &name, &kind, &env, &ttl)
			return domain.ID(id).String(), credentialText(version, status, hash, expires, restore, name, kind, env, ttl), err
		})
}

func readVersions(t *rapid.T, v views) map[string]string {
	return read(t, v, `SELECT credential_id, version, record_hash, state, shredded_at FROM credential_versions
		UNION ALL SELECT credential_id, version, record_hash, 0, 0 FROM credentials WHERE status < 2`,
		func(scan func(...any) error) (string, string, error) {
			var id, hash []byte
			var version uint16
			var state int
			var shredded int64
			err := scan(&id, &version, &hash, &state, &shredded)
			return (domain.CredentialID{ID: domain.ID(id)}).Entry(version).String(), fmt.Sprintf("%x state %d shredded %v", hash, state, shredded != 0), err
		})
}

func readKeys(t *rapid.T, v views) map[string]string {
	return read(t, v, `SELECT key_id, owner_id, scopes, expires_at, revoked_at, last_used_at FROM api_keys`,
		func(scan func(...any) error) (string, string, error) {
			var id, owner []byte
			var scopes string
			var expires, revoked, used int64
			err := scan(&id, &owner, &scopes, &expires, &revoked, &used)
			return domain.ID(id).String(), fmt.Sprintf("owner %s scopes [%s] until %d revoked %v used %d",
				domain.ID(owner), scopes, expires, revoked != 0, used), err
		})
}

func readUsers(t *rapid.T, v views) map[string]string {
	return read(t, v, `SELECT user_id, tenant_id, account_ref, role, verified, registered_seq, registered_at FROM users`,
		func(scan func(...any) error) (string, string, error) {
			var id, tenant, ref []byte
			var role string
			var verified, seq, at int64
			err := scan(&id, &tenant, &ref, &role, &verified, &seq, &at)
			return domain.ID(id).String(), userText(domain.ID(tenant), domain.ID(ref), role, verified != 0, seq, at), err
		})
}

func readSessions(t *rapid.T, v views) map[string]string {
	return read(t, v, `SELECT session_id, user_id, expires_at, revoked_at FROM sessions`,
		func(scan func(...any) error) (string, string, error) {
			var id, user []byte
			var expires, revoked int64
			err := scan(&id, &user, &expires, &revoked)
			return domain.ID(id).String(), fmt.Sprintf("user %s until %d revoked %v", domain.ID(user), expires, revoked != 0), err
		})
}

// throughStore returns e as the event store gives it back.
func throughStore(t *rapid.T, e domain.Event) domain.Event {
	stored, err := domain.Encode(e)
	if err != nil {
		t.Fatal(err)
	}
	if stored.Personal != nil {
		type section struct {
			Personal json.RawMessage `json:"personal,omitempty"`
		}
		var b bytes.Buffer
		enc := json.NewEncoder(&b)
		enc.SetEscapeHTML(false)
		err := enc.Encode(section{stored.Personal})
		data := b.Bytes()
		if err != nil {
			t.Fatal(err)
		}
		var s section
		if err := json.Unmarshal(data, &s); err != nil {
			t.Fatal(err)
		}
		stored.Personal = s.Personal
	}
	back, err := domain.Decode(stored)
	if err != nil {
		t.Fatal(err)
	}
	return back
}
