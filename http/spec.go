package http

import (
	"maps"
	"net/http"
	"slices"

	"github.com/quantaseal/quantaseal/internal/openapi"
)

// operation describes a route to whoever calls it. What follows from the matrix,
// from the envelope and from the order of checks is not repeated here.
type operation struct {
	summary string // a few words, for a list
	about   string // what it promises and refuses beyond the usual

	query    []*openapi.Parameter
	request  any      // the type that the body is read into, or a *openapi.Schema; nil = no body
	required []string // its members that have to be sent
	example  string   // a body, as JSON
	status   int      // of success; 0 = 200
	answer   any      // the type of data, or what specWriter.data takes besides; nil = an empty object

	missing    bool // answers 404 where the path names nothing
	conflicts  bool // answers 409
	idempotent bool // takes an Idempotency-Key
	dialect    bool // the answer depends on which published client asks

	raw  []rawAnswer // of answers without the envelope; with an answer beside them either may come
	bare bool        // outside of all that serve checks: only the answers of raw
}

// rawAnswer is an answer outside of the envelope.
type rawAnswer struct {
	status int
	kind   string // its media type
	of     any    // as operation.answer
	about  string
}

// area is a group of operations that are described in one file.
type area struct {
	name, about string
	operations  map[pattern]operation
}

// areas lists them in the order in which they are shown. A route that none of
// them describes fails a test.
func areas() []area {
	return []area{
		authArea(), vaultArea(), encryptionArea(), cryptoKeysArea(), complianceArea(), auditArea(), metricsArea(), securityArea(),
		usersArea(), settingsArea(), systemArea(),
	}
}

// apiTerms introduce the API to its readers.
const apiTerms = `Every answer is JSON in one envelope: success, data, error, meta. success is true below status 400 and
nowhere else. meta.audit is the receipt of the fact that the answer rests on: keep it, and no later log can go without that fact.

An API key goes into X-API-Key, or like an access token into Authorization as a Bearer token. Credentials and keys of the test environment
are another world than live ones: an API key belongs to one, and access tokens choose with X-QuantaSeal-Environment.

Errors come in this order: 401, 501, 429, 400, 422, 409 of an Idempotency-Key, 503. Under /vault everything else is one 403, whatever the cause.
Elsewhere rights give 403, unknown ids 404 and conflicts 409. Nothing was recorded when an answer is 500 or 503, so it is safe to ask again.

Members of a request that are null count as not sent. Members that are not described here are refused, but for the settings.
Bytes are base64 with padding, times RFC 3339 in UTC.`

// document builds the description of all routes.
func document() (*openapi.Document, error) {
	w := &specWriter{types: openapi.Types{Known: knownTypes(), Words: words}}
	w.doc = openapi.Document{
		OpenAPI: openapi.Version,
		Info: openapi.Info{
			Title: "QuantaSeal", Version: apiVersion, Summary: "A post-quantum vault with an audit log that proves itself", Description: apiTerms,
			License: openapi.License{Name: "Apache License 2.0", Identifier: "Apache-2.0"},
		},
		Servers:  []openapi.Server{{URL: "/"}},
		Security: []map[string]openapi.Scopes{{"apiKey": {}}, {"bearer": {}}, {"cookie": {}}},
	}
	w.components()
	for _, a := range areas() {
		w.doc.Tags = append(w.doc.Tags, openapi.Tag{Name: a.name, Description: a.about})
		for _, p := range inOrder(a.operations) {
			if err := w.add(a.name, p, a.operations[p]); err != nil {
				return nil, err
			}
		}
	}
	w.doc.Components.Schemas = w.types.Components
	return &w.doc, nil
}

// inOrder returns the routes of an area by path, and of one path in the usual
// order of methods.
func inOrder(operations map[pattern]operation) []pattern {
	methods := []string{http.MethodGet, http.MethodPost, http.MethodPatch, http.MethodPut, http.MethodDelete}
	return slices.SortedFunc(maps.Keys(operations), func(a, b pattern) int {
		if a.path != b.path {
			return compareText(a.path, b.path)
		}
		return slices.Index(methods, a.method) - slices.Index(methods, b.method)
	})
}

func compareText(a, b string) int {
	if a < b {
		return -1
	}
	return 1
}
