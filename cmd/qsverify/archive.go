package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/quantaseal/quantaseal/eventstore/chain"
)

// archive verifies an archive: every chain of a log, and every anchor against them.
func (p program) archive(ctx context.Context, in io.Reader, a arguments) int {
	report := newReport(p.out, a)
	summary, err := chain.VerifyArchive(ctx, in, chain.ArchiveOptions{LogID: a.logID, Now: p.now, Fast: a.fast, Report: report.finding})
	if err := errors.Join(err, report.archive(summary, err)); err != nil {
		code := p.fail(err)
		if summary.Findings > 0 {
			code = exitTampered
		}
		return code
	}
	if summary.Findings > 0 {
		return exitTampered
	}
	return exitVerified
}

// wholeOutcome is the summary of an archive as --json prints it.
type wholeOutcome struct {
	Type       string   `json:"type"`   // "summary"
	Result     string   `json:"result"` // verified, tampered, unreadable
	Error      string   `json:"error,omitempty"`
	Findings   int      `json:"findings"`
	Chains     int      `json:"chains"`
	Events     uint64   `json:"events"`
	Anchors    uint64   `json:"anchors"`
	Origin     string   `json:"origin"`
	LogID      string   `json:"log_id"`
	RootPinned bool     `json:"root_pinned"`
	Checkpoint uint64   `json:"checkpoint_size,omitempty"`
	AnchoredAt string   `json:"anchored_at,omitempty"`
	LostRanges int      `json:"lost_ranges,omitempty"`
	Notes      []string `json:"notes"`
}

// archive prints what a run over an archive comes to.
func (r *report) archive(s chain.ArchiveSummary, err error) error {
	o := wholeOutcome{
		Type: "summary", Result: "verified", Findings: s.Findings, Chains: s.Chains, Events: s.Events, Anchors: s.Anchors,
		Origin: s.Bundle.Origin, LogID: s.Bundle.LogID.String(), RootPinned: r.args.logID != nil, Checkpoint: s.Checkpoint.Size,
		LostRanges: s.Lost, Notes: []string{},
	}
	if s.AnchoredAt > 0 {
		o.AnchoredAt = time.UnixMicro(int64(s.AnchoredAt)).UTC().Format(time.RFC3339Nano)
	}
	note := func(about bool, text string) {
		if about {
			o.Notes = append(o.Notes, text)
		}
	}
	note(!o.RootPinned, "root not pinned: only the archive vouches for its log id; compare it, or give --log-id")
	note(s.Checkpoint.Size == 0, "nothing is anchored: records cut off after the heads would not be missed")
	note(s.Checkpoint.Size > 0, "unwitnessed: no other party has signed the checkpoint (V26); keep it, to find a log that tells two stories")
	note(r.args.fast, "signatures not verified (V13), but for those of key events")
	note(s.Unsigned > 0, fmt.Sprintf("%d signatures not verified, for want of a key", s.Unsigned))
	note(s.Lost > 0, fmt.Sprintf("%d ranges are LOST: the operator went on from an older database (V18); a bundle of the chain names them", s.Lost))
	switch {
	case s.Findings > 0:
		o.Result = "tampered"
	case err != nil:
		o.Result = "unreadable"
	}
	if err != nil {
		o.Error = err.Error()
	}
	switch {
	case r.args.json:
		r.object(o)
	case o.Result != "unreadable":
		r.archiveText(o)
	}
	if err := r.out.Flush(); err != nil {
		return fmt.Errorf("printing: %w", err)
	}
	return nil
}

// archiveText prints o for people.
func (r *report) archiveText(o wholeOutcome) {
	line := func(name, format string, args ...any) {
		_, _ = fmt.Fprintf(r.out, "%-9s "+format+"\n", append([]any{name}, args...)...)
	}
	if o.Findings > 0 {
		line("TAMPERED", "%d findings in %d chains", o.Findings, o.Chains)
	} else {
		line("verified", "%d chains, %d records", o.Chains, o.Events)
	}
	line("log", "%s of %s", o.LogID, o.Origin)
	if o.Checkpoint > 0 {
		line("anchors", "%d, each compared with every chain; the newest is of %s", o.Anchors, o.AnchoredAt)
	}
	for _, n := range o.Notes {
		line("note", "%s", n)
	}
}
