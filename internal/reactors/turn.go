package reactors

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/quantaseal/quantaseal/eventstore"
)

// How long a node's turn lasts unless it is renewed, and how often one that has no
// turn asks for it. A node that dies is followed by another within both.
const (
	lease     = 30 * time.Second
	turnPause = 2 * time.Second
)

// errLost reports that another node has the turn.
var errLost = errors.New("reactors: another node reacts now")

func (r *Reactor) enrol(ctx context.Context, end eventstore.Position) error {
	_, err := r.DB.ExecContext(ctx, `INSERT INTO reactors (reactor, position, holder, held_until)
		VALUES ($1, $2, $3, 0) ON CONFLICT (reactor) DO NOTHING`, r.Name, int64(end), r.Holder[:])
	return err
}

// take takes the turn, or prolongs it. It returns false if another node has it.
func (r *Reactor) take(ctx context.Context) (bool, error) {
	now := r.Now()
	result, err := r.DB.ExecContext(ctx, `UPDATE reactors SET holder = $2, held_until = $3
		WHERE reactor = $1 AND (holder = $2 OR held_until < $4)`, r.Name, r.Holder[:], now.Add(lease).UnixMicro(), now.UnixMicro())
	if err != nil {
		return false, fmt.Errorf("taking a turn: %w", err)
	}
	n, err := result.RowsAffected()
	return n == 1, err
}

// keep prolongs the turn until ctx ends. It returns errLost once another node may
// have it: a fault is no reason until the turn is over by itself.
func (r *Reactor) keep(ctx context.Context) error {
	tick := time.NewTicker(lease / 3)
	defer tick.Stop()
	for last := r.Now(); ; {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		held, err := r.take(ctx)
		switch {
		case held:
			last = r.Now()
		case err == nil || r.Now().Sub(last) > lease-lease/3:
			return errLost
		}
	}
}

// leave ends the turn, for another node to take at once.
func (r *Reactor) leave(ctx context.Context) error {
	_, err := r.DB.ExecContext(ctx, `UPDATE reactors SET held_until = 0 WHERE reactor = $1 AND holder = $2`, r.Name, r.Holder[:])
	if err != nil {
		return fmt.Errorf("ending a turn: %w", err)
	}
	return nil
}

// Rewind has every reactor begin at end, if it came further: the log is an older one
// now. No reactor may be running.
func Rewind(ctx context.Context, db *sql.DB, end eventstore.Position) error {
	if _, err := db.ExecContext(ctx, `UPDATE reactors SET position = $1 WHERE position > $1`, int64(end)); err != nil {
		return fmt.Errorf("taking reactors back: %w", err)
	}
	return nil
}

func (r *Reactor) position(ctx context.Context) (eventstore.Position, error) {
	var at int64
	if err := r.DB.QueryRowContext(ctx, `SELECT position FROM reactors WHERE reactor = $1`, r.Name).Scan(&at); err != nil {
		return 0, fmt.Errorf("reading how far a reactor came: %w", err)
	}
	return eventstore.Position(at), nil
}

// move keeps that everything up to a position is done. It never goes back.
func (r *Reactor) move(ctx context.Context, to eventstore.Position) error {
	_, err := r.DB.ExecContext(ctx, `UPDATE reactors SET position = $3 WHERE reactor = $1 AND holder = $2 AND position < $3`,
		r.Name, r.Holder[:], int64(to))
	if err != nil {
		return fmt.Errorf("keeping how far a reactor came: %w", err)
	}
	return nil
}
