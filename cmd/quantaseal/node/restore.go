package node

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/quantaseal/quantaseal/commands"
	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/eventstore/anchors"
	"github.com/quantaseal/quantaseal/internal/backup"
	"github.com/quantaseal/quantaseal/internal/verify"
	"github.com/quantaseal/quantaseal/migrations"
)

// RestoreOptions say what is restored.
type RestoreOptions struct {
	From   string // the backup
	Keys   string // another backup whose keys are taken; "" = the same
	Logger *slog.Logger
	Now    func() time.Time
}

var (
	errNotEmpty = errors.New("the database holds events already: a backup is restored into an empty one")
	errForeign  = errors.New("the backup is another deployment's")
)

// Restore puts a backup into the empty databases of config, of whatever engine. The
// root key has to be there already, and the anchors where they are: neither is in a
// backup. If it breaks off, it can be asked again. No server may run.
func Restore(ctx context.Context, config Config, o RestoreOptions) (m backup.Manifest, err error) {
	if err := config.Validate(); err != nil {
		return m, fmt.Errorf("%w: %w", ErrMisconfigured, err)
	}
	n := &Node{config: config, logger: o.Logger, now: o.Now}
	defer func() { err = errors.Join(err, n.Close()) }()
	m, _, err = backup.ReadManifest(o.From)
	if err != nil {
		return m, err
	}
	keysFrom, keys := o.From, m
	if o.Keys != "" {
		keysFrom = o.Keys
		if keys, _, err = backup.ReadManifest(o.Keys); err != nil {
			return m, err
		}
	}
	custody, err := n.openKeys(ctx)
	if err != nil {
		return m, err
	}
	if !bytes.Equal(keys.LogID, m.LogID) {
		return m, errForeign
	}
	parts := map[string]*backup.Reader{}
	defer func() {
		for _, r := range parts {
			_ = r.Close()
		}
	}()
	for part, from := range map[string]struct {
		dir string
		m   *backup.Manifest
	}{backup.Keys: {keysFrom, &keys}, backup.Records: {o.From, &m}, backup.Events: {o.From, &m}} {
		if parts[part], err = openPart(ctx, custody, from.dir, part, from.m); err != nil { // all of it is there, before anything is written
			return m, err
		}
	}
	return m, n.restore(ctx, &m, parts)
}

func (n *Node) restore(ctx context.Context, m *backup.Manifest, parts map[string]*backup.Reader) error {
	s, err := n.openStores(ctx, Options{Now: n.now})
	if err != nil {
		return err
	}
	if last, err := s.events.Last(ctx); err != nil || last > 0 {
		return errors.Join(err, errNotEmpty)
	}
	if err := load(ctx, s.sealed.Keys.Write, backup.Keys, parts[backup.Keys]); err != nil {
		return fmt.Errorf("restoring the keys: %w", err)
	}
	d, err := s.sealed.LoadDeployment(ctx)
	if err != nil {
		return err
	}
	if !bytes.Equal(d.LogID[:], m.LogID) {
		return fmt.Errorf("the database is of log %s: %w", hex.EncodeToString(d.LogID[:]), errForeign)
	}
	if err := load(ctx, s.sealed.Records.Write, backup.Records, parts[backup.Records]); err != nil {
		return fmt.Errorf("restoring the sealed records: %w", err)
	}
	db, err := n.eventsForRestore(ctx)
	if err != nil {
		return err
	}
	heads, err := loadEvents(ctx, db, s.embedded, parts[backup.Events]) // last: only now the database is one
	if err != nil {
		return fmt.Errorf("restoring the events: %w", err)
	}
	if sum := heads.Sum(); !bytes.Equal(sum[:], m.Heads) {
		return fmt.Errorf("%w: its chains end elsewhere than the manifest says", backup.ErrDamaged)
	}
	return nil
}

// eventsForRestore opens a handle that writes events past the event store, which
// would give them other positions.
func (n *Node) eventsForRestore(ctx context.Context) (*sql.DB, error) {
	if n.config.DatabaseURL == "" {
		db, err := n.openFile(ctx, n.config.Data, migrations.Events, sqliteDurable)
		return db.Write, err
	}
	config, err := pgx.ParseConfig(n.config.DatabaseURL)
	if err != nil {
		return nil, fmt.Errorf("%w: QUANTASEAL_DATABASE_URL does not parse", ErrMisconfigured) // pgx would quote it
	}
	return n.openSchema(ctx, config, migrations.Events, 2)
}

// Missing opens a restored deployment, folds its read models, and returns what it
// lacks of what was anchored.
func Missing(ctx context.Context, config Config, o Options) (losses []anchors.Loss, err error) {
	o.Recovering = true
	n, err := Open(ctx, config, o)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, n.Close()) }()
	if err := n.Views.CatchUp(ctx); err != nil {
		return nil, fmt.Errorf("folding the read models: %w", err)
	}
	return n.Losses(ctx)
}

func idsOf(listed []commands.ListedTenant) []domain.TenantID {
	ids := make([]domain.TenantID, len(listed))
	for i, t := range listed {
		ids[i] = t.ID
	}
	return ids
}

// Drill restores a backup into a directory that is removed afterwards, verifies all of
// it, compares it with what was backed up, and notes the result for the record. It
// touches nothing of the deployment; servers may run.
func Drill(ctx context.Context, config Config, o RestoreOptions, tell func(verify.Report)) (tested domain.RestoreTested, err error) {
	m, digest, err := backup.ReadManifest(o.From)
	if err != nil {
		return tested, err
	}
	if err := os.MkdirAll(config.Data, 0o700); err != nil {
		return tested, err
	}
	dir, err := os.MkdirTemp(config.Data, "drill-*")
	if err != nil {
		return tested, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	there := config
	there.Data, there.DatabaseURL, there.Anchors, there.MetricsAddr, there.TraceEndpoint = dir, "", "", "", ""
	there.Mail, there.TLSCert, there.TLSKey = "outbox", "", ""
	for _, kms := range []*string{&there.KMS, &there.FormerKMS} {
		if isLocal(*kms) {
			*kms = "local:" + config.keyDir(*kms)
		}
	}
	if _, err := Restore(ctx, there, o); err != nil {
		return tested, err
	}
	n, err := Open(ctx, there, Options{Version: m.Version, Logger: o.Logger, Now: o.Now, Recovering: true})
	if err != nil {
		return tested, err
	}
	defer func() { err = errors.Join(err, n.Close()) }()
	tested = domain.RestoreTested{HeadMatch: true, RowsMatch: true, SHA3: digest}
	tenants, err := n.Identity.Tenants(ctx)
	if err != nil {
		return tested, err
	}
	heads := backup.NewHeads()
	for _, tenant := range append([]domain.TenantID{{}}, idsOf(tenants)...) {
		head, err := n.Log.Head(ctx, tenant)
		if err != nil {
			return tested, err
		}
		if head.Next == 0 {
			continue // it was added, and has not begun
		}
		heads.Set(tenant.ID, head.Next, head.Hash)
		report, err := n.Verifier.Tenant(ctx, tenant, verify.Options{})
		if err != nil {
			return tested, err
		}
		tested.HeadMatch = tested.HeadMatch && report.Chain == 0
		tested.RowsMatch = tested.RowsMatch && report.State == 0 && !report.Behind
		tell(report)
	}
	sum := heads.Sum()
	tested.HeadMatch = tested.HeadMatch && bytes.Equal(sum[:], m.Heads)
	return tested, leaveNote(config.Data, note{
		Kind: noteRestore, ID: m.ID, Manifest: hex.EncodeToString(digest[:]), SystemHead: hex.EncodeToString(m.SystemHead), SystemNext: m.SystemNext,
		Events: uint64(m.Position), HeadMatch: tested.HeadMatch, RowsMatch: tested.RowsMatch,
	})
}
