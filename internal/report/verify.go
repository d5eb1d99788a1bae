package report

import (
	"context"
	"crypto/sha3"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"time"

	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/eventstore/chain"
	"github.com/quantaseal/quantaseal/internal/compliance"
)

// Verification says what a report is verified with. Files, Bundle and Catalogue are
// required.
type Verification struct {
	Files     map[string][]byte // of the report, by name: the sidecar, report.json and the platform's evidence at least
	Bundle    io.ReadSeeker     // the tenant's chain, as an export gives it
	Catalogue *compliance.Catalogue
	LogID     *chain.Hash      // pinned; nil: as the bundle says
	Now       func() time.Time // nil: times of the chain are not compared with a clock
	Tell      func(string)     // is told of each step that held; may be nil
}

// ErrNotVerified reports a report that is not what the chain says. What wraps it says
// where they differ.
var ErrNotVerified = errors.New("report: not verified")

func differs(format string, args ...any) error {
	return fmt.Errorf("%w: %w", ErrNotVerified, fmt.Errorf(format, args...))
}

// Verify recomputes a report from the chain in a bundle. It returns ErrNotVerified
// where anything differs, and another error for what cannot be read.
func (v Verification) Verify(ctx context.Context) error {
	if v.Tell == nil {
		v.Tell = func(string) {}
	}
	sidecar, err := ReadSidecar(v.Files[SidecarFile])
	if err != nil {
		return differs("%s: %w", SidecarFile, err)
	}
	if err := v.files(sidecar); err != nil {
		return err
	}
	doc, err := v.result(sidecar)
	if err != nil {
		return err
	}
	if sidecar.Catalogue != v.Catalogue.Digest() {
		return fmt.Errorf("report: made by catalogue %s, and this program has %s", sidecar.Catalogue, v.Catalogue.Digest())
	}
	header, err := v.chain(ctx, sidecar)
	if err != nil {
		return err
	}
	root, err := chain.ParsePublicKey(header.RootPublicKey)
	if err != nil {
		return differs("the bundle's root key: %w", err)
	}
	platform, err := readPlatform(v.Files[PlatformFile], header.LogID, root)
	if err != nil {
		return differs("%s: %w", PlatformFile, err)
	}
	state, err := v.fold(sidecar)
	if err != nil {
		return err
	}
	return v.compare(sidecar, doc, state.On(platform))
}

// files compares what there is with what the sidecar says.
func (v Verification) files(s Sidecar) error {
	for _, name := range []string{JSONFile, PlatformFile} {
		if _, ok := s.Files[name]; !ok || v.Files[name] == nil {
			return fmt.Errorf("report: %s is missing", name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(v.Files)) {
		said, ok := s.Files[name]
		switch {
		case name == SidecarFile:
		case !ok:
			return differs("%s is no file of this report", name)
		case domain.Digest(sha3.Sum256(v.Files[name])) != said.Hash || len(v.Files[name]) != said.Size:
			return differs("%s is not what was signed", name)
		default:
			v.Tell(name + " is what was signed")
		}
	}
	return nil
}

// stated is what is read again of a report's JSON.
type stated struct {
	ReportID   domain.ReportID `json:"report_id"`
	TenantID   domain.TenantID `json:"tenant_id"`
	Assessment json.RawMessage `json:"assessment"`
	Signature  signature       `json:"signature"`
}

// result checks that the JSON states the result that was signed.
func (v Verification) result(s Sidecar) (stated, error) {
	var doc stated
	if err := json.Unmarshal(v.Files[JSONFile], &doc); err != nil {
		return doc, fmt.Errorf("report: reading %s: %w", JSONFile, err)
	}
	digest := sha3.Sum256(doc.Assessment) // the file is canonical, and so is its part
	key, err := chain.ParsePublicKey(s.PublicKey)
	if err != nil || domain.Digest(digest) != s.ResultDigest || doc.ReportID != s.ReportID || doc.TenantID != s.TenantID ||
		!key.Verify(chain.ContextResult, digest[:], doc.Signature.Value) {
		return doc, differs("%s does not state the result that was signed", JSONFile)
	}
	v.Tell("the result is signed by key " + s.KeyID.String())
	return doc, nil
}

// chain verifies the whole bundle.
func (v Verification) chain(ctx context.Context, s Sidecar) (chain.BundleHeader, error) {
	logID := v.LogID
	if logID == nil {
		said := chain.Hash(s.LogID)
		logID = &said
	}
	var first *chain.Finding
	summary, err := chain.VerifyBundle(ctx, v.Bundle, chain.Options{LogID: logID, Now: v.Now, Report: func(f chain.Finding) {
		if first == nil {
			first = &f
		}
	}})
	if err != nil {
		return summary.Bundle, fmt.Errorf("report: verifying the bundle: %w", err)
	}
	if first != nil {
		return summary.Bundle, differs("the chain: %w", *first)
	}
	if summary.Bundle.TenantID != [16]byte(s.TenantID.ID) || summary.Bundle.FromSeq != 0 {
		return summary.Bundle, differs("the bundle is not the whole chain of tenant %s", s.TenantID)
	}
	v.Tell(fmt.Sprintf("the chain verifies: %d events", summary.Events))
	return summary.Bundle, nil
}

// fold folds the chain up to the fact that the report names, and looks for the fact
// that the report was made.
func (v Verification) fold(s Sidecar) (*compliance.State, error) {
	if _, err := v.Bundle.Seek(0, io.SeekStart); err != nil {
		return nil, fmt.Errorf("report: reading the bundle: %w", err)
	}
	_, records, err := chain.ReadBundle(v.Bundle)
	if err != nil {
		return nil, fmt.Errorf("report: reading the bundle: %w", err)
	}
	state, recorded := compliance.NewState(), false
	for record, err := range records {
		if err != nil {
			return nil, fmt.Errorf("report: reading the bundle: %w", err)
		}
		header, err := chain.ParseHeader(record.Header)
		if err != nil {
			return nil, differs("the chain: %w", err)
		}
		fact, err := factOf(header, record)
		if err != nil {
			return nil, fmt.Errorf("report: reading event %d: %w", header.Seq, err)
		}
		if header.Seq <= s.AsOfSeq {
			state.Apply(fact)
			if header.Seq == s.AsOfSeq && fact.Hash != s.HeadHash {
				return nil, differs("event %d has another hash", s.AsOfSeq)
			}
			if header.Seq == s.AsOfSeq && fact.Signer != s.KeyID {
				return nil, differs("the report is signed by another key than the chain")
			}
			continue
		}
		if made, ok := fact.Event.(domain.ComplianceReportGenerated); ok && domain.ID(header.EventID) == s.ReportID.ID {
			if recorded = true; made.JSONDigest != s.Files[JSONFile].Hash || made.PDFDigest != s.Files[PDFFile].Hash || made.ResultDigest != s.ResultDigest {
				return nil, differs("event %d records another report", header.Seq)
			}
		}
	}
	if state.Next() != s.AsOfSeq+1 {
		return nil, differs("the chain ends before event %d", s.AsOfSeq)
	}
	if !recorded {
		return nil, differs("the chain does not record the report: export it after the report was made")
	}
	v.Tell("the chain records the report")
	return state, nil
}

// compare assesses what was folded, and names the controls that came out otherwise.
func (v Verification) compare(s Sidecar, doc stated, state *compliance.State) error {
	framework, err := v.Catalogue.Framework(s.Framework)
	if err != nil {
		return differs("framework %q: %w", s.Framework, err)
	}
	again := state.Assess(v.Catalogue, framework, s.AsOf)
	digest, err := again.Digest()
	if err != nil {
		return err
	}
	if digest == s.ResultDigest {
		v.Tell(fmt.Sprintf("the score is %d again, and each of %d controls comes out as the report says", again.Score, len(again.Controls)))
		return nil
	}
	var said struct {
		Score    int
		Controls []struct{ ID, Status string }
	}
	if err := json.Unmarshal(doc.Assessment, &said); err != nil {
		return fmt.Errorf("report: reading %s: %w", JSONFile, err)
	}
	var otherwise []string
	for i, c := range again.Controls {
		if i >= len(said.Controls) || said.Controls[i].ID != c.ID || said.Controls[i].Status != string(c.Status) {
			otherwise = append(otherwise, c.ID)
		}
	}
	return differs("the score is %d, the report says %d; controls that come out otherwise: %v", again.Score, said.Score, otherwise)
}
