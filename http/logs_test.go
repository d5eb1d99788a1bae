package http

import (
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestLogsRepeatNothing(t *testing.T) {
	for _, how := range []string{"ok", "panic", "bounds", "fault", "denied", marker} {
		for _, prefix := range []string{"/api/v2/things/", "/api/v2/vault/", "/elsewhere/"} {
			e := newEdge(t)
			e.do("GET", prefix+how+"?token="+marker, marker, "X-API-Key", marker, "Authorization", "Bearer "+marker,
				"Cookie", "accessToken="+marker, "User-Agent", marker, "X-Request-Id", marker, "Referer", marker)
			if strings.Contains(e.log.String(), marker) || e.log.Len() == 0 {
				t.Errorf("%s%s: logged %s", prefix, how, e.log)
			}
		}
	}
	e := newEdge(t)
	e.do(strings.ReplaceAll(marker, "_", "-"), "/", "")
	if !strings.Contains(e.log.String(), `"method":"other"`) || strings.Contains(e.log.String(), "MARKER") {
		t.Errorf("logged %s", e.log)
	}
}

func TestAccessLog(t *testing.T) {
	e := newEdge(t)
	w := e.do("GET", "/api/v2/vault/panic", "")
	lines := strings.Split(strings.TrimSpace(e.log.String()), "\n")
	if len(lines) != 2 {
		t.Fatalf("got %d lines, want the panic and the request: %s", len(lines), e.log)
	}
	var panicked, request map[string]any
	for line, into := range map[string]*map[string]any{lines[0]: &panicked, lines[1]: &request} {
		if err := json.Unmarshal([]byte(line), into); err != nil {
			t.Fatal(err)
		}
		delete(*into, "time")
	}
	id := w.Header().Get("X-Request-Id")
	want := map[string]any{
		"level": "INFO", "msg": "request", "method": "GET", "route": "/api/v2/vault/:id", "status": 403.0,
		"duration": 0.0, "bytes": float64(w.Body.Len()), "request_id": id,
	}
	if diff := cmp.Diff(want, request); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	frames, _ := panicked["stack"].([]any)
	if len(frames) == 0 || !strings.Contains(frames[0].(string), "endAs") {
		t.Errorf("the stack does not begin where it panicked: %v", frames)
	}
	delete(panicked, "stack")
	want = map[string]any{
		"level": "ERROR", "msg": "request panicked", "route": "/api/v2/vault/:id", "request_id": id, "cause": "string",
	}
	if diff := cmp.Diff(want, panicked); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestHalfAnAnswerIsCutOff(t *testing.T) {
	e := newEdge(t)
	server := httptest.NewServer(e.handler)
	defer server.Close()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL+"/api/v2/things/half", nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := server.Client().Do(request)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = answer.Body.Close() })
	if body, err := io.ReadAll(answer.Body); err == nil {
		t.Errorf("got %q as if it were whole", body)
	}
	server.Close()
	if !strings.Contains(e.log.String(), `"cut":true`) {
		t.Errorf("logged %s", e.log)
	}
}

// net/http's own lines quote addresses and panics; strangers write them.
func TestServerLogRepeatsNothing(t *testing.T) {
	e := newEdge(t)
	s := &Server{Log: slog.New(slog.NewJSONHandler(e.log, nil))}
	for _, line := range []string{
		"http: TLS handshake error from 203.0.113.9:1: " + marker, "http: panic serving 203.0.113.9:1: " + marker, marker,
	} {
		s.serverLog().Print(line)
	}
	s.serverLog().Print("http: Accept error: too many open files; retrying in 5ms")
	if log := e.log.String(); strings.Contains(log, marker) || strings.Contains(log, "203.0.113.9") || !strings.Contains(log, "open files") {
		t.Errorf("logged %s", log)
	}
}
