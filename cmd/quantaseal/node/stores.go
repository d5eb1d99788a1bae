package node

import (
	"context"
	"database/sql"
	"fmt"
	"net/url"
	"os"
	"path/filepath"

	_ "modernc.org/sqlite" // the driver of the embedded databases

	"github.com/quantaseal/quantaseal/eventstore"
	"github.com/quantaseal/quantaseal/eventstore/sqlite"
	"github.com/quantaseal/quantaseal/internal/anchorstore"
	"github.com/quantaseal/quantaseal/internal/sealedstore"
	"github.com/quantaseal/quantaseal/migrations"
)

// stores is everything durable that a node stands on.
type stores struct {
	events     eventstore.Store
	sealed     *sealedstore.Store
	viewsWrite *sql.DB
	viewsRead  *sql.DB
	limits     *sql.DB // what several nodes count requests in; nil: there is one node
	anchors    *anchorstore.Store
	embedded   bool
}

func (n *Node) openStores(ctx context.Context, options Options) (*stores, error) {
	if err := os.MkdirAll(n.config.Data, 0o700); err != nil {
		return nil, fmt.Errorf("%w: QUANTASEAL_DATA: %w", ErrMisconfigured, err)
	}
	s := &stores{embedded: n.config.DatabaseURL == ""}
	open := n.openPostgres
	if s.embedded {
		open = n.openSQLite
	}
	records, keys, err := open(ctx, s)
	if err != nil {
		return nil, err
	}
	s.sealed, err = (&sealedstore.Store{Records: records, Keys: keys, Embedded: s.embedded, Now: options.Now}).Open(ctx)
	if err != nil {
		return nil, fmt.Errorf("opening the sealed store: %w", err)
	}
	n.closes = append(n.closes, s.sealed.Close)
	if s.anchors, err = n.openAnchors(ctx); err != nil {
		return nil, fmt.Errorf("opening the anchors: %w", err)
	}
	return s, nil
}

// What each embedded file is opened with. Views can be folded again, so they
// need not be synced at every commit.
const (
	sqliteCommon = "&_pragma=journal_mode(WAL)&_pragma=foreign_keys(ON)&_pragma=trusted_schema(OFF)&_pragma=busy_timeout(5000)" +
		"&_pragma=temp_store(MEMORY)" // what a statement of many rows keeps aside is no file
	sqliteDurable = "?_txlock=immediate&_pragma=synchronous(FULL)&_pragma=secure_delete(ON)" +
		"&_pragma=cache_size(-8192)&_pragma=wal_autocheckpoint(4000)" + sqliteCommon
	sqliteViews = "?_txlock=immediate&_pragma=synchronous(NORMAL)" +
		"&_pragma=cache_size(-65536)&_pragma=wal_autocheckpoint(8000)" + sqliteCommon
	sqliteRead    = "?mode=ro&_pragma=busy_timeout(5000)&_pragma=trusted_schema(OFF)&_pragma=query_only(ON)&_pragma=cache_size(-4096)"
	sqliteReaders = 4
)

func (n *Node) openSQLite(ctx context.Context, s *stores) (records, keys sealedstore.Database, err error) {
	if err := n.lock(n.config.Data, "QUANTASEAL_DATA"); err != nil {
		return records, keys, err
	}
	events, err := sqlite.Open(ctx, filepath.Join(n.config.Data, "events.db"))
	if err != nil {
		return records, keys, fmt.Errorf("opening the event store: %w", err)
	}
	n.closes = append(n.closes, events.Close)
	s.events = events
	if records, err = n.openFile(ctx, n.config.Data, migrations.Records, sqliteDurable); err != nil {
		return records, keys, err
	}
	if keys, err = n.openFile(ctx, n.config.Data, migrations.Keys, sqliteDurable); err != nil {
		return records, keys, err
	}
	views, err := n.openFile(ctx, n.config.Data, migrations.Views, sqliteViews)
	s.viewsWrite, s.viewsRead = views.Write, views.Read
	return records, keys, err
}

// openFile opens one embedded database, readable by nobody else: a handle that
// writes, alone, and some that read.
func (n *Node) openFile(ctx context.Context, dir string, set migrations.Set, options string) (sealedstore.Database, error) {
	name, err := filepath.Abs(filepath.Join(dir, string(set)+".db"))
	if err != nil {
		return sealedstore.Database{}, err
	}
	file, err := os.OpenFile(name, os.O_CREATE|os.O_RDWR, 0o600) // SQLite gives what it adds beside it the same mode
	if err != nil {
		return sealedstore.Database{}, err
	}
	if err := file.Close(); err != nil {
		return sealedstore.Database{}, err
	}
	path := (&url.URL{Scheme: "file", Path: name}).String()
	write, err := sql.Open("sqlite", path+options)
	if err != nil {
		return sealedstore.Database{}, err
	}
	n.closes = append(n.closes, write.Close)
	write.SetMaxOpenConns(1)
	if err := migrations.Up(ctx, write, migrations.SQLite, set); err != nil {
		return sealedstore.Database{}, err
	}
	read, err := sql.Open("sqlite", path+sqliteRead)
	if err != nil {
		return sealedstore.Database{}, err
	}
	n.closes = append(n.closes, read.Close)
	read.SetMaxOpenConns(sqliteReaders)
	read.SetMaxIdleConns(sqliteReaders)
	return sealedstore.Database{Write: write, Read: read}, nil
}

// lock keeps a second process from the embedded databases in a directory, which are
// made for one. Setting is what names the directory.
func (n *Node) lock(dir, setting string) error {
	file, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	n.closes = append(n.closes, func() error { return unlock(file) })
	if err := flock(file); err != nil {
		return fmt.Errorf("%w: %s: another process uses %s", ErrMisconfigured, setting, dir)
	}
	return nil
}
