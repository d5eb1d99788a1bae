package sealedstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"

	"github.com/quantaseal/quantaseal/internal/batch"
	"github.com/quantaseal/quantaseal/internal/multirow"
)

// maxBatch bounds what is written in one transaction.
const maxBatch = 256

// writer commits what many goroutines write to one database at the same time in
// one transaction: one sync serves them all.
type writer struct {
	db     *sql.DB
	insert *multirow.Insert
	wiped  func(ctx context.Context) error // after a batch that destroyed something; nil = nothing to do
	queue  batch.Queue[*write]
}

// write is a row to insert, or something to destroy.
type write struct {
	row     []any
	destroy func(ctx context.Context, tx *sql.Tx) error
	done    *outcome
}

// outcome is what became of one or more writes, told once all have ended.
type outcome struct {
	mu   sync.Mutex
	left int
	err  error
	told chan error // holds the answer, so that nobody waits for who has left
}

func newOutcome(writes int) *outcome { return &outcome{left: writes, told: make(chan error, 1)} }

func (o *outcome) end(err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.err = errors.Join(o.err, err)
	if o.left--; o.left == 0 {
		o.told <- o.err
	}
}

// wait returns what became of the writes. If ctx ends first, they may still happen.
func (o *outcome) wait(ctx context.Context) error {
	select {
	case err := <-o.told:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (w *writer) start(wiped func(ctx context.Context) error) {
	w.wiped = wiped
	w.queue.Commit, w.queue.Max = w.commit, maxBatch
}

// do writes item, durably.
func (w *writer) do(ctx context.Context, item *write) error {
	done := newOutcome(1)
	w.submit(ctx, item, done)
	return done.wait(ctx)
}

// submit queues a write, whose end done learns.
func (w *writer) submit(ctx context.Context, item *write, done *outcome) {
	item.done = done
	w.queue.Submit(ctx, item)
}

// commit writes a batch and answers each of its writes. Rows are answered before
// the log is emptied of what was destroyed, which they need not wait for.
func (w *writer) commit(ctx context.Context, items []*write) {
	destroys, err := w.apply(ctx, items)
	for _, item := range items {
		if item.destroy == nil {
			item.done.end(err)
		}
	}
	if !destroys {
		return
	}
	if err == nil && w.wiped != nil {
		err = w.wiped(ctx)
	}
	for _, item := range items {
		if item.destroy != nil {
			item.done.end(err)
		}
	}
}

func (w *writer) apply(ctx context.Context, items []*write) (destroys bool, err error) {
	for _, item := range items {
		destroys = destroys || item.destroy != nil
	}
	tx, err := w.db.BeginTx(ctx, nil)
	if err != nil {
		return destroys, fmt.Errorf("beginning a transaction: %w", err)
	}
	defer func() { _ = tx.Rollback() }() // no more than what Commit left
	var rows []any
	for _, item := range items {
		rows = append(rows, item.row...)
	}
	if err := w.insert.Exec(ctx, tx, rows); err != nil {
		return destroys, fmt.Errorf("inserting: %w", err)
	}
	for _, item := range items {
		if item.destroy == nil {
			continue
		}
		if err := item.destroy(ctx, tx); err != nil {
			return destroys, fmt.Errorf("destroying: %w", err)
		}
	}
	if err := tx.Commit(); err != nil {
		return destroys, fmt.Errorf("committing: %w", err)
	}
	return destroys, nil
}

func (w *writer) close() error {
	if w.insert == nil {
		return nil
	}
	return w.insert.Close()
}
