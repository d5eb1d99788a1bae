package http

import (
	"bufio"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strconv"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/eventstore"
	"github.com/quantaseal/quantaseal/eventstore/chain"
)

// How a stream keeps time.
const (
	streamPatience = 30 * time.Second       // how long a reader may take for what is in flight
	streamBeat     = 10 * time.Second       // a frame at least so often
	streamPause    = 100 * time.Millisecond // between two looks at a log that others write to
	streamCheck    = time.Second            // between two looks at whether the reader still may
	streamProgress = time.Second            // between two reports of progress while the log grows
)

// streamBatch is how many facts of a stream are in memory at a time: two pages of the store.
const streamBatch = 72

// streamLog handles GET /audit/stream. It writes the tenant's facts from any sequence
// number on, in order, as each is durable, and goes on until its reader leaves or may
// no more. Nothing is queued for a reader: one who is slow reads later from the store.
func (s *Server) streamLog(c *gin.Context) {
	in, err := s.call(c, endpoint{})
	if err == nil {
		var req streamQuery
		if err = in.read(&req, maxBody); err == nil {
			err = s.admit(c.Request.Context(), in, req)
		}
	}
	if err != nil {
		s.refuse(c, err)
		return
	}
	t, err := s.openStream(c, in)
	if err != nil {
		s.refuse(c, err)
		return
	}
	defer s.streams.leave(in.by.Tenant)
	ctx, cancel := context.WithCancelCause(c.Request.Context())
	guarded := make(chan struct{})
	go func() { defer close(guarded); t.guard(ctx, cancel) }()
	err = t.run(ctx)
	cancel(nil)
	<-guarded
	if reason := context.Cause(ctx); reason != nil && !errors.Is(reason, context.Canceled) {
		err = reason
	}
	t.end(err)
}

// openStream reads the question, puts it on the record and begins the answer.
func (s *Server) openStream(c *gin.Context, in *call) (*stream, error) {
	ctx := c.Request.Context()
	q, err := s.streamQuestionOf(in)
	if err != nil {
		return nil, err
	}
	head, err := s.Events.Head(ctx, in.by.Tenant)
	if err != nil {
		return nil, err
	}
	if !q.begins {
		q.From = head.Next
	}
	if q.From > head.Next {
		return nil, &domain.Error{Kind: domain.Conflict, Message: "the log does not go that far"}
	}
	if _, err := s.Vault.RecordAuditQuery(ctx, in.by, q.filter()); err != nil {
		return nil, err
	}
	genesis, err := s.Events.At(ctx, in.by.Tenant, 0)
	if err != nil {
		return nil, err
	}
	if !s.streams.join(in.by.Tenant) {
		in.allowance.Retry = streamBeat
		return nil, errTooMany
	}
	t := &stream{
		s: s, c: c, in: in, q: q, next: q.From, told: q.From, control: http.NewResponseController(c.Writer),
		out: &frames{to: bufio.NewWriterSize(c.Writer, 64<<10), events: q.events},
	}
	h := c.Writer.Header()
	h.Set("Content-Type", t.out.contentType())
	h.Set("X-Accel-Buffering", "no") // a proxy that collects an answer would never show this one
	c.Writer.WriteHeader(http.StatusOK)
	t.opening = openingOf(s.Bundle, in.by.Tenant, q.From, genesis)
	return t, nil
}

// stream is one reader of the log and how far it got.
type stream struct {
	s       *Server
	c       *gin.Context
	in      *call
	q       streamQuestion
	out     *frames
	control *http.ResponseController
	opening opening

	next   uint64    // what is looked at next
	told   uint64    // the reader knows that everything before it was looked at
	beaten time.Time // when the last frame was written
}

// run writes frames until ctx ends or something fails.
func (t *stream) run(ctx context.Context) error {
	if err := t.write(ctx, func() error { return t.out.open(t.opening) }); err != nil {
		return err
	}
	for caughtUp := false; ; {
		at, err := t.s.Events.Last(ctx)
		if err != nil {
			return err
		}
		facts, next, err := t.read(ctx, at)
		if err != nil {
			return err
		}
		if len(facts) > 0 {
			if err := t.deliver(ctx, facts); err != nil {
				return err
			}
			t.told = next
		}
		t.next = next
		if len(facts) == streamBatch {
			continue
		}
		quiet := t.s.Now().Sub(t.beaten)
		if !caughtUp || quiet >= streamBeat || t.next > t.told && quiet >= streamProgress {
			caughtUp, t.told = true, t.next
			if err := t.write(ctx, func() error { return t.out.progress(t.next) }); err != nil {
				return err
			}
		}
		if err := t.wait(ctx, at); err != nil {
			return err
		}
	}
}

// wait returns when there may be something after a position, or when it is time for
// a frame. It is not woken more often than the log is worth looking at.
func (t *stream) wait(ctx context.Context, at eventstore.Position) error {
	longest := streamBeat
	if t.next > t.told {
		longest = streamProgress
	}
	until, cancel := context.WithTimeout(ctx, longest)
	defer cancel()
	if err := t.s.Events.Wait(until, at); err != nil && ctx.Err() != nil {
		return context.Cause(ctx)
	}
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-time.After(streamPause):
		return nil
	}
}

// deliver writes facts, whose reading is on the record before. Readings alone are
// not put on the record: two readers would have each other to read for ever.
func (t *stream) deliver(ctx context.Context, facts []eventstore.Recorded) error {
	for i := range facts {
		if _, reading := facts[i].Event.(domain.AuditLogQueried); !reading {
			if _, err := t.s.Vault.RecordAuditQuery(ctx, t.in.by, t.q.filter()); err != nil {
				return err
			}
			break
		}
	}
	return t.write(ctx, func() error {
		for i := range facts {
			if err := t.out.fact(facts[i]); err != nil {
				return err
			}
		}
		return nil
	})
}

// write writes frames and sends them.
func (t *stream) write(ctx context.Context, frames func() error) error {
	if err := t.control.SetWriteDeadline(t.s.Now().Add(streamPatience)); err != nil {
		return err
	}
	if ctx.Err() != nil { // whoever ended it has set a deadline of its own
		return context.Cause(ctx)
	}
	if err := frames(); err != nil {
		return errors.Join(errReaderLeft, err)
	}
	if err := t.out.to.Flush(); err != nil {
		return errors.Join(errReaderLeft, err)
	}
	t.beaten = t.s.Now()
	return t.control.Flush()
}

// errReaderLeft reports a reader who is gone, or too slow for what is in flight.
var errReaderLeft = errors.New("the reader left")

// end tells the reader why there is no more, if it is still there.
func (t *stream) end(err error) {
	ctx, log := t.c.Request.Context(), t.s.Log
	id := slog.String("request_id", t.in.id.String())
	if ctx.Err() != nil || errors.Is(err, errReaderLeft) {
		log.LogAttrs(ctx, slog.LevelInfo, "the reader of a stream left", id, slog.String("next", strconv.FormatUint(t.next, 10)))
		return
	}
	reason := refusalFor(err)
	if reason == errInternal || reason.status == http.StatusServiceUnavailable && !errors.Is(err, errDraining) {
		log.LogAttrs(ctx, slog.LevelError, "a stream broke off", id, slog.Any("err", err))
	}
	_ = t.control.SetWriteDeadline(t.s.Now().Add(streamCheck))
	if t.out.end(reason.kind) == nil && t.out.to.Flush() == nil {
		_ = t.control.Flush()
	}
}

// openingOf is what a stream says of the log it is of.
func openingOf(b chain.BundleHeader, tenant domain.TenantID, from uint64, genesis eventstore.Recorded) opening {
	return opening{
		Type: "stream", Version: 1, Origin: b.Origin, RootPublicKey: b.RootPublicKey, CreatedUS: b.CreatedUS,
		Nonce: domain.Digest(b.Nonce), LogID: domain.Digest(b.LogID), TenantID: tenant.String(), FromSeq: from,
		Genesis: signedRecord{genesis.Record.Header, genesis.Record.Payload, genesis.Record.Detached, genesis.Record.Signature},
	}
}
