// Package apitest holds answers of the API to its own description.
//
// Its one law: it knows what /openapi.json says and nothing else.
package apitest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"sync"

	"github.com/santhosh-tekuri/jsonschema/v6"

	vaulthttp "github.com/quantaseal/quantaseal/http"
)

// Check returns what is wrong with an answer to a request, by the description: a
// status that the route does not have, a header that is missing, a body that does
// not fit; and where the request succeeded, what in its own body is not described.
// It says nothing of paths that are no route.
func Check(method, target string, sent []byte, status int, header http.Header, body []byte) error {
	d, err := loaded()
	if err != nil {
		return err
	}
	u, err := url.Parse(target)
	if err != nil {
		return nil //nolint:nilerr // what is no address is no route
	}
	o := d.find(method, strings.TrimSuffix(u.EscapedPath(), "/"))
	if o == nil {
		return nil
	}
	if err := d.answer(o, status, header, body); err != nil {
		return fmt.Errorf("the answer to %s %s, %d, is not as /openapi.json says: %w", method, o.path, status, err)
	}
	if status < 300 && o.request != "" && len(bytes.TrimSpace(sent)) > 0 {
		if err := d.request(o, sent); err != nil {
			return fmt.Errorf("%s %s took what /openapi.json does not know: %w", method, o.path, err)
		}
	}
	return nil
}

// description is the document, ready to compare with.
type description struct {
	operations map[string][]*operation // by method
	compiler   *jsonschema.Compiler

	mu      sync.Mutex
	schemas map[string]*jsonschema.Schema // by where they stand
}

// operation is one route.
type operation struct {
	path    string
	parts   []string
	answers map[int]response
	request string // where the schema of the body stands; "" = there is none
}

// response is how one status looks.
type response struct {
	schemas map[string]string // where the schema of each media type stands
	headers []string
}

const (
	where  = "https://vault.invalid/openapi.json"
	inJSON = "application/json"
)

var loaded = sync.OnceValues(func() (*description, error) {
	text, err := vaulthttp.OpenAPI()
	if err != nil {
		return nil, err
	}
	return read(text)
})

// optional are headers that only come where there is a limit.
func optional(header string) bool { return strings.HasPrefix(header, "X-Ratelimit-") }

func (d *description) answer(o *operation, status int, header http.Header, body []byte) error {
	if status == http.StatusMethodNotAllowed {
		return nil // by the router, of another method
	}
	r, ok := o.answers[status]
	if !ok {
		return errors.New("it has no such status")
	}
	for _, name := range r.headers {
		if name = http.CanonicalHeaderKey(name); header.Get(name) == "" && !optional(name) {
			return fmt.Errorf("there is no %s", name)
		}
	}
	kind, _, err := mime.ParseMediaType(header.Get("Content-Type"))
	schema, described := r.schemas[kind]
	if err != nil || !described {
		return fmt.Errorf("its type is %q", header.Get("Content-Type"))
	}
	if kind != inJSON {
		return nil
	}
	return d.fits(schema, body)
}

// request holds a body to its schema. null is what was not sent.
func (d *description) request(o *operation, sent []byte) error {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(sent, &members); err != nil {
		return err
	}
	if members == nil {
		return nil // null is a body without members
	}
	for name, value := range members {
		if string(value) == "null" {
			delete(members, name)
		}
	}
	body, err := json.Marshal(members)
	if err != nil {
		return err
	}
	return d.fits(o.request, body)
}

// fits reports whether body is what the schema at a place says. The error names
// places and kinds, and what stands there.
func (d *description) fits(at string, body []byte) error {
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(body))
	if err != nil {
		return err
	}
	d.mu.Lock()
	s := d.schemas[at]
	if s == nil {
		if s, err = d.compiler.Compile(where + at); err == nil {
			d.schemas[at] = s
		}
	}
	d.mu.Unlock()
	if err != nil {
		return err
	}
	return s.Validate(value)
}

// find returns the operation that serves a path, literal segments first.
func (d *description) find(method, path string) (best *operation) {
	parts, most := strings.Split(path, "/"), -1
	for _, o := range d.operations[method] {
		if n := o.literals(parts); n > most {
			best, most = o, n
		}
	}
	return best
}

// literals returns how many segments are the operation's own, or -1 if the path is
// another one's.
func (o *operation) literals(parts []string) (n int) {
	rest := strings.HasSuffix(o.path, "{path}")
	if len(parts) != len(o.parts) && (!rest || len(parts) < len(o.parts)) {
		return -1
	}
	for i, part := range o.parts {
		switch {
		case part == parts[i] && part != "":
			n++
		case strings.HasPrefix(part, "{"):
			if parts[i] == "" {
				return -1
			}
		case part != parts[i]:
			return -1
		}
	}
	return n
}

// pointer escapes the parts of a JSON pointer, and of the URL that it stands in.
func pointer(parts ...string) string {
	var b strings.Builder
	b.WriteByte('#')
	for _, part := range parts {
		b.WriteByte('/')
		b.WriteString(url.PathEscape(strings.NewReplacer("~", "~0", "/", "~1").Replace(part)))
	}
	return b.String()
}
