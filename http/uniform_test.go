package http

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Nothing that a caller cannot know already may show in a vault's denial: not
// the cause, not the route, not the method.
func TestVaultDeniesUniformly(t *testing.T) {
	type shown struct {
		Status int
		Header http.Header
		Body   string
	}
	look := func(w *httptest.ResponseRecorder) shown {
		w.Header().Set("X-Request-Id", variable.ReplaceAllString(w.Header().Get("X-Request-Id"), "ID"))
		return shown{w.Code, w.Header(), variable.ReplaceAllString(w.Body.String(), "ID")}
	}
	want := look(newEdge(t).do("GET", "/api/v2/vault/denied", ""))
	if want.Status != http.StatusForbidden || want.Header.Get("X-Found") != "" {
		t.Fatalf("got %v", want)
	}
	for _, request := range []string{
		"GET /api/v2/vault/not-found", "GET /api/v2/vault/gone", "GET /api/v2/vault/conflict",
		"GET /api/v2/vault/fault", "GET /api/v2/vault/panic", "GET /api/v2/vault/bounds", "GET /api/v2/vault/unencodable",
		"GET /api/v2/vault/denied/", "GET /api/v2/vault/no/such/route", "GET /api/v2/vault", "GET /api/v2/vault/",
		"DELETE /api/v2/vault/denied", "PATCH /api/v2/vault/denied", "BREW /api/v2/vault/denied",
		"GET /api/v2/%76ault/not-found", "GET /api/v2/vault/a%2Fb", "GET /api/v2/vault//denied",
	} {
		method, target, _ := strings.Cut(request, " ")
		if diff := cmp.Diff(want, look(newEdge(t).do(method, target, ""))); diff != "" {
			t.Errorf("%s (-want +got):\n%s", request, diff)
		}
	}
}

// What is decided before anything is looked up may be said, in the vault too.
func TestVaultShowsTheFormOfARequest(t *testing.T) {
	for how, want := range map[string]int{"invalid": 422, "unauthenticated": 401, "unavailable": 503, "too-large": 422} {
		if w := newEdge(t).do("GET", "/api/v2/vault/"+how, ""); w.Code != want {
			t.Errorf("%s: got %d, want %d", how, w.Code, want)
		}
	}
}
