package node

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"time"

	"github.com/quantaseal/quantaseal/commands"
	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/eventstore"
	"github.com/quantaseal/quantaseal/eventstore/anchors"
	"github.com/quantaseal/quantaseal/eventstore/chain"
	vaulthttp "github.com/quantaseal/quantaseal/http"
	"github.com/quantaseal/quantaseal/internal/verify"
	"github.com/quantaseal/quantaseal/migrations"
	"github.com/quantaseal/quantaseal/projections"
)

// Scratch databases: where they are, what they are opened with, and after how long
// one is what a crash left behind.
const (
	scratchName    = "verify-*"
	scratchOptions = "?_txlock=immediate&_pragma=journal_mode(MEMORY)&_pragma=synchronous(OFF)&_pragma=cache_size(-65536)&_pragma=temp_store(MEMORY)"
	scratchAge     = 24 * time.Hour
)

// maxViolations is how many damaged versions one verification puts on the record.
const maxViolations = 20

// openVerifier makes what verifies the stored record. Read reads the read models.
func (n *Node) openVerifier(read *sql.DB) {
	n.Verifier = &verify.Verifier{
		Log: n.Log, Anchors: anchored{n.Anchors}, Views: n.Views, Read: read, Sealed: n.sealed, Keys: n.Ring, Names: n.Queries,
		Scratch: n.scratch, Now: n.now, Workers: runtime.GOMAXPROCS(0),
	}
}

// anchored lets verifications compare chains with the ledger.
type anchored struct{ *anchors.Ledger }

// Audit implements verify.Anchors.
func (a anchored) Audit(ctx context.Context, tenant domain.TenantID) (verify.ChainAudit, error) {
	return a.AuditOf(ctx, tenant)
}

// Whole implements verify.Anchors.
func (a anchored) Whole(ctx context.Context) ([]chain.Finding, error) { return a.Ledger.Audit(ctx) }

// scratch makes an empty database for read models, which nobody else sees and which
// is gone when it is closed.
func (n *Node) scratch(ctx context.Context) (s verify.Scratch, err error) {
	n.sweepScratch()
	dir, err := os.MkdirTemp(n.config.Data, scratchName)
	if err != nil {
		return s, err
	}
	db, err := sql.Open("sqlite", "file:"+filepath.Join(dir, "views.db")+scratchOptions)
	if err != nil {
		return s, errors.Join(err, os.RemoveAll(dir))
	}
	s.Close = func() error { return errors.Join(db.Close(), os.RemoveAll(dir)) }
	db.SetMaxOpenConns(1)
	if err := migrations.Up(ctx, db, migrations.SQLite, migrations.Views); err != nil {
		return s, errors.Join(err, s.Close())
	}
	s.Views, err = (&projections.Runner{DB: db, Embedded: true, Log: n.Log, Logger: n.logger}).Open(ctx)
	if err != nil {
		return s, errors.Join(err, s.Close())
	}
	return s, nil
}

// sweepScratch removes what a crash left behind.
func (n *Node) sweepScratch() {
	left, _ := filepath.Glob(filepath.Join(n.config.Data, scratchName)) // the pattern is well-formed
	for _, dir := range left {
		if info, err := os.Stat(dir); err == nil && time.Since(info.ModTime()) > scratchAge {
			_ = os.RemoveAll(dir) // the next one tries again
		}
	}
}

// verify has v verify what is stored of a tenant, or of the system chain, and puts the
// result on the record in by's name.
func (n *Node) verify(ctx context.Context, v *verify.Verifier, by domain.Actor, o verify.Options) (verify.Report, eventstore.Receipt, error) {
	report, err := v.Tenant(ctx, by.Tenant, o)
	if err != nil {
		return report, eventstore.Receipt{}, err
	}
	for _, f := range report.Findings {
		n.logger.ErrorContext(ctx, "a verification found what should not be", "tenant", chain.FormatUUID(f.Tenant), "seq", f.Seq, "check", f.Check, "detail", f.Detail)
	}
	if o.Fast && report.Chain == 0 {
		return report, eventstore.Receipt{}, nil // without its signatures no chain was verified
	}
	receipt, err := n.Vault.RecordVerification(ctx, by, n.facts(ctx, &report))
	return report, receipt, err
}

// facts says what a report goes on the record as.
func (n *Node) facts(ctx context.Context, r *verify.Report) commands.Verification {
	if r.Chain > 0 {
		first := r.First()
		return commands.Verification{Chain: domain.ChainVerificationFailed{Fault: first.Check, FirstBadSeq: first.Seq}}
	}
	v := commands.Verification{Chain: domain.AuditChainVerified{Gaps: len(r.Lost), HeadHash: domain.Digest(r.Head), To: r.To}}
	if !r.Behind {
		v.Reconciled = &domain.ProjectionReconciled{AtSeq: r.To, Mismatches: r.State, Rows: r.Rows}
	}
	for _, f := range r.Findings {
		if !f.Entry.IsZero() && len(v.Violations) < maxViolations {
			v.Violations = append(v.Violations, domain.IntegrityViolated{Check: violated[f.Check], ObjectRef: f.Entry})
		}
	}
	if status, err := n.Anchors.Status(ctx); err == nil { // else nothing is anchored, which is no evidence
		v.Published = &domain.CheckpointPublished{
			RootHash: domain.Digest(status.Checkpoint.Root), Signer: domain.Digest(n.Ring.Root().ID()), Size: status.Checkpoint.Size,
		}
	}
	return v
}

// violated are the words for what did not hold of a sealed version.
var violated = map[string]string{"V31": "sealed_record", "V32": "destroyed", "V33": "not_destroyed", "V34": "no_fact"}

// asked verifies for callers of the API.
type asked struct{ *Node }

// Verify implements vaulthttp.Verifier.
func (a asked) Verify(ctx context.Context, by domain.Actor) (vaulthttp.Verification, eventstore.Receipt, error) {
	r, receipt, err := a.verify(ctx, a.Verifier, by, verify.Options{Orphans: true})
	if err != nil {
		return vaulthttp.Verification{}, receipt, err
	}
	v := vaulthttp.Verification{
		Valid: r.Sound(), Events: r.Events, ToSeq: r.To, HeadHash: domain.Digest(r.Head), Anchored: r.Anchored, RowsCompared: r.Rows,
		ReadModels: "compared", Total: r.Chain + r.State, Lost: []vaulthttp.Stretch{}, Findings: []vaulthttp.VerifyFinding{},
	}
	if r.Behind {
		v.ReadModels = "rebuilding"
	}
	for _, lost := range r.Lost {
		v.Lost = append(v.Lost, vaulthttp.Stretch(lost))
	}
	for _, f := range r.Findings {
		told := vaulthttp.VerifyFinding{Tenant: domain.TenantID{ID: f.Tenant}, Seq: f.Seq, Check: f.Check, Detail: f.Detail}
		if !f.Entry.IsZero() {
			told.EntryID = f.Entry.String()
		}
		v.Findings = append(v.Findings, told)
	}
	return v, receipt, nil
}

// gone tells what is missing of chains that were anchored and that the system chain
// knows nothing of.
func (n *Node) gone(ctx context.Context, known []domain.TenantID, tell func(verify.Report)) error {
	found, err := n.Anchors.Compare(ctx)
	if err != nil {
		return err
	}
	r := verify.Report{}
	for _, f := range found {
		if slices.Contains(known, domain.TenantID{ID: f.Tenant}) {
			continue // it was told
		}
		if r.Chain++; len(r.Findings) < verify.MaxFindings {
			r.Findings = append(r.Findings, verify.Finding{Finding: f})
		}
	}
	if r.Chain > 0 {
		tell(r)
	}
	return nil
}

// VerifyAll verifies the system chain and every tenant, or only one, and tells what
// came of each. What is found goes on the record unless the log is halted: then only
// who asked learns of it; and a fast run goes on it only if it finds a chain altered.
func (n *Node) VerifyAll(ctx context.Context, only domain.TenantID, fast bool, tell func(verify.Report)) error {
	tenants := []domain.TenantID{only}
	if only.IsZero() {
		listed, err := n.Identity.Tenants(ctx)
		if err != nil && !errors.Is(err, eventstore.ErrTampered) { // which the first report tells
			return fmt.Errorf("listing the tenants: %w", err)
		}
		tenants = append(tenants, idsOf(listed)...)
	}
	for _, tenant := range tenants {
		by := domain.Actor{Tenant: tenant, Kind: domain.ActorOperator, Request: requestID()}
		o := verify.Options{Fast: fast, Orphans: !tenant.IsZero() && !only.IsZero()}
		if n.Log.Halted() != nil {
			report, err := n.Verifier.Tenant(ctx, tenant, o)
			if err != nil {
				return err
			}
			tell(report)
			continue
		}
		report, _, err := n.verify(ctx, n.Verifier, by, o)
		if report.Tenant == tenant && (err == nil || !report.Sound()) {
			tell(report)
		}
		if err != nil {
			return err
		}
	}
	if !only.IsZero() {
		return nil
	}
	if err := n.gone(ctx, tenants, tell); err != nil {
		return err
	}
	strays := verify.Report{}
	rows, err := n.Verifier.Orphans(ctx, domain.TenantID{}, func(f verify.Finding) {
		strays.State++
		if len(strays.Findings) < verify.MaxFindings {
			strays.Findings = append(strays.Findings, f)
		}
	})
	if strays.Rows = rows; strays.State > 0 {
		tell(strays)
	}
	if err == nil && n.Log.Halted() == nil {
		if err = n.Anchors.Pass(ctx); errors.Is(err, anchors.ErrMoved) { // a server that runs anchors what was just recorded
			err = nil
		}
	}
	return err
}
