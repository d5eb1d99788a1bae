package http

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"iter"
	"net/url"
	"strconv"

	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/eventstore"
)

type exportRequest struct {
	Format string `json:"format"`
	// Delivery is inline (in the envelope), stream (the file itself), or "" for what
	// the format's readers expect.
	Delivery string `json:"delivery"`

	// What is wanted, as GET /audit/logs takes it. A bundle is of everything.
	StartDate  string `json:"start_date"`
	EndDate    string `json:"end_date"`
	EventType  string `json:"event_type"`
	Action     string `json:"action"`
	Outcome    string `json:"outcome"`
	ActorID    string `json:"actor_id"`
	ResourceID string `json:"resource_id"`

	// CheckpointSize is that of a checkpoint the reader has, from which the bundle's
	// is shown to go on; 0 = none.
	CheckpointSize int `json:"checkpoint_size"`
}

// wrong implements formed.
func (r exportRequest) wrong(_ context.Context, s *Server, in *call) error {
	_, err := r.question(s, in)
	return err
}

// inline reports whether the export is part of an envelope.
func (r exportRequest) inline() bool {
	return r.Delivery == "inline" || r.Delivery == "" && (r.Format == "json" || r.Format == "csv")
}

// exportBatch is how many facts of a part of the chain are in memory at a time.
const exportBatch = 256

// question reads which facts are wanted.
func (r exportRequest) question(s *Server, in *call) (q auditQuestion, err error) {
	switch {
	case exportTypes[r.Format] == "":
		return q, invalid("format must be bundle, csv, json, ndjson or ocsf")
	case r.CheckpointSize < 0:
		return q, invalid("checkpoint_size is not one that an answer gave")
	case r.Delivery != "" && r.Delivery != "inline" && r.Delivery != "stream":
		return q, invalid("delivery must be inline or stream")
	}
	values := url.Values{}
	for name, value := range map[string]string{
		"start_date": r.StartDate, "end_date": r.EndDate, "event_type": r.EventType, "action": r.Action,
		"outcome": r.Outcome, "actor_id": r.ActorID, "resource_id": r.ResourceID,
	} {
		if value != "" {
			values.Set(name, value)
		}
	}
	if r.Format == "bundle" && (len(values) > 0 || r.Delivery == "inline") {
		return q, invalid("a bundle is of the whole chain, and a file")
	}
	if r.Format != "bundle" && r.CheckpointSize > 0 {
		return q, invalid("checkpoint_size goes with a bundle")
	}
	q, err = s.auditQuestion(in, &parameters{values: values})
	q.Limit, q.Forward, q.Ascending = exportBatch, true, true
	return q, err
}

// exported returns the facts that q asks for up to a sequence number, in order.
func (s *Server) exported(ctx context.Context, in *call, q auditQuestion, upTo uint64) iter.Seq2[eventstore.Recorded, error] {
	return func(yield func(eventstore.Recorded, error) bool) {
		if !q.narrow() && q.Since == 0 && q.Until == 0 {
			for r, err := range s.Events.History(ctx, q.Tenant, 0) {
				if err == nil && r.Header.Seq > upTo || !yield(r, err) {
					return
				}
			}
			return
		}
		actors, anybody, err := s.visibleActors(ctx, in, q.users)
		if err != nil {
			yield(eventstore.Recorded{}, err)
		}
		if err != nil || !anybody && len(actors) == 0 {
			return
		}
		for q.Actors, q.Before = actors, upTo+1; ; {
			seqs, err := s.auditIndex(ctx, q)
			if err != nil {
				yield(eventstore.Recorded{}, err)
				return
			}
			facts, err := s.Queries.AuditLog(ctx, q.Tenant, seqs)
			if err != nil {
				yield(eventstore.Recorded{}, err)
				return
			}
			for i := range facts {
				if !yield(facts[i], nil) {
					return
				}
				q.From = facts[i].Header.Seq + 1
			}
			if len(seqs) < q.Limit {
				return
			}
		}
	}
}

// narrow reports whether q leaves out kinds of facts.
func (q auditQuestion) narrow() bool {
	return len(q.Types)+len(q.users) > 0 || q.resource != "" || q.Outcome != 0
}

// maxInline is the longest export that an envelope holds, in bytes.
const maxInline = 8 << 20

// exportData is an export within an envelope. Every value is text or null, which
// one published client insists on.
type exportData struct {
	Content     string  `json:"content"`
	Format      string  `json:"format"`
	RecordCount string  `json:"record_count"`
	DownloadURL *string `json:"download_url"`
	ExpiresAt   *string `json:"expires_at"`
	Checkpoint  *string `json:"checkpoint"` // the newest, a signed note
}

// inline returns the export as text. It refuses with TooLarge what is longer than maxInline.
func (s *Server) inline(ctx context.Context, in *call, req exportRequest, q auditQuestion, receipt eventstore.Receipt) (exportData, error) {
	var text bytes.Buffer
	f, count := formOf(req.Format, &text), 0
	for r, err := range s.exported(ctx, in, q, receipt.Seq) {
		if err == nil {
			err = f.fact(r)
		}
		if err != nil {
			return exportData{}, err
		}
		if count++; text.Len() > maxInline {
			return exportData{}, errTooLong
		}
	}
	if err := f.end(); err != nil {
		return exportData{}, err
	}
	if text.Len() > maxInline {
		return exportData{}, errTooLong
	}
	d := exportData{Content: text.String(), Format: req.Format, RecordCount: strconv.Itoa(count)}
	if status, err := s.Anchors.Status(ctx); err == nil {
		d.Checkpoint = &status.Note
	}
	return d, nil
}

var errTooLong = &domain.Error{Kind: domain.TooLarge, Message: `too much for one answer: ask for a part, or for delivery "stream"`}

// ExportFacts writes tenant's facts up to and with one to w, in a form that is no bundle:
// csv, json, ndjson or ocsf. It is for the operator, and no fact. Before every so many
// facts it tells progress how many are written.
func (s *Server) ExportFacts(ctx context.Context, w io.Writer, tenant domain.TenantID, format string, upTo uint64, progress func(written uint64)) error {
	if exportTypes[format] == "" || format == "bundle" {
		return fmt.Errorf("%q is no form of an export of facts", format)
	}
	f := formOf(format, w)
	for r, err := range s.Events.History(ctx, tenant, 0) {
		if err != nil {
			return err
		}
		if r.Header.Seq > upTo {
			break
		}
		if r.Header.Seq%exportBatch == 0 {
			progress(r.Header.Seq)
		}
		if err := f.fact(r); err != nil {
			return err
		}
	}
	return f.end()
}
