package client

import (
	"context"
	"encoding/json"
	"iter"
	"net/http"
	"net/url"
	"time"
)

// Entry is a credential without its value.
type Entry struct {
	CredentialID string          `json:"credential_id"` // for life
	EntryID      string          `json:"entry_id"`      // of the current version
	Name         string          `json:"name"`
	Type         string          `json:"credential_type"`
	Class        string          `json:"credential_class"`
	Algorithm    string          `json:"algorithm"`
	Environment  string          `json:"environment"`
	Version      int             `json:"version"`
	Active       bool            `json:"is_active"`
	CreatedAt    time.Time       `json:"created_at"`
	UpdatedAt    time.Time       `json:"updated_at"`
	AccessedAt   *time.Time      `json:"last_accessed_at"` // nil = never
	ExpiresAt    *time.Time      `json:"expires_at"`       // nil = never
	RestoreUntil *time.Time      `json:"restore_until"`    // nil = it was not retired
	Metadata     json.RawMessage `json:"metadata"`
	Receipt      Receipt         `json:"-"` // of the command that answered with it
}

// Seal asks for a value to be kept.
type Seal struct {
	Name     string          `json:"name"`
	Type     string          `json:"credential_type,omitempty"` // "" = generic
	Values   json.RawMessage `json:"values"`                    // a JSON object
	Metadata json.RawMessage `json:"metadata,omitempty"`
	TTLDays  int             `json:"ttl_days,omitempty"` // 0 = as the tenant has it
	// IdempotencyKey makes a repeat by another process the same request; "" = one of
	// this call's own.
	IdempotencyKey string `json:"-"`
}

// Seal seals a value and returns its entry. It is sealed once, however often an
// answer is lost.
func (c *Client) Seal(ctx context.Context, s Seal) (Entry, error) {
	key := s.IdempotencyKey
	if key == "" {
		key = newKey()
	}
	return c.entry(ctx, request{method: http.MethodPost, path: "/vault/seal", body: s, key: key})
}

func (c *Client) entry(ctx context.Context, r request) (e Entry, err error) {
	a, err := c.call(ctx, r, &e)
	e.Receipt = a.receipt()
	return e, err
}

func (a answer) receipt() Receipt {
	if a.Meta.Audit == nil {
		return Receipt{}
	}
	return *a.Meta.Audit
}

// Value is a credential with its value. The caller wipes it.
type Value struct {
	Entry
	Values json.RawMessage `json:"values"` // a JSON object
}

// Unseal reads a credential's current value, by its handle or any id that it had. It
// is on the record before it is here.
func (c *Client) Unseal(ctx context.Context, id string) (v Value, err error) {
	a, err := c.call(ctx, request{method: http.MethodGet, path: "/vault/" + url.PathEscape(id)}, &v)
	v.Receipt = a.receipt()
	return v, err
}

// List yields credentials, the newest first, page by page. inactive adds those that
// cannot be used. It ends with the first error.
func (c *Client) List(ctx context.Context, inactive bool) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		query := url.Values{"limit": {"200"}}
		if inactive {
			query.Set("include_inactive", "true")
		}
		for {
			var page []Entry
			a, err := c.call(ctx, request{method: http.MethodGet, path: "/vault/list?" + query.Encode()}, &page)
			if err != nil {
				yield(Entry{}, err)
				return
			}
			for _, e := range page {
				e.Receipt = a.receipt()
				if !yield(e, nil) {
					return
				}
			}
			if a.Meta.Next == "" {
				return
			}
			query.Set("cursor", a.Meta.Next)
		}
	}
}

// Rotate seals a credential's value under fresh keys, or a new value if values is
// not nil. Every id that the credential had leads to the new version. A lost answer
// may leave one version more, with the same value.
func (c *Client) Rotate(ctx context.Context, id string, values json.RawMessage) (Entry, error) {
	body := map[string]json.RawMessage{}
	if values != nil {
		body["values"] = values
	}
	return c.entry(ctx, request{method: http.MethodPost, path: "/vault/rotate/" + url.PathEscape(id), body: body})
}

// Delete destroys a credential: its key is gone when this returns.
func (c *Client) Delete(ctx context.Context, id string) (Receipt, error) {
	a, err := c.call(ctx, request{method: http.MethodDelete, path: "/vault/" + url.PathEscape(id), once: true}, nil)
	return a.receipt(), err
}

// Retire takes a credential out of use. It can be restored for 30 days and is then
// destroyed.
func (c *Client) Retire(ctx context.Context, id string) (Receipt, error) {
	a, err := c.call(ctx, request{method: http.MethodDelete, path: "/vault/entries/" + url.PathEscape(id), once: true}, nil)
	return a.receipt(), err
}

// Restore takes back that a credential was retired.
func (c *Client) Restore(ctx context.Context, id string) (Entry, error) {
	return c.entry(ctx, request{method: http.MethodPost, path: "/vault/" + url.PathEscape(id) + "/restore", once: true})
}
