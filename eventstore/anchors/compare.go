package anchors

import (
	"context"
	"errors"
	"fmt"

	"golang.org/x/sync/errgroup"

	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/eventstore"
	"github.com/quantaseal/quantaseal/eventstore/chain"
)

// compareAtOnce is how many chains are compared at the same time.
const compareAtOnce = 8

// Compare compares the log with the newest anchor: every chain must be as long as
// it was when it was anchored (V23), and hold the record that was its last one then
// (V19). It costs one lookup for each chain. Findings are what a rollback, a fork
// or a deletion left; an error says that the log could not be read.
func (l *Ledger) Compare(ctx context.Context) ([]chain.Finding, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.refresh(ctx); err != nil {
		return nil, err
	}
	found := make([][]chain.Finding, len(l.leaves))
	var group errgroup.Group
	group.SetLimit(compareAtOnce)
	for i, leaf := range l.leaves {
		group.Go(func() (err error) {
			found[i], err = l.compare(ctx, leaf)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, fmt.Errorf("comparing the log with its anchors: %w", err)
	}
	var all []chain.Finding
	for _, some := range found {
		all = append(all, some...)
	}
	return all, nil
}

func (l *Ledger) compare(ctx context.Context, leaf chain.Leaf) ([]chain.Finding, error) {
	if leaf.Next == 0 {
		return nil, nil
	}
	tenant := domain.TenantID{ID: leaf.Tenant}
	wrong := func(seq uint64, check, detail string) ([]chain.Finding, error) {
		return []chain.Finding{{Tenant: leaf.Tenant, Seq: seq, Check: check, Detail: detail}}, nil
	}
	head, err := l.Events.Head(ctx, tenant)
	if err == nil && head.Next > leaf.Next {
		var link eventstore.Link
		if link, err = l.Events.LinkAt(ctx, tenant, leaf.Next-1); errors.Is(err, eventstore.ErrNotFound) {
			return wrong(leaf.Next-1, "V23", "the record was given up, and no anchor says so: the recovery has to be ended")
		}
		head.Hash = link.Hash
	}
	switch {
	case errors.Is(err, eventstore.ErrTampered):
		return wrong(leaf.Next-1, "V14", "what is stored contradicts itself")
	case err != nil:
		return nil, err
	case leaf.Closed && head.Next == 0:
		return nil, nil
	case head.Next < leaf.Next:
		return wrong(head.Next, "V23", fmt.Sprintf("the chain ends here, and was anchored up to %d", leaf.Next-1))
	case head.Hash != leaf.Hash:
		return []chain.Finding{fork(leaf, "the record is not the one that was anchored")}, nil
	}
	return nil, nil
}

// fork is the finding that a chain is another one than the anchored.
func fork(leaf chain.Leaf, detail string) chain.Finding {
	return chain.Finding{Tenant: leaf.Tenant, Seq: max(leaf.Next, 1) - 1, Check: "V19", Detail: detail}
}

// alarm tells the findings of a rollback and makes the log refuse to go on.
func (l *Ledger) alarm(ctx context.Context, found []chain.Finding) {
	l.Events.Halt()
	for _, f := range found {
		l.Logger.ErrorContext(ctx, "ROLLBACK_DETECTED: nothing is recorded until the operator decides",
			"tenant", chain.FormatUUID(f.Tenant), "seq", f.Seq, "check", f.Check, "detail", f.Detail)
	}
}

// Guard halts the log if Compare finds anything, and returns the findings.
func (l *Ledger) Guard(ctx context.Context) ([]chain.Finding, error) {
	found, err := l.Compare(ctx)
	if err == nil && len(found) > 0 {
		l.alarm(ctx, found)
	}
	return found, err
}
