package http

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/eventstore"
)

type exportRequest struct {
	Format string `json:"format"`
	// CheckpointSize is that of a checkpoint the reader has, from which the bundle's
	// is shown to go on; 0 = none.
	CheckpointSize int `json:"checkpoint_size"`
}

// wrong implements formed.
func (r exportRequest) wrong(context.Context, *Server, *call) error {
	if r.Format != "bundle" {
		return invalid("format must be bundle")
	}
	if r.CheckpointSize < 0 {
		return invalid("checkpoint_size is not one that an answer gave")
	}
	return nil
}

// exportCost is what an export counts against a limit, in requests.
const exportCost = 20

// exportPatience is how long a reader of an export may take for what is in flight.
const exportPatience = time.Minute

// export handles POST /audit/export. It streams the tenant's whole chain, with
// the fact of this export as its last event, unless others were anchored together
// with it; what breaks on the way cuts the connection, so that half an export is never
// taken for a whole one.
func (s *Server) export(c *gin.Context) {
	in, err := s.call(c, endpoint{cost: exportCost})
	if err != nil {
		s.refuse(c, err)
		return
	}
	ctx := c.Request.Context()
	var req exportRequest
	err = in.read(&req, maxBody)
	if err == nil {
		err = req.wrong(ctx, s, in)
	}
	if err == nil {
		err = s.admit(ctx, in, req)
	}
	if err != nil {
		s.refuse(c, err)
		return
	}
	receipt, err := s.Vault.RecordExport(ctx, in.by, req.Format)
	if err != nil {
		s.refuse(c, err)
		return
	}
	if err := s.anchored(ctx, in.by.Tenant, receipt.Seq); err != nil {
		s.Log.WarnContext(ctx, "an export is not anchored", "request_id", exchangeOf(c).id.String(), "err", err)
	}
	h := c.Writer.Header()
	h.Set("Content-Type", "application/x-ndjson")
	h.Set("Content-Disposition", `attachment; filename="audit-`+in.by.Tenant.String()+`.ndjson"`)
	h.Set("X-QuantaSeal-Receipt", fmt.Sprintf("%d:%s", receipt.Seq, receipt.EventHash))
	c.Writer.WriteHeader(http.StatusOK)
	reader := &reader{Writer: c.Writer}
	if err := s.stream(c, reader, in.by.Tenant, receipt, uint64(req.CheckpointSize)); err != nil {
		level, what := slog.LevelError, "an export broke off"
		if reader.left || ctx.Err() != nil {
			level, what = slog.LevelInfo, "an export was not read to its end"
		}
		s.Log.Log(ctx, level, what, "request_id", exchangeOf(c).id.String(), "err", err)
		panic(http.ErrAbortHandler)
	}
}

// reader is who reads an export. It remembers whether they left, or were too slow.
type reader struct {
	io.Writer
	left bool
}

// Write implements io.Writer.
func (r *reader) Write(p []byte) (int, error) {
	n, err := r.Writer.Write(p)
	r.left = r.left || err != nil
	return n, err
}

// stream writes the bundle up to and with the receipt's event.
func (s *Server) stream(c *gin.Context, to io.Writer, tenant domain.TenantID, upTo eventstore.Receipt, from uint64) error {
	ctx, control := c.Request.Context(), http.NewResponseController(c.Writer)
	out := bufio.NewWriterSize(to, 64<<10)
	pace := func() error { return control.SetWriteDeadline(s.Now().Add(exportPatience)) }
	if err := s.Anchors.WriteBundle(ctx, out, s.Bundle, tenant, upTo.Seq, from, pace); err != nil {
		return err
	}
	return out.Flush()
}
