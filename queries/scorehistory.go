package queries

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/internal/compliance"
)

// HistoryPoint is where a framework's score stood when a day began, in UTC; or
// where it stands.
type HistoryPoint struct {
	Framework string `json:"framework"`
	compliance.Point
}

// MaxHistory is how many days back a history goes at most.
const MaxHistory = 366

// maxPoints is how many points of all histories are kept, at some 200 bytes each.
const maxPoints = 20_000

type pointKey struct {
	tenant    domain.TenantID
	framework string
	at        int64
}

// History returns a framework's score now, and at the beginning of each day before,
// in UTC: so many of them, 1 to MaxHistory, but none before the chain began. The
// first is the oldest. Each is the score that Score returns for its instant.
func (s *Scores) History(ctx context.Context, tenant domain.TenantID, f *compliance.Framework, days int) ([]HistoryPoint, error) {
	now := s.Now().UnixMicro()
	a, _, err := s.current(ctx, tenant, f, 0, now)
	if err != nil {
		return nil, err
	}
	latest, err := a.Point()
	if err != nil {
		return nil, err
	}
	points, err := s.Days(ctx, tenant, f, int64(a.AsOf), days)
	return append(points, HistoryPoint{f.ID, latest}), err
}

// Days returns a framework's score at the beginning of each day before an instant, in
// UTC: so many of them, 1 to MaxHistory, but none before the chain began, which was
// read as far as that.
func (s *Scores) Days(ctx context.Context, tenant domain.TenantID, f *compliance.Framework, until int64, days int) ([]HistoryPoint, error) {
	p, err := s.platformNow(ctx)
	if err != nil {
		return nil, err
	}
	began := s.began(tenant)
	midnight := time.UnixMicro(until).UTC().Truncate(24 * time.Hour)
	points := make([]HistoryPoint, 0, days+1)
	var state *compliance.State // goes on from one day to the next
	for back := days - 1; back >= 0; back-- {
		at := midnight.AddDate(0, 0, -back).UnixMicro()
		if at < began || at == until {
			continue
		}
		key := pointKey{tenant, f.ID, at}
		if kept, ok := s.points.Get(key); ok {
			points = append(points, kept)
			continue
		}
		if state, err = s.goOn(ctx, tenant, state, at); err != nil {
			return nil, fmt.Errorf("folding a chain for a history of scores: %w", err)
		}
		point, err := state.On(p).Assess(s.catalogue, f, at).Point()
		if err != nil {
			return nil, err
		}
		points = append(points, HistoryPoint{f.ID, point})
		if !state.Broken() && s.settled(at) {
			s.points.Add(key, points[len(points)-1])
		}
	}
	return points, nil
}

// goOn leads a state to an instant, or if there is none, begins one there.
func (s *Scores) goOn(ctx context.Context, tenant domain.TenantID, state *compliance.State, at int64) (*compliance.State, error) {
	if state != nil {
		if state.Broken() {
			return state, nil
		}
		err := s.fold(ctx, tenant, state, until(at))
		if !errors.Is(err, errMoved) {
			return state, err
		}
		s.past.forget(tenant)
	}
	state, err := s.then(ctx, tenant, until(at))
	if err != nil {
		return nil, err
	}
	return state.Clone(), nil
}

// began returns when a chain began that was read as far as it goes.
func (s *Scores) began(tenant domain.TenantID) int64 {
	cell := s.cell(tenant)
	cell.mu.Lock()
	defer cell.mu.Unlock()
	return cell.state.Began()
}

// forgetPoints drops what is kept of a tenant's histories.
func (s *Scores) forgetPoints(tenant domain.TenantID) {
	for _, key := range s.points.Keys() {
		if key.tenant == tenant {
			s.points.Remove(key)
		}
	}
}

// errOrder refuses a change that ends before it begins.
var errOrder = &domain.Error{Kind: domain.Invalid, Message: "from must be before to"}

// Change returns how a framework's score went from one instant to another, Unix
// microseconds, and the facts that moved it. 0 is now. It refuses with Invalid what
// Score refuses, and instants that are not in order.
func (s *Scores) Change(ctx context.Context, tenant domain.TenantID, f *compliance.Framework, from, to int64) (compliance.Change, error) {
	end, err := s.Score(ctx, tenant, f, to)
	if err != nil {
		return compliance.Change{}, err
	}
	to = int64(end.AsOf)
	if from >= to {
		return compliance.Change{}, errOrder
	}
	if from < s.began(tenant) {
		return compliance.Change{}, errBefore
	}
	state, err := s.then(ctx, tenant, until(from))
	if err != nil {
		return compliance.Change{}, fmt.Errorf("folding a chain for a change of scores: %w", err)
	}
	p, err := s.platformNow(ctx)
	if err != nil {
		return compliance.Change{}, err
	}
	trail := state.On(p).Trail(s.catalogue, f, from, to, end.AsOfSeq-min(end.AsOfSeq, state.Next()))
	if !state.Broken() {
		if err := s.fold(ctx, tenant, trail, until(to)); err != nil {
			return compliance.Change{}, fmt.Errorf("folding a chain for a change of scores: %w", err)
		}
	}
	return trail.Change()
}
