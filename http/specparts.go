package http

import (
	"net/netip"
	"reflect"
	"strconv"

	"github.com/quantaseal/quantaseal/commands"
	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/internal/compliance"
	"github.com/quantaseal/quantaseal/internal/openapi"
)

// errorNames are the answers that refuse, by status.
var errorNames = map[int]string{
	400: "Malformed", 401: "Unauthenticated", 403: "Denied", 404: "NotFound", 409: "Conflict", 410: "Gone", 422: "Invalid",
	429: "TooMany", 500: "Fault", 501: "NotImplemented", 503: "Unavailable",
}

// errorsAbout says what each of them means.
var errorsAbout = map[int]string{
	400: "The body is no JSON, or the request is too large.",
	401: "Nobody is known by what was presented. error.type mfa_required asks for a second factor, and error.details.mfa_token goes with its code.",
	403: "Not permitted. error.type step_up_required asks to prove once more who one is. Under /vault it is the one answer to everything that cannot be said.",
	404: "There is no such thing, or it is not the caller's.",
	409: "It contradicts what is there, or the Idempotency-Key came with another body before (error.type idempotency_key_reused).",
	410: "The token was for once, or for a time that is over.",
	422: "A member of the body or a parameter has a wrong value. error.message names it, never its value.",
	429: "Too many requests. Retry-After says how many seconds to wait.",
	500: "A fault of the server. Nothing was recorded.",
	501: "This server does not do that yet. It ignores nothing that was asked for.",
	503: "Something that the server needs does not answer. Nothing was looked up or recorded.",
}

// components writes what operations refer to.
func (w *specWriter) components() {
	c := &w.doc.Components
	c.Security.Set("apiKey", openapi.SecurityScheme{Type: "apiKey", In: "header", Name: "X-API-Key", Description: "An API key: qs_live_… or qs_test_…. It may also come as a Bearer token."})
	c.Security.Set("bearer", openapi.SecurityScheme{Type: "http", Scheme: "bearer", Format: "JWT", Description: "The access token of a login, for 30 minutes."})
	c.Security.Set("cookie", openapi.SecurityScheme{Type: "apiKey", In: "cookie", Name: accessCookie, Description: "The same, as login leaves it in a browser. It counts only from the vault's own pages."})
	for _, h := range []struct{ name, about, kind, pattern string }{
		{"X-Request-Id", "Names the request, in the log and on the record.", "string", "^req_[0-9a-f]{32}$"},
		{"X-RateLimit-Limit", "Requests in a minute. Absent where there is no limit.", "integer", ""},
		{"X-RateLimit-Remaining", "How many would pass right now.", "integer", ""},
		{"X-RateLimit-Reset", "When all would again, in seconds since 1970.", "integer", ""},
		{"Retry-After", "Seconds to wait, never a date.", "integer", ""},
		{"WWW-Authenticate", "Bearer.", "string", ""},
	} {
		c.Headers.Set(h.name, &openapi.Header{Description: h.about, Schema: &openapi.Schema{Type: h.kind, Pattern: h.pattern}})
	}
	c.Parameters.Set("IdempotencyKey", &openapi.Parameter{
		Name: "Idempotency-Key", In: "header", Schema: &openapi.Schema{Type: "string"},
		Description: "Makes a repeat the same request: it answers with the same ids and records nothing again. At most " + strconv.Itoa(commands.MaxIdempotencyKey) + " bytes.",
	})
	c.Parameters.Set("Environment", &openapi.Parameter{
		Name: "X-QuantaSeal-Environment", In: "header", Description: "For callers with an access token: live, the default, or test. An API key has its own.", Schema: schemaOf(openapi.OneOf("live", "test")),
	})
	c.Parameters.Set("Dialect", &openapi.Parameter{
		Name: "X-QS-Dialect", In: "header", Schema: schemaOf(openapi.OneOf(rest, node, python, mcp, cli, golang)),
		Description: "As which published client to be answered. Without it the client that User-Agent and X-SDK-Language name, or rest, which gets everything.",
	})
	for _, status := range []int{400, 401, 403, 404, 409, 410, 422, 429, 500, 501, 503} {
		c.Responses.Set(errorNames[status], w.refusal(status))
	}
}

// refusal is the answer to what does not succeed.
func (w *specWriter) refusal(status int) *openapi.Response {
	s := openapi.Schema{Type: "object", Additional: openapi.Closed, Required: []string{"success", "error", "meta"}}
	s.Properties.Set("success", &openapi.Schema{Const: false})
	s.Properties.Set("error", w.types.Answer(errorBody{}))
	s.Properties.Set("meta", w.types.Answer(meta{}))
	headers := []string{"X-Request-Id", "X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset"}
	switch status {
	case 401:
		headers = append(headers, "WWW-Authenticate")
	case 429:
		headers = append(headers, "Retry-After")
	}
	r := &openapi.Response{Description: errorsAbout[status], Headers: headersOf(headers...)}
	r.Content.Set(jsonKind, openapi.MediaType{Schema: &s})
	return r
}

func headersOf(names ...string) (h openapi.Ordered[*openapi.Header]) {
	for _, name := range names {
		h.Set(name, &openapi.Header{Ref: "#/components/headers/" + name})
	}
	return h
}

func parameterRef(name string) *openapi.Parameter {
	return &openapi.Parameter{Ref: "#/components/parameters/" + name}
}

func schemaOf(s openapi.Schema) *openapi.Schema { return &s }

// asked describes a parameter of a query.
func asked(name, about string, s openapi.Schema) *openapi.Parameter {
	return &openapi.Parameter{Name: name, In: "query", Description: about, Schema: &s}
}

// pathParameter describes a parameter of a path.
func pathParameter(name string) *openapi.Parameter {
	p := &openapi.Parameter{Name: name, In: "path", Required: true, Schema: &openapi.Schema{Type: "string"}, Description: "Its id."}
	switch name {
	case "framework":
		p.Description = "soc2, iso27001, pci_dss, hipaa, gdpr, nist_csf, fedramp, apra or nist_800_53, in any spelling that clients use."
	case "seq":
		p.Description = "The sequence number of a fact on the tenant's chain."
	case "path":
		p.Description = "The rest of a tile's path, as C2SP tlog-tiles says."
	}
	return p
}

// knownTypes are the types that write themselves, or that say more than their kind.
func knownTypes() map[reflect.Type]openapi.Schema {
	id := openapi.Schema{Type: "string", Format: "uuid"}
	hash := openapi.Schema{Type: "string", Pattern: "^[0-9a-f]{64}$", Examples: []any{"3b9d4f0f2c1a7e5d6b8c9a0f1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d3c4b"}}
	at := openapi.Schema{Type: "string", Format: "date-time"}
	cited := citation()
	known := map[reflect.Type]openapi.Schema{
		reflect.TypeFor[instant]():                 openapi.Nullable(at),
		reflect.TypeFor[compliance.Instant]():      at,
		reflect.TypeFor[compliance.Ref]():          cited,
		reflect.TypeFor[compliance.ResultDigest](): openapi.Text("sha3-256:3b9d4f0f2c1a7e5d6b8c9a0f1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d3c4b"),
		reflect.TypeFor[domain.Digest]():           hash,
		reflect.TypeFor[netip.Prefix]():            openapi.Text("192.0.2.0/24"),
		reflect.TypeFor[secretText]():              {Type: "string"},
		reflect.TypeFor[domain.Role]():             openapi.OneOf(domain.Roles()...),
		reflect.TypeFor[domain.Scope]():            openapi.OneOf(domain.AllScopes()...),
		reflect.TypeFor[domain.KeyPurpose]():       openapi.OneOf(domain.PurposeEnvelope, domain.PurposeDocument),
		reflect.TypeFor[domain.KeyState]():         openapi.OneOf(domain.KeyActive, domain.KeyOld, domain.KeyRetired, domain.KeyDestroyed),
		reflect.TypeFor[domain.KeyTrust]():         openapi.OneOf(domain.TrustCurrent, domain.TrustPast, domain.TrustCaller, domain.TrustNone),
		reflect.TypeFor[compliance.Status]():       openapi.OneOf(compliance.Compliant, compliance.PartlyHolds, compliance.NonCompliant, compliance.NothingToSee),
		reflect.TypeFor[compliance.Support]():      openapi.OneOf(compliance.Direct, compliance.Partial),
		reflect.TypeFor[compliance.Result]():       openapi.OneOf(compliance.Pass, compliance.Fail, compliance.PartlyPassed, compliance.NotApplicable, compliance.NoEvidence),
	}
	if move, ok := reflect.TypeFor[compliance.Move]().FieldByName("First"); ok {
		known[move.Type] = cited
	}
	for _, t := range []reflect.Type{
		reflect.TypeFor[domain.ID](), reflect.TypeFor[domain.UserID](), reflect.TypeFor[domain.TenantID](), reflect.TypeFor[domain.KeyID](),
		reflect.TypeFor[domain.SessionID](), reflect.TypeFor[domain.CryptoKeyID](),
	} {
		known[t] = id
	}
	return known
}

// citation is how scores cite a fact.
func citation() openapi.Schema {
	s := openapi.Schema{Type: "object", Description: "A fact on the chain."}
	for _, m := range []struct {
		name string
		of   openapi.Schema
	}{
		{"stream", openapi.Text("tenant")},
		{"seq", openapi.Schema{Type: "integer"}},
		{"event_id", openapi.Schema{Type: "string", Format: "uuid"}},
		{"type", openapi.Text("CREDENTIAL_UNSEALED")},
		{"recorded_at", openapi.Schema{Type: "string", Format: "date-time"}},
		{"hash", openapi.Schema{Type: "string"}},
		{"sig_key_id", openapi.Schema{Type: "string"}},
		{"role", openapi.OneOf("failing", "moving")},
	} {
		s.Properties.Set(m.name, schemaOf(m.of))
		s.Required = append(s.Required, m.name)
	}
	return s
}
