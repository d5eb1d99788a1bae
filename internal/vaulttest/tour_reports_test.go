package vaulttest_test

import (
	"bytes"
	"crypto/sha3"
	"io"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/quantaseal/quantaseal/cmd/quantaseal/node"
	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/internal/compliance"
	"github.com/quantaseal/quantaseal/internal/report"
	"github.com/quantaseal/quantaseal/internal/vaulttest"
)

// reported is a report as a client reads it.
type reported struct {
	ID, Framework, Status, Grade string
	ReportID                     string    `json:"report_id"`
	CreatedAt                    time.Time `json:"created_at"`
	AsOf                         time.Time `json:"as_of"`
	AsOfSeq                      uint64    `json:"as_of_seq"`
	OverallScore                 int       `json:"overall_score"`
	ResultDigest                 string    `json:"result_digest"`
	ReportURL                    string    `json:"report_url"`
	PDFURL                       string    `json:"pdf_url"`
	ExpiresIn                    int       `json:"expires_in"`
	Summary                      map[string]any
	Controls                     []struct{ ID, Status string }
	Files                        map[string]struct {
		URL    string
		SHA256 string `json:"sha3_256"`
	}
}

// fetch gets what anybody gets who has a URL.
func fetch(t *testing.T, address string) (int, http.Header, []byte) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	data, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, res.Header, data
}

// TestTourReports makes reports by every route: each is on record with the digests of
// its files before anybody has it, and its files are had by URL for an hour.
func TestTourReports(t *testing.T) {
	t.Parallel()
	c := &clock{}
	v := vaulttest.StartAt(t, node.Config{}, c.now)
	a, _ := story(t, v, "owner@example.com")
	other := v.Register(t, "other@example.net")
	w := watch(t, v, a.TenantID)

	answer := a.Must(t, http.StatusCreated, http.MethodPost, compliancePath+"reports", `{"framework":"SOC2"}`)
	fact, _ := w.receipted(t, answer, "COMPLIANCE_REPORT_GENERATED")[0].Event.(domain.ComplianceReportGenerated)
	var first reported
	answer.Into(t, &first)
	if first.ID != fact.ReportID.String() || first.ReportID != first.ID || first.Framework != "soc2" || first.Status != "complete" || first.CreatedAt.IsZero() ||
		first.OverallScore != fact.Score || first.AsOfSeq != fact.AsOfSeq || first.ResultDigest != "sha3-256:"+fact.ResultDigest.String() ||
		first.ExpiresIn != 3600 || len(first.Controls) != 25 || first.Controls[0].ID == "" || first.Summary["coverage"] == nil {
		t.Errorf("got %+v", first)
	}
	checkFiles(t, v, first, fact)
	_, scored := scoreOf(t, a.Client, "/soc2?at="+url.QueryEscape(first.AsOf.Format(time.RFC3339Nano)))
	if w.saw(t, "COMPLIANCE_SCORED"); scored.ResultDigest != first.ResultDigest {
		t.Errorf("the score of the same instant is %s, the report's %s", scored.ResultDigest, first.ResultDigest)
	}
	checkRepeats(t, w, a.Client, c)

	var again reported
	a.Must(t, http.StatusOK, http.MethodGet, compliancePath+"reports/"+first.ID, nil).Into(t, &again)
	w.saw(t, "COMPLIANCE_SCORED")
	var all []reported
	a.Must(t, http.StatusOK, http.MethodGet, compliancePath+"reports", nil).Into(t, &all)
	if again.ResultDigest != first.ResultDigest || len(again.Controls) != 25 || len(all) < 3 || all[len(all)-1].ID != first.ID || all[0].AsOfSeq <= first.AsOfSeq {
		t.Errorf("read again: %+v; of %d reports", again, len(all))
	}
	w.saw(t)
	checkURLs(t, w, c, first, other)
	for _, query := range []string{
		"report", "report?framework=soc9", "report?framework=soc2&format=doc", "report?framework=soc2&days=0", "report?framework=soc2&at=2000-01-01",
	} {
		a.Must(t, http.StatusUnprocessableEntity, http.MethodGet, compliancePath+query, nil)
	}
	a.Must(t, http.StatusNotFound, http.MethodGet, compliancePath+"reports/"+a.TenantID, nil)
	other.Must(t, http.StatusNotFound, http.MethodGet, compliancePath+"reports/"+first.ID, nil)
	w.saw(t)
}

// checkFiles fails t unless each file of a report is what the record says, and the
// signature over them is of the tenant's audit key.
func checkFiles(t *testing.T, v *vaulttest.Vault, r reported, fact domain.ComplianceReportGenerated) {
	t.Helper()
	digests := map[string]domain.Digest{}
	var sidecar report.Sidecar
	for name, f := range r.Files {
		status, header, data := fetch(t, f.URL)
		digests[name] = sha3.Sum256(data)
		if status != http.StatusOK || header.Get("Content-Disposition") != `attachment; filename="`+name+`"` || header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s is answered with %d, %v", name, status, header)
		}
		if name == report.SidecarFile {
			var err error
			if sidecar, err = report.ReadSidecar(data); err != nil {
				t.Error(err)
			}
		}
		if name == report.PDFFile && !bytes.HasPrefix(data, []byte("%PDF-")) {
			t.Errorf("%s is %.20q", name, data)
		}
	}
	want := map[string]domain.Digest{
		report.JSONFile: fact.JSONDigest, report.PDFFile: fact.PDFDigest, report.ControlsFile: fact.ControlsDigest,
		report.EvidenceFile: fact.EvidenceDigest, report.OSCALFile: fact.OSCALDigest, report.PlanFile: fact.PlanDigest, report.PlatformFile: fact.PlatformDigest,
	}
	for name, digest := range want {
		if digests[name] != digest || sidecar.Files[name].Hash != digest || r.Files[name].SHA256 != digest.String() {
			t.Errorf("%s digests to %s, recorded is %s, signed %s", name, digests[name], digest, sidecar.Files[name].Hash)
		}
	}
	at, err := v.Log.At(t.Context(), domain.TenantID{ID: sidecar.TenantID.ID}, 0)
	if err != nil || domain.Digest(at.Header.SignerKeyID) != sidecar.KeyID || sidecar.ReportID != fact.ReportID || sidecar.ResultDigest != fact.ResultDigest {
		t.Errorf("signed by %s as of report %s: %v", sidecar.KeyID, sidecar.ReportID, err)
	}
}

// checkRepeats fails t unless what is asked again is answered with what was made.
func checkRepeats(t *testing.T, w *witness, c *vaulttest.Client, now *clock) {
	t.Helper()
	now.forward(now.now().Truncate(time.Minute).Add(time.Minute).Sub(now.now()))
	var one, two reported
	c.Must(t, http.StatusOK, http.MethodGet, compliancePath+"report?framework=pci-dss", nil).Into(t, &one)
	fact, _ := w.saw(t, "COMPLIANCE_REPORT_GENERATED")[0].Event.(domain.ComplianceReportGenerated)
	c.Must(t, http.StatusOK, http.MethodGet, compliancePath+"report?framework=pci_dss&format=json", nil).Into(t, &two)
	pdf := (&vaulttest.Client{URL: c.URL, Key: c.Key, Header: http.Header{"Accept": {"application/pdf"}}}).
		Must(t, http.StatusOK, http.MethodGet, compliancePath+"report?framework=pci-dss", nil)
	if one.ID != two.ID || one.Framework != "pci_dss" || domain.Digest(sha3.Sum256(pdf.Body)) != fact.PDFDigest {
		t.Errorf("the same minute's reports are %s and %s, and a PDF of %d bytes", one.ID, two.ID, len(pdf.Body))
	}
	csv := c.Must(t, http.StatusOK, http.MethodPost, compliancePath+"report/gdpr?format=csv", nil)
	if w.saw(t, "COMPLIANCE_REPORT_GENERATED"); !bytes.HasPrefix(csv.Body, []byte("framework,framework_version,control_id")) {
		t.Errorf("got %.60s", csv.Body)
	}
	keyed := &vaulttest.Client{URL: c.URL, Key: c.Key, Header: http.Header{"Idempotency-Key": {"once"}}}
	keyed.Must(t, http.StatusCreated, http.MethodPost, compliancePath+"reports/generate", `{"framework":"hipaa","days":7}`).Into(t, &one)
	now.forward(time.Hour)
	keyed.Must(t, http.StatusCreated, http.MethodPost, compliancePath+"reports/generate", `{"framework":"hipaa","days":7}`).Into(t, &two)
	if w.saw(t, "COMPLIANCE_REPORT_GENERATED"); one.ID != two.ID || one.ResultDigest != two.ResultDigest {
		t.Errorf("under one key: %s and %s", one.ID, two.ID)
	}
	keyed.Must(t, http.StatusConflict, http.MethodPost, compliancePath+"reports/generate", `{"framework":"hipaa","days":8}`)
	w.saw(t)
}

// checkURLs fails t unless a URL reads one file of one tenant for an hour, and
// nothing else reads anything.
func checkURLs(t *testing.T, w *witness, c *clock, old reported, other *vaulttest.Account) {
	t.Helper()
	var mine, theirs reported
	a := other
	a.Must(t, http.StatusCreated, http.MethodPost, compliancePath+"reports", `{"framework":"soc2"}`).Into(t, &theirs)
	a.Must(t, http.StatusCreated, http.MethodPost, compliancePath+"reports", `{"framework":"soc2"}`).Into(t, &mine)
	path, query, _ := strings.Cut(mine.PDFURL, "?")
	signed, err := url.ParseQuery(query)
	if err != nil {
		t.Fatal(err)
	}
	signature, expires := signed.Get("signature"), signed.Get("expires")
	with := func(expires, signature string) string {
		return path + "?" + url.Values{"expires": {expires}, "signature": {signature}}.Encode()
	}
	first := "0"
	if signature[:1] == first {
		first = "1"
	}
	flipped := first + signature[1:]
	stranger, _, _ := strings.Cut(old.PDFURL, "?")
	for name, address := range map[string]string{
		"unsigned": path, "tampered": with(expires, flipped), "longer": with(expires+"0", signature), "no signature": with(expires, ""),
		"of another tenant": stranger + "?" + query, "of another report": strings.Split(theirs.PDFURL, "?")[0] + "?" + query,
		"of another file": strings.Replace(mine.PDFURL, "report.pdf", "report.json", 1), "of no file": strings.Replace(mine.PDFURL, "report.pdf", "none.pdf", 1),
		"climbing": strings.Replace(mine.PDFURL, "report.pdf", "..%2f..%2fkeys.db", 1), "more": mine.PDFURL + "&x=1", "over": old.PDFURL,
		"of no tenant": strings.Replace(mine.PDFURL, other.TenantID, "00000000-0000-4000-8000-000000000000", 1),
	} {
		if status, _, data := fetch(t, address); status != http.StatusForbidden || bytes.Contains(data, []byte("%PDF")) {
			t.Errorf("a URL that is %s is answered with %d", name, status)
		}
	}
	if status, _, _ := fetch(t, mine.PDFURL); status != http.StatusOK {
		t.Errorf("a valid URL is answered with %d", status)
	}
	c.forward(59 * time.Minute)
	if status, _, _ := fetch(t, mine.PDFURL); status != http.StatusOK {
		t.Errorf("after 59 minutes a URL is answered with %d", status)
	}
	c.forward(time.Minute)
	if status, _, _ := fetch(t, mine.PDFURL); status != http.StatusForbidden {
		t.Errorf("after an hour a URL is answered with %d", status)
	}
	w.saw(t)
}

// A report is computed again from the tenant's bundle, with the evidence of the
// platform that it holds, control by control; and one that was changed is not.
func TestReportsAreRecomputed(t *testing.T) {
	t.Parallel()
	c := &clock{}
	v := vaulttest.StartAt(t, node.Config{}, c.now)
	a, _ := story(t, v, "owner@example.com")
	c.forward(40 * 24 * time.Hour)
	a.Seal(t, "later", `{"k":"v"}`)
	catalogue, err := compliance.Load()
	if err != nil {
		t.Fatal(err)
	}
	made := map[string]map[string][]byte{}
	for _, f := range catalogue.Frameworks {
		var r reported
		a.Must(t, http.StatusCreated, http.MethodPost, compliancePath+"reports", `{"days":2,"framework":"`+f.ID+`"}`).Into(t, &r)
		made[f.ID] = map[string][]byte{}
		for _, name := range []string{report.JSONFile, report.SidecarFile, report.PlatformFile} {
			_, _, made[f.ID][name] = fetch(t, r.Files[name].URL)
		}
	}
	bundle := a.Must(t, http.StatusOK, http.MethodPost, "/api/v2/audit/export", `{"format":"bundle"}`).Body
	verify := func(files map[string][]byte, bundle []byte) (last string, err error) {
		err = report.Verification{
			Files: files, Bundle: bytes.NewReader(bundle), Catalogue: catalogue, Tell: func(step string) { last = step },
		}.Verify(t.Context())
		return last, err
	}
	for framework, files := range made {
		if last, err := verify(files, bundle); err != nil || !strings.Contains(last, "each of") {
			t.Errorf("%s: %v, after %q", framework, err, last)
		}
	}
	whole := made["soc2"]
	with := func(name string, data []byte) map[string][]byte {
		changed := maps.Clone(whole)
		changed[name] = data
		return changed
	}
	lines := bytes.SplitAfter(bundle, []byte("\n"))
	for name, wrong := range map[string]struct {
		files  map[string][]byte
		bundle []byte
	}{
		"a better score":      {with(report.JSONFile, bytes.Replace(whole[report.JSONFile], []byte(`"score":`), []byte(`"score":9`), 1)), bundle},
		"other evidence":      {with(report.PlatformFile, made["gdpr"][report.PlatformFile][1:]), bundle},
		"another signature":   {with(report.SidecarFile, made["gdpr"][report.SidecarFile]), bundle},
		"a file of its own":   {with("more.txt", nil), bundle},
		"a fact less":         {whole, bytes.Join(append(lines[:9:9], lines[10:]...), nil)},
		"a chain of before":   {whole, bytes.Join(lines[:10], nil)},
		"no evidence of ours": {map[string][]byte{report.SidecarFile: whole[report.SidecarFile], report.JSONFile: whole[report.JSONFile]}, bundle},
	} {
		if last, err := verify(wrong.files, wrong.bundle); err == nil {
			t.Errorf("%s passes, after %q", name, last)
		}
	}
}
