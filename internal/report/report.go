// Package report writes what a compliance score rests on so that an auditor can
// hold it in hand: as JSON, CSV, PDF and OSCAL.
//
// Its one law: a report is a function of a [Report], byte for byte. Nothing here
// looks at a clock, draws a number or reads a file.
//
// # What vouches for a report
//
// No file can hold its own digest, so there are two layers. Inside, the tenant's
// audit key signs the digest of the result (chain.ContextResult). Outside, a
// [Sidecar] holds the digests of all files, signed by the same key
// (chain.ContextReport); the fact COMPLIANCE_REPORT_GENERATED holds them too.
package report

import (
	"errors"
	"fmt"

	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/eventstore/chain"
	"github.com/quantaseal/quantaseal/internal/compliance"
)

// The names of a report's files.
const (
	JSONFile     = "report.json"
	PDFFile      = "report.pdf"
	ControlsFile = "controls.csv"
	EvidenceFile = "evidence.csv"
	OSCALFile    = "assessment-results.json"
	PlanFile     = "assessment-plan.json"
	SidecarFile  = "report.sig.json"
)

// Algorithm signs results and reports.
const Algorithm = "ML-DSA-65"

// Report is what a report is made of.
type Report struct {
	ID         domain.ReportID
	Tenant     domain.TenantID
	TenantName string // as it registered; empty once it is erased
	Generator  string // the version of the program
	Origin     string // names the deployment
	LogID      domain.Digest
	Days       int // of the period, which ends at the assessment's instant

	Catalogue  *compliance.Catalogue
	Framework  *compliance.Framework
	Assessment compliance.Assessment // in full
	History    []compliance.Point    // of the period's days, the first one first

	// Platform are the records of the system chain that bear on the result, its genesis
	// first.
	Platform []chain.Record

	// What vouches for the result.
	PublicKey []byte // of the tenant's audit key, ML-DSA-65
	KeyID     domain.Digest
	Signature []byte // under chain.ContextResult, over the 32 bytes of the assessment's digest
}

// File is one rendering of a report.
type File struct {
	Name string
	Type string // of its content, for HTTP
	Data []byte
}

// errForeign reports an assessment of another framework or catalogue.
var errForeign = errors.New("report: the assessment is of another framework or catalogue")

// Files renders a report in every form but the sidecar.
func (r *Report) Files() ([]File, error) {
	if r.Assessment.Framework != r.Framework.ID || r.Assessment.Catalogue.Digest != r.Catalogue.Digest() ||
		len(r.Assessment.Controls) != len(r.Framework.Controls) {
		return nil, errForeign
	}
	var files []File
	for _, f := range []struct {
		name, kind string
		render     func() ([]byte, error)
	}{
		{PlanFile, "application/json", r.OSCALPlan},
		{OSCALFile, "application/json", r.OSCAL},
		{ControlsFile, "text/csv; charset=utf-8", r.ControlsCSV},
		{EvidenceFile, "text/csv; charset=utf-8", r.EvidenceCSV},
		{JSONFile, "application/json", r.JSON},
		{PlatformFile, "application/json", r.PlatformJSON},
	} {
		data, err := f.render()
		if err != nil {
			return nil, fmt.Errorf("rendering %s: %w", f.name, err)
		}
		files = append(files, File{f.name, f.kind, data})
	}
	pdf, err := r.PDF(files)
	if err != nil {
		return nil, err
	}
	return append(files, File{PDFFile, "application/pdf", pdf}), nil
}

// document is a report as JSON, by which it is verified.
type document struct {
	Format     string                `json:"format"`
	Version    int                   `json:"version"`
	ReportID   domain.ReportID       `json:"report_id"`
	TenantID   domain.TenantID       `json:"tenant_id"`
	TenantName string                `json:"tenant_name"`
	Generator  string                `json:"generator"`
	Origin     string                `json:"origin"`
	LogID      domain.Digest         `json:"log_id"`
	Period     compliance.Period     `json:"period"`
	History    []compliance.Point    `json:"history"`
	Checks     []compliance.Used     `json:"checks"`
	Assessment compliance.Assessment `json:"assessment"`
	Digest     string                `json:"result_digest"`
	Signature  signature             `json:"signature"`
}

// format names the JSON form of a report.
const format = "quantaseal/report"

type signature struct {
	Algorithm string        `json:"alg"`
	KeyID     domain.Digest `json:"key_id"`
	PublicKey []byte        `json:"public_key"`
	Value     []byte        `json:"value"`
}

// Period returns how the score stood within the report's period.
func (r *Report) Period() compliance.Period {
	return compliance.PeriodOf(r.Assessment.AsOf, r.Days, r.History)
}

// JSON renders the whole report as canonical JSON.
func (r *Report) JSON() ([]byte, error) {
	digest, err := r.Assessment.Digest()
	if err != nil {
		return nil, err
	}
	history := r.History
	if history == nil {
		history = []compliance.Point{}
	}
	return compliance.Canonical(document{
		Format: format, Version: 1, ReportID: r.ID, TenantID: r.Tenant, TenantName: r.TenantName, Generator: r.Generator,
		Origin: r.Origin, LogID: r.LogID, Period: r.Period(), History: history, Checks: r.Catalogue.Uses(r.Framework),
		Assessment: r.Assessment, Digest: digestText(digest),
		Signature: signature{Algorithm, r.KeyID, r.PublicKey, r.Signature},
	})
}

func digestText(d domain.Digest) string { return "sha3-256:" + d.String() }
