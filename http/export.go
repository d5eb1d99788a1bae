package http

import (
	"bufio"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/quantaseal/quantaseal/eventstore"
)

// exportCost is what an export counts against a limit, in requests.
const exportCost = 20

// exportPatience is how long a reader of an export may take for what is in flight.
const exportPatience = time.Minute

// export handles POST /audit/export. A file is streamed, with the fact of this export
// as its last event, unless others were anchored together with it; what breaks on
// the way cuts the connection, so that half an export is never taken for a whole one.
func (s *Server) export(c *gin.Context) {
	in, err := s.call(c, endpoint{cost: exportCost})
	if err != nil {
		s.refuse(c, err)
		return
	}
	ctx := c.Request.Context()
	var req exportRequest
	err = in.read(&req, maxBody)
	var q auditQuestion
	if err == nil {
		q, err = req.question(s, in)
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
	s.catchUp(ctx, receipt)
	if req.inline() {
		data, err := s.inline(ctx, in, req, q, receipt)
		if err != nil {
			s.refuse(c, err)
			return
		}
		s.answer(c, http.StatusOK, data, receiptOf(receipt), "")
		return
	}
	if err := s.anchored(ctx, in.by.Tenant, receipt.Seq); err != nil && req.Format == "bundle" {
		s.Log.WarnContext(ctx, "an export is not anchored", "request_id", exchangeOf(c).id.String(), "err", err)
	}
	h := c.Writer.Header()
	h.Set("Content-Type", exportTypes[req.Format])
	h.Set("Content-Disposition", `attachment; filename="audit-`+in.by.Tenant.String()+`.`+extensions[req.Format]+`"`)
	h.Set("X-QuantaSeal-Receipt", fmt.Sprintf("%d:%s", receipt.Seq, receipt.EventHash))
	c.Writer.WriteHeader(http.StatusOK)
	reader := &reader{Writer: c.Writer}
	if err := s.writeExport(c, in, reader, req, q, receipt); err != nil {
		level, what := slog.LevelError, "an export broke off"
		if reader.left || ctx.Err() != nil {
			level, what = slog.LevelInfo, "an export was not read to its end"
		}
		s.Log.Log(ctx, level, what, "request_id", exchangeOf(c).id.String(), "err", err)
		panic(http.ErrAbortHandler)
	}
}

// extensions end the names of files.
var extensions = map[string]string{"bundle": "ndjson", "csv": "csv", "json": "json", "ndjson": "ndjson", "ocsf": "ocsf.ndjson"}

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

// writeExport writes the export up to and with the receipt's event.
func (s *Server) writeExport(c *gin.Context, in *call, to io.Writer, req exportRequest, q auditQuestion, upTo eventstore.Receipt) error {
	ctx, control := c.Request.Context(), http.NewResponseController(c.Writer)
	out := bufio.NewWriterSize(to, 64<<10)
	pace := func() error { return control.SetWriteDeadline(s.Now().Add(exportPatience)) }
	if req.Format == "bundle" {
		if err := s.Anchors.WriteBundle(ctx, out, s.Bundle, in.by.Tenant, upTo.Seq, uint64(req.CheckpointSize), pace); err != nil {
			return err
		}
		return out.Flush()
	}
	f, written := formOf(req.Format, out), 0
	for r, err := range s.exported(ctx, in, q, upTo.Seq) {
		if written++; err == nil && written%exportBatch == 1 {
			err = pace()
		}
		if err == nil {
			err = f.fact(r)
		}
		if err != nil {
			return err
		}
	}
	if err := f.end(); err != nil {
		return err
	}
	return out.Flush()
}
