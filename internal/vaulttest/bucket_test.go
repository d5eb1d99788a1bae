package vaulttest_test

import (
	"crypto/sha3"
	"net/http"
	"strings"
	"testing"

	"github.com/quantaseal/quantaseal/cmd/quantaseal/node"
	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/internal/s3test"
	"github.com/quantaseal/quantaseal/internal/vaulttest"
)

// A vault that keeps its reports in a bucket gives out URLs of S3: for one file each,
// and the server itself hands out nothing. While S3 takes nothing no report is made,
// and none is on record.
func TestReportsInABucket(t *testing.T) {
	server := s3test.Shared(t)
	server.Setenv(t)
	bucket := server.Bucket(t)
	v := vaulttest.Start(t, node.Config{Blobs: "s3://" + bucket + "/quantaseal", AWSEndpoint: server.Endpoint})
	a, other := v.Register(t, "owner@example.com"), v.Register(t, "other@example.net")
	w := watch(t, v, a.TenantID)

	answer := a.Must(t, http.StatusCreated, http.MethodPost, compliancePath+"reports", `{"framework":"SOC2"}`)
	fact, _ := w.receipted(t, answer, "COMPLIANCE_REPORT_GENERATED")[0].Event.(domain.ComplianceReportGenerated)
	var made, theirs, again reported
	answer.Into(t, &made)
	other.Must(t, http.StatusCreated, http.MethodPost, compliancePath+"reports", `{"framework":"SOC2"}`).Into(t, &theirs)
	a.Must(t, http.StatusOK, http.MethodGet, compliancePath+"reports/"+made.ID, nil).Into(t, &again)
	if w.saw(t, "COMPLIANCE_SCORED"); len(again.Controls) != len(made.Controls) || len(made.Controls) == 0 {
		t.Errorf("read again from the bucket it has %d controls, not %d", len(again.Controls), len(made.Controls))
	}
	checkFiles(t, v, made, fact)

	path, query, _ := strings.Cut(made.PDFURL, "?")
	if !strings.HasPrefix(path, server.Endpoint+"/"+bucket+"/quantaseal/reports/"+a.TenantID+"/") || !strings.Contains(query, "X-Amz-Expires=3600&") {
		t.Fatalf("the PDF is at %s", made.PDFURL)
	}
	stranger, _, _ := strings.Cut(theirs.PDFURL, "?")
	first := query[:strings.Index(query, "X-Amz-Signature=")+len("X-Amz-Signature=")]
	for name, address := range map[string]string{
		"unsigned": path, "tampered": path + "?" + first + strings.Repeat("0", 64), "of another tenant": stranger + "?" + query,
		"of another file": strings.Replace(made.PDFURL, "report.pdf", "report.json", 1),
		"of the server's": v.URL + "/api/v2/blobs/" + strings.TrimPrefix(path, server.Endpoint+"/"+bucket+"/quantaseal/") + "?expires=9999999999&signature=" + strings.Repeat("0", 64),
	} {
		if status, _, data := fetch(t, address); status != http.StatusForbidden || domain.Digest(sha3.Sum256(data)) == fact.PDFDigest {
			t.Errorf("a URL that is %s is answered with %d", name, status)
		}
	}
	server.RemoveBucket(t, bucket)
	a.Must(t, http.StatusInternalServerError, http.MethodPost, compliancePath+"reports", `{"framework":"SOC2"}`)
	w.saw(t)
}
