package commands

import (
	"context"
	"crypto/sha3"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/eventstore"
)

// Composer makes a report of what a tenant's chain shows.
type Composer interface {
	// Compose writes the files of a report that will have an id. It refuses with Invalid
	// an instant for which there is no score.
	Compose(ctx context.Context, tenant domain.TenantID, id domain.ReportID, q ReportQuestion) (ComposedReport, error)
}

// ReportQuestion says what a report is to be about.
type ReportQuestion struct {
	Framework string // the id of one that there is
	At        int64  // Unix microseconds; 0 = now
	// AsOfSeq is the last fact that counts, at the instant of which it is judged; nil: At says.
	AsOfSeq *uint64
	Days    int // of the period that ends then
}

// ComposedReport is a report as files, with the fact that names their digests.
type ComposedReport struct {
	Fact  domain.ComplianceReportGenerated
	Files []ReportFile
}

// ReportFile is one file of a report.
type ReportFile struct {
	Name, Type string // its content's type, for HTTP
	Data       []byte
}

// Blobs keeps files. A key never gets another content.
type Blobs interface {
	// Put keeps data durably. What is there already under the key stays.
	Put(ctx context.Context, key, contentType string, data []byte) error
	// Get returns what is kept under a key, or ErrNoBlob.
	Get(ctx context.Context, key string) ([]byte, error)
	// URL returns where whoever has it reads what is kept under a key, until a moment.
	// One that begins with a slash is of this server.
	URL(ctx context.Context, key string, until time.Time) (string, error)
}

// ErrNoBlob reports that nothing is kept under a key.
var ErrNoBlob = errors.New("commands: no such blob")

// ReportURLTTL is how long the URL of a report's file is good for.
const ReportURLTTL = time.Hour

// Reports makes compliance reports and leads back to them. All fields are required.
type Reports struct {
	Log      *eventstore.Log
	Keys     Tenants
	Composer Composer
	Blobs    Blobs
	Now      func() time.Time
}

// GenerateReport asks for a compliance report.
type GenerateReport struct {
	Actor       domain.Actor
	Question    ReportQuestion
	Idempotency Idempotency
	// Coalesced makes the same question by the same actor within a minute the same
	// report, where no Idempotency-Key does.
	Coalesced bool
}

// Report is a report that was made.
type Report struct {
	Fact    domain.ComplianceReportGenerated
	Tenant  domain.TenantID
	At      int64 // when it was made, Unix microseconds
	Receipt eventstore.Receipt
}

// Generate makes a report, keeps its files, and puts it on the record before it is
// given to anybody. If the process dies between the two, files are left that no fact
// names, and nothing else. Access requirement: compliance:report; it refuses with
// ErrDenied, with ErrKeyReused, and with Invalid an instant for which there is no score.
func (r *Reports) Generate(ctx context.Context, cmd GenerateReport) (Report, error) {
	by := cmd.Actor
	if err := cmd.Idempotency.check(); err != nil {
		return Report{}, err
	}
	if err := authorize(ctx, r.Log, by, domain.ScopeReport, "compliance.report"); err != nil {
		return Report{}, err
	}
	c, err := r.claim(ctx, cmd)
	if err != nil {
		return Report{}, err
	}
	if made, found, err := r.earlier(ctx, by.Tenant, c); err != nil || found {
		return made, err
	}
	composed, err := r.Composer.Compose(ctx, by.Tenant, domain.ReportID{ID: c.eventID}, cmd.Question)
	if err != nil {
		return Report{}, err
	}
	for _, f := range composed.Files {
		if err := r.Blobs.Put(ctx, reportKey(by.Tenant, composed.Fact, f.Name), f.Type, f.Data); err != nil {
			return Report{}, fmt.Errorf("keeping a report: %w", err)
		}
	}
	receipt, err := r.Log.Append(ctx, by, eventstore.Fact{
		Event: composed.Fact, EventID: c.eventID, Aggregate: tenantAggregate(by.Tenant), BodyMAC: c.bodyMAC,
	})
	if errors.Is(err, eventstore.ErrRepeated) { // somebody asked the same at the same time
		made, found, err := r.earlier(ctx, by.Tenant, c)
		if err == nil && !found {
			err = domain.ErrContended
		}
		return made, err
	}
	if err != nil {
		return Report{}, fmt.Errorf("recording a report: %w", err)
	}
	made, err := r.Find(ctx, by.Tenant, domain.ReportID{ID: c.eventID})
	made.Receipt = receipt
	return made, err
}

// claim returns what a repeat of the command would be found by.
func (r *Reports) claim(ctx context.Context, cmd GenerateReport) (claim, error) {
	by, q := cmd.Actor, cmd.Question
	if cmd.Idempotency.Key != "" || !cmd.Coalesced {
		return cmd.Idempotency.claim(ctx, r.Keys, r.Log, by, "compliance.report")
	}
	number := func(n int64) []byte { return binary.BigEndian.AppendUint64(nil, uint64(n)) }
	seq := int64(-1)
	if q.AsOfSeq != nil {
		seq = int64(*q.AsOfSeq)
	}
	digest, err := r.Keys.Blind(ctx, by.Tenant, []byte("once-per-minute"), by.ID[:], []byte("compliance.report"),
		[]byte(q.Framework), number(q.At), number(seq), number(int64(q.Days)), number(r.Now().Truncate(time.Minute).Unix()))
	return claim{eventID: domain.DerivedID(digest)}, err
}

// earlier returns the report that the same command made before, if any.
func (r *Reports) earlier(ctx context.Context, tenant domain.TenantID, c claim) (Report, bool, error) {
	if c.bodyMAC != nil {
		recorded, found, err := c.earlier(ctx, r.Log, tenant)
		if err != nil || !found {
			return Report{}, false, err
		}
		made, err := reportOf(tenant, recorded)
		return made, true, err
	}
	made, err := r.Find(ctx, tenant, domain.ReportID{ID: c.eventID})
	if refusal, ok := errors.AsType[*domain.Error](err); ok && refusal.Kind == domain.NotFound {
		return Report{}, false, nil
	}
	return made, err == nil, err
}

// errNoReport refuses an id that is no report's.
var errNoReport = &domain.Error{Kind: domain.NotFound, Message: "no such report"}

// Find returns a report of tenant's as the record has it. It refuses with NotFound.
func (r *Reports) Find(ctx context.Context, tenant domain.TenantID, id domain.ReportID) (Report, error) {
	recorded, err := r.Log.Find(ctx, tenant, id.ID)
	if errors.Is(err, eventstore.ErrNotFound) {
		return Report{}, errNoReport
	}
	if err != nil {
		return Report{}, fmt.Errorf("looking for a report: %w", err)
	}
	return reportOf(tenant, recorded)
}

func reportOf(tenant domain.TenantID, recorded eventstore.Recorded) (Report, error) {
	fact, ok := recorded.Event.(domain.ComplianceReportGenerated)
	if !ok {
		return Report{}, errNoReport
	}
	return Report{Fact: fact, Tenant: tenant, At: int64(recorded.Header.TimeUS)}, nil
}

// Reported returns the report that a fact of tenant's is, or false.
func Reported(tenant domain.TenantID, recorded eventstore.Recorded) (Report, bool) {
	made, err := reportOf(tenant, recorded)
	return made, err == nil
}

// reportKey is where a file of a report is kept. It follows from what the report
// says, so that no two that were made at the same time ever meet.
func reportKey(tenant domain.TenantID, fact domain.ComplianceReportGenerated, file string) string {
	return "reports/" + tenant.String() + "/" + fact.JSONDigest.String() + "/" + file
}

// Read returns a file of a report, and refuses to return one that does not digest to
// what the record says of it; digest is zero for one that it says nothing of.
func (r *Reports) Read(ctx context.Context, made Report, file string, digest domain.Digest) ([]byte, error) {
	data, err := r.Blobs.Get(ctx, reportKey(made.Tenant, made.Fact, file))
	if err != nil {
		return nil, fmt.Errorf("reading %s of report %s: %w", file, made.Fact.ReportID, err)
	}
	if digest != (domain.Digest{}) && sha3.Sum256(data) != digest {
		return nil, fmt.Errorf("%s of report %s is not what was recorded", file, made.Fact.ReportID)
	}
	return data, nil
}

// URL returns where whoever has it reads a file of a report for ReportURLTTL.
func (r *Reports) URL(ctx context.Context, made Report, file string) (string, error) {
	return r.Blobs.URL(ctx, reportKey(made.Tenant, made.Fact, file), r.Now().Add(ReportURLTTL))
}
