package http

import (
	"bufio"
	"fmt"
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/eventstore"
)

type exportRequest struct {
	Format string `json:"format"`
}

// exportPatience is how long a reader of an export may take for what is in flight.
const exportPatience = time.Minute

// export handles POST /audit/export. It streams the tenant's whole chain, with
// the fact of this export as its last event; what breaks on the way cuts the
// connection, so that half an export is never taken for a whole one.
func (s *Server) export(c *gin.Context) {
	in, err := s.call(c, endpoint{})
	if err != nil {
		s.refuse(c, err)
		return
	}
	var req exportRequest
	if err := in.read(&req, maxBody); err != nil {
		s.refuse(c, err)
		return
	}
	if req.Format != "bundle" {
		s.refuse(c, invalid("format must be bundle"))
		return
	}
	receipt, err := s.Vault.RecordExport(c.Request.Context(), in.by, req.Format)
	if err == nil {
		err = s.permits(c, in.by)
	}
	if err != nil {
		s.refuse(c, err)
		return
	}
	h := c.Writer.Header()
	h.Set("Content-Type", "application/x-ndjson")
	h.Set("Content-Disposition", `attachment; filename="audit-`+in.by.Tenant.String()+`.ndjson"`)
	h.Set("X-QuantaSeal-Receipt", fmt.Sprintf("%d:%s", receipt.Seq, receipt.EventHash))
	c.Writer.WriteHeader(http.StatusOK)
	if err := s.stream(c, in.by.Tenant, receipt); err != nil {
		s.Log.ErrorContext(c.Request.Context(), "an export broke off", "request_id", exchangeOf(c).id.String(), "err", err)
		panic(http.ErrAbortHandler)
	}
}

// stream writes the bundle up to and with the receipt's event.
func (s *Server) stream(c *gin.Context, tenant domain.TenantID, upTo eventstore.Receipt) error {
	ctx, control := c.Request.Context(), http.NewResponseController(c.Writer)
	out := bufio.NewWriterSize(c.Writer, 64<<10)
	pace := func() error { return control.SetWriteDeadline(s.Now().Add(exportPatience)) }
	if err := s.Events.WriteBundle(ctx, out, s.Bundle, tenant, upTo.Seq, pace); err != nil {
		return err
	}
	return out.Flush()
}
