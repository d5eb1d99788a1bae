package node

import (
	"io"
	"log/slog"
	"time"

	"github.com/quantaseal/quantaseal/internal/auth"
)

// Options are what a node takes from its process, so that tests can set them.
type Options struct {
	Version string
	Logger  *slog.Logger
	Now     func() time.Time
	Random  io.Reader
	Argon   auth.Argon    // the cost of a password; zero = production
	Pause   time.Duration // between two passes of the reconciler; zero = 30 s
	Jobs    time.Duration // between two looks for jobs that are due; zero = 10 min
	Hold    time.Duration // how long an answer takes that must not tell of an account; zero = 500 ms

	// Recovering opens a log that lost what was anchored without halting it, for Recover.
	Recovering bool

	ResendURL string // where Resend is; empty = where it is
}

// hold is longer than a login takes that hashes a password and writes a fact.
const hold = 500 * time.Millisecond
