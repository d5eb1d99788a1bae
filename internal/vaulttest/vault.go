// Package vaulttest starts what tests need: a whole vault behind real HTTP, a
// throw-away PostgreSQL, and the import rules of the tree.
//
// Its one law: nothing in it stands in for a part of the product.
package vaulttest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/quantaseal/quantaseal/cmd/quantaseal/node"
	"github.com/quantaseal/quantaseal/internal/apitest"
	"github.com/quantaseal/quantaseal/internal/auth"
)

// Password is what every account of a test has. Tests look for it where it must not be.
const Password = "marker-password-7Rk2"

// Unlimited is a rate limit that no test comes near. Every answer shows it.
const Unlimited = 1_000_000

// cheapArgon keeps tests fast; the product's own cost is a setting of auth.
var cheapArgon = auth.Argon{MemoryKiB: 64, Passes: 1, Lanes: 1}

// Vault is a running node with an address.
type Vault struct {
	*node.Node
	URL    string
	Data   string
	Config node.Config
	Logs   *Buffer

	stop func()
}

// Engines runs f once for each engine, as subtests.
func Engines(t *testing.T, f func(t *testing.T, v *Vault)) {
	t.Run("sqlite", func(t *testing.T) { f(t, New(t)) })
	t.Run("postgres", func(t *testing.T) { f(t, NewPostgres(t)) })
}

// New starts a vault on the embedded default.
func New(t testing.TB) *Vault { return Start(t, node.Config{}) }

// NewPostgres starts a vault on a fresh PostgreSQL database.
func NewPostgres(t testing.TB) *Vault { return Start(t, node.Config{DatabaseURL: Postgres(t)}) }

// Start starts a vault as config says, with what config leaves out as in the
// embedded default. It stops with the test.
func Start(t testing.TB, config node.Config) *Vault {
	t.Helper()
	return StartAt(t, config, time.Now)
}

// StartAt is Start with another clock. Its reconciler passes at the start and then
// rests: a test makes its passes itself.
func StartAt(t testing.TB, config node.Config, now func() time.Time) *Vault {
	t.Helper()
	return StartWith(t, config, node.Options{Now: now})
}

// StartWith is StartAt with whatever else options say.
func StartWith(t testing.TB, config node.Config, options node.Options) *Vault {
	t.Helper()
	config.Addr = "127.0.0.1:0"
	if config.Data == "" {
		config.Data = t.TempDir()
	}
	if config.KMS == "" {
		config.KMS = "local"
	}
	if config.RateLimit == 0 {
		config.RateLimit = Unlimited
	}
	if config.AuthRateLimit == 0 {
		config.AuthRateLimit = Unlimited
	}
	v := &Vault{Data: config.Data, Config: config, Logs: &Buffer{}}
	logger := slog.New(slog.NewTextHandler(v.Logs, nil))
	ctx, cancel := context.WithCancel(context.Background())
	options.Version, options.Logger, options.Pause, options.Jobs = "test", logger, time.Hour, time.Hour
	if options.Argon == (auth.Argon{}) {
		options.Argon = cheapArgon
	}
	if options.Hold == 0 {
		options.Hold = time.Millisecond // nobody measures
	}
	n, err := node.Open(ctx, config, options)
	if err != nil {
		cancel()
		t.Fatalf("opening a node: %v\n%s", err, v.Logs)
	}
	listener, err := net.Listen("tcp", config.Addr)
	if err != nil {
		cancel()
		t.Fatal(err)
	}
	v.Node, v.URL = n, "http://"+listener.Addr().String()
	ran := make(chan error, 1)
	go func() { ran <- n.Run(ctx, listener) }()
	stopped := false
	v.stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		if err := <-ran; err != nil {
			t.Errorf("running a node: %v", err)
		}
		if err := n.Close(); err != nil {
			t.Errorf("closing a node: %v", err)
		}
	}
	t.Cleanup(v.stop)
	return v
}

// Stop ends the vault before the test does. What it kept stays in Data.
func (v *Vault) Stop() { v.stop() }

// Answer is what a request got.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte
}

// Into reads the data member of the answer into dst.
func (a Answer) Into(t testing.TB, dst any) {
	t.Helper()
	envelope := struct {
		Data any `json:"data"`
	}{dst}
	if err := json.Unmarshal(a.Body, &envelope); err != nil {
		t.Fatalf("reading %s: %v", a.Body, err)
	}
}

// Receipt returns meta.audit of the answer as SEQ:HASH, or "" if it has none.
func (a Answer) Receipt(t testing.TB) string {
	t.Helper()
	var envelope struct {
		Meta struct {
			Audit *struct {
				Seq       uint64 `json:"seq"`
				EventHash string `json:"event_hash"`
			} `json:"audit"`
		} `json:"meta"`
	}
	if err := json.Unmarshal(a.Body, &envelope); err != nil {
		t.Fatalf("reading %s: %v", a.Body, err)
	}
	if envelope.Meta.Audit == nil {
		return ""
	}
	return fmt.Sprintf("%d:%s", envelope.Meta.Audit.Seq, envelope.Meta.Audit.EventHash)
}

// caller keeps a connection for each of many callers at once: to open one for each
// request would cost more than most requests, and run out of ports.
var caller = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}}

// Client sends requests to a vault as one caller.
type Client struct {
	URL    string
	Key    string // API key or access token; empty = nobody
	Header http.Header
}

// As returns a client that presents key.
func (v *Vault) As(key string) *Client { return &Client{URL: v.URL, Key: key} }

// Do sends a request and returns the answer, whatever it is. body is sent as it
// is if it is a string, and as JSON otherwise; nil sends none.
func (c *Client) Do(t testing.TB, method, path string, body any) Answer {
	t.Helper()
	a, err := c.Try(t.Context(), method, path, body)
	if err != nil {
		t.Fatalf("%s %s: %v", method, path, err)
	}
	return a
}

// Try is Do for callers that expect the server to go away. An answer that is not as
// the API's description says is an error too.
func (c *Client) Try(ctx context.Context, method, path string, body any) (Answer, error) {
	var sent []byte
	switch b := body.(type) {
	case nil:
	case string:
		sent = []byte(b)
	default:
		var err error
		if sent, err = json.Marshal(b); err != nil {
			return Answer{}, err
		}
	}
	r, err := http.NewRequestWithContext(ctx, method, c.URL+path, bytes.NewReader(sent))
	if err != nil {
		return Answer{}, err
	}
	if c.Key != "" {
		r.Header.Set("Authorization", "Bearer "+c.Key)
	}
	if len(sent) > 0 {
		r.Header.Set("Content-Type", "application/json")
	}
	for name, values := range c.Header {
		r.Header[name] = values
	}
	response, err := caller.Do(r)
	if err != nil {
		return Answer{}, err
	}
	defer func() { _ = response.Body.Close() }()
	got, err := io.ReadAll(response.Body)
	if err == nil {
		err = apitest.Check(method, path, sent, response.StatusCode, response.Header, got)
	}
	return Answer{response.StatusCode, response.Header, got}, err
}

// Must is Do for a request that has to succeed with status.
func (c *Client) Must(t testing.TB, status int, method, path string, body any) Answer {
	t.Helper()
	a := c.Do(t, method, path, body)
	if a.Status != status {
		t.Fatalf("%s %s: got %d %s, want %d", method, path, a.Status, a.Body, status)
	}
	return a
}

// Account is a registered tenant with its owner's access token and an API key.
type Account struct {
	*Client          // presents the API key
	Token    *Client // presents the access token
	Email    string
	TenantID string
	UserID   string
	Refresh  string
	KeyID    string
}

// Register makes a tenant, named after the test, with an API key of all scopes.
func (v *Vault) Register(t testing.TB, email string) *Account {
	t.Helper()
	var session struct {
		Token    string `json:"token"`
		Refresh  string `json:"refresh_token"`
		TenantID string `json:"tenant_id"`
		UserID   string `json:"user_id"`
	}
	v.As("").Must(t, http.StatusCreated, http.MethodPost, "/api/v2/auth/register",
		map[string]string{"email": email, "password": Password, "tenant_name": "Tenant of " + t.Name()}).Into(t, &session)
	a := &Account{Token: v.As(session.Token), Email: email, TenantID: session.TenantID, UserID: session.UserID, Refresh: session.Refresh}
	var key struct {
		ID     string `json:"id"`
		Secret string `json:"secret"`
	}
	a.Token.Must(t, http.StatusCreated, http.MethodPost, "/api/v2/security/api-keys", map[string]any{"name": "test"}).Into(t, &key)
	a.Client, a.KeyID = v.As(key.Secret), key.ID
	return a
}

// Entry is a credential as answers show it.
type Entry struct {
	CredentialID string          `json:"credential_id"`
	ID           string          `json:"id"`
	EntryID      string          `json:"entry_id"`
	Name         string          `json:"name"`
	Type         string          `json:"credential_type"`
	Version      int             `json:"version"`
	Active       bool            `json:"is_active"`
	Values       json.RawMessage `json:"values"`
	NewEntryID   string          `json:"new_entry_id"`
	OldEntryID   string          `json:"old_entry_id"`
}

// Seal seals value, a JSON object, under a name.
func (a *Account) Seal(t testing.TB, name, value string) Entry {
	t.Helper()
	var e Entry
	a.Must(t, http.StatusCreated, http.MethodPost, "/api/v2/vault/seal",
		`{"name":"`+name+`","credential_type":"api_key","values":`+value+`}`).Into(t, &e)
	return e
}
