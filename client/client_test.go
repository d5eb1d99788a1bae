package client_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/quantaseal/quantaseal/client"
)

// script is a server that answers as it is told, one answer after the other, and
// remembers what it was asked.
type script struct {
	mu      sync.Mutex
	answers []func(http.ResponseWriter)
	asked   []*http.Request
	bodies  []string
}

func (s *script) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	s.mu.Lock()
	s.asked, s.bodies = append(s.asked, r), append(s.bodies, string(body))
	answer := s.answers[min(len(s.asked), len(s.answers))-1]
	s.mu.Unlock()
	answer(w)
}

// seen returns what it was asked so far.
func (s *script) seen() ([]*http.Request, []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.asked), slices.Clone(s.bodies)
}

func status(code int, data string, headers ...string) func(http.ResponseWriter) {
	return func(w http.ResponseWriter) {
		for i := 0; i < len(headers); i += 2 {
			w.Header().Set(headers[i], headers[i+1])
		}
		w.WriteHeader(code)
		if code < 300 {
			_, _ = io.WriteString(w, `{"success":true,"data":`+data+`,"error":null,"meta":{"audit":{"seq":7,"event_hash":"ab"}}}`)
		} else {
			_, _ = io.WriteString(w, `{"success":false,"error":{"code":1,"type":"a_type","message":"A message","request_id":"req_1"},"meta":{}}`)
		}
	}
}

func lost(http.ResponseWriter) { panic(http.ErrAbortHandler) }

// against starts a server and returns a client of it.
func against(t *testing.T, answers ...func(http.ResponseWriter)) (*client.Client, *script) {
	t.Helper()
	s := &script{answers: answers}
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	c, err := client.New(server.URL, []byte("qs_live_marker"))
	if err != nil {
		t.Fatal(err)
	}
	return c, s
}

const entry = `{"credential_id":"cred_1","entry_id":"e","name":"n"}`

// What creates is the same request on every try, whatever was lost.
func TestSealIsSentAgain(t *testing.T) {
	c, s := against(t, lost, status(503, "", "Retry-After", "1"), status(201, entry))
	start := time.Now()
	e, err := c.Seal(t.Context(), client.Seal{Name: "n", Values: json.RawMessage(`{"k":"v"}`)})
	if err != nil || e.CredentialID != "cred_1" || e.Receipt.String() != "7:ab" {
		t.Fatalf("got %+v, %v", e, err)
	}
	if took := time.Since(start); took < time.Second {
		t.Errorf("it waited %v, and was asked to wait a second", took)
	}
	asked, bodies := s.seen()
	key := asked[0].Header.Get("Idempotency-Key")
	for n, r := range asked {
		if len(asked) != 3 || key == "" || r.Header.Get("Idempotency-Key") != key || bodies[n] != bodies[0] ||
			r.Header.Get("Authorization") != "Bearer qs_live_marker" || r.URL.Path != "/api/v2/vault/seal" {
			t.Errorf("try %d of %d: %v %s", n, len(asked), r.Header, bodies[n])
		}
	}
}

// What may have destroyed something is not sent again; what was refused neither.
func TestWhatIsNotSentAgain(t *testing.T) {
	for name, c := range map[string]struct {
		answer func(http.ResponseWriter)
		call   func(*client.Client) error
		tries  int
	}{
		"a delete that was lost":     {lost, func(c *client.Client) error { _, err := c.Delete(context.Background(), "x"); return err }, 1},
		"a delete that a proxy lost": {status(502, ""), func(c *client.Client) error { _, err := c.Delete(context.Background(), "x"); return err }, 1},
		"a refusal":                  {status(403, ""), func(c *client.Client) error { _, err := c.Unseal(context.Background(), "x"); return err }, 1},
		"an unseal that was lost":    {lost, func(c *client.Client) error { _, err := c.Unseal(context.Background(), "x"); return err }, 2},
		"a redirect":                 {status(307, "", "Location", "/elsewhere"), func(c *client.Client) error { _, err := c.Unseal(context.Background(), "x"); return err }, 1},
	} {
		cl, s := against(t, c.answer)
		cl.Attempts = 2
		err := c.call(cl)
		if asked, _ := s.seen(); err == nil || len(asked) != c.tries || strings.Contains(err.Error(), "marker") {
			t.Errorf("%s: sent %d times, want %d: %v", name, len(asked), c.tries, err)
		}
	}
}

// Nobody waits beyond their own deadline.
func TestDeadlineCutsTheWait(t *testing.T) {
	c, s := against(t, status(429, "", "Retry-After", "60"))
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	_, err := c.Unseal(ctx, "x")
	asked, _ := s.seen()
	if refused := (*client.Error)(nil); !errors.As(err, &refused) || refused.Status != 429 || refused.Type != "a_type" || refused.RequestID != "req_1" || len(asked) != 1 {
		t.Errorf("after %d tries: %v", len(asked), err)
	}
}

// A credential goes by TLS, or stays on this machine.
func TestAddresses(t *testing.T) {
	for origin, fine := range map[string]bool{
		"https://vault.example.com": true, "https://vault.example.com/": true, "http://127.0.0.1:8080": true, "http://localhost": true, "http://[::1]:1": true,
		"http://vault.example.com": false, "http://127.0.0.1.example.com": false, "https://a:b@vault.example.com": false, "https://vault.example.com/base": false,
		"vault.example.com": false, "": false, "ftp://localhost": false, "https://vault.example.com?x=y": false,
	} {
		if _, err := client.New(origin, nil); (err == nil) != fine {
			t.Errorf("%q: %v", origin, err)
		}
	}
}

// A list goes on while there are pages.
func TestListGoesOn(t *testing.T) {
	page := func(w http.ResponseWriter) {
		_, _ = io.WriteString(w, `{"success":true,"data":[`+entry+`,`+entry+`],"error":null,"meta":{"next_cursor":"9"}}`)
	}
	c, s := against(t, page, status(200, `[`+entry+`]`))
	n := 0
	for _, err := range c.List(t.Context(), true) {
		if err != nil {
			t.Fatal(err)
		}
		n++
	}
	asked, _ := s.seen()
	if n != 3 || asked[1].URL.Query().Get("cursor") != "9" || asked[1].URL.Query().Get("include_inactive") != "true" {
		t.Errorf("%d entries, asked %v", n, asked[1].URL)
	}
}
