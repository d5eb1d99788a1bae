package http

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"log/slog"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
)

// Whoever adds a route describes it, and describes none that is not served.
func TestEveryRouteIsDescribed(t *testing.T) {
	s := &Server{}
	engine := s.engine()
	s.routes(engine)
	told := map[pattern]string{}
	for _, a := range areas() {
		for p := range a.operations {
			if before, twice := told[p]; twice {
				t.Errorf("%v is described in %s and in %s", p, before, a.name)
			}
			told[p] = a.name
		}
	}
	for _, r := range engine.Routes() {
		p := pattern{r.Method, strings.TrimPrefix(r.Path, apiPrefix)}
		if told[p] == "" {
			t.Errorf("%s %s is served and not described: give it an operation in the area of http/spec*.go that it belongs to", r.Method, r.Path)
		}
		delete(told, p)
	}
	for p, name := range told {
		t.Errorf("%v is described in %s and not served", p, name)
	}
}

// The document is what OpenAPI 3.1 says a document is, its examples included.
func TestDocumentIsValid(t *testing.T) {
	text, err := OpenAPI()
	if err != nil {
		t.Fatal(err)
	}
	doc, err := openapi3.NewLoader().LoadFromData(text)
	if err != nil {
		t.Fatal(err)
	}
	if err := doc.Validate(t.Context(), openapi3.AllowExtensionsWithRef()); err != nil {
		t.Error(err)
	}
	for path, item := range doc.Paths.Map() {
		for method, o := range item.Operations() {
			if o.Summary == "" || len(o.Tags) != 1 || o.Responses.Len() == 0 {
				t.Errorf("%s %s says too little", method, path)
			}
			if o.RequestBody != nil && o.RequestBody.Value.Required && o.RequestBody.Value.Content["application/json"].Example == nil {
				t.Errorf("%s %s wants a body and shows none", method, path)
			}
		}
	}
}

// The page names every route and type, and needs nothing but itself.
func TestDocsPage(t *testing.T) {
	server := &Server{Log: slog.New(slog.DiscardHandler), Now: func() time.Time { return noon }, Rand: rand.Reader, Limits: halfUsed{}}
	engine := server.Handler()
	for _, path := range []string{"/docs", "/openapi.json"} {
		w := httptest.NewRecorder()
		engine.ServeHTTP(w, httptest.NewRequest("GET", path, nil))
		if w.Code != 200 || w.Header().Get("ETag") == "" {
			t.Fatalf("%s: got %d", path, w.Code)
		}
		r := httptest.NewRequest("GET", path, nil)
		r.Header.Set("If-None-Match", w.Header().Get("ETag"))
		again := httptest.NewRecorder()
		engine.ServeHTTP(again, r)
		if again.Code != 304 || again.Body.Len() > 0 {
			t.Errorf("%s: asked again it gives %d and %d bytes", path, again.Code, again.Body.Len())
		}
		if path == "/openapi.json" {
			var any map[string]any
			if err := json.Unmarshal(w.Body.Bytes(), &any); err != nil || any["openapi"] != "3.1.1" {
				t.Errorf("got %v, %v", any["openapi"], err)
			}
			continue
		}
		if policy := w.Header().Get("Content-Security-Policy"); !strings.Contains(policy, "default-src 'none'; style-src 'sha256-") {
			t.Errorf("the policy is %q", policy)
		}
		_, style, _ := strings.Cut(w.Body.String(), "<style>")
		style, _, _ = strings.Cut(style, "</style>")
		if sum := sha256.Sum256([]byte(style)); !strings.Contains(docsPolicy, base64.StdEncoding.EncodeToString(sum[:])) || len(style) < 100 {
			t.Error("the page's style is not the one that its policy allows")
		}
		for _, outside := range []string{"<script", "<img", "url(", "@import", ` src=`, `href="http`} {
			if bytes.Contains(w.Body.Bytes(), []byte(outside)) {
				t.Errorf("the page has %s", outside)
			}
		}
		for _, a := range areas() {
			for p := range a.operations {
				if !bytes.Contains(w.Body.Bytes(), []byte(`id="`+operationID(p)+`"`)) {
					t.Errorf("the page does not show %v", p)
				}
			}
		}
	}
}
