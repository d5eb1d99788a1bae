package http

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/eventstore"
)

// marker stands for everything that must never be repeated.
const marker = "qs_live_MARKERmarkerMARKERmarker"

var noon = time.Date(2026, 5, 24, 12, 0, 0, 0, time.UTC)

// edge is a server whose routes end as their path says.
type edge struct {
	handler http.Handler
	log     *bytes.Buffer
}

func newEdge(t *testing.T) *edge {
	t.Helper()
	var log bytes.Buffer
	s := &Server{Log: slog.New(slog.NewJSONHandler(&log, nil)), Now: func() time.Time { return noon }, Rand: rand.Reader, Limits: halfUsed{}, Events: new(eventstore.Log)}
	engine := s.engine()
	for _, prefix := range []string{apiPrefix + "/things/:id", vaultPrefix + "/:id"} {
		engine.GET(prefix, func(c *gin.Context) { s.endAs(c, c.Param("id")) })
		engine.POST(prefix, func(c *gin.Context) {
			body, err := readBody(c.Request, maxAuthBody)
			if err != nil {
				s.refuse(c, err)
				return
			}
			s.answer(c, http.StatusCreated, len(body), nil, "")
		})
	}
	return &edge{s.handler(engine), &log}
}

func (s *Server) endAs(c *gin.Context, how string) {
	kinds := map[string]domain.Kind{
		"invalid": domain.Invalid, "unauthenticated": domain.Unauthenticated, "denied": domain.Denied,
		"not-found": domain.NotFound, "gone": domain.Gone, "conflict": domain.Conflict,
		"unavailable": domain.Unavailable, "too-large": domain.TooLarge,
	}
	switch how {
	case "ok":
		s.answer(c, http.StatusOK, []string{"<a&b>"}, &receipt{Seq: 7, EventHash: domain.Digest{1}}, "")
	case "fault":
		s.refuse(c, errors.New("the database at db.internal is gone"))
	case "panic":
		panic(marker)
	case "bounds":
		_ = make([]int, 1)[len(how)]
	case "half":
		_, _ = c.Writer.WriteString("half an answer")
		c.Writer.Flush()
		panic(marker)
	case "unencodable":
		s.answer(c, http.StatusOK, func() {}, nil, "")
	default:
		c.Header("X-Found", how)
		kind, known := kinds[how]
		if !known {
			how = "nothing"
		}
		s.refuse(c, &domain.Error{Kind: kind, Message: "message of " + how})
	}
}

func (e *edge) do(method, target, body string, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	for i := 0; i < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	e.handler.ServeHTTP(w, r)
	return w
}

var variable = regexp.MustCompile(`req_[0-9a-f]{32}`)

func TestSuccessEnvelope(t *testing.T) {
	w := newEdge(t).do("GET", "/api/v2/things/ok", "")
	got := variable.ReplaceAllString(w.Body.String(), "ID")
	want := `{"success":true,"data":["<a&b>"],"error":null,"meta":{"request_id":"ID","timestamp":"2026-05-24T12:00:00Z",` +
		`"version":"v2","audit":{"seq":7,"event_hash":"01` + strings.Repeat("0", 62) + `"}}}`
	if w.Code != http.StatusOK || got != want {
		t.Errorf("got %d %s, want %s", w.Code, got, want)
	}
	if id := w.Header().Get("X-Request-Id"); !strings.Contains(w.Body.String(), `"request_id":"`+id+`"`) {
		t.Errorf("header has %s, body %s", id, w.Body)
	}
}

func TestErrorEnvelope(t *testing.T) {
	w := newEdge(t).do("GET", "/api/v2/things/denied", "")
	got := variable.ReplaceAllString(w.Body.String(), "ID")
	want := `{"success":false,"error":{"code":403,"type":"access_denied","message":"Access denied","request_id":"ID",` +
		`"timestamp":"2026-05-24T12:00:00Z"},"meta":{"request_id":"ID","timestamp":"2026-05-24T12:00:00Z","version":"v2"}}`
	if w.Code != http.StatusForbidden || got != want {
		t.Errorf("got %d %s, want %s", w.Code, got, want)
	}
}

func TestRefusalsBecomeStatuses(t *testing.T) {
	for how, want := range map[string]refusal{
		"invalid":         {422, "validation_failed", "message of invalid"},
		"unauthenticated": {401, "unauthenticated", "Authentication required"},
		"not-found":       {404, "not_found", "Not found"},
		"gone":            {410, "gone", "No longer available"},
		"conflict":        {409, "conflict", "message of conflict"},
		"unavailable":     {503, "unavailable", "Temporarily unavailable"},
		"too-large":       {422, "too_large", "message of too-large"},
		"fault":           {500, "internal_error", "Internal server error"},
		"panic":           {500, "internal_error", "Internal server error"},
		"bounds":          {500, "internal_error", "Internal server error"},
		"unencodable":     {500, "internal_error", "Internal server error"},
		"of-no-kind":      {500, "internal_error", "Internal server error"},
		"ok/../ok":        {404, "not_found", "Not found"},
	} {
		w := newEdge(t).do("GET", "/api/v2/things/"+how, "")
		if got := refusalIn(t, w); got != want {
			t.Errorf("%s: got %v, want %v", how, got, want)
		}
	}
}

func refusalIn(t *testing.T, w *httptest.ResponseRecorder) refusal {
	t.Helper()
	var answer struct {
		Success bool
		Error   errorBody
	}
	if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil {
		t.Fatalf("%s: %v", w.Body, err)
	}
	if answer.Success || answer.Error.Code != w.Code {
		t.Errorf("status %d but body %s", w.Code, w.Body)
	}
	return refusal{w.Code, answer.Error.Type, answer.Error.Message}
}

func TestUnknownRoutesAndMethods(t *testing.T) {
	for request, want := range map[string]refusal{
		"GET /":                      {404, "not_found", "Not found"},
		"GET /api/v2/vaults":         {404, "not_found", "Not found"},
		"GET /api/v2/things":         {404, "not_found", "Not found"},
		"GET /API/V2/things/ok":      {404, "not_found", "Not found"},
		"GET /api/v2//things/ok":     {404, "not_found", "Not found"},
		"DELETE /api/v2/things/ok":   {405, "method_not_allowed", "Method not allowed"},
		"OPTIONS /api/v2/things/ok/": {405, "method_not_allowed", "Method not allowed"},
	} {
		method, target, _ := strings.Cut(request, " ")
		w := newEdge(t).do(method, target, "")
		if got := refusalIn(t, w); got != want {
			t.Errorf("%s: got %v, want %v", request, got, want)
		}
		if w.Code == http.StatusMethodNotAllowed && w.Header().Get("Allow") != "GET, POST" {
			t.Errorf("%s: Allow is %q", request, w.Header().Get("Allow"))
		}
	}
}

func TestTrailingSlashIsServed(t *testing.T) {
	if w := newEdge(t).do("POST", "/api/v2/things/ok/", "{}", "Content-Type", "application/json"); w.Code != http.StatusCreated {
		t.Errorf("got %d, want 201", w.Code)
	}
}

func TestEveryAnswerCarriesTheHeaders(t *testing.T) {
	for _, target := range []string{"/", "/api/v2/things/ok", "/api/v2/things/panic", "/api/v2/vault/denied", "/api/v2/vault/unauthenticated"} {
		w := newEdge(t).do("GET", target, "", "X-Request-Id", "req_chosen")
		h := w.Header()
		for name, want := range map[string]string{
			"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY",
			"Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'", "Referrer-Policy": "no-referrer",
			"Content-Type": "application/json", "Server": "", "X-Powered-By": "", "Access-Control-Allow-Origin": "",
			"X-RateLimit-Limit": "20", "X-RateLimit-Remaining": "10", "X-RateLimit-Reset": strconv.FormatInt(noon.Unix()+30, 10), "Retry-After": "",
		} {
			if got := h.Get(name); got != want {
				t.Errorf("%s: %s is %q, want %q", target, name, got, want)
			}
		}
		if !variable.MatchString(h.Get("X-Request-Id")) {
			t.Errorf("%s: request id %q", target, h.Get("X-Request-Id"))
		}
		if asks := h.Get("WWW-Authenticate") != ""; asks != (w.Code == http.StatusUnauthorized) {
			t.Errorf("%s: status %d, WWW-Authenticate %q", target, w.Code, h.Get("WWW-Authenticate"))
		}
	}
}

func TestRequestIDNeedsRandomness(t *testing.T) {
	s := &Server{Log: slog.New(slog.DiscardHandler), Now: func() time.Time { return noon }, Rand: strings.NewReader("short"), Limits: halfUsed{}, Events: new(eventstore.Log)}
	w := httptest.NewRecorder()
	s.Handler().ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
	if got := refusalIn(t, w); got != *errInternal {
		t.Errorf("got %v, want %v", got, *errInternal)
	}
}
