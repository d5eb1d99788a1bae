package sealedstore

import (
	"context"
	"database/sql"
	"fmt"

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
	done    chan error
}

func (w *writer) start(wiped func(ctx context.Context) error) {
	w.wiped = wiped
	w.queue.Commit, w.queue.Max = w.commit, maxBatch
}

// submit queues a write. Its outcome arrives on the channel, durable if nil.
func (w *writer) submit(ctx context.Context, item *write) <-chan error {
	item.done = make(chan error, 1)
	w.queue.Submit(ctx, item)
	return item.done
}

// wait returns the outcome of a write. If ctx ends first, it may still happen.
func wait(ctx context.Context, done <-chan error) error {
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// commit writes a batch and answers each of its writes. Rows are answered before
// the log is emptied of what was destroyed, which they need not wait for.
func (w *writer) commit(ctx context.Context, items []*write) {
	destroys, err := w.apply(ctx, items)
	for _, item := range items {
		if item.destroy == nil {
			item.done <- err
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
			item.done <- err
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
