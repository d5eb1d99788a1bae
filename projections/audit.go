package projections

import (
	"context"
	"database/sql"

	"github.com/quantaseal/quantaseal/eventstore"
	"github.com/quantaseal/quantaseal/internal/multirow"
)

// Audit keeps a row for every fact, with what questions about the log filter by.
// The facts themselves stay where they are.
type Audit struct{ insert *multirow.Insert }

func newAudit(ctx context.Context, p *preparer) *Audit {
	return &Audit{p.insert(ctx, `INSERT INTO audit_index (tenant_id, seq, time_us, event_type,
		actor_kind, actor_id, outcome, aggregate_kind, aggregate_id, request_id)`, 10, ``)}
}

// Name implements Projection.
func (*Audit) Name() string { return "audit/1" }

// Tables implements Projection.
func (*Audit) Tables() []string { return []string{"audit_index"} }

// Apply implements Projection.
func (a *Audit) Apply(ctx context.Context, tx *sql.Tx, facts []eventstore.Recorded) error {
	args := make([]any, 0, 10*len(facts))
	for i := range facts {
		h := &facts[i].Header
		args = append(args, h.Tenant[:], seq(&facts[i]), at(&facts[i]), h.EventType,
			int64(h.ActorKind), h.ActorID[:], int64(h.Outcome), int64(h.AggregateKind), h.AggregateID[:], h.RequestID[:])
	}
	return a.insert.Exec(ctx, tx, args)
}
