package projections

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/quantaseal/quantaseal/eventstore"
)

// errGap reports facts that do not follow what was applied.
var errGap = errors.New("projections: the log answered with a gap")

// stepped is what a step did.
type stepped struct {
	reached eventstore.Position // by every projection
	applied int                 // facts
	full    bool                // no more would have been taken at once
}

// step applies one batch to the projections that are furthest behind, in one
// transaction with their checkpoints. It starts from the checkpoints that it finds
// once they are its own: another node may have moved them.
func (r *Runner) step(ctx context.Context) (stepped, error) {
	if r.Embedded {
		// A local transaction ends by itself, and a context that can end costs the
		// driver a goroutine for each statement.
		ctx = context.WithoutCancel(ctx)
	}
	tx, err := r.DB.BeginTx(ctx, nil)
	if err != nil {
		return stepped{}, fmt.Errorf("beginning a transaction: %w", err)
	}
	defer func() { _ = tx.Rollback() }() // no more than what Commit left
	at, err := r.checkpoints(ctx, tx)
	if err != nil {
		return stepped{}, fmt.Errorf("reading checkpoints: %w", err)
	}
	behind, lowest, limit := furthestBehind(r.Projections, at)
	facts, err := r.Log.Read(ctx, lowest, limit)
	if err != nil || len(facts) == 0 {
		return stepped{reached: lowest}, err
	}
	for i := range facts {
		if facts[i].Position != lowest+eventstore.Position(i)+1 {
			return stepped{}, fmt.Errorf("%w: %d stands %d after %d", errGap, facts[i].Position, i+1, lowest)
		}
	}
	last := facts[len(facts)-1].Position
	for _, p := range behind {
		if err := p.Apply(ctx, tx, facts); err != nil {
			return stepped{}, fmt.Errorf("projection %s: applying positions %d to %d: %w", p.Name(), lowest+1, last, err)
		}
		if err := exec(ctx, tx, r.move, p.Name(), int64(last)); err != nil {
			return stepped{}, fmt.Errorf("projection %s: moving its checkpoint: %w", p.Name(), err)
		}
		at[p.Name()] = last
	}
	if err := tx.Commit(); err != nil {
		return stepped{}, fmt.Errorf("committing a batch: %w", err)
	}
	_, lowest, _ = furthestBehind(r.Projections, at)
	return stepped{lowest, len(facts), len(facts) == limit}, nil
}

// checkpoints returns where each projection stands. Until tx ends nobody else
// moves them.
func (r *Runner) checkpoints(ctx context.Context, tx *sql.Tx) (map[string]eventstore.Position, error) {
	rows, err := tx.StmtContext(ctx, r.lock).QueryContext(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }() // Err tells what went wrong
	at := map[string]eventstore.Position{}
	for rows.Next() {
		var name string
		var position int64
		if err := rows.Scan(&name, &position); err != nil {
			return nil, err
		}
		at[name] = eventstore.Position(position)
	}
	return at, rows.Err()
}

// furthestBehind returns the projections with the lowest checkpoint, that
// checkpoint, and how many facts bring them level with the next lowest, at most
// maxBatch.
func furthestBehind(all []Projection, at map[string]eventstore.Position) (behind []Projection, lowest eventstore.Position, limit int) {
	lowest = at[all[0].Name()]
	for _, p := range all {
		lowest = min(lowest, at[p.Name()])
	}
	next := lowest + maxBatch
	for _, p := range all {
		if at[p.Name()] == lowest {
			behind = append(behind, p)
		} else {
			next = min(next, at[p.Name()])
		}
	}
	return behind, lowest, int(next - lowest)
}

// enrol gives a checkpoint to each projection that has none, and empties its
// tables: it may be an old one under a new name.
func (r *Runner) enrol(ctx context.Context) error {
	tx, err := r.DB.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // no more than what Commit left
	for _, p := range r.Projections {
		result, err := tx.ExecContext(ctx,
			`INSERT INTO checkpoints (projection, position) VALUES ($1, 0) ON CONFLICT (projection) DO NOTHING`, p.Name())
		if err != nil {
			return err
		}
		n, err := result.RowsAffected()
		if err != nil {
			return err
		}
		if n == 0 {
			continue
		}
		if err := empty(ctx, tx, p); err != nil {
			return err
		}
	}
	return tx.Commit()
}

// empty deletes every row of p.
func empty(ctx context.Context, tx *sql.Tx, p Projection) error {
	for _, table := range p.Tables() {
		if _, err := tx.ExecContext(ctx, `DELETE FROM `+table); err != nil { //nolint:gosec // a name of ours
			return fmt.Errorf("emptying %s: %w", table, err)
		}
	}
	return nil
}
