package node

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/quantaseal/quantaseal/commands"
	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/eventstore"
	"github.com/quantaseal/quantaseal/eventstore/chain"
	"github.com/quantaseal/quantaseal/internal/report"
	"github.com/quantaseal/quantaseal/queries"
)

// composer implements commands.Composer: scores of the chain, rendered by package
// report and signed by the tenant's audit key.
type composer struct {
	n       *Node
	scores  *queries.Scores
	version string
}

// Compose implements commands.Composer.
func (c composer) Compose(ctx context.Context, tenant domain.TenantID, id domain.ReportID, q commands.ReportQuestion) (commands.ComposedReport, error) {
	var none commands.ComposedReport
	catalogue := c.scores.Catalogue()
	framework, err := catalogue.Framework(q.Framework)
	if err != nil {
		return none, err
	}
	r := report.Report{ID: id, Tenant: tenant, Generator: c.version, Days: q.Days, Catalogue: catalogue, Framework: framework}
	if q.AsOfSeq != nil {
		r.Assessment, err = c.scores.ScoreAsOf(ctx, tenant, framework, *q.AsOfSeq)
	} else {
		r.Assessment, err = c.scores.Score(ctx, tenant, framework, q.At)
	}
	if err != nil {
		return none, err
	}
	days, err := c.scores.Days(ctx, tenant, framework, int64(r.Assessment.AsOf), q.Days)
	if err != nil {
		return none, fmt.Errorf("composing a report: %w", err)
	}
	for _, day := range days {
		r.History = append(r.History, day.Point)
	}
	if r.TenantName, err = c.tenantName(ctx, tenant); err != nil {
		return none, err
	}
	if r.Platform, err = c.platform(ctx, r.Assessment.Platform); err != nil {
		return none, err
	}
	d := c.n.Ring.Deployment()
	r.Origin, r.LogID = d.Origin, domain.Digest(d.LogID)
	return c.sign(ctx, &r)
}

// platform returns the records of the system chain that a score relies on, its
// genesis first.
func (c composer) platform(ctx context.Context, seqs []uint64) ([]chain.Record, error) {
	var records []chain.Record
	for _, seq := range append([]uint64{0}, seqs...) {
		r, err := c.n.Log.At(ctx, domain.TenantID{}, seq)
		if err != nil {
			return nil, fmt.Errorf("reading event %d of the system chain: %w", seq, err)
		}
		records = append(records, r.Record)
	}
	return records, nil
}

func (c composer) tenantName(ctx context.Context, tenant domain.TenantID) (string, error) {
	t, _, err := eventstore.Fold[domain.Tenant](ctx, c.n.Log, tenant, domain.AggregateID{Kind: domain.KindTenant, ID: tenant.ID})
	if errors.Is(err, eventstore.ErrTampered) {
		return "", nil // the report is about that very thing: its score is 0
	}
	if err != nil {
		return "", fmt.Errorf("naming a tenant: %w", err)
	}
	return t.Name, nil
}

// sign has the result signed, renders the files, and has what they digest to signed.
func (c composer) sign(ctx context.Context, r *report.Report) (commands.ComposedReport, error) {
	var none commands.ComposedReport
	key, _, err := c.n.Ring.Signer(ctx, r.Tenant)
	if err != nil {
		return none, err
	}
	result, err := r.Assessment.Digest()
	if err != nil {
		return none, err
	}
	r.PublicKey, r.KeyID = key.Public().Bytes(), domain.Digest(key.ID())
	if r.Signature, err = key.Sign(chain.ContextResult, result[:]); err != nil {
		return none, err
	}
	files, err := r.Files()
	if err != nil {
		return none, fmt.Errorf("composing a report: %w", err)
	}
	sidecar, err := r.Sidecar(files)
	if err != nil {
		return none, err
	}
	message, err := sidecar.Message()
	if err != nil {
		return none, err
	}
	if sidecar.Signature, err = key.Sign(chain.ContextReport, message); err != nil {
		return none, err
	}
	signed, err := sidecar.File()
	if err != nil {
		return none, err
	}
	composed := commands.ComposedReport{Fact: domain.ComplianceReportGenerated{
		AsOf: int64(r.Assessment.AsOf), AsOfSeq: r.Assessment.AsOfSeq, CatalogueDigest: r.Catalogue.Digest(), Framework: r.Framework.ID,
		ControlsDigest: sidecar.Files[report.ControlsFile].Hash, EvidenceDigest: sidecar.Files[report.EvidenceFile].Hash,
		JSONDigest: sidecar.Files[report.JSONFile].Hash, OSCALDigest: sidecar.Files[report.OSCALFile].Hash,
		PDFDigest: sidecar.Files[report.PDFFile].Hash, PlanDigest: sidecar.Files[report.PlanFile].Hash,
		PlatformDigest: sidecar.Files[report.PlatformFile].Hash,
		PeriodDays:     r.Days, ReportID: r.ID, ResultDigest: result, Score: r.Assessment.Score,
	}}
	for _, f := range append(files, signed) {
		composed.Files = append(composed.Files, commands.ReportFile{Name: f.Name, Type: f.Type, Data: f.Data})
	}
	return composed, nil
}

// openReports opens where reports are kept, and what makes them.
func (n *Node) openReports(ctx context.Context, scores *queries.Scores, version string, now func() time.Time) error {
	kept, err := n.openBlobs(ctx, now)
	if err != nil {
		return fmt.Errorf("%w: QUANTASEAL_BLOBS: %w", ErrMisconfigured, err)
	}
	n.Reports = &commands.Reports{Log: n.Log, Keys: n.Ring, Composer: composer{n, scores, version}, Blobs: kept, Now: now}
	return nil
}
