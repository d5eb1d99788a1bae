package postgres

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/quantaseal/quantaseal/eventstore"
)

const (
	channel   = "quantaseal_events"
	pollEvery = time.Second // notifications are a courtesy of the server's, looking is certain
	relisten  = time.Second
)

// foreign knows how far other processes have appended. Positions are dense, so
// whatever lies between two appends of this process is another's, notified or not.
type foreign struct {
	mu      sync.Mutex
	covered int64         // up to here it is known whose the positions are
	last    int64         // the last position that another process may have appended
	moved   chan struct{} // closed and replaced when last moves
}

func (f *foreign) init() { f.moved = make(chan struct{}) }

// own takes note of what this process has appended in one turn.
func (f *foreign) own(first, last int64) {
	f.upTo(first - 1)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.covered = max(f.covered, last)
}

// upTo takes note that there are records up to pos. What this process is not known
// to have appended another may have.
func (f *foreign) upTo(pos int64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if pos <= f.covered {
		return
	}
	f.covered, f.last = pos, pos
	close(f.moved)
	f.moved = make(chan struct{})
}

// beyond reports whether another process may have appended after pos, and else
// the channel that closes when more is known.
func (f *foreign) beyond(pos int64) (bool, <-chan struct{}) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.last > pos, f.moved
}

// Wait implements eventstore.Store.
func (s *Store) Wait(ctx context.Context, after eventstore.Position) error {
	for {
		more, moved := s.foreign.beyond(int64(after))
		if more {
			return nil
		}
		select {
		case <-moved:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// listen keeps foreign up to date until ctx ends.
func (s *Store) listen(ctx context.Context) {
	defer close(s.listening)
	for ctx.Err() == nil {
		err := s.listenOnce(ctx)
		if ctx.Err() != nil {
			return
		}
		s.log.WarnContext(ctx, "listening for other nodes failed, trying again", "err", err)
		select {
		case <-ctx.Done():
		case <-time.After(relisten):
		}
	}
}

// listenOnce listens on one connection for as long as that lives.
func (s *Store) listenOnce(ctx context.Context) (err error) {
	conn, err := s.sessions.Acquire(ctx)
	if err != nil {
		return err
	}
	defer func() {
		err = errors.Join(err, conn.Conn().Close(context.WithoutCancel(ctx))) // it must not go back listening
		conn.Release()
	}()
	if _, err := conn.Exec(ctx, `LISTEN `+channel); err != nil {
		return fmt.Errorf("listening: %w", err)
	}
	for {
		var last int64
		if err := conn.QueryRow(ctx, allEnd).Scan(&last); err != nil {
			return fmt.Errorf("looking for records: %w", err)
		}
		s.foreign.upTo(last)
		if err := s.notified(ctx, conn); err != nil {
			return err
		}
	}
}

// notified takes note of what other processes say until it is time to look.
func (s *Store) notified(ctx context.Context, conn *pgxpool.Conn) error {
	while, cancel := context.WithTimeout(ctx, pollEvery)
	defer cancel()
	for {
		n, err := conn.Conn().WaitForNotification(while)
		switch {
		case err != nil && while.Err() != nil:
			return ctx.Err()
		case err != nil:
			return fmt.Errorf("waiting for a notification: %w", err)
		}
		node, last, _ := strings.Cut(n.Payload, " ")
		pos, err := strconv.ParseInt(last, 10, 64)
		if err == nil && node != s.node { // whatever else comes on this channel is not ours to judge
			s.foreign.upTo(pos)
		}
	}
}
