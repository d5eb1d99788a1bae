package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/quantaseal/quantaseal/eventstore/chain"
)

// state is what --state keeps of a run for the next one.
type state struct {
	Version     int    `json:"version"` // 1
	LogID       string `json:"log_id"`
	Pinned      bool   `json:"pinned"` // log_id came from --log-id
	TenantID    string `json:"tenant_id"`
	TenantIndex uint32 `json:"tenant_index"`
	Seq         uint64 `json:"seq"` // of the last record verified
	HeadHash    string `json:"head_hash"`
	TimeUS      uint64 `json:"time_us"`
	PublicKey   []byte `json:"public_key"` // active after it
	KeyEpoch    uint64 `json:"key_epoch"`

	// The newest checkpoint that is known to go on from all before it.
	CheckpointSize uint64 `json:"checkpoint_size,omitempty"` // 0 = none
	CheckpointRoot string `json:"checkpoint_root,omitempty"`
}

// loadState reads what saveState wrote. It returns nil if path is empty or there
// is no such file: then the run is the first.
func loadState(path string) (*chain.Verified, error) {
	if path == "" {
		return nil, nil
	}
	data, err := os.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil
	case err != nil:
		return nil, err
	}
	v, err := decodeState(data)
	if err != nil {
		return nil, fmt.Errorf("reading the state in %s: %w", path, err)
	}
	return v, nil
}

func decodeState(data []byte) (*chain.Verified, error) {
	var s state
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&s); err != nil {
		return nil, err
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) || s.Version != 1 {
		return nil, errors.New("not a state of this version")
	}
	logID, ok1 := chain.ParseHash(s.LogID)
	hash, ok2 := chain.ParseHash(s.HeadHash)
	tenant, ok3 := chain.ParseUUID(s.TenantID)
	key, err := chain.ParsePublicKey(s.PublicKey)
	if !ok1 || !ok2 || !ok3 || err != nil || s.KeyEpoch == 0 || s.Seq+1 == 0 {
		return nil, errors.New("a field is damaged")
	}
	checkpoint := chain.Checkpoint{Size: s.CheckpointSize}
	if s.CheckpointSize > 0 {
		var ok bool
		if checkpoint.Root, ok = chain.ParseHash(s.CheckpointRoot); !ok {
			return nil, errors.New("a field is damaged")
		}
	}
	return &chain.Verified{
		LogID: logID, Pinned: s.Pinned, Tenant: tenant,
		State: chain.State{
			Head: chain.Head{Next: s.Seq + 1, Hash: hash, TimeUS: s.TimeUS},
			Key:  key, KeyEpoch: s.KeyEpoch, TenantIndex: s.TenantIndex,
		},
		Checkpoint: checkpoint,
	}, nil
}

// saveState replaces the file whole or not at all.
func saveState(path string, v chain.Verified) error {
	s := state{
		Version: 1, LogID: v.LogID.String(), Pinned: v.Pinned, TenantID: chain.FormatUUID(v.Tenant), TenantIndex: v.State.TenantIndex,
		Seq: v.State.Head.Next - 1, HeadHash: v.State.Head.Hash.String(), TimeUS: v.State.Head.TimeUS,
		PublicKey: v.State.Key.Bytes(), KeyEpoch: v.State.KeyEpoch,
	}
	if v.Checkpoint.Size > 0 {
		s.CheckpointSize, s.CheckpointRoot = v.Checkpoint.Size, v.Checkpoint.Root.String()
	}
	data, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return fmt.Errorf("encoding the state: %w", err)
	}
	if err := replace(path, append(data, '\n')); err != nil {
		return fmt.Errorf("writing the state: %w", err)
	}
	return nil
}

func replace(path string, data []byte) (err error) {
	file, err := os.CreateTemp(filepath.Dir(path), ".qsverify-*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = os.Remove(file.Name())
		}
	}()
	if _, err = file.Write(data); err == nil {
		err = file.Sync()
	}
	if err = errors.Join(err, file.Close()); err != nil {
		return err
	}
	return os.Rename(file.Name(), path)
}
