package http

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/gin-gonic/gin"
)

// Health says whether this node can do its work, and how it is set up.
type Health struct {
	Version     string
	Region      string
	Environment string // production, or development while no passphrase protects the keys
	// Database, KMS, Crypto and Views return nil while each can be used.
	Database func(context.Context) error
	KMS      func(context.Context) error
	Crypto   func(context.Context) error // asked once in cryptoEvery at most
	Views    func() error
	// Pool says how busy the work is that takes cores. It asks nobody.
	Pool func() Pool
}

// Pool is how busy the work is that takes cores.
type Pool struct {
	Hashing, Hashers int // passwords that are hashed now, and that can be at once
	Appending        int // appends that wait for their signatures, or for the disk
}

// healthAnswer has exactly the keys that the published clients read.
type healthAnswer struct {
	Status      string            `json:"status"`
	Version     string            `json:"version"`
	Region      string            `json:"region"`
	Environment string            `json:"environment"`
	Checks      map[string]string `json:"checks"`
}

// healthPatience bounds each check, so that /health answers whatever hangs.
const healthPatience = 2 * time.Second

// cryptoEvery is how long what a check of the cryptography found is good for.
const cryptoEvery = 10 * time.Second

// health makes the handler of GET /health, outside the API's prefix and envelope.
// It answers 503 when a fact could not be recorded. Whoever is authenticated also
// sees what stands still without stopping the work, and how busy it is.
func (s *Server) health() gin.HandlerFunc {
	database, kms := &probe{check: s.Health.Database}, &probe{check: s.Health.KMS}
	crypto := &probe{check: s.Health.Crypto, keep: cryptoEvery, now: s.Now}
	return func(c *gin.Context) {
		ctx, cancel := context.WithTimeout(c.Request.Context(), healthPatience)
		defer cancel()
		stored, keyed, signed := database.start(ctx), kms.start(ctx), crypto.start(ctx)
		checks := map[string]string{
			"redis": "not_used", "crypto_pool": state(signed.wait(ctx)),
			"database": state(stored.wait(ctx)), "kms": state(keyed.wait(ctx)),
		}
		a := healthAnswer{"healthy", s.Health.Version, s.Health.Region, s.Health.Environment, checks}
		status, views := http.StatusOK, state(s.Health.Views())
		switch {
		case checks["database"] != "healthy" || checks["kms"] != "healthy" || checks["crypto_pool"] != "healthy":
			a.Status, status = "unhealthy", http.StatusServiceUnavailable
		case views != "healthy":
			a.Status = "degraded"
		}
		if a.Status != "unhealthy" {
			x := exchangeOf(c)
			by, _, err := s.authenticate(c.Request.WithContext(ctx), x)
			if err == nil {
				pool := s.Health.Pool()
				checks["projections"], x.tenant = views, by.Tenant
				checks["password_hashes"] = strconv.Itoa(pool.Hashing) + " of " + strconv.Itoa(pool.Hashers)
				checks["appends_waiting"] = strconv.Itoa(pool.Appending)
			} else {
				s.failed(c.Request, x, refusalFor(err)) // no way to guess unnoticed
			}
		}
		body, err := json.Marshal(a)
		if err != nil {
			s.refuse(c, err)
			return
		}
		send(c, status, body)
	}
}

func state(err error) string {
	if err != nil {
		return "unhealthy"
	}
	return "healthy"
}

var errSlow = errors.New("http: a check takes too long")

// probe runs a check once at a time, however many ask: neither a flood of
// questions nor a check that hangs becomes a flood of checks.
type probe struct {
	check func(context.Context) error
	keep  time.Duration // how long its finding is good for; 0 = not at all
	now   func() time.Time

	mu      sync.Mutex
	running *attempt
	last    *attempt
}

type attempt struct {
	done chan struct{}
	at   time.Time // when it was done
	err  error
}

// start begins a check unless one is running or was run lately, and returns that one.
func (p *probe) start(ctx context.Context) *attempt {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.keep > 0 && p.last != nil && p.now().Sub(p.last.at).Abs() < p.keep {
		return p.last
	}
	if p.running == nil {
		p.running = &attempt{done: make(chan struct{})}
		go p.run(context.WithoutCancel(ctx), p.running)
	}
	return p.running
}

func (p *probe) run(ctx context.Context, a *attempt) {
	ctx, cancel := context.WithTimeout(ctx, healthPatience)
	defer cancel()
	a.err = p.check(ctx)
	p.mu.Lock()
	if p.running = nil; p.keep > 0 {
		a.at, p.last = p.now(), a
	}
	p.mu.Unlock()
	close(a.done)
}

// wait returns what the check found, or errSlow if ctx ends first.
func (a *attempt) wait(ctx context.Context) error {
	select {
	case <-a.done:
		return a.err
	case <-ctx.Done():
	}
	select {
	case <-a.done: // while another one was waited for
		return a.err
	default:
		return errSlow
	}
}
