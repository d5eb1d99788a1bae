package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/quantaseal/quantaseal/client"
)

// remote is what commands that call a server have in common. Who calls is said by an
// API key in the environment, or else by the login that is kept. Nothing secret is
// ever an argument: arguments are there for everybody on the machine to see.
type remote struct {
	URL string `name:"api-url" env:"QUANTASEAL_API_URL" default:"http://127.0.0.1:8080" help:"Origin of the server."`
	Env string `name:"environment" env:"QUANTASEAL_ENVIRONMENT" enum:"live,test" default:"live" help:"For a login: live or test. An API key has its own."`
}

// apiKey is the variable that holds an API key.
const apiKeyVariable = "QUANTASEAL_API_KEY"

// errNoLogin says what to do about having none.
var errNoLogin = errors.New("nobody is logged in at this server: quantaseal login, or set " + apiKeyVariable)

// client returns a client that presents the API key, or the login, renewed if it is
// about to expire.
func (r *remote) client(ctx context.Context) (*client.Client, error) {
	if key := os.Getenv(apiKeyVariable); key != "" {
		return client.New(r.URL, []byte(key))
	}
	c, err := client.New(r.URL, nil)
	if err != nil {
		return nil, err
	}
	token, err := accessToken(ctx, c)
	if err != nil {
		return nil, err
	}
	c = c.With(token)
	c.Environment = r.Env
	return c, nil
}

// accessToken returns the access token of the login that is kept for c's server. One
// that is over is renewed, by one process at a time: its refresh token is good once.
func accessToken(ctx context.Context, c *client.Client) ([]byte, error) {
	file, err := openLogins()
	if err != nil {
		return nil, err
	}
	defer file.close()
	kept, ok := file.logins[c.Origin()]
	if !ok {
		return nil, errNoLogin
	}
	if time.Now().Add(time.Minute).Before(kept.ExpiresAt) {
		return kept.AccessToken, nil
	}
	session, err := c.Refresh(ctx, kept.RefreshToken)
	if refused := (*client.Error)(nil); errors.As(err, &refused) && refused.Status < 429 {
		return nil, errNoLogin
	}
	if err != nil {
		return nil, err
	}
	return session.AccessToken, file.keep(c.Origin(), session)
}

// readValue reads a value: a JSON object as it is, and any other text, without the
// line's end, as the one member "value".
func readValue(from io.Reader) (json.RawMessage, error) {
	const most = 256 << 10
	text, err := io.ReadAll(io.LimitReader(from, most+1))
	switch {
	case err != nil:
		return nil, err
	case len(text) > most:
		return nil, errors.New("the value is too long")
	}
	trimmed := bytes.TrimSpace(text)
	if len(trimmed) == 0 {
		return nil, errors.New("there is no value on standard input")
	}
	if trimmed[0] == '{' && json.Valid(trimmed) {
		return trimmed, nil
	}
	defer clear(text)
	return json.Marshal(map[string]string{"value": string(bytes.TrimRight(text, "\r\n"))})
}

// member returns one member of a value as it is to be used: text as the text, all
// else as JSON. Without a name it is the only one there is.
func member(values json.RawMessage, name string) ([]byte, error) {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(values, &members); err != nil {
		return nil, errors.New("the value is no object") // the cause may quote it
	}
	if name == "" {
		if len(members) != 1 {
			return nil, fmt.Errorf("the value has %d members: name one", len(members))
		}
		for name = range members {
		}
	}
	of, ok := members[name]
	if !ok {
		return nil, fmt.Errorf("the value has no member %q", name)
	}
	var text string
	if json.Unmarshal(of, &text) == nil {
		return []byte(text), nil
	}
	return of, nil
}

// show writes v as JSON for people and programs.
func show(v any) error {
	e := json.NewEncoder(os.Stdout)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(v)
}
