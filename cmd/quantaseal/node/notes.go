package node

import (
	"context"
	"crypto/sha3"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/eventstore"
	"github.com/quantaseal/quantaseal/eventstore/anchors"
	"github.com/quantaseal/quantaseal/internal/backup"
)

// A note tells a server what a command did that could not append, since the server
// holds the directory. It lies among the deployment's files, where only its operator
// can put it.
type note struct {
	Kind       string `json:"kind"`
	ID         string `json:"backup"`
	Manifest   string `json:"manifest_sha3_256"`
	SystemHead string `json:"system_head"`
	SystemNext uint64 `json:"system_next"`
	Events     uint64 `json:"events"`
	HeadMatch  bool   `json:"head_match,omitempty"`
	RowsMatch  bool   `json:"rows_match,omitempty"`
}

const (
	noteBackup  = "backup"
	noteRestore = "restore_test"
	notesDir    = "notes"
)

// leaveNote leaves a note in a data directory, durably.
func leaveNote(data string, what note) error {
	dir := filepath.Join(data, notesDir)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	text, err := json.Marshal(what)
	if err != nil {
		return err
	}
	file, err := os.CreateTemp(dir, "new-*")
	if err != nil {
		return err
	}
	_, err = file.Write(text)
	err = errors.Join(err, file.Sync(), file.Close())
	if err == nil {
		err = os.Rename(file.Name(), filepath.Join(dir, what.Kind+"-"+what.ID+".json"))
	}
	return errors.Join(err, backup.SyncDir(dir))
}

// takeNotes puts what notes say on the record, each once, and removes them. One that
// is not about this log is told once and set aside: nothing it says gets any truer.
func (n *Node) takeNotes(ctx context.Context) error {
	files, _ := filepath.Glob(filepath.Join(n.config.Data, notesDir, "*.json")) // the pattern is well-formed
	var errs []error
	for _, file := range files {
		err := n.takeNote(ctx, file)
		if errors.Is(err, fs.ErrNotExist) {
			continue // another pass has taken it
		}
		if errors.Is(err, errStrangeNote) {
			err = errors.Join(err, os.Rename(file, file+".strange"))
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("taking the note %s: %w", filepath.Base(file), err))
		}
	}
	return errors.Join(errs...)
}

// errStrangeNote refuses a note that is not about a backup of this log.
var errStrangeNote = errors.New("it is not about a backup of this log")

func (n *Node) takeNote(ctx context.Context, file string) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	var what note
	if err := json.Unmarshal(text, &what); err != nil {
		return errors.Join(errStrangeNote, err)
	}
	var manifest, head domain.Digest
	if copy(manifest[:], unhex(what.Manifest)) != len(manifest) || copy(head[:], unhex(what.SystemHead)) != len(head) || what.SystemNext == 0 {
		return errStrangeNote
	}
	there, err := n.Log.LinkAt(ctx, domain.TenantID{}, what.SystemNext-1)
	if errors.Is(err, eventstore.ErrNotFound) || err == nil && domain.Digest(there.Hash) != head {
		return errStrangeNote
	}
	if err != nil {
		return err
	}
	fact := eventstore.Fact{Aggregate: domain.DirectoryAggregate, EventID: domain.DerivedID(sha3.Sum256([]byte("note " + what.Kind + " " + what.ID)))}
	switch what.Kind {
	case noteBackup:
		e := domain.BackupCompleted{ChainHead: head, Encrypted: true, Events: what.Events, SHA3: manifest}
		if status, err := n.Anchors.Status(ctx); err == nil { // else nothing is anchored yet
			e.CheckpointSize = status.Checkpoint.Size
		}
		fact.Event = e
	case noteRestore:
		fact.Event = domain.RestoreTested{HeadMatch: what.HeadMatch, RowsMatch: what.RowsMatch, SHA3: manifest}
	default:
		return errStrangeNote
	}
	by := domain.Actor{Kind: domain.ActorOperator, Request: requestID()}
	if _, err := n.Log.Append(ctx, by, fact); err != nil && !errors.Is(err, eventstore.ErrRepeated) {
		return err
	}
	return os.Remove(file)
}

func unhex(s string) []byte {
	b, _ := hex.DecodeString(s) // what is none is too short
	return b
}

// RecordNotes puts what a command noted on the record, if no server holds the
// directory; else that one does.
func RecordNotes(ctx context.Context, config Config, o Options) (recorded bool, err error) {
	n, err := Open(ctx, config, o)
	if errors.Is(err, ErrMisconfigured) && config.DatabaseURL == "" {
		return false, nil // a server has it
	}
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, n.Close()) }()
	if n.Log.Halted() != nil {
		return false, nil
	}
	if err := n.takeNotes(ctx); err != nil {
		return true, err
	}
	if err := n.Anchors.Pass(ctx); err != nil && !errors.Is(err, anchors.ErrMoved) { // a server that runs anchors it
		return true, err
	}
	return true, nil
}
