package queries

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"sync"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"

	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/eventstore"
	"github.com/quantaseal/quantaseal/internal/compliance"
)

// Scores answers how well a tenant's chain supports a compliance framework. It
// folds the chain itself, verified, and no read model: a score is evidence. What
// it folded it keeps, so that asking again costs what has happened since.
//
// Log and Now are required. Make one with Open.
type Scores struct {
	Log interface {
		// History returns tenant's facts from a sequence number on, in order, each
		// verified and linked to the one before it.
		History(ctx context.Context, tenant domain.TenantID, from uint64) iter.Seq2[eventstore.Recorded, error]
	}
	Now func() time.Time

	catalogue *compliance.Catalogue
	live      *lru.Cache[domain.TenantID, *folded] // as far as each chain was read
	platform  platform
	past      pastStates
	points    *lru.Cache[pointKey, HistoryPoint] // of days that are over
}

// folded is a tenant's state, which goes on with its chain.
type folded struct {
	mu    sync.Mutex
	state *compliance.State
}

// maxLive is how many tenants' states are kept as far as they were read. Each grows
// with what its tenant has.
const maxLive = 128

// Open loads the catalogue. It returns a fault if that is not whole.
func (s *Scores) Open() (*Scores, error) {
	var err error
	if s.catalogue, err = compliance.Load(); err != nil {
		return nil, err
	}
	if s.live, err = lru.New[domain.TenantID, *folded](maxLive); err != nil {
		return nil, fmt.Errorf("opening the scores: %w", err)
	}
	if s.points, err = lru.New[pointKey, HistoryPoint](maxPoints); err != nil {
		return nil, fmt.Errorf("opening the scores: %w", err)
	}
	if err := s.past.open(); err != nil {
		return nil, fmt.Errorf("opening the scores: %w", err)
	}
	return s, nil
}

// Catalogue returns what scores are made of.
func (s *Scores) Catalogue() *compliance.Catalogue { return s.catalogue }

// Refusals of instants for which there is no score.
var (
	errFuture = &domain.Error{Kind: domain.Invalid, Message: "at must not be in the future"}
	errBefore = &domain.Error{Kind: domain.Invalid, Message: "at must not be before the tenant registered"}
	errAhead  = &domain.Error{Kind: domain.Invalid, Message: "as_of_seq is not on the chain yet"}
)

// Score assesses a framework of the catalogue for a tenant at an instant, Unix
// microseconds, 0 being now. It refuses with Invalid an instant to come and one
// before the chain began. A chain that does not verify is no fault: its score is 0.
func (s *Scores) Score(ctx context.Context, tenant domain.TenantID, f *compliance.Framework, at int64) (compliance.Assessment, error) {
	now := s.Now().UnixMicro()
	if at > now {
		return compliance.Assessment{}, errFuture
	}
	a, current, err := s.current(ctx, tenant, f, at, now)
	if err != nil || current {
		return a, err
	}
	then, err := s.then(ctx, tenant, until(at))
	if err != nil {
		return compliance.Assessment{}, fmt.Errorf("folding a chain for a score of the past: %w", err)
	}
	p, err := s.platformNow(ctx)
	if err != nil {
		return compliance.Assessment{}, err
	}
	return then.On(p).Assess(s.catalogue, f, at), nil
}

// ScoreAsOf assesses a framework for a tenant as of a fact of its chain: those until
// then count, that one included, and the instant is when it was recorded. It refuses
// with Invalid a fact to come. Of a chain that breaks before the fact the score is 0.
func (s *Scores) ScoreAsOf(ctx context.Context, tenant domain.TenantID, f *compliance.Framework, seq uint64) (compliance.Assessment, error) {
	p, err := s.platformNow(ctx)
	if err != nil {
		return compliance.Assessment{}, err
	}
	a, done, broken, err := s.latest(ctx, tenant, f, seq, p)
	if err != nil || done {
		return a, err
	}
	then, err := s.then(ctx, tenant, through(seq))
	if err != nil {
		return compliance.Assessment{}, fmt.Errorf("folding a chain for a score as of a fact: %w", err)
	}
	if broken && !then.Broken() && then.Next() <= seq {
		then = then.Clone()
		then.Break("what was read before is no longer there")
	}
	return then.On(p).Assess(s.catalogue, f, then.Last()), nil
}

// latest assesses the state that a chain has come to, if a fact is its last one, and
// reports whether the chain is broken.
func (s *Scores) latest(ctx context.Context, tenant domain.TenantID, f *compliance.Framework, seq uint64, p *compliance.Platform) (a compliance.Assessment, done, broken bool, err error) {
	cell := s.cell(tenant)
	cell.mu.Lock()
	defer cell.mu.Unlock()
	if err := s.catchUp(ctx, tenant, cell); err != nil {
		return a, false, false, fmt.Errorf("folding a chain for a score as of a fact: %w", err)
	}
	if broken = cell.state.Broken(); broken {
		return a, false, true, nil
	}
	switch next := cell.state.Next(); {
	case seq >= next:
		return a, false, false, errAhead
	case seq == next-1:
		return cell.state.On(p).Assess(s.catalogue, f, cell.state.Last()), true, false, nil
	}
	return a, false, false, nil
}

// current assesses the state that a chain has come to, unless the instant lies
// before its last fact.
func (s *Scores) current(ctx context.Context, tenant domain.TenantID, f *compliance.Framework, at, now int64) (compliance.Assessment, bool, error) {
	cell := s.cell(tenant)
	cell.mu.Lock()
	defer cell.mu.Unlock()
	if err := s.catchUp(ctx, tenant, cell); err != nil {
		return compliance.Assessment{}, false, fmt.Errorf("folding a chain for a score: %w", err)
	}
	if at == 0 {
		at = max(now, cell.state.Last()) // stamps of another node may be ahead of this one's clock
	}
	if at < cell.state.Began() {
		return compliance.Assessment{}, false, errBefore
	}
	if at < cell.state.Last() {
		return compliance.Assessment{}, false, nil
	}
	p, err := s.platformNow(ctx)
	if err != nil {
		return compliance.Assessment{}, false, err
	}
	return cell.state.On(p).Assess(s.catalogue, f, at), true, nil
}

// cell returns where tenant's state is kept.
func (s *Scores) cell(tenant domain.TenantID) *folded {
	fresh := &folded{state: compliance.NewState()}
	if kept, found, _ := s.live.PeekOrAdd(tenant, fresh); found {
		s.live.Get(tenant) // it was just used
		return kept
	}
	return fresh
}

// catchUp folds what happened since a state was last asked for. A state that was
// found broken begins anew: what broke it may have been put right, and if not, is
// found again.
func (s *Scores) catchUp(ctx context.Context, tenant domain.TenantID, cell *folded) error {
	if cell.state.Broken() {
		cell.state = compliance.NewState()
	}
	err := s.fold(ctx, tenant, cell.state, throughout)
	if errors.Is(err, errMoved) {
		cell.state.Break("what was read before is no longer there")
		err = nil
	}
	if cell.state.Broken() { // whatever was read before may be of another chain
		s.past.forget(tenant)
		s.forgetPoints(tenant)
	}
	return err
}

// then returns the state as it was. Nobody may change it. It goes on from the state
// that is kept of the time before.
func (s *Scores) then(ctx context.Context, tenant domain.TenantID, to extent) (*compliance.State, error) {
	state, exact := s.past.before(tenant, to)
	if exact {
		return state, nil
	}
	err := s.fold(ctx, tenant, state, to)
	if errors.Is(err, errMoved) { // what is kept is of another chain than there is now
		s.past.forget(tenant)
		state = compliance.NewState()
		err = s.fold(ctx, tenant, state, to)
	}
	if err != nil {
		return nil, err
	}
	if !state.Broken() && (to.next == state.Next() || s.settled(to.at)) {
		s.past.keep(to.key(tenant), state)
	}
	return state, nil
}

// errMoved says that a chain does not go on from where it was read to.
var errMoved = errors.New("queries: a chain was cut off or exchanged")

// settled reports whether no fact can still be recorded at an instant or before it:
// clocks of nodes do not differ by a minute.
func (s *Scores) settled(at int64) bool { return s.Now().UnixMicro()-at > time.Minute.Microseconds() }

// folder is what facts are folded into: a state, or a trail that leads one.
type folder interface {
	Next() uint64
	Head() domain.Digest
	Apply(f compliance.Fact)
	Break(what string)
}

// fold goes on with a state as far as is said. It reads the last fact again
// that the state has: a chain that was cut off or exchanged there would not show
// otherwise. A fact that does not verify breaks the state. On the way it keeps what
// questions about the past can begin with.
func (s *Scores) fold(ctx context.Context, tenant domain.TenantID, into folder, to extent) error {
	from := into.Next()
	known := from > 0
	if known {
		from--
	}
	for r, err := range s.Log.History(ctx, tenant, from) {
		switch {
		case errors.Is(err, eventstore.ErrTampered):
			into.Break(fmt.Sprintf("the chain does not verify from event %d on", into.Next()))
			return nil
		case err != nil:
			return err
		case known && (domain.Digest(r.Hash) != into.Head()):
			return errMoved
		case known:
			known = false
			continue
		case int64(r.Header.TimeUS) > to.at || r.Header.Seq >= to.next:
			return nil
		}
		into.Apply(factOf(r))
		if state, ok := into.(*compliance.State); ok && state.Next()%between == 0 {
			s.past.keep(pastKey{tenant: tenant, next: state.Next()}, state.Clone())
		}
	}
	if known {
		return errMoved
	}
	return nil
}

func factOf(r eventstore.Recorded) compliance.Fact {
	h := &r.Header
	return compliance.Fact{
		Ref: compliance.Ref{
			Seq: h.Seq, EventID: h.EventID, Type: h.EventType, Time: int64(h.TimeUS), Hash: domain.Digest(r.Hash), Signer: domain.Digest(h.SignerKeyID),
		},
		ActorKind: domain.ActorKind(h.ActorKind), Actor: h.ActorID, Request: domain.RequestID{ID: h.RequestID},
		Outcome: domain.Outcome(h.Outcome), Payload: r.Record.Payload, Event: r.Event,
	}
}
