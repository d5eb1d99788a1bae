package http

import (
	"encoding/json"
	"strconv"

	"github.com/quantaseal/quantaseal/commands"
	"github.com/quantaseal/quantaseal/domain"
)

// entry is a credential without its value, under every name that published
// clients read.
type entry struct {
	CredentialID string          `json:"credential_id"`
	ID           string          `json:"id"`
	EntryID      string          `json:"entry_id"`
	Name         string          `json:"name"`
	Type         string          `json:"credential_type"`
	Class        string          `json:"credential_class"`
	Algorithm    string          `json:"algorithm"`
	Environment  string          `json:"environment"`
	Version      uint16          `json:"version"`
	Active       bool            `json:"is_active"`
	CreatedAt    instant         `json:"created_at"`
	UpdatedAt    instant         `json:"updated_at"`
	AccessedAt   instant         `json:"last_accessed_at"`
	TTLExpiresAt instant         `json:"ttl_expires_at"`
	ExpiresAt    instant         `json:"expires_at"`
	RestoreUntil instant         `json:"restore_until"`
	Metadata     json.RawMessage `json:"metadata"`
	ETag         string          `json:"etag"`
}

func entryOf(s commands.Sealed) entry {
	c := s.Credential
	return entry{
		CredentialID: c.ID.Handle(), ID: c.Entry().String(), EntryID: c.Entry().String(),
		Name: c.Name, Type: c.Type, Class: domain.Classify(c.Type), Algorithm: domain.SealAlgorithm,
		Environment: string(c.Environment), Version: c.Version, Active: !c.Ended && c.RestoreUntil == 0,
		CreatedAt: instant(s.Created), UpdatedAt: instant(s.Created),
		TTLExpiresAt: instant(c.ExpiresAt), ExpiresAt: instant(c.ExpiresAt), RestoreUntil: instant(c.RestoreUntil),
		Metadata: metadataOf(c.Metadata), ETag: etag(c.Version, c.RecordHash),
	}
}

func metadataOf(raw json.RawMessage) json.RawMessage {
	if len(raw) == 0 {
		return json.RawMessage("{}")
	}
	return raw
}

// etag changes whenever the sealed value or its keys do.
func etag(version uint16, hash domain.Digest) string {
	return `"` + strconv.Itoa(int(version)) + "-" + hash.String()[:16] + `"`
}
