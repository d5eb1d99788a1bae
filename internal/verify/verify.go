// Package verify compares everything that is stored of a tenant with what was
// signed: the chain itself, with its anchors, and what lies beside it.
//
// Its one law: it believes nothing that it has not read from the chain and verified.
// Read models are compared with a fold of its own, sealed records with the hashes in
// facts, and what a fact says was destroyed is looked for.
//
// # Checks
//
// V1 to V18 are those of package chain. V19 compares with every anchor, V20 and V23
// where the chain was anchored to end. With the system chain the anchors are verified
// among themselves: V20 to V22, V24. V29: read models equal a fold. V31: each
// credential's record is the one that was signed, and its key slot its own. V32: of
// what was destroyed neither record nor key is left. V33: what is over was destroyed in
// time. V34: no record or slot is kept that no fact names. V30, marks on rows, is not
// there.
package verify

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/eventstore"
	"github.com/quantaseal/quantaseal/eventstore/chain"
	"github.com/quantaseal/quantaseal/internal/sealedstore"
	"github.com/quantaseal/quantaseal/projections"
)

// Anchors begins to compare a chain with its anchors.
type Anchors interface {
	// Audit begins with tenant's chain.
	Audit(ctx context.Context, tenant domain.TenantID) (ChainAudit, error)
	// Whole verifies the anchors among themselves, and returns what is wrong.
	Whole(ctx context.Context) ([]chain.Finding, error)
}

// ChainAudit compares a chain with its anchors while it is read.
type ChainAudit interface {
	Record(ctx context.Context, seq uint64, hash chain.Hash) []chain.Finding
	End(ctx context.Context, next uint64) ([]chain.Finding, error)
	Covered() uint64
}

// Keys says whether keys fit, and whether they are there. The key ring implements it.
type Keys interface {
	// Check reports whether sealed is version entry with a hash, and would open.
	Check(ctx context.Context, tenant domain.TenantID, entry domain.EntryID, hash domain.Digest, sealed domain.SealedRecord) (bool, error)
	KeepsSubject(ctx context.Context, tenant domain.TenantID, user domain.UserID) (bool, error)
	KeepsCryptoKey(ctx context.Context, tenant domain.TenantID, key domain.CryptoKeyID) (bool, error)
}

// Names says which records facts name. The queries implement it, from read models
// that were compared with the chain before.
type Names interface {
	// Named reports whether a fact about a credential names a record's hash.
	Named(ctx context.Context, tenant domain.TenantID, credential domain.CredentialID, hash domain.Digest) (bool, error)
}

// Scratch is a place for read models of one's own, empty at first.
type Scratch struct {
	Views *projections.Runner
	Close func() error
}

// Verifier verifies what a deployment stores. All fields are required and must not
// change once it is in use. Its methods may be called from any number of goroutines;
// each run needs as much memory as 130 bytes for each of a million events, and as
// much of a disk as the tenant's read models.
type Verifier struct {
	Log     *eventstore.Log
	Anchors Anchors
	Views   *projections.Runner
	Read    *sql.DB // reads the tables of Views
	Sealed  *sealedstore.Store
	Keys    Keys
	Names   Names
	Scratch func(ctx context.Context) (Scratch, error)
	Now     func() time.Time
	Workers int // verify so many records at a time; 0 = 1
}

// Options say what a run may leave out.
type Options struct {
	Fast    bool // signatures of events (V13)
	Orphans bool // look for records that no fact names (V34), among all that there are
}

// Finding is a check that did not hold.
type Finding struct {
	chain.Finding
	Entry domain.EntryID // the sealed version that it is about; zero: none
}

// MaxFindings is how many findings of a run are told; the rest are counted.
const MaxFindings = 100

// Report is what came of a run.
type Report struct {
	Tenant   domain.TenantID
	Events   uint64
	To       uint64 // sequence number of the last event
	Head     chain.Hash
	Anchored uint64        // events that the anchors cover
	Lost     []chain.Range // what the chain itself says it has lost
	Chain    int           // findings about the chain
	Rows     uint64        // compared beside the chain
	State    int           // findings about what is stored beside it
	Findings []Finding     // the first MaxFindings of both
	Behind   bool          // the read models are being folded anew, and were not compared
}

// Sound reports whether nothing was found.
func (r *Report) Sound() bool { return r.Chain == 0 && r.State == 0 }

// First returns the first finding about the chain, by sequence number.
func (r *Report) First() (first chain.Finding) {
	for _, f := range r.Findings {
		if about(f.Check) == chainCheck && (first.Check == "" || f.Seq < first.Seq) {
			first = f.Finding
		}
	}
	return first
}

type subject int

const (
	chainCheck subject = iota
	stateCheck
)

// about says whether a check is about the chain or what is stored beside it.
func about(check string) subject {
	if check >= "V29" && len(check) == 3 {
		return stateCheck
	}
	return chainCheck
}

func (r *Report) add(f Finding) {
	if about(f.Check) == stateCheck {
		r.State++
	} else {
		r.Chain++
	}
	if len(r.Findings) < MaxFindings {
		r.Findings = append(r.Findings, f)
	}
}

// Tenant verifies the chain of tenant, or the system chain if that is zero, and what
// is stored of the tenant beside it. An error means that something could not be read,
// so that nothing is known.
func (v *Verifier) Tenant(ctx context.Context, tenant domain.TenantID, o Options) (Report, error) {
	if err := v.Views.CatchUp(ctx); err != nil {
		return Report{}, fmt.Errorf("bringing the read models up to date: %w", err)
	}
	scratch, err := v.Scratch(ctx)
	if err != nil {
		return Report{}, fmt.Errorf("making place for a fold: %w", err)
	}
	run := run{Verifier: v, tenant: tenant, options: o, fold: scratch.Views, report: Report{Tenant: tenant}}
	err = run.all(ctx)
	if closed := scratch.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return Report{}, fmt.Errorf("verifying tenant %s: %w", tenant, err)
	}
	return run.report, nil
}

// run is one verification as it goes on.
type run struct {
	*Verifier
	tenant  domain.TenantID
	options Options
	fold    *projections.Runner
	report  Report
	newest  domain.ID                     // event id of the last record
	erased  map[domain.UserID]uint64      // persons, by the fact that says so
	ended   map[domain.CryptoKeyID]uint64 // destroyed generations, likewise
}

func (r *run) all(ctx context.Context) error {
	r.erased, r.ended = map[domain.UserID]uint64{}, map[domain.CryptoKeyID]uint64{}
	if err := r.claims(ctx); err != nil {
		return err
	}
	if err := r.chain(ctx); err != nil {
		return err
	}
	if r.tenant.IsZero() {
		wrong, err := r.Anchors.Whole(ctx)
		if err != nil {
			return err
		}
		for _, f := range wrong {
			r.report.add(Finding{Finding: f})
		}
	}
	if r.report.Chain > 0 {
		return nil // what would it be compared with
	}
	if err := r.views(ctx); err != nil {
		return err
	}
	if r.tenant.IsZero() {
		return nil // it has nothing sealed
	}
	if err := r.sealed(ctx); err != nil {
		return err
	}
	if err := r.destroyed(ctx); err != nil {
		return err
	}
	if r.options.Orphans {
		return r.orphans(ctx)
	}
	return nil
}

// chain verifies the chain, and folds its facts.
func (r *run) chain(ctx context.Context) error {
	anchored, err := r.Anchors.Audit(ctx, r.tenant)
	if err != nil {
		return err
	}
	add := func(f chain.Finding) { r.report.add(Finding{Finding: f}) }
	done, err := r.Log.Audit(ctx, eventstore.Audit{
		Tenant: r.tenant, Fast: r.options.Fast, Workers: r.Workers, Found: add,
		Record: func(seq uint64, hash chain.Hash) {
			for _, f := range anchored.Record(ctx, seq, hash) {
				add(f)
			}
		},
		Facts: func(facts []eventstore.Recorded) error {
			if r.report.Chain > 0 {
				return nil
			}
			r.note(facts)
			return r.fold.Fold(ctx, facts)
		},
	})
	if err != nil {
		return err
	}
	missing, err := anchored.End(ctx, done.Head.Next)
	if err != nil {
		return err
	}
	for _, f := range missing {
		add(f)
	}
	r.report.Events, r.report.Head, r.report.Lost, r.report.Anchored = done.Records, done.Head.Hash, done.Lost, anchored.Covered()
	for _, lost := range done.Lost {
		r.report.Anchored -= min(r.report.Anchored, lost.To-lost.From+1)
	}
	r.report.To, r.newest = max(done.Head.Next, 1)-1, done.Newest
	return nil
}

// note remembers what a fact says was destroyed.
func (r *run) note(facts []eventstore.Recorded) {
	for i := range facts {
		switch e := facts[i].Event.(type) {
		case domain.SubjectErased:
			r.erased[e.Subject] = facts[i].Header.Seq
		case domain.KeyDestruction:
			r.ended[e.KeyID] = facts[i].Header.Seq
		}
	}
}

func (r *run) found(check string, seq uint64, entry domain.EntryID, format string, args ...any) {
	r.report.add(Finding{chain.Finding{Tenant: r.tenant.ID, Seq: seq, Check: check, Detail: fmt.Sprintf(format, args...)}, entry})
}
