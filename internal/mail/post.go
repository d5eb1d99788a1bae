package mail

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"
)

// Sender delivers a letter, in one attempt.
type Sender interface {
	Send(ctx context.Context, l Letter) error
}

// How many letters wait at most, how many are on their way at once, and how
// often one is tried.
const (
	postRoom     = 1024
	postCarriers = 4
	postAttempts = 6
	postGrace    = 10 * time.Second // for what waits when the node stops
)

// ErrPostFull reports that too many letters wait.
var ErrPostFull = errors.New("too many letters wait to be sent")

// Post delivers letters beside the requests that gave rise to them, so that how
// long delivery takes shows nobody whether there was anything to deliver. What it
// was given is gone if the process dies: its reader asks again. Make one with Open.
type Post struct {
	Sender Sender
	Pause  time.Duration // before the second attempt, doubled for each more; 0 = 1 s
	Logger *slog.Logger

	waiting chan Letter
}

// Open makes p ready for use.
func (p *Post) Open() *Post {
	if p.Pause == 0 {
		p.Pause = time.Second
	}
	p.waiting = make(chan Letter, postRoom)
	return p
}

// Send takes charge of l, which nobody else may hold then, and returns at once.
// It fails with ErrPostFull.
func (p *Post) Send(_ context.Context, l Letter) error {
	select {
	case p.waiting <- l:
		return nil
	default:
		clear(l.Token)
		return ErrPostFull
	}
}

// Forget has nothing to remove: what waits is sent or given up within minutes.
func (p *Post) Forget(context.Context, [16]byte) error { return nil }

// Run delivers letters until ctx ends, and then for a few seconds what waits.
func (p *Post) Run(ctx context.Context) {
	var carriers sync.WaitGroup
	for range postCarriers {
		carriers.Go(func() {
			for {
				select {
				case l := <-p.waiting:
					p.deliver(ctx, l)
				case <-ctx.Done():
					return
				}
			}
		})
	}
	carriers.Wait()
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), postGrace)
	defer cancel()
	for {
		select {
		case l := <-p.waiting:
			p.settle(last, l, p.Sender.Send(last, l))
		default:
			return
		}
	}
}

// deliver tries until the letter is delivered or rejected, or has been tried
// often enough.
func (p *Post) deliver(ctx context.Context, l Letter) {
	pause := p.Pause
	for attempt := 1; ; attempt++ {
		err := p.Sender.Send(context.WithoutCancel(ctx), l) // each attempt has a timeout of its own
		if err == nil || errors.Is(err, ErrRejected) || attempt == postAttempts || ctx.Err() != nil {
			p.settle(ctx, l, err)
			return
		}
		select {
		case <-time.After(pause):
			pause *= 2
		case <-ctx.Done():
		}
	}
}

// settle says what became of a letter, and wipes it.
func (p *Post) settle(ctx context.Context, l Letter, err error) {
	clear(l.Token)
	if err != nil {
		p.Logger.ErrorContext(ctx, "a letter was not delivered", "letter", uuid(l.ID), "kind", string(l.Kind), "err", err)
		return
	}
	p.Logger.InfoContext(ctx, "a letter was delivered", "letter", uuid(l.ID), "kind", string(l.Kind))
}
