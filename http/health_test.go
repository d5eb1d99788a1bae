package http

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// ask returns what GET /health says of a node in some state.
func ask(t *testing.T, s *Server) (int, healthAnswer) {
	t.Helper()
	w := httptest.NewRecorder()
	s.Handler().ServeHTTP(w, httptest.NewRequest("GET", "/health", nil))
	var a healthAnswer
	if err := json.Unmarshal(w.Body.Bytes(), &a); err != nil {
		t.Fatal(err)
	}
	return w.Code, a
}

func healthy(context.Context) error { return nil }

func healthOf(h Health) *Server {
	h.Version, h.Region, h.Environment = "1", "r", "production"
	if h.Crypto == nil {
		h.Crypto = healthy
	}
	return &Server{Health: h, Log: slog.New(slog.DiscardHandler), Now: time.Now, Rand: rand.Reader, Limits: halfUsed{}}
}

func TestHealthHasTheKeysThatClientsRead(t *testing.T) {
	broken := func(context.Context) error { return errors.New("marker") }
	stuck := func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }
	deaf := func(context.Context) error { select {} } // does not even notice that nobody waits
	fine, still := func() error { return nil }, func() error { return errors.New("marker") }
	unsigned := checks{"database": "healthy", "kms": "healthy", "redis": "not_used", "crypto_pool": "unhealthy"}
	checks := func(database, kms string) map[string]string {
		return map[string]string{"database": database, "kms": kms, "redis": "not_used", "crypto_pool": "healthy"}
	}
	for name, tt := range map[string]struct {
		health Health
		code   int
		status string
		checks map[string]string
	}{
		"well":               {Health{Database: healthy, KMS: healthy, Views: fine}, 200, "healthy", checks("healthy", "healthy")},
		"no database":        {Health{Database: broken, KMS: healthy, Views: fine}, 503, "unhealthy", checks("unhealthy", "healthy")},
		"no keys":            {Health{Database: healthy, KMS: broken, Views: still}, 503, "unhealthy", checks("healthy", "unhealthy")},
		"no signatures":      {Health{Database: healthy, KMS: healthy, Crypto: broken, Views: fine}, 503, "unhealthy", unsigned},
		"no core is free":    {Health{Database: healthy, KMS: healthy, Crypto: stuck, Views: fine}, 503, "unhealthy", unsigned},
		"a database hangs":   {Health{Database: stuck, KMS: healthy, Views: fine}, 503, "unhealthy", checks("unhealthy", "healthy")},
		"both hang":          {Health{Database: stuck, KMS: stuck, Views: fine}, 503, "unhealthy", checks("unhealthy", "unhealthy")},
		"views stand still":  {Health{Database: healthy, KMS: healthy, Views: still}, 200, "degraded", checks("healthy", "healthy")},
		"keys hang for ever": {Health{Database: healthy, KMS: deaf, Views: fine}, 503, "unhealthy", checks("healthy", "unhealthy")},
	} {
		want := healthAnswer{tt.status, "1", "r", "production", tt.checks}
		answer := func(t *testing.T) {
			start := time.Now()
			code, got := ask(t, healthOf(tt.health))
			if diff := cmp.Diff(want, got); code != tt.code || diff != "" {
				t.Errorf("%s: got %d, want %d (-want +got):\n%s", name, code, tt.code, diff)
			}
			if took := time.Since(start); took > healthPatience+time.Second {
				t.Errorf("%s: took %v", name, took)
			}
		}
		if name == "keys hang for ever" {
			answer(t) // in a bubble that would be a deadlock
			continue
		}
		synctest.Test(t, answer)
	}
}

type checks = map[string]string

// What a check of the cryptography found is good for ten seconds.
func TestHealthTriesTheCryptographyNowAndThen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tried := 0
		s := healthOf(Health{Database: healthy, KMS: healthy, Views: func() error { return nil }, Crypto: func(context.Context) error {
			tried++
			return nil
		}})
		handler := s.Handler()
		for range 60 {
			handler.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/health", nil))
			time.Sleep(time.Second)
		}
		if tried != 6 {
			t.Errorf("in a minute it was tried %d times", tried)
		}
	})
}

// However many ask, a check runs once at a time.
func TestHealthIsNoWayToFloodTheDatabase(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var running, most atomic.Int32
		s := healthOf(Health{KMS: healthy, Views: func() error { return nil }, Database: func(context.Context) error {
			most.Store(max(most.Load(), running.Add(1)))
			time.Sleep(time.Second)
			running.Add(-1)
			return nil
		}})
		handler := s.Handler()
		for range 50 {
			go handler.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/health", nil))
		}
		time.Sleep(time.Minute)
		if most.Load() != 1 {
			t.Errorf("%d checks ran at the same time", most.Load())
		}
	})
}
