package node

import (
	"context"
	"errors"
	"fmt"

	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/eventstore/anchors"
	"github.com/quantaseal/quantaseal/internal/reactors"
)

var errEmptyLog = errors.New("the log is empty: there is nothing to go on from")

// mayRecover refuses to recover into an empty database, where a start would begin
// another log.
func (n *Node) mayRecover(ctx context.Context) error {
	head, err := n.Log.Head(ctx, domain.TenantID{})
	if err == nil && head.Next == 0 {
		err = errEmptyLog
	}
	return err
}

// Losses returns what Recover would give up.
func (n *Node) Losses(ctx context.Context) ([]anchors.Loss, error) { return n.Anchors.Losses(ctx) }

// Recover goes on from an older database than the anchors hold, on the record, and
// returns what is lost by that. The read models are folded anew first: they may know
// of facts that are gone. The node must have been opened with Options.Recovering, and
// no server may run. If it breaks off, it can be asked again.
func (n *Node) Recover(ctx context.Context) ([]anchors.Loss, error) {
	if _, err := n.Losses(ctx); err != nil {
		return nil, err
	}
	last, err := n.Log.Last(ctx)
	if err != nil {
		return nil, err
	}
	if err := reactors.Rewind(ctx, n.Views.DB, last); err != nil {
		return nil, err
	}
	if err := n.Views.Rebuild(ctx); err != nil {
		return nil, err
	}
	losses, err := n.Anchors.Recover(ctx, requestID())
	if err != nil {
		return nil, err
	}
	if err := n.Views.CatchUp(ctx); err != nil {
		return losses, fmt.Errorf("after the recovery: %w", err)
	}
	return losses, nil
}
