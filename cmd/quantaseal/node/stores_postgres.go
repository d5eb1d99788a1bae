package node

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/quantaseal/quantaseal/eventstore/postgres"
	"github.com/quantaseal/quantaseal/internal/sealedstore"
	"github.com/quantaseal/quantaseal/migrations"
)

// Connections that one node opens to PostgreSQL, for each of its parts.
const (
	eventConns  = 8
	sealedConns = 6
	viewConns   = 8
	limitConns  = 4
	anchorConns = 3
)

func (n *Node) openPostgres(ctx context.Context, s *stores) (records, keys sealedstore.Database, err error) {
	config, err := pgxpool.ParseConfig(n.config.DatabaseURL)
	if err != nil {
		return records, keys, fmt.Errorf("%w: QUANTASEAL_DATABASE_URL does not parse", ErrMisconfigured) // pgx would quote it
	}
	config.MaxConns = eventConns
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return records, keys, fmt.Errorf("connecting to PostgreSQL: %w", err)
	}
	n.closes = append(n.closes, func() error { pool.Close(); return nil })
	events, err := postgres.Open(ctx, pool, n.logger)
	if err != nil {
		return records, keys, fmt.Errorf("opening the event store: %w", err)
	}
	n.closes = append(n.closes, events.Close)
	s.events = events
	dbs := map[migrations.Set]*sql.DB{}
	for set, conns := range map[migrations.Set]int{migrations.Records: sealedConns, migrations.Keys: sealedConns, migrations.Views: viewConns} {
		if dbs[set], err = n.openSchema(ctx, config.ConnConfig, set, conns); err != nil {
			return records, keys, err
		}
	}
	s.viewsWrite, s.viewsRead = dbs[migrations.Views], dbs[migrations.Views]
	unsynced := config.ConnConfig.Copy()
	unsynced.RuntimeParams["synchronous_commit"] = "off" // counters may be lost
	if s.limits, err = n.openSchema(ctx, unsynced, migrations.Limits, limitConns); err != nil {
		return records, keys, err
	}
	return sealedstore.Database{Write: dbs[migrations.Records], Read: dbs[migrations.Records]},
		sealedstore.Database{Write: dbs[migrations.Keys], Read: dbs[migrations.Keys]}, nil
}

// openSchema opens a handle whose unqualified names lead to one schema.
func (n *Node) openSchema(ctx context.Context, base *pgx.ConnConfig, set migrations.Set, conns int) (*sql.DB, error) {
	config := base.Copy()
	config.RuntimeParams["search_path"] = string(set)
	db := stdlib.OpenDB(*config)
	n.closes = append(n.closes, db.Close)
	db.SetMaxOpenConns(conns)
	db.SetMaxIdleConns(conns)
	if err := migrations.Up(ctx, db, migrations.Postgres, set); err != nil {
		return nil, err
	}
	return db, nil
}
