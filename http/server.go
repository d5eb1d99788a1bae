package http

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/quantaseal/quantaseal/commands"
	"github.com/quantaseal/quantaseal/eventstore"
	"github.com/quantaseal/quantaseal/eventstore/anchors"
	"github.com/quantaseal/quantaseal/eventstore/chain"
	"github.com/quantaseal/quantaseal/queries"
)

// Where the API lives. Everything under vaultPrefix denies uniformly.
const (
	apiPrefix   = "/api/v2"
	vaultPrefix = apiPrefix + "/vault"
)

// Server answers the API. All fields are required unless they say otherwise.
type Server struct {
	Vault      *commands.Vault
	Identity   *commands.Identity
	Encryption *commands.Encryption
	Queries    *queries.Queries
	Scores     *queries.Scores
	Past       *queries.Past
	Reports    *commands.Reports
	Blobs      Blobs           // nil where blobs are not this server's to hand out
	Events     *eventstore.Log // what exports read
	Anchors    *anchors.Ledger // of Events
	Views      Views
	Verifier   Verifier
	Limits     Limits
	Health     Health
	Bundle     chain.BundleHeader // of every export, but for tenant and range
	PublicURL  string             // under which clients reach this server, without a slash at its end; empty = as they say

	Log  *slog.Logger
	Now  func() time.Time
	Rand io.Reader // where request ids come from

	// TrustedProxies are the networks whose X-Forwarded-For is believed. It may be
	// empty: then the peer is the client.
	TrustedProxies []netip.Prefix

	Meter Meter           // counts requests; nil = nobody does
	Trace gin.HandlerFunc // surrounds each request with a span; nil = nobody traces
	// Span begins a span below that of the request, and returns what ends it; nil likewise.
	Span func(ctx context.Context, name string) (context.Context, func())

	draining atomic.Bool
	pins     pins
	streams  streams

	verifications verifications
}

// Drain makes every answer from now on ask its client to connect anew, so that
// no connection is idle when the server closes those that are. Streams end.
func (s *Server) Drain() {
	s.draining.Store(true)
	s.streams.end()
}

// Meter is told of every request. Neither method may wait.
type Meter interface {
	// Began is told of a request whose header was read.
	Began()
	// Ended is told how it ended. Method and route have few values, the route being
	// the pattern that matched. Status is 0 if the answer was cut off.
	Ended(method, route string, status int, took time.Duration)
}

// Views are this node's read models.
type Views interface {
	// Passed blocks until every read model shows the fact at a position.
	Passed(ctx context.Context, position eventstore.Position) error
}

// Listener limits, so that a slow or endless client costs us little.
const (
	readHeaderTimeout    = 5 * time.Second
	readTimeout          = 15 * time.Second
	writeTimeout         = 30 * time.Second
	idleTimeout          = 60 * time.Second
	maxHeaderBytes       = 16 << 10
	maxConcurrentStreams = 100
)

// HTTP returns the server to listen with: its handler and the limits that
// protect it. The caller sets the address.
func (s *Server) HTTP() *http.Server {
	return &http.Server{
		Handler:           s.Handler(),
		ReadHeaderTimeout: readHeaderTimeout,
		ReadTimeout:       readTimeout,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
		HTTP2:             &http.HTTP2Config{MaxConcurrentStreams: maxConcurrentStreams},
		ErrorLog:          s.serverLog(),

		DisableGeneralOptionsHandler: true, // OPTIONS * is answered like every unknown route
	}
}

// Handler returns the API. A path with one slash at its end is served as the
// path without; nothing is ever redirected.
func (s *Server) Handler() http.Handler {
	engine := s.engine()
	s.routes(engine)
	return s.handler(engine)
}

func (s *Server) handler(engine http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Body != http.NoBody {
			r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		}
		if path := r.URL.Path; len(path) > 1 && strings.HasSuffix(path, "/") {
			r.URL.Path = strings.TrimSuffix(path, "/")
		}
		engine.ServeHTTP(w, r)
	})
}

// releaseMode stops gin from printing its routes. The mode is gin's, and global.
var releaseMode = sync.OnceFunc(func() { gin.SetMode(gin.ReleaseMode) })

func (s *Server) engine() *gin.Engine {
	releaseMode()
	engine := gin.New()
	engine.RedirectTrailingSlash = false
	engine.RedirectFixedPath = false
	engine.HandleMethodNotAllowed = true
	engine.ForwardedByClientIP = false
	if s.Trace != nil {
		engine.Use(s.Trace)
	}
	engine.Use(s.begin, s.record, s.recoverPanic, s.checkFraming)
	engine.NoRoute(s.unrouted)
	engine.NoMethod(func(c *gin.Context) { s.refuse(c, errMethodNotAllowed) })
	return engine
}

// underVault reports whether a request's path belongs to the vault, whether or
// not it names a route.
func underVault(r *http.Request) bool {
	rest, ok := strings.CutPrefix(r.URL.Path, vaultPrefix)
	return ok && (rest == "" || rest[0] == '/')
}
