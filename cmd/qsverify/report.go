package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/quantaseal/quantaseal/eventstore/chain"
)

// report prints what is found, as it is found, and what it comes to.
type report struct {
	out  *bufio.Writer
	args arguments
}

func newReport(out io.Writer, a arguments) *report { return &report{bufio.NewWriter(out), a} }

// finding prints one line.
func (r *report) finding(f chain.Finding) {
	if !r.args.json {
		_, _ = fmt.Fprintln(r.out, f.Error()) // a write error is kept for Flush
		return
	}
	r.object(struct {
		Type   string `json:"type"`
		Tenant string `json:"tenant_id"`
		Seq    uint64 `json:"seq"`
		Check  string `json:"check"`
		Detail string `json:"detail"`
	}{"finding", chain.FormatUUID(f.Tenant), f.Seq, f.Check, f.Detail})
}

// outcome is the summary as --json prints it.
type outcome struct {
	Type         string   `json:"type"`   // "summary"
	Result       string   `json:"result"` // verified, tampered, unreadable
	Error        string   `json:"error,omitempty"`
	Findings     int      `json:"findings"`
	Events       uint64   `json:"events"`
	Tenant       string   `json:"tenant_id"`
	Origin       string   `json:"origin"`
	LogID        string   `json:"log_id"`
	FromSeq      uint64   `json:"from_seq"`
	ToSeq        uint64   `json:"to_seq"`
	Head         string   `json:"head,omitempty"` // of what was verified, in the form of a receipt
	HeadTime     string   `json:"head_time,omitempty"`
	RootPinned   bool     `json:"root_pinned"`
	TailAnchored bool     `json:"tail_anchored"`
	Checkpoint   uint64   `json:"checkpoint_size,omitempty"` // anchors in the checkpoint that holds the tail's
	AnchoredAt   string   `json:"anchored_at,omitempty"`
	Lost         []lost   `json:"lost,omitempty"` // what the chain itself says is lost, by authority of the root key (V18)
	Notes        []string `json:"notes"`
}

// lost is a range of sequence numbers whose records are gone for ever.
type lost struct {
	From uint64 `json:"from_seq"`
	To   uint64 `json:"to_seq"` // included
}

// summary prints what the run comes to. It returns the first error of printing.
func (r *report) summary(s chain.Summary, err error) error {
	o := outcome{
		Type: "summary", Result: "verified", Findings: s.Findings, Events: s.Events,
		Tenant: chain.FormatUUID(s.Bundle.TenantID), Origin: s.Bundle.Origin, LogID: s.Bundle.LogID.String(),
		FromSeq: s.Bundle.FromSeq, ToSeq: s.Bundle.ToSeq, RootPinned: s.End.Pinned, Notes: r.notes(s),
		TailAnchored: s.Anchored.Checkpoint.Size > 0, Checkpoint: s.Anchored.Checkpoint.Size,
	}
	for _, l := range s.Lost {
		o.Lost = append(o.Lost, lost(l))
	}
	if o.TailAnchored {
		o.AnchoredAt = time.UnixMicro(int64(s.Anchored.Anchor.TimeUS)).UTC().Format(time.RFC3339Nano)
	}
	switch head := s.End.State.Head; {
	case s.Findings > 0:
		o.Result = "tampered"
	case err != nil:
		o.Result = "unreadable"
	default:
		o.Head = chain.Receipt{Seq: head.Next - 1, Hash: head.Hash}.String()
		o.HeadTime = time.UnixMicro(int64(head.TimeUS)).UTC().Format(time.RFC3339Nano)
	}
	if err != nil {
		o.Error = err.Error()
	}
	switch {
	case r.args.json:
		r.object(o)
	case o.Result != "unreadable":
		r.text(o)
	}
	if err := r.out.Flush(); err != nil {
		return fmt.Errorf("printing: %w", err)
	}
	return nil
}

// notes says what was not verified.
func (r *report) notes(s chain.Summary) []string {
	notes := []string{}
	note := func(about bool, text string, args ...any) {
		if about {
			notes = append(notes, fmt.Sprintf(text, args...))
		}
	}
	note(!s.End.Pinned, "root not pinned: only the bundle vouches for its log id; compare it, or give --log-id")
	note(s.Anchored.Checkpoint.Size == 0, "tail not anchored: records cut off after the head, and after the last receipt, would not be missed")
	note(s.Anchored.Checkpoint.Size > 0, "unwitnessed: no other party has signed the checkpoint (V26); keep it, with --state, to find a log that tells two stories")
	note(s.Unlinked, "nothing shows that the log goes on from the checkpoint of the run before (V27): export with checkpoint_size %d", s.End.Checkpoint.Size)
	note(r.args.fast, "signatures not verified (V13), but for those of key events")
	note(s.Continued, "continued at %d: event ids (V8) and aggregate versions (V11) are compared from there on only", s.Bundle.FromSeq)
	note(s.Unsigned > 0, "%d signatures not verified, for want of a key", s.Unsigned)
	note(s.Stopped, "stopped after %d findings; there may be more", s.Findings)
	return notes
}

// text prints o for people.
func (r *report) text(o outcome) {
	line := func(name, format string, args ...any) {
		_, _ = fmt.Fprintf(r.out, "%-9s "+format+"\n", append([]any{name}, args...)...)
	}
	if o.Findings > 0 {
		line("TAMPERED", "%d findings in %d records", o.Findings, o.Events)
	} else {
		line("verified", "%d records", o.Events)
	}
	line("tenant", "%s, seq %d to %d", o.Tenant, o.FromSeq, o.ToSeq)
	line("log", "%s of %s", o.LogID, o.Origin)
	if o.Head != "" {
		line("head", "%s at %s", o.Head, o.HeadTime)
	}
	if o.TailAnchored {
		line("anchored", "as the head at %s, in a checkpoint of %d anchors", o.AnchoredAt, o.Checkpoint)
	}
	for _, l := range o.Lost {
		line("LOST", "seq %d to %d: the operator went on from an older database (V18)", l.From, l.To)
	}
	for _, n := range o.Notes {
		line("note", "%s", n)
	}
}

// object prints v as one line of JSON.
func (r *report) object(v any) {
	_ = json.NewEncoder(r.out).Encode(v) // a write error is kept for Flush
}
