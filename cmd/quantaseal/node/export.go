package node

import (
	"context"
	"fmt"
	"io"

	"github.com/quantaseal/quantaseal/domain"
)

// pacedRecords is before how many records of a bundle its writer asks for the pace.
const pacedRecords = 256

// Export writes tenant's whole chain to w: as a bundle, anchored first, or in the
// form csv, json, ndjson or ocsf. From is the size of a checkpoint that the reader of a
// bundle has, or 0. Progress is told how many of all events are written, now and then;
// nil = nobody asks.
func (n *Node) Export(ctx context.Context, w io.Writer, tenant domain.TenantID, format string, from uint64, progress func(written, all uint64)) error {
	if progress == nil {
		progress = func(_, _ uint64) {}
	}
	head, err := n.Log.Head(ctx, tenant)
	if err != nil {
		return err
	}
	if head.Next == 0 {
		return fmt.Errorf("tenant %s has no chain", tenant)
	}
	if format != "bundle" {
		err := n.Server.ExportFacts(ctx, w, tenant, format, head.Next-1, func(written uint64) { progress(written, head.Next) })
		if err == nil {
			progress(head.Next, head.Next)
		}
		return err
	}
	if err := n.Anchors.Pass(ctx); err != nil {
		n.logger.WarnContext(ctx, "what was appended last is not anchored", "err", err)
	}
	written := uint64(0)
	pace := func() error {
		progress(min(written, head.Next), head.Next)
		written += pacedRecords
		return nil
	}
	if err := n.Anchors.WriteBundle(ctx, w, n.Server.Bundle, tenant, head.Next-1, from, pace); err != nil {
		return err
	}
	progress(head.Next, head.Next)
	return nil
}

// Archive writes every chain and every anchor to w, as qsverify --all reads them, what was
// appended last anchored first. Progress is told as Export tells it.
func (n *Node) Archive(ctx context.Context, w io.Writer, progress func(written, all uint64)) error {
	if progress == nil {
		progress = func(_, _ uint64) {}
	}
	if err := n.Anchors.Pass(ctx); err != nil {
		n.logger.WarnContext(ctx, "what was appended last is not anchored", "err", err)
	}
	return n.Anchors.WriteArchive(ctx, w, n.Server.Bundle, progress)
}
