package http

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/quantaseal/quantaseal/internal/openapi"
)

// specWriter turns operations into a document.
type specWriter struct {
	doc   openapi.Document
	types openapi.Types
}

const jsonKind = "application/json"

// add describes one route.
func (w *specWriter) add(tag string, p pattern, o operation) error {
	a, ok := matrix[p]
	if !ok {
		return fmt.Errorf("http: %v is described and nobody decided who may use it", p)
	}
	path, names := pathOf(p)
	op := &openapi.Operation{ID: operationID(p), Tags: []string{tag}, Summary: o.summary, Description: o.about}
	for _, name := range names {
		op.Parameters = append(op.Parameters, pathParameter(name))
	}
	op.Parameters = append(op.Parameters, o.query...)
	if a.public {
		op.Security = []map[string]openapi.Scopes{{}}
	} else {
		op.Access = accessShown(a)
		op.Parameters = append(op.Parameters, parameterRef("Environment"))
	}
	if o.idempotent {
		op.Parameters = append(op.Parameters, parameterRef("IdempotencyKey"))
	}
	if o.dialect {
		op.Parameters = append(op.Parameters, parameterRef("Dialect"))
	}
	if o.request != nil {
		if err := w.body(op, o); err != nil {
			return fmt.Errorf("http: describing %v: %w", p, err)
		}
	}
	w.responses(op, p, a, o)
	at, known := w.doc.Paths.Get(path)
	if !known {
		at = &openapi.Path{}
		w.doc.Paths.Set(path, at)
	}
	at.Set(strings.ToLower(p.method), op)
	return nil
}

// body describes what the request holds.
func (w *specWriter) body(op *openapi.Operation, o operation) error {
	schema, ready := o.request.(*openapi.Schema)
	if !ready {
		schema = w.types.Request(o.request)
	}
	if len(o.required) > 0 {
		if of, found := w.types.Components.Get(strings.TrimPrefix(schema.Ref, "#/components/schemas/")); found {
			of.Required = o.required
		}
	}
	media := openapi.MediaType{Schema: schema}
	if o.example != "" {
		if !json.Valid([]byte(o.example)) {
			return fmt.Errorf("the example is no JSON: %s", o.example)
		}
		media.Example = json.RawMessage(o.example)
	}
	op.Body = &openapi.RequestBody{Required: len(o.required) > 0}
	op.Body.Content.Set(jsonKind, media)
	return nil
}

// responses describes how the route answers: as it says when it succeeds, and as
// every route like it does when it refuses.
func (w *specWriter) responses(op *openapi.Operation, p pattern, a access, o operation) {
	status := o.status
	if status == 0 {
		status = http.StatusOK
	}
	if !o.bare && (o.raw == nil || o.answer != nil) {
		op.Responses.Set(strconv.Itoa(status), w.success(o.answer))
	}
	for _, r := range o.raw {
		response, known := op.Responses.Get(strconv.Itoa(r.status))
		if !known {
			response = &openapi.Response{Description: r.about, Headers: headersOf("X-Request-Id")}
			op.Responses.Set(strconv.Itoa(r.status), response)
		}
		of := w.data(r.of)
		if in, taken := response.Content.Get(r.kind); taken {
			of = &openapi.Schema{AnyOf: []*openapi.Schema{in.Schema, of}}
		}
		response.Content.Set(r.kind, openapi.MediaType{Schema: of})
	}
	if o.bare {
		return
	}
	refused := []int{400, 422, 429, 500, 501, 503}
	inVault := strings.HasPrefix(p.path, "/vault")
	if !a.public {
		refused = append(refused, 401, 403)
	} else if strings.HasPrefix(p.path, "/auth/") {
		refused = append(refused, 401, 403, 410)
	}
	if o.missing && !inVault {
		refused = append(refused, 404)
	}
	if o.conflicts && !inVault || o.idempotent {
		refused = append(refused, 409)
	}
	slices.Sort(refused)
	for _, status := range refused {
		op.Responses.Set(strconv.Itoa(status), &openapi.Response{Ref: "#/components/responses/" + errorNames[status]})
	}
}

// success is the envelope around data.
func (w *specWriter) success(data any) *openapi.Response {
	s := openapi.Schema{Type: "object", Additional: openapi.Closed, Required: []string{"success", "data", "error", "meta"}}
	s.Properties.Set("success", &openapi.Schema{Const: true})
	s.Properties.Set("data", w.data(data))
	s.Properties.Set("error", &openapi.Schema{Type: "null"})
	s.Properties.Set("meta", w.types.Answer(meta{}))
	r := &openapi.Response{Description: "Done.", Headers: headersOf("X-Request-Id", "X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset")}
	r.Content.Set(jsonKind, openapi.MediaType{Schema: &s, Example: w.types.Example(&s)})
	return r
}

// data is what an operation says its data is: of a type, of one of two, what became
// of a batch, or a schema that is ready.
func (w *specWriter) data(of any) *openapi.Schema {
	switch of := of.(type) {
	case nil:
		return w.types.Answer(none{})
	case *openapi.Schema:
		return of
	case sealAnswer:
		return &openapi.Schema{AnyOf: []*openapi.Schema{w.types.Answer(entry{}), {Type: "string", Format: "uuid"}}}
	case eitherOf:
		return &openapi.Schema{AnyOf: []*openapi.Schema{w.data(of.one), w.data(of.other)}}
	case batchOf:
		return w.batch(of)
	default:
		return w.types.Answer(of)
	}
}

// batch is what became of each item of a batch.
func (w *specWriter) batch(of batchOf) *openapi.Schema {
	item := openapi.Schema{Type: "object", Additional: openapi.Closed, Required: []string{"success", "error", "data", "audit"}}
	item.Properties.Set("success", &openapi.Schema{Type: "boolean"})
	item.Properties.Set("error", schemaOf(openapi.Nullable(*w.types.Answer(itemError{}))))
	item.Properties.Set("data", schemaOf(openapi.Nullable(*w.data(of.of))))
	item.Properties.Set("audit", schemaOf(openapi.Nullable(*w.types.Answer(receipt{}))))
	all := openapi.Schema{Type: "object", Additional: openapi.Closed, Required: []string{"results"}}
	all.Properties.Set("results", &openapi.Schema{Type: "array", Items: &item})
	return &all
}

// pathOf returns the path of a route as the specification writes it, with the names
// of its parameters.
func pathOf(p pattern) (path string, names []string) {
	parts := strings.Split(p.path, "/")
	for i, part := range parts {
		if part != "" && (part[0] == ':' || part[0] == '*') {
			names = append(names, part[1:])
			parts[i] = "{" + part[1:] + "}"
		}
	}
	path = strings.Join(parts, "/")
	if !atRoot[p] {
		path = apiPrefix + path
	}
	return path, names
}

// atRoot are the routes that stand outside of the API's prefix.
var atRoot = map[pattern]bool{
	{http.MethodGet, "/health"}: true, {http.MethodGet, "/openapi.json"}: true, {http.MethodGet, "/docs"}: true,
}

// operationID makes a name of a route: post_vault_rotate_id.
func operationID(p pattern) string {
	name := strings.ToLower(p.method) + p.path
	return strings.NewReplacer("/:", "_", "/*", "_", "/", "_", "-", "_", ".", "_").Replace(name)
}

// accessShown says who may use a route.
func accessShown(a access) any {
	return struct {
		Action string   `json:"action"`
		Roles  []string `json:"roles"`
		Scope  string   `json:"scope,omitempty"`
		Keys   bool     `json:"api_keys"`
		StepUp bool     `json:"step_up"`
		Trial  bool     `json:"after_trial"`
		Locked bool     `json:"under_lockdown"`
	}{a.action, texts(a.roles), string(a.scope), !a.never, a.stepUp, !a.adds, !a.releases}
}

func texts[S ~string](list []S) []string {
	out := make([]string, len(list))
	for i, s := range list {
		out[i] = string(s)
	}
	return out
}
