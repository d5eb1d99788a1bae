package http

import (
	"context"
	"encoding/json"
	"net/http"

	"github.com/gin-gonic/gin"
)

// Health says whether this node can do its work, and how it is set up.
type Health struct {
	Version     string
	Region      string
	Environment string // production, or development while no passphrase protects the keys
	// Database, KMS and Views return nil while each can be used.
	Database func(context.Context) error
	KMS      func(context.Context) error
	Views    func() error
}

// healthAnswer has exactly the keys that the published clients read.
type healthAnswer struct {
	Status      string            `json:"status"`
	Version     string            `json:"version"`
	Region      string            `json:"region"`
	Environment string            `json:"environment"`
	Checks      map[string]string `json:"checks"`
}

// health handles GET /health, outside the API's prefix and envelope. It answers
// 503 when a fact could not be recorded.
func (s *Server) health(c *gin.Context) {
	ctx := c.Request.Context()
	checks := map[string]string{"redis": "not_used", "crypto_pool": "healthy"}
	checks["database"] = state(s.Health.Database(ctx))
	checks["kms"] = state(s.Health.KMS(ctx))
	checks["projections"] = state(s.Health.Views())
	a := healthAnswer{"healthy", s.Health.Version, s.Health.Region, s.Health.Environment, checks}
	status := http.StatusOK
	switch {
	case checks["database"] != "healthy" || checks["kms"] != "healthy":
		a.Status, status = "unhealthy", http.StatusServiceUnavailable
	case checks["projections"] != "healthy":
		a.Status = "degraded"
	}
	body, err := json.Marshal(a)
	if err != nil {
		s.refuse(c, err)
		return
	}
	send(c, status, body)
}

func state(err error) string {
	if err != nil {
		return "unhealthy"
	}
	return "healthy"
}
