package queries

import (
	"context"
	"slices"

	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/eventstore"
)

// Access is who could read a credential at an instant, and who did until then.
type Access struct {
	Credential domain.Credential // as it was
	Usable     bool              // else nobody could
	Locked     bool              // the tenant was under lockdown, so that nobody could
	Could      []Reader
	Did        []Reading
	More       bool // Did is of the newest MaxReadings only
}

// Reader is somebody whose access covered the value.
type Reader struct {
	Kind       domain.ActorKind
	ID         domain.ID
	User       domain.UserID // who answers for it
	Role       domain.Role   // of the user
	Restricted bool          // an API key that acts from some addresses only
}

// Reading is what one actor read.
type Reading struct {
	Kind        domain.ActorKind
	ID          domain.ID
	Times       int
	First, Last int64 // Unix microseconds
	LastSeq     uint64
}

// MaxReadings is how many readings an answer is made of.
const MaxReadings = 200

// Access returns who could read a credential of tenant at an instant, by the rules that
// decide about a request, and who did from since on: each reading is read from the
// log. It costs a fold for each user and API key that there was.
func (p *Past) Access(ctx context.Context, tenant domain.TenantID, id domain.CredentialID, since, at int64) (a Access, err error) {
	if a.Credential, err = p.Credential(ctx, tenant, id, at); err != nil {
		return a, err
	}
	t, err := p.Tenant(ctx, tenant, at)
	if err != nil {
		return a, err
	}
	if a.Usable, a.Locked = usable(a.Credential, at), t.Locked(); a.Usable && !a.Locked {
		if a.Could, err = p.readers(ctx, t, a.Credential.Environment, at); err != nil {
			return a, err
		}
	}
	seqs, err := p.Queries.AuditIndex(ctx, AuditFilter{
		Tenant: tenant, Types: []string{(domain.CredentialUnsealed{}).EventType().Name},
		Aggregates: []domain.AggregateID{{Kind: domain.KindCredential, ID: id.ID}}, Since: since, Until: at + 1, Limit: MaxReadings,
	})
	if err != nil {
		return a, err
	}
	facts, err := p.Queries.AuditLog(ctx, tenant, seqs)
	if err != nil {
		return a, err
	}
	a.Did, a.More = readings(facts), len(seqs) == MaxReadings
	return a, nil
}

// readings gathers readings, the newest first, by who read.
func readings(facts []eventstore.Recorded) (all []Reading) {
	for i := range facts {
		h := &facts[i].Header
		at := slices.IndexFunc(all, func(r Reading) bool { return r.ID == domain.ID(h.ActorID) })
		if at < 0 {
			at = len(all)
			all = append(all, Reading{Kind: domain.ActorKind(h.ActorKind), ID: h.ActorID, Last: int64(h.TimeUS), LastSeq: h.Seq})
		}
		all[at].Times++
		all[at].First = int64(h.TimeUS)
	}
	return all
}

// usersAtOnce is how many users are looked up at a time.
const usersAtOnce = 500

// readers returns whose access covered values of an environment.
func (p *Past) readers(ctx context.Context, t domain.Tenant, env domain.Environment, at int64) (could []Reader, err error) {
	users := map[domain.UserID]domain.User{}
	for after := uint64(0); ; {
		rows, err := p.Queries.Users(ctx, t.ID, after, usersAtOnce)
		if err != nil {
			return nil, err
		}
		for _, row := range rows {
			after = row.Cursor
			u, _, err := eventstore.FoldAt[domain.User](ctx, p.Log, t.ID, domain.AggregateID{Kind: domain.KindUser, ID: row.ID.ID}, at)
			if err != nil {
				return nil, err
			}
			users[row.ID] = u
			if u.Status == domain.Active && reads(u.Role, u.Role.Scopes()) && (u.MFA.Enabled || !t.Settings.MFAEnforced) {
				could = append(could, Reader{Kind: domain.ActorUser, ID: u.ID.ID, User: u.ID, Role: u.Role})
			}
		}
		if len(rows) < usersAtOnce {
			break
		}
	}
	keys, err := p.Queries.APIKeys(ctx, t.ID)
	if err != nil {
		return nil, err
	}
	for _, row := range keys {
		k, _, err := eventstore.FoldAt[domain.APIKey](ctx, p.Log, t.ID, domain.AggregateID{Kind: domain.KindKey, ID: row.ID.ID}, at)
		if err != nil {
			return nil, err
		}
		owner := users[k.Owner]
		if k.Works(at) && k.Environment == env && owner.AdmitsKey(k) && reads(owner.Role, k.Scopes) {
			could = append(could, Reader{Kind: domain.ActorKey, ID: k.ID.ID, User: k.Owner, Role: owner.Role, Restricted: k.Restricted})
		}
	}
	return could, nil
}

// reads reports whether scopes let a user of a role read values.
func reads(role domain.Role, scopes []domain.Scope) bool {
	return slices.Contains(role.Limit(scopes), domain.ScopeVaultUnseal)
}
