// Package client calls a QuantaSeal server. It is the module's public SDK: it
// stands alone, on the standard library, and follows the API's description, which
// every server serves at /openapi.json.
//
//	c, err := client.New("https://vault.example.com", []byte(os.Getenv("QUANTASEAL_API_KEY")))
//	entry, err := c.Seal(ctx, client.Seal{Name: "db", Values: []byte(`{"password":"…"}`)})
//	value, err := c.Unseal(ctx, entry.CredentialID)
//
// # Retries
//
// What may pass is tried again, up to [Client].Attempts times: no connection, 429,
// 500, 502, 503 and 504. The server says how long to wait, and is believed; else the
// wait doubles, with jitter. A server records nothing when it answers 5xx. What
// creates carries an Idempotency-Key, the same on every try, so that an answer that
// was lost on the way makes no second one. What deletes is not sent again once it may
// have arrived.
//
// # Secrets
//
// Values and credentials are bytes, for the caller to wipe. No error holds one.
//
// Its one law: it sends a credential to the one server that it was made for, by TLS
// unless that is this machine, and follows no redirect.
package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Client calls one server as one caller. Make it with New; change its exported
// fields before its first use. It is safe for concurrent use.
type Client struct {
	// Attempts is how often a request is sent at most; at least 1.
	Attempts int
	// Environment is live or test for a caller with an access token; "" = live. An API
	// key has its own.
	Environment string
	// HTTP sends requests. Its CheckRedirect does not count.
	HTTP *http.Client

	base       string
	credential []byte
}

// Defaults of a Client.
const (
	DefaultAttempts = 4
	defaultTimeout  = 30 * time.Second
)

// maxAnswer is the longest answer that is read, in bytes.
const maxAnswer = 64 << 20

// userAgent must not look like one of the published clients': the server would
// answer in their dialects.
const userAgent = "quantaseal-client/2"

// New returns a client of the server at an origin, such as https://vault.example.com,
// that presents an API key or access token; nil presents none. It keeps credential.
// It refuses an address that is not https, unless it is the loopback's, or that has
// more than an origin.
func New(origin string, credential []byte) (*Client, error) {
	u, err := url.Parse(origin)
	if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" || strings.Trim(u.Path, "/") != "" {
		return nil, errors.New("client: the address must be an origin, such as https://vault.example.com")
	}
	if u.Scheme != "https" && (u.Scheme != "http" || !loopback(u.Hostname())) {
		return nil, errors.New("client: the address must be https, unless it is this machine's")
	}
	return &Client{
		Attempts: DefaultAttempts, HTTP: &http.Client{Timeout: defaultTimeout},
		base: u.Scheme + "://" + u.Host, credential: credential,
	}, nil
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// With returns a client of the same server that presents another credential.
func (c *Client) With(credential []byte) *Client {
	other := *c
	other.credential = credential
	return &other
}

// Origin returns the server's address.
func (c *Client) Origin() string { return c.base }

// Receipt names the fact that an answer rests on. Who keeps it can show later that
// the fact was recorded.
type Receipt struct {
	Seq       uint64 `json:"seq"`
	EventHash string `json:"event_hash"`
}

// String returns the receipt as qsverify takes it.
func (r Receipt) String() string { return fmt.Sprintf("%d:%s", r.Seq, r.EventHash) }

// request is one call of the API.
type request struct {
	method, path string // below /api/v2
	body         any    // nil = none
	key          string // its Idempotency-Key; "" = none
	once         bool   // not sent again once it may have arrived
}

// answer is what every answer holds.
type answer struct {
	Success bool            `json:"success"`
	Data    json.RawMessage `json:"data"`
	Error   *Error          `json:"error"`
	Meta    struct {
		Audit *Receipt `json:"audit"`
		Next  string   `json:"next_cursor"`
	} `json:"meta"`
}

// call sends a request until it is answered for good, and reads data into dst
// unless that is nil.
func (c *Client) call(ctx context.Context, r request, dst any) (answer, error) {
	body, err := encode(r.body)
	if err != nil {
		return answer{}, err
	}
	defer clear(body)
	a, err := c.persist(ctx, r, body)
	if err != nil || dst == nil {
		return a, err
	}
	if err := json.Unmarshal(a.Data, dst); err != nil {
		return a, errors.New("client: the answer's data is not what it should be") // the cause may quote it
	}
	clear(a.Data)
	return a, nil
}

func encode(body any) ([]byte, error) {
	if body == nil {
		return nil, nil
	}
	text, err := json.Marshal(body)
	if err != nil {
		return nil, errors.New("client: the request cannot be written as JSON") // the cause may quote it
	}
	return text, nil
}

// send sends a request once. sent says whether it may have arrived.
func (c *Client) send(ctx context.Context, r request, body []byte) (a answer, sent bool, err error) {
	req, err := http.NewRequestWithContext(ctx, r.method, c.base+"/api/v2"+r.path, bytes.NewReader(body))
	if err != nil {
		return a, false, errors.New("client: not a request")
	}
	req.Header.Set("User-Agent", userAgent)
	if len(body) > 0 {
		req.Header.Set("Content-Type", "application/json")
	}
	if len(c.credential) > 0 {
		req.Header.Set("Authorization", "Bearer "+string(c.credential))
	}
	if c.Environment != "" {
		req.Header.Set("X-QuantaSeal-Environment", c.Environment)
	}
	if r.key != "" {
		req.Header.Set("Idempotency-Key", r.key)
	}
	caller := *c.HTTP
	caller.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	response, err := caller.Do(req)
	if err != nil {
		var dial *net.OpError
		return a, !errors.As(err, &dial) || dial.Op != "dial", &unreachable{err}
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	if err != nil {
		return a, true, &unreachable{err}
	}
	defer clear(text)
	return read(response, text)
}

// read reads an answer.
func read(response *http.Response, text []byte) (a answer, _ bool, err error) {
	malformed := json.Unmarshal(text, &a) != nil
	if response.StatusCode < 300 && !malformed && a.Success {
		return a, true, nil
	}
	refused := a.Error
	if refused == nil {
		refused = &Error{Type: "unexpected_answer", Message: http.StatusText(response.StatusCode)}
	}
	refused.Status, refused.Receipt, refused.wait = response.StatusCode, a.Meta.Audit, retryAfter(response.Header)
	if refused.RequestID == "" {
		refused.RequestID = response.Header.Get("X-Request-Id")
	}
	return a, true, refused
}
