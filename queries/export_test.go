package queries

import "github.com/quantaseal/quantaseal/domain"

// Texts returns the SQL of every question, by name.
func Texts() map[string]string {
	texts := map[string]string{
		"credential": credentialByID, "page of active": activePage, "page of every": everyPage,
		"versions": versionsOf, "keys": keysOf, "key": keyByLookup, "overdue": overdue, "unshredded": unshredded,
		"named": namedHash, "unregistered": unregistered, "first at": firstAt,
	}
	types, actors := []string{"CREDENTIAL_SEALED", "LOGIN_FAILED"}, []domain.ID{{1}, {2}}
	about := []domain.AggregateID{{Kind: domain.KindUser, ID: domain.ID{3}}}
	for name, f := range map[string]AuditFilter{
		"page of all":       {},
		"page of types":     {Types: types},
		"page of actors":    {Actors: actors},
		"page of failures":  {Outcome: OnlyFailure},
		"page of aggregate": {Aggregates: about},
		"page of oldest":    {Forward: true},
		"page of history":   {Aggregates: about, Types: types, Actors: actors},
		"page of both":      {Types: types, Actors: actors, Outcome: OnlySuccess},
	} {
		texts[name], _ = f.query(f.branches(), 1, 2)
	}
	texts["resources"], _ = known(domain.TenantID{}, candidates(domain.ID{1}.String()))
	return texts
}
