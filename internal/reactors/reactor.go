// Package reactors has effects on the world that follow from facts.
//
// Its one law: an effect is had at least once, and what it takes to have it is the
// log: a fact counts as done only once its effect was had, and how far that goes is
// kept durably. A reactor begins at the end of the log and is never replayed: what
// was folded again is no news.
package reactors

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/eventstore"
)

// Log is what a Reactor needs of the event store.
type Log interface {
	// Read returns up to limit facts of all chains after a position, in order,
	// verified. An empty answer means that there is nothing more yet.
	Read(ctx context.Context, after eventstore.Position, limit int) ([]eventstore.Recorded, error)
	// Wait blocks until there may be a fact after a position, or until ctx ends,
	// which is its only error.
	Wait(ctx context.Context, after eventstore.Position) error
}

// Reactor has one kind of effect. Of the nodes on one database one reacts at a
// time. What breaks off is begun again: an effect needs a name, such as the id of
// its fact, under which a second attempt is known as one. Exported fields must not
// change once it is in use. Make one with Open.
type Reactor struct {
	Name     string
	DB       *sql.DB // a writing handle, with the table reactors
	Log      Log
	Concerns func(domain.Event) bool // whether a fact may have the effect
	// React has the effect of a fact, or finds that there is none to have. It ends by
	// itself. After an error it is asked again, after ever longer pauses of up to a
	// minute.
	React  func(ctx context.Context, r eventstore.Recorded) error
	Holder domain.ID // names this node among the others
	Now    func() time.Time
	Logger *slog.Logger
	Pause  time.Duration // before the second attempt; 0 = 1 s
	Rest   time.Duration // before looking at what is new: one look for many facts; 0 = 20 ms

	turns chan struct{} // as many as may react at once
}

const (
	batch    = 256
	carriers = 4   // effects that are being had at once
	open     = 256 // facts that wait for their effect while others go on
	saveEach = 1000
	longest  = time.Minute // between two attempts
)

// Open makes r ready, with end as the place to begin if it never ran before.
func (r *Reactor) Open(ctx context.Context, end eventstore.Position) (*Reactor, error) {
	if r.Pause == 0 {
		r.Pause = time.Second
	}
	if r.Rest == 0 {
		r.Rest = 20 * time.Millisecond
	}
	r.turns = make(chan struct{}, carriers)
	if err := r.enrol(ctx, end); err != nil {
		return nil, fmt.Errorf("opening reactor %s: %w", r.Name, err)
	}
	return r, nil
}

// Run reacts, whenever it is this node's turn, until ctx ends, and returns its
// error then. A fault is logged and tried again.
func (r *Reactor) Run(ctx context.Context) error {
	for ctx.Err() == nil {
		held, err := r.take(ctx)
		if held {
			err = r.react(ctx)
		}
		if err != nil && ctx.Err() == nil {
			r.Logger.ErrorContext(ctx, "a reactor stands still and will be tried again", "reactor", r.Name, "err", err)
		}
		select {
		case <-ctx.Done():
		case <-time.After(turnPause):
		}
	}
	return ctx.Err()
}

// react follows the log for as long as it is this node's turn.
func (r *Reactor) react(ctx context.Context) error {
	position, err := r.position(ctx)
	if err != nil {
		return err
	}
	holding, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var tasks sync.WaitGroup
	tasks.Go(func() { cancel(r.keep(holding)) })
	p := newProgress(position)
	err = r.follow(holding, p, &tasks)
	cancel(err)
	tasks.Wait()
	last, done := context.WithTimeout(context.WithoutCancel(ctx), lease/3)
	defer done()
	if lost := context.Cause(holding); errors.Is(lost, errLost) {
		return lost
	}
	return errors.Join(err, r.move(last, p.mark()), r.leave(last))
}

// follow begins the effect of each fact, in order, and does not wait for it. It
// returns only with an error.
func (r *Reactor) follow(ctx context.Context, p *progress, tasks *sync.WaitGroup) error {
	saved := p.mark()
	room := make(chan struct{}, open)
	for after := p.mark(); ; {
		facts, err := r.Log.Read(ctx, after, batch)
		if err != nil {
			return fmt.Errorf("following the log: %w", err)
		}
		for _, f := range facts {
			after = f.Position
			if !r.Concerns(f.Event) {
				p.pass(after)
				continue
			}
			select {
			case room <- struct{}{}:
			case <-ctx.Done():
				return ctx.Err()
			}
			p.begin(after)
			tasks.Go(func() {
				defer func() { <-room }()
				r.carry(ctx, p, f)
			})
		}
		if mark := p.mark(); mark >= saved+saveEach {
			if err := r.move(ctx, mark); err != nil {
				return err
			}
			saved = mark
		}
		if len(facts) == batch {
			continue
		}
		if err := r.Log.Wait(ctx, after); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(r.Rest):
		}
	}
}

// carry has the effect of one fact, and keeps how far all have come. If that cannot
// be kept now, the next effect, or the end of the turn, keeps it too.
func (r *Reactor) carry(ctx context.Context, p *progress, f eventstore.Recorded) {
	for pause := r.Pause; ; pause = min(2*pause, longest) {
		err := r.attempt(ctx, f)
		if err == nil {
			p.end(f.Position)
			err = r.move(context.WithoutCancel(ctx), p.mark())
			r.warn(ctx, f, err)
			return
		}
		if ctx.Err() != nil {
			return
		}
		r.warn(ctx, f, err)
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause):
		}
	}
}

func (r *Reactor) warn(ctx context.Context, f eventstore.Recorded, err error) {
	if err != nil {
		id := domain.ID(f.Header.EventID)
		r.Logger.WarnContext(ctx, "a reactor failed and will try again", "reactor", r.Name, "event", id.String(), "err", err)
	}
}

func (r *Reactor) attempt(ctx context.Context, f eventstore.Recorded) error {
	select {
	case r.turns <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-r.turns }()
	return r.React(context.WithoutCancel(ctx), f) // what has begun is finished
}
