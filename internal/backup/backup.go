// Package backup is the format of backups, the same for every engine: what one wrote
// another can read.
//
// A backup is a directory with a manifest and three parts: events, records and keys.
// Each part is a stream of rows, encrypted under a key of its own that the key service
// wraps (DARE 2.0, AES-256-GCM). What is worth nothing without the keys may be kept for
// long, and the keys are kept briefly: how long a destroyed key can come back is how
// long they are. Anchors and the root key belong in no backup of these.
//
// Its one law: a backup that can be opened is whole. A part that was cut, changed or
// exchanged does not decrypt, and none is believed that the manifest does not name.
package backup

import (
	"bytes"
	"crypto/sha3"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// ErrDamaged reports a backup that this package did not write, or not so.
var ErrDamaged = errors.New("backup: damaged, or no backup")

// The parts.
const (
	Events  = "events"
	Records = "records"
	Keys    = "keys"
)

// Names of a backup's files.
const (
	manifestName = "manifest.json"
	partSuffix   = ".qsb"
	format       = 1
)

// Manifest says what a backup holds. It is not secret.
type Manifest struct {
	Format     int             `json:"format"`
	ID         string          `json:"id"`
	CreatedAt  time.Time       `json:"created_at"`
	Version    string          `json:"version"` // of the program
	Engine     string          `json:"engine"`
	Origin     string          `json:"origin"`
	LogID      []byte          `json:"log_id"`
	Root       []byte          `json:"root_public_key"`
	Position   int64           `json:"position"` // of the last event; as many there are
	Chains     int             `json:"chains"`
	Heads      []byte          `json:"heads_sha3_256"` // of Heads.Sum
	SystemHead []byte          `json:"system_head"`    // hash of the system chain's last event
	SystemNext uint64          `json:"system_next"`    // and how many it has
	Parts      map[string]Part `json:"parts"`
}

// Part is one file of a backup.
type Part struct {
	Key   []byte `json:"wrapped_key"`
	Rows  uint64 `json:"rows"`
	Bytes int64  `json:"bytes"`
	SHA3  []byte `json:"sha3_256"` // of the file
}

// Path returns where a part is in the backup at dir.
func Path(dir, part string) string { return filepath.Join(dir, part+partSuffix) }

// KeyContext is the context under which the key service wraps a part's key.
func KeyContext(logID, id, part string) map[string]string {
	return map[string]string{"app": "quantaseal", "log_id": logID, "purpose": "backup", "backup": id, "part": part}
}

// WriteManifest writes m into dir, durably, and returns its SHA3-256.
func WriteManifest(dir string, m Manifest) (digest [32]byte, err error) {
	m.Format = format
	data, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return digest, err
	}
	file, err := os.OpenFile(filepath.Join(dir, manifestName), os.O_CREATE|os.O_WRONLY|os.O_EXCL, 0o600) //nolint:gosec // where the operator says
	if err != nil {
		return digest, err
	}
	_, err = file.Write(data)
	return sha3.Sum256(data), errors.Join(err, file.Sync(), file.Close())
}

// ReadManifest reads the manifest of the backup at dir, with its SHA3-256.
func ReadManifest(dir string) (m Manifest, digest [32]byte, err error) {
	data, err := os.ReadFile(filepath.Join(dir, manifestName)) //nolint:gosec // likewise
	if err != nil {
		return m, digest, err
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&m); err != nil {
		return m, digest, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	if m.Format != format || m.ID == "" || len(m.LogID) != 32 || len(m.Heads) != 32 {
		return m, digest, fmt.Errorf("%w: format %d", ErrDamaged, m.Format)
	}
	return m, sha3.Sum256(data), nil
}

// SyncDir makes what was created in dir durable.
func SyncDir(dir string) error {
	d, err := os.Open(dir) //nolint:gosec // likewise
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// Prune removes what is older than its retention from the backups in dir: the part of
// the keys after keepKeys, and the whole backup after keep; zero keeps for ever. The
// newest backup stays as it is. It returns what it removed.
func Prune(dir string, now time.Time, keep, keepKeys time.Duration) (removed []string, err error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	type aged struct {
		path string
		age  time.Duration
	}
	var all []aged
	newest := -1
	for _, e := range entries {
		path := filepath.Join(dir, e.Name())
		m, _, err := ReadManifest(path)
		if err != nil || m.ID != e.Name() {
			continue // no backup, or a damaged one, which nobody but a person removes
		}
		all = append(all, aged{path, now.Sub(m.CreatedAt)})
		if newest < 0 || all[len(all)-1].age < all[newest].age {
			newest = len(all) - 1
		}
	}
	for i, b := range all {
		switch keys := Path(b.path, Keys); {
		case i == newest:
		case keep > 0 && b.age > keep:
			removed, err = append(removed, b.path), errors.Join(err, os.RemoveAll(b.path))
		case keepKeys > 0 && b.age > keepKeys:
			if gone := os.Remove(keys); gone == nil {
				removed = append(removed, keys)
			} else if !errors.Is(gone, os.ErrNotExist) {
				err = errors.Join(err, gone)
			}
		}
	}
	return removed, err
}
