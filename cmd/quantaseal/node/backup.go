package node

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/google/uuid"

	"github.com/quantaseal/quantaseal/eventstore/table"
	"github.com/quantaseal/quantaseal/internal/backup"
	"github.com/quantaseal/quantaseal/migrations"
)

// BackupOptions say where a backup goes, and how long backups there are kept.
type BackupOptions struct {
	Dir      string        // holds one directory for each backup
	Keep     time.Duration // of whole backups; 0 = for ever
	KeepKeys time.Duration // of the keys' part; 0 = for ever
	Version  string
	Logger   *slog.Logger
	Now      func() time.Time
}

var errNoRootKey = errors.New("there is no root key: without the one of the deployment a backup is worth nothing")

// openKeys opens the key management of a deployment that there is, which makes no new key.
func (n *Node) openKeys(ctx context.Context) (custody, error) {
	for _, kms := range []string{n.config.KMS, n.config.FormerKMS} {
		if !isLocal(kms) {
			continue
		}
		if _, err := os.Stat(filepath.Join(n.config.keyDir(kms), "kms.qsk")); err != nil {
			return custody{}, fmt.Errorf("%w: %w", errNoRootKey, err)
		}
	}
	return n.openCustody(ctx)
}

// decrypt unwraps with whichever holds blob: a backup may be from before a move.
func (c custody) decrypt(ctx context.Context, kctx map[string]string, blob []byte) ([]byte, error) {
	if c.former != nil && !c.kms.Holds(blob) {
		return c.former.Decrypt(ctx, kctx, blob)
	}
	return c.kms.Decrypt(ctx, kctx, blob)
}

// Backup backs the deployment of config up while its servers run, reads the backup
// again, and puts it on the record, or leaves a note for the server that holds the
// directory. It returns where the backup is. What is older than its retention is
// removed after that.
func Backup(ctx context.Context, config Config, o BackupOptions) (path string, err error) {
	if err := config.Validate(); err != nil {
		return "", fmt.Errorf("%w: %w", ErrMisconfigured, err)
	}
	n := &Node{config: config, logger: o.Logger, now: o.Now}
	defer func() { err = errors.Join(err, n.Close()) }()
	keys, err := n.openKeys(ctx)
	if err != nil {
		return "", err
	}
	id := o.Now().UTC().Format("20060102T150405Z-") + uuid.NewString()[:8]
	path = filepath.Join(o.Dir, id)
	partial := path + ".partial"
	if err := os.MkdirAll(partial, 0o700); err != nil {
		return "", err
	}
	m, err := n.write(ctx, keys, partial, backup.Manifest{ID: id, CreatedAt: o.Now().UTC(), Version: o.Version})
	if err != nil {
		return "", errors.Join(err, os.RemoveAll(partial))
	}
	digest, err := backup.WriteManifest(partial, m)
	if err == nil {
		err = errors.Join(backup.SyncDir(partial), os.Rename(partial, path), backup.SyncDir(o.Dir))
	}
	if err != nil {
		return "", fmt.Errorf("ending a backup: %w", err)
	}
	if err := leaveNote(config.Data, note{
		Kind: noteBackup, ID: id, Manifest: hex.EncodeToString(digest[:]), SystemHead: hex.EncodeToString(m.SystemHead), SystemNext: m.SystemNext, Events: uint64(m.Position),
	}); err != nil {
		return path, fmt.Errorf("noting a backup: %w", err)
	}
	removed, err := backup.Prune(o.Dir, o.Now(), o.Keep, o.KeepKeys)
	for _, r := range removed {
		o.Logger.InfoContext(ctx, "removed what was kept long enough", "path", r)
	}
	return path, err
}

// write writes the parts of a backup, and reads them again.
func (n *Node) write(ctx context.Context, keys custody, dir string, m backup.Manifest) (_ backup.Manifest, err error) {
	s, err := openSource(ctx, &n.config)
	if err != nil {
		return m, err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	m.Engine, m.Parts = "sqlite", map[string]backup.Part{}
	if s.schema {
		m.Engine = "postgres"
	}
	row := s.sets[migrations.Keys].QueryRowContext(ctx, `SELECT origin, root_public_key, log_id FROM `+s.table(migrations.Keys, "deployment"))
	if err := row.Scan(&m.Origin, &m.Root, &m.LogID); err != nil {
		return m, fmt.Errorf("reading whose deployment this is: %w", err)
	}
	for _, part := range []string{backup.Keys, backup.Records, backup.Events} { // the keys first: what is destroyed waits for it
		if m.Parts[part], err = n.writePart(ctx, keys, s, dir, part, &m); err != nil {
			return m, fmt.Errorf("backing up the %s: %w", part, err)
		}
		s.release(migrations.Set(part))
	}
	return m, readAgain(ctx, keys, dir, &m)
}

func (n *Node) writePart(ctx context.Context, keys custody, s *source, dir, part string, m *backup.Manifest) (p backup.Part, err error) {
	key, wrapped, err := keys.kms.GenerateDataKey(ctx, backup.KeyContext(hex.EncodeToString(m.LogID), m.ID, part))
	if err != nil {
		return p, err
	}
	defer clear(key)
	w, err := backup.Create(dir, part, key)
	if err != nil {
		return p, err
	}
	defer w.Abandon()
	if part == backup.Events {
		err = dumpEvents(ctx, s, w)
	}
	for _, t := range savedTables {
		if t.part == part && err == nil {
			err = t.dump(ctx, s.sets[t.set], s.table(t.set, t.name), w)
		}
	}
	if err != nil {
		return p, err
	}
	p, err = w.Finish()
	p.Key = wrapped
	return p, err
}

func dumpEvents(ctx context.Context, s *source, w *backup.Writer) error {
	rows, err := s.sets[migrations.Events].QueryContext(ctx, `SELECT `+table.Columns+` FROM `+s.table(migrations.Events, "events")+` ORDER BY pos`)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }() // Err tells what went wrong
	for rows.Next() {
		var r table.Row
		if err := rows.Scan(r.Fields()...); err != nil {
			return err
		}
		if err := w.Row(eventKind, backup.Number(r.Pos), r.Record.Header, r.Record.Payload, r.Record.Detached, r.Record.Signature); err != nil {
			return err
		}
	}
	return rows.Err()
}

// openPart opens a part of the backup at dir.
func openPart(ctx context.Context, keys custody, dir, part string, m *backup.Manifest) (*backup.Reader, error) {
	p, ok := m.Parts[part]
	if !ok {
		return nil, fmt.Errorf("%w: it has no %s", backup.ErrDamaged, part)
	}
	key, err := keys.decrypt(ctx, backup.KeyContext(hex.EncodeToString(m.LogID), m.ID, part), p.Key)
	if err != nil {
		return nil, fmt.Errorf("opening the %s of a backup: is this the deployment's root key? %w", part, err)
	}
	defer clear(key)
	return backup.Open(dir, part, p, key)
}

// readAgain reads a backup from the disk as a restore does, sees to it that every
// chain hangs together, and fills in where they end.
func readAgain(ctx context.Context, keys custody, dir string, m *backup.Manifest) error {
	heads := backup.NewHeads()
	for _, part := range []string{backup.Keys, backup.Records, backup.Events} {
		r, err := openPart(ctx, keys, dir, part, m)
		if err != nil {
			return err
		}
		err = func() error {
			defer func() { _ = r.Close() }()
			for {
				kind, fields, err := r.Next()
				if errors.Is(err, io.EOF) {
					return nil
				}
				if err == nil && part == backup.Events {
					position, record, bad := recordOf(kind, fields)
					if err = bad; err == nil {
						err, m.Position = heads.Add(position, record), position
					}
				}
				if err != nil {
					return fmt.Errorf("reading the %s of a backup again: %w", part, err)
				}
			}
		}()
		if err != nil {
			return err
		}
	}
	next, hash := heads.System()
	sum := heads.Sum()
	m.Chains, m.Heads, m.SystemNext, m.SystemHead = heads.Chains(), sum[:], next, hash[:]
	return nil
}
