package http

import (
	"context"
	"encoding/json"

	"github.com/quantaseal/quantaseal/commands"
)

// rotateRequest may carry a new value; without one the value is sealed again
// under fresh keys.
type rotateRequest struct {
	NewPlaintext json.RawMessage `json:"new_plaintext"`
	Values       json.RawMessage `json:"values"`
	Plaintext    json.RawMessage `json:"plaintext"`
	Secret       json.RawMessage `json:"secret"`
}

func (r rotateRequest) value() (commands.Secret, error) {
	return valueOf(spelling{"new_plaintext", r.NewPlaintext}, spelling{"values", r.Values},
		spelling{"plaintext", r.Plaintext}, spelling{"secret", r.Secret})
}

// wrong implements formed.
func (r rotateRequest) wrong(context.Context, *Server, *call) error {
	value, err := r.value()
	clear(value)
	return err
}

// rotated is a rotated credential: its new entry, and the one it replaced.
type rotated struct {
	entry
	NewEntryID string `json:"new_entry_id"`
	OldEntryID string `json:"old_entry_id"`
}

// rotate handles POST /vault/rotate/{id} and POST /vault/entries/{id}/rotate.
func (s *Server) rotate(ctx context.Context, in *call, req rotateRequest) (reply[rotated], error) {
	value, err := req.value()
	if err != nil {
		return reply[rotated]{}, err
	}
	defer clear(value)
	got, err := s.Vault.Rotate(ctx, commands.Rotate{Actor: in.by, Reference: in.param("id"), Value: value})
	if err != nil {
		return reply[rotated]{}, err
	}
	e := entryOf(got.Sealed)
	return reply[rotated]{data: rotated{e, e.EntryID, got.Old.String()}, receipt: got.Receipt}, nil
}

// ended says what became of a credential.
type ended struct {
	ID           string  `json:"id"`
	Deleted      bool    `json:"deleted"`
	Active       bool    `json:"is_active"`
	RestoreUntil instant `json:"restore_until"`
}

// destroy handles DELETE /vault/{id}: the key is gone before the answer.
func (s *Server) destroy(ctx context.Context, in *call, _ none) (reply[ended], error) {
	id := in.param("id")
	receipt, err := s.Vault.Delete(ctx, commands.Delete{Actor: in.by, Reference: id})
	return reply[ended]{data: ended{ID: id, Deleted: true}, receipt: receipt}, err
}

// retire handles DELETE /vault/entries/{id}: restorable for a while.
func (s *Server) retire(ctx context.Context, in *call, _ none) (reply[ended], error) {
	id := in.param("id")
	got, err := s.Vault.Retire(ctx, commands.Retire{Actor: in.by, Reference: id})
	return reply[ended]{data: ended{ID: id, Deleted: true, RestoreUntil: instant(got.Credential.RestoreUntil)}, receipt: got.Receipt}, err
}

// restore handles POST /vault/{id}/restore.
func (s *Server) restore(ctx context.Context, in *call, _ none) (reply[entry], error) {
	got, err := s.Vault.Restore(ctx, commands.Restore{Actor: in.by, Reference: in.param("id")})
	return reply[entry]{data: entryOf(got), receipt: got.Receipt}, err
}
