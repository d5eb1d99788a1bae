package http

import (
	"context"
	"net/http"
	"sync"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/eventstore"
)

// Verifier verifies what is stored of a tenant.
type Verifier interface {
	// Verify verifies the chain of by's tenant and what lies beside it, puts the result
	// on the record, and returns it. An error means that nothing is known.
	Verify(ctx context.Context, by domain.Actor) (Verification, eventstore.Receipt, error)
}

// Verification is what a verification came to, as answers show it.
type Verification struct {
	Valid        bool            `json:"valid"`
	Events       uint64          `json:"events"`
	FromSeq      uint64          `json:"from_seq"`
	ToSeq        uint64          `json:"to_seq"`
	HeadHash     domain.Digest   `json:"head_hash"`
	Anchored     uint64          `json:"anchored_events"` // that the anchors cover
	Lost         []Stretch       `json:"lost"`            // what the operator gave up
	RowsCompared uint64          `json:"rows_compared"`
	ReadModels   string          `json:"read_models"` // compared, or rebuilding
	Total        int             `json:"findings_total"`
	Findings     []VerifyFinding `json:"findings"` // the first 100
}

// Stretch is a run of sequence numbers, both ends included.
type Stretch struct {
	From uint64 `json:"from_seq"`
	To   uint64 `json:"to_seq"`
}

// VerifyFinding is a check that did not hold.
type VerifyFinding struct {
	Tenant  domain.TenantID `json:"tenant_id"`
	Seq     uint64          `json:"seq"`
	Check   string          `json:"check"`
	Detail  string          `json:"detail"`
	EntryID string          `json:"entry_id,omitempty"` // the sealed version that it is about
}

// What verifications may cost: so many requests each; how long a tenant waits for the
// next one; how many run on a node at the same time; and how long one may take.
const (
	verifyCost  = 20
	verifyPause = time.Minute
	verifyRuns  = 2
	verifyLimit = time.Hour
)

// verifications lets each tenant have one at a time, and not too often.
type verifications struct {
	mu      sync.Mutex
	running map[domain.TenantID]bool
	ended   map[domain.TenantID]time.Time
}

// begin reports whether tenant may have one now, or after how long it may ask again.
func (v *verifications) begin(tenant domain.TenantID, now time.Time) (wait time.Duration) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for other, ended := range v.ended {
		if now.Sub(ended) >= verifyPause {
			delete(v.ended, other)
		}
	}
	if v.running == nil {
		v.running, v.ended = map[domain.TenantID]bool{}, map[domain.TenantID]time.Time{}
	}
	if ended, ok := v.ended[tenant]; ok {
		return verifyPause - now.Sub(ended)
	}
	if v.running[tenant] || len(v.running) >= verifyRuns {
		return verifyPause
	}
	v.running[tenant] = true
	return 0
}

func (v *verifications) end(tenant domain.TenantID, now time.Time) {
	v.mu.Lock()
	defer v.mu.Unlock()
	delete(v.running, tenant)
	v.ended[tenant] = now
}

// verifyAudit handles GET /audit/verify: it takes as long as the chain is long.
func (s *Server) verifyAudit(c *gin.Context) {
	in, err := s.call(c, endpoint{cost: verifyCost})
	var none none
	if err == nil {
		err = in.read(&none, maxBody)
	}
	ctx := c.Request.Context()
	if err == nil {
		err = s.admit(ctx, in, none)
	}
	if err != nil {
		s.refuse(c, err)
		return
	}
	tenant := in.by.Tenant
	if wait := s.verifications.begin(tenant, s.Now()); wait > 0 {
		in.allowance.Retry = wait
		s.refuse(c, errTooMany)
		return
	}
	defer func() { s.verifications.end(tenant, s.Now()) }()
	if err := http.NewResponseController(c.Writer).SetWriteDeadline(s.Now().Add(verifyLimit)); err != nil {
		s.refuse(c, err)
		return
	}
	ctx, cancel := context.WithTimeout(ctx, verifyLimit)
	defer cancel()
	found, receipt, err := s.Verifier.Verify(ctx, in.by)
	if err != nil {
		s.refuse(c, err)
		return
	}
	s.catchUp(ctx, receipt)
	s.answer(c, http.StatusOK, found, receiptOf(receipt), "")
}
