package anchors

import (
	"context"
	"errors"
	"time"

	"github.com/quantaseal/quantaseal/eventstore"
	"github.com/quantaseal/quantaseal/eventstore/chain"
)

// How often, at most, there is an anchor, unless somebody waits for one; how long
// the first fact after a rest waits for others; and how long a process waits before
// it asks for the lead again, or tries again what failed.
const (
	every  = 900 * time.Millisecond
	gather = 50 * time.Millisecond
	again  = time.Second

	lastPatience = 5 * time.Second
)

// look is how often a busy log is followed between two anchors: what this process
// appended is then still in memory.
const look = 200 * time.Millisecond

// Run anchors what is appended until ctx ends, a second after it at most, as long as
// this process has the lead. When the log turns out not to go on from what was
// anchored, it halts the log. Faults are told and tried again.
func (l *Ledger) Run(ctx context.Context) {
	for ctx.Err() == nil && l.Events.Halted() == nil {
		resign, leads, err := l.Store.Lead(ctx)
		if leads {
			if err = l.lead(ctx); ctx.Err() != nil {
				l.last(ctx)
			}
			resign()
		}
		if ctx.Err() != nil {
			return
		}
		switch f, found := errors.AsType[chain.Finding](err); {
		case found:
			if l.Events.Halted() == nil { // else it was told already
				l.alarm(ctx, []chain.Finding{f})
			}
			return
		case errors.Is(err, ErrMoved):
			if _, err := l.Guard(ctx); err == nil {
				continue
			}
		}
		if err != nil {
			l.Logger.WarnContext(ctx, "anchoring failed, trying again", "err", err)
		}
		rest(ctx, again, nil)
	}
}

// last anchors what a process appended before it ends.
func (l *Ledger) last(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastPatience)
	defer cancel()
	if err := l.Pass(ctx); err != nil {
		l.Logger.WarnContext(ctx, "what was appended last is not anchored yet", "err", err)
	}
}

// lead anchors until something fails, or ctx ends.
func (l *Ledger) lead(ctx context.Context) error {
	for {
		if err := l.Pass(ctx); err != nil {
			return err
		}
		begun := l.Now()
		if err := l.Events.Wait(ctx, l.followed()); err != nil {
			return err
		}
		for pause := min(max(gather, every-l.Now().Sub(begun)), every); pause > 0; pause -= look {
			if asked := rest(ctx, min(pause, look), l.urgent); asked {
				break
			}
			if err := l.drain(ctx); err != nil {
				return err
			}
		}
	}
}

// followed returns up to where the log was followed.
func (l *Ledger) followed() eventstore.Position {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.grown.position
}

// rest waits for some time, or until ctx ends or there is a token, which it returns.
func rest(ctx context.Context, d time.Duration, token <-chan struct{}) (asked bool) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-token:
		return true
	case <-ctx.Done():
	}
	return false
}
