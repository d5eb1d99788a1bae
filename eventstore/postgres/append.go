package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/eventstore"
	"github.com/quantaseal/quantaseal/eventstore/chain"
	"github.com/quantaseal/quantaseal/eventstore/table"
)

// commitTimeout bounds how long a node waits for its turn and for what it made
// of it.
const commitTimeout = 30 * time.Second

const (
	takeTurn = `SELECT pg_advisory_xact_lock(1901426000, 1)` // the two-part locks of this database are otherwise unused by us

	// A record goes in only behind its chain's last one, whose hash is $12 and whose
	// number is $13; NULL: as the chain's first.
	insert = `INSERT INTO events.events (pos, ` + stored + `)
		SELECT (SELECT coalesce(max(pos), 0) + 1 FROM events.events), $1, $2::bigint, $3, $4, $5, $6, $7, $8, $9, $10, $11
		WHERE (SELECT hash FROM (SELECT seq, hash FROM events.events WHERE tenant_id = $1 ORDER BY seq DESC LIMIT 1) AS head
			WHERE seq = $13::bigint) IS NOT DISTINCT FROM $12
		RETURNING pos`
	stored = `tenant_id, seq, event_id, aggregate_kind, aggregate_id, aggregate_version, header, payload, detached, signature, hash`

	notify = `SELECT pg_notify('` + channel + `', $1 || ' ' || coalesce(max(pos), 0)) FROM events.events`

	uniqueViolation = "23505"
)

// Append implements eventstore.Store. What is offered on this node at the same
// time, for whichever chains, is one turn and one sync.
func (s *Store) Append(ctx context.Context, tenant domain.TenantID, records []chain.Record) (eventstore.Position, error) {
	return s.appends.Append(ctx, tenant, records)
}

// transact offers everything to the server in one message, which is one
// transaction. It returns which offer made that impossible, or -1 and what became
// of all. If it cannot be learned whether the server committed, that is a fault
// for all.
func (s *Store) transact(ctx context.Context, offers []*table.Pending) (repeats int, err error) {
	ctx, cancel := context.WithTimeout(ctx, commitTimeout)
	defer cancel()
	var message pgx.Batch
	message.Queue(takeTurn)
	for _, o := range offers {
		queue(o, &message)
	}
	message.Queue(notify, s.node)
	answers := s.sessions.SendBatch(ctx, &message)
	repeats, err = read(answers, offers)
	if closed := answers.Close(); err == nil && closed != nil { // the commit's own answer comes last
		err = closed
	}
	switch failed := (*pgconn.PgError)(nil); {
	case err == nil:
		s.note(offers)
		return -1, nil
	case repeats >= 0 && errors.As(err, &failed) && failed.Code == uniqueViolation:
		return repeats, nil
	}
	return -1, fmt.Errorf("appending: %w", err)
}

// queue adds the insertion of o's records to a message.
func queue(o *table.Pending, message *pgx.Batch) {
	var prev []byte
	if o.After > 0 {
		prev = o.Prev[:]
	}
	last := int64(o.After) - 1
	for i := range o.Records {
		r, c := &o.Records[i], &o.Columns[i]
		var version *int64
		if c.AggregateVersion > 0 {
			v := int64(c.AggregateVersion)
			version = &v
		}
		message.Queue(insert, c.Tenant[:], int64(c.Seq), c.EventID[:], int16(c.AggregateKind), c.AggregateID[:], version,
			r.Header, r.Payload, r.Detached, r.Signature, o.Hashes[i][:], prev, last)
		prev, last = o.Hashes[i][:], int64(c.Seq)
	}
}

// read takes the server's answers in the order of the questions. It returns the
// offer to which a fault belongs, or -1.
func read(answers pgx.BatchResults, offers []*table.Pending) (of int, err error) {
	if _, err := answers.Exec(); err != nil {
		return -1, fmt.Errorf("taking a turn: %w", err)
	}
	for n, o := range offers {
		o.Err = nil
		for i := range o.Records {
			var pos int64
			switch err := answers.QueryRow().Scan(&pos); {
			case errors.Is(err, pgx.ErrNoRows):
				o.Err = eventstore.ErrConflict // and none of its records is in
			case err != nil:
				return n, err
			case i == 0:
				o.Position = pos
			}
		}
	}
	if _, err := answers.Exec(); err != nil {
		return -1, fmt.Errorf("notifying: %w", err)
	}
	return -1, nil
}

// note takes note of which positions are this process's own.
func (s *Store) note(offers []*table.Pending) {
	for _, o := range offers {
		if o.Err == nil {
			s.foreign.own(o.Position, o.Position+int64(len(o.Records))-1)
		}
	}
}
