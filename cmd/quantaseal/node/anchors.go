package node

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/jackc/pgx/v5"

	"github.com/quantaseal/quantaseal/eventstore/anchors"
	"github.com/quantaseal/quantaseal/internal/anchorstore"
	"github.com/quantaseal/quantaseal/migrations"
)

// openAnchors opens what the log is held to: a file in a directory of its own, or a
// schema, of the database or of another one.
func (n *Node) openAnchors(ctx context.Context) (*anchorstore.Store, error) {
	where := n.config.Anchors
	if where == "" && n.config.DatabaseURL != "" {
		where = n.config.DatabaseURL
	}
	if isPostgres(where) {
		config, err := pgx.ParseConfig(where)
		if err != nil {
			return nil, fmt.Errorf("%w: QUANTASEAL_ANCHORS does not parse", ErrMisconfigured) // pgx would quote it
		}
		db, err := n.openSchema(ctx, config, migrations.Anchors, anchorConns)
		return &anchorstore.Store{Write: db, Read: db}, err
	}
	if where == "" {
		where = filepath.Join(n.config.Data, "anchors")
	}
	if err := os.MkdirAll(where, 0o700); err != nil {
		return nil, fmt.Errorf("%w: QUANTASEAL_ANCHORS: %w", ErrMisconfigured, err)
	}
	if err := n.lock(where, "QUANTASEAL_ANCHORS"); err != nil {
		return nil, err
	}
	file, err := n.openFile(ctx, where, migrations.Anchors, sqliteDurable)
	return &anchorstore.Store{Write: file.Write, Read: file.Read, Embedded: true}, err
}

// openLedger compares the log with what was anchored of it, before anything is
// written to it.
func (n *Node) openLedger(ctx context.Context, store *anchorstore.Store, options Options) (err error) {
	n.Anchors, err = (&anchors.Ledger{
		Store: store, Events: n.Log, Origin: n.Ring.Deployment().Origin, Now: options.Now, Logger: options.Logger,
		Sign: n.Ring.SignRoot,
	}).Open(ctx)
	if err != nil {
		return err
	}
	if options.Recovering {
		return n.mayRecover(ctx)
	}
	_, err = n.Anchors.Guard(ctx)
	return err
}
