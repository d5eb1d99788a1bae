package projections

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/quantaseal/quantaseal/eventstore"
	"github.com/quantaseal/quantaseal/internal/batch"
)

// Log is what a Runner needs of the event store.
type Log interface {
	// Read returns up to limit facts of all chains after a position, in order,
	// verified. An empty answer means that there is nothing more yet.
	Read(ctx context.Context, after eventstore.Position, limit int) ([]eventstore.Recorded, error)
	// Wait blocks until there may be a fact after a position, or until ctx ends,
	// which is its only error.
	Wait(ctx context.Context, after eventstore.Position) error
}

// Runner folds the log into the tables of its projections, all from one reading.
// Several nodes may run the same projections on one PostgreSQL database: they
// take turns. Exported fields must not change once it is in use. Make one with
// Open.
type Runner struct {
	DB          *sql.DB // a writing handle; on SQLite one connection with _txlock=immediate
	Embedded    bool    // DB is a SQLite file that this process alone writes
	Log         Log
	Logger      *slog.Logger
	Projections []Projection // nil = all of the vault's

	lock, move *sql.Stmt
	pause      time.Duration // before going on after a fault
	progress   progress
}

// errStopped is why a runner that was told to stop does not go on.
var errStopped = errors.New("projections: the runner has stopped")

const (
	maxBatch = 256 // facts applied in one transaction
	pause    = time.Second
)

// Open makes r ready: it prepares its statements and gives each projection a
// checkpoint. A projection without one starts on empty tables. It returns a
// fault if the tables are missing.
func (r *Runner) Open(ctx context.Context) (*Runner, error) {
	r.pause = pause
	if r.Projections == nil {
		var err error
		if r.Projections, err = All(ctx, r.DB); err != nil {
			return nil, err
		}
	}
	suffix := " FOR UPDATE"
	if r.Embedded {
		suffix = "" // an immediate transaction holds the only lock there is
	}
	p := preparer{db: r.DB}
	r.lock = p.stmt(ctx, `SELECT projection, position FROM checkpoints ORDER BY projection`+suffix)
	r.move = p.stmt(ctx, `UPDATE checkpoints SET position = $2 WHERE projection = $1`)
	if p.err != nil {
		return nil, fmt.Errorf("opening the projections: %w", p.err)
	}
	if err := r.enrol(ctx); err != nil {
		return nil, fmt.Errorf("opening the projections: %w", err)
	}
	return r, nil
}

// Run folds the log until ctx ends, and returns its error then. A fault stops
// every projection: it is logged once, shown by Err and told to whoever waits;
// after a pause Run tries again from where the tables stand.
func (r *Runner) Run(ctx context.Context) error {
	for {
		err := r.follow(ctx)
		if ctx.Err() != nil {
			r.progress.publish(r.Position(), errStopped)
			return ctx.Err()
		}
		if before := r.Err(); before == nil || before.Error() != err.Error() {
			r.Logger.ErrorContext(ctx, "the projections stand still and will be tried again", "position", int64(r.Position()), "err", err)
		}
		r.progress.publish(r.Position(), err)
		select {
		case <-ctx.Done():
		case <-time.After(r.pause):
		}
	}
}

// follow applies what there is and waits for more. It returns only with an error.
func (r *Runner) follow(ctx context.Context) error {
	for {
		s, err := r.step(ctx)
		if err != nil {
			return err
		}
		if r.Err() != nil {
			r.Logger.InfoContext(ctx, "the projections go on", "position", int64(s.reached))
		}
		r.progress.publish(s.reached, nil)
		// What this process appends wakes Wait, even before it is called. What others
		// append may not, so on a shared database only an empty reading is the end.
		if s.full || s.applied > 0 && !r.Embedded {
			continue
		}
		if err := r.Log.Wait(ctx, s.reached); err != nil {
			return err
		}
		batch.Gather()
	}
}

// Passed blocks until this node has seen every projection at or beyond position,
// so that what a reader finds then includes it. It returns a fault if the
// projections stand still short of it, or ctx's error.
func (r *Runner) Passed(ctx context.Context, position eventstore.Position) error {
	return r.progress.pass(ctx, position)
}

// Position returns how far this node has seen every projection come.
func (r *Runner) Position() eventstore.Position {
	position, _ := r.progress.get()
	return position
}

// Err returns why the projections stand still, or nil if they do not.
func (r *Runner) Err() error {
	_, err := r.progress.get()
	return err
}
