package http

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/quantaseal/quantaseal/eventstore"
)

// streamQuery is asked in the query and in Last-Event-ID alone.
type streamQuery struct{}

// wrong implements formed.
func (streamQuery) wrong(_ context.Context, s *Server, in *call) error {
	_, err := s.streamQuestionOf(in)
	return err
}

// streamQuestion is what the reader of a stream wants to see.
type streamQuestion struct {
	auditQuestion
	begins bool // From says where; else at the end there is
	events bool // as server-sent events
}

// filter says what q asks for, wherever it begins.
func (q streamQuestion) filter() string { return "stream " + q.auditQuestion.filter() }

// notStreamed are parameters of a page, which a stream has none of.
var notStreamed = []string{"limit", "offset", "cursor", "order", "include", "hours", "start_date", "end_date"}

// streamQuestionOf reads what the caller wants to see, from where on and how.
func (s *Server) streamQuestionOf(in *call) (streamQuestion, error) {
	p := parametersOf(in.http)
	for _, name := range notStreamed {
		if p.values.Has(name) {
			p.wrong(name + " does not go with a stream")
		}
	}
	q := streamQuestion{begins: p.values.Has("from_seq")}
	switch p.text("format") {
	case "sse":
		q.events = true
	case "ndjson":
	case "":
		q.events = strings.Contains(in.http.Header.Get("Accept"), "text/event-stream")
	default:
		p.wrong("format must be sse or ndjson")
	}
	if p.err != nil {
		return q, p.err
	}
	var err error
	if q.auditQuestion, err = s.auditQuestionOf(in); err != nil {
		return q, err
	}
	if last := in.http.Header.Get("Last-Event-ID"); last != "" {
		n, err := strconv.ParseUint(last, 10, 62)
		if err != nil {
			return q, invalid("Last-Event-ID is not one that a stream gave")
		}
		q.begins, q.From = true, n+1
	}
	q.Forward, q.Ascending, q.Limit, q.Offset, q.Before = true, true, streamBatch, 0, 0
	return q, nil
}

// read returns up to streamBatch facts that the reader wants, and what it is to look
// at next: everything before was looked at. It knows at least what stands up to a
// position.
func (t *stream) read(ctx context.Context, at eventstore.Position) ([]eventstore.Recorded, uint64, error) {
	actors, anybody, err := t.s.visibleActors(ctx, t.in, t.q.users)
	if err != nil {
		return nil, 0, err
	}
	if anybody && !t.q.narrow() {
		return t.whole(ctx)
	}
	passing, cancel := context.WithTimeout(ctx, projectionPatience)
	defer cancel()
	if err := t.s.Views.Passed(passing, at); err != nil && ctx.Err() != nil {
		return nil, 0, context.Cause(ctx)
	}
	q := t.q.auditQuestion
	if q.Before, err = t.s.Queries.AuditEnd(ctx, q.Tenant); err != nil {
		return nil, 0, err
	}
	end := max(q.Before, t.next)
	if q.Actors = actors; end == t.next || !anybody && len(actors) == 0 {
		return nil, end, nil
	}
	q.From = t.next
	seqs, err := t.s.auditIndex(ctx, q)
	if err != nil {
		return nil, 0, err
	}
	facts, err := t.s.Queries.AuditLog(ctx, q.Tenant, seqs)
	if err == nil && len(seqs) == streamBatch {
		end = slices.Max(seqs) + 1
	}
	return facts, end, err
}

// whole reads facts of whatever kind.
func (t *stream) whole(ctx context.Context) (facts []eventstore.Recorded, next uint64, err error) {
	next = t.next
	for r, err := range t.s.Events.History(ctx, t.in.by.Tenant, next) {
		if err != nil {
			return nil, 0, err
		}
		facts, next = append(facts, r), r.Header.Seq+1
		if len(facts) == streamBatch {
			break
		}
	}
	return facts, next, nil
}

// errDraining reports that the server is about to stop.
var errDraining = fmt.Errorf("%w: the server stops", errUnavailable)

// errChanged reports a reader who may see other things than when the stream began.
var errChanged = &refusal{0, "access_changed", ""}

// guard ends the stream as soon as its reader may no more, or the server stops. A
// write that waits for the reader does not hold it up.
func (t *stream) guard(ctx context.Context, cancel context.CancelCauseFunc) {
	tick := time.NewTicker(streamCheck)
	defer tick.Stop()
	for {
		var err error
		select {
		case <-ctx.Done():
			return
		case <-t.s.streams.stopped():
			err = errDraining
		case <-tick.C:
			err = t.still(ctx)
		}
		if err == nil || ctx.Err() != nil {
			continue
		}
		cancel(err)
		_ = t.control.SetWriteDeadline(t.s.Now().Add(streamCheck))
		return
	}
}

// still refuses a reader who may no more what it did when the stream began. What
// keeps it from finding out for a moment is no reason to end.
func (t *stream) still(ctx context.Context) error {
	by, st, err := t.s.identify(t.c.Request.WithContext(ctx), t.in.exchange)
	if err != nil {
		if refusalFor(err).status < 500 {
			return err
		}
		return nil
	}
	if t.in.access.bars(by, st, t.in.client, t.s.Now()) != "" {
		return errDenied
	}
	if by.Role != t.in.by.Role || by.Tenant != t.in.by.Tenant || by.ID != t.in.by.ID {
		return errChanged
	}
	return nil
}
