package compliance_test

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/quantaseal/quantaseal/internal/compliance"
)

func load(t testing.TB) *compliance.Catalogue {
	t.Helper()
	c, err := compliance.Load()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// The figures of the catalogue are those that it was counted to have.
func TestCatalogueFigures(t *testing.T) {
	c := load(t)
	severities, tiers, whose := map[compliance.Severity]int{}, map[int]int{}, map[string]int{}
	for _, k := range c.Checks {
		severities[k.Severity]++
		tiers[k.Tier]++
		whose[k.Responsibility]++
	}
	for _, diff := range []string{
		cmp.Diff(map[compliance.Severity]int{"critical": 6, "high": 18, "medium": 14, "low": 2}, severities),
		cmp.Diff(map[int]int{1: 27, 2: 8, 3: 5}, tiers),
		cmp.Diff(map[string]int{"operator": 13, "tenant": 19, "shared": 8}, whose),
	} {
		if diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
	want := map[string][5]int{ // in view, of, controls, direct ones, checks
		"soc2": {25, 61, 25, 6, 36}, "iso27001": {28, 93, 28, 16, 40}, "pci_dss": {40, 257, 40, 25, 33}, "hipaa": {24, 53, 24, 11, 29},
		"gdpr": {12, 99, 23, 7, 25}, "nist_csf": {28, 106, 28, 10, 39}, "fedramp": {40, 323, 40, 23, 39}, "apra": {13, 24, 17, 1, 36},
		"nist_800_53": {40, 1014, 40, 23, 39},
	}
	got := map[string][5]int{}
	for _, f := range c.Frameworks {
		direct := 0
		for _, control := range f.Controls {
			if control.Support == compliance.Direct {
				direct++
			}
		}
		got[f.ID] = [5]int{f.InView(), f.Total, len(f.Controls), direct, len(f.Mapped())}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// Every spelling that a published client sends names its framework.
func TestFrameworkNames(t *testing.T) {
	c := load(t)
	for id, names := range map[string]string{
		"soc2": "soc2 SOC2 soc-2 SOC_2", "iso27001": "iso27001 ISO27001 iso-27001", "pci_dss": "pci_dss PCI_DSS PCI-DSS pci-dss pci",
		"hipaa": "hipaa HIPAA", "gdpr": "gdpr GDPR", "nist_csf": "nist_csf NIST-CSF nist-csf csf", "fedramp": "fedramp FedRAMP fed_ramp",
		"apra": "apra APRA APRA-CPS-234 apra-cps-234 cps234", "nist_800_53": "nist_800_53 NIST-800-53 nist-800-53 800-53",
	} {
		for name := range strings.FieldsSeq(names) {
			f, err := c.Framework(name)
			if err != nil || f.ID != id {
				t.Errorf("%s is %v, %v, want %s", name, f, err, id)
			}
		}
	}
	for _, name := range []string{"", "soc3", "iso 27002", "../soc2"} {
		if f, err := c.Framework(name); !errors.Is(err, compliance.ErrFramework) {
			t.Errorf("%q is %v, %v", name, f, err)
		}
	}
}

// A catalogue that contradicts itself is found out at the start.
func TestCatalogueIsValidated(t *testing.T) {
	for _, tt := range []struct{ name, old, new string }{
		{"no version", `"version": "2026.1"`, `"version": ""`},
		{"unknown field", `"version": "2026.1"`, `"version": "2026.1", "extra": 1`},
		{"unknown severity", `"severity": "critical"`, `"severity": "dire"`},
		{"weightless", `"low": 1`, `"low": 0`},
		{"unknown tier", `"tier": 1`, `"tier": 4`},
		{"unknown kind", `"kind": "population"`, `"kind": "guess"`},
		{"family of another", `"family": "CRED"`, `"family": "IAM"`},
		{"a check twice", `"QS-CRED-02", "slug"`, `"QS-CRED-01", "slug"`},
		{"a check nobody evaluates", `"QS-CRED-02", "slug"`, `"QS-CRED-09", "slug"`},
		{"a window beyond memory", `"window_days": 365`, `"window_days": 400`},
		{"no parameter", `"sweep_grace_hours": 24`, `"sweep_grace_hours": 0`},
		{"no remediation", `"remediation": "Set allowed_ip_ranges."`, `"remediation": ""`},
		{"an alias of another", `"aliases": ["soc_2"]`, `"aliases": ["gdpr"]`},
		{"an alias not normal", `"aliases": ["soc_2"]`, `"aliases": ["SOC-2"]`},
		{"more than there are", `"total": 61`, `"total": 24`},
		{"unknown support", `"support": "direct"`, `"support": "some"`},
		{"no OSCAL token", `"soc2-cc2.1"`, `"soc2 cc2.1"`},
		{"a control twice", `"id": "CC2.1"`, `"id": "CC4.1"`},
		{"a check there is not", `["QS-GOV-02"]`, `["QS-GOV-03"]`},
		{"no check", `["QS-GOV-02"]`, `[]`},
		{"a parameter not used", `"required_days": 2190`, `"other_days": 2190`},
	} {
		data := strings.Replace(string(compliance.Embedded), tt.old, tt.new, 1)
		if data == string(compliance.Embedded) {
			t.Errorf("%s: the catalogue has no %s", tt.name, tt.old)
		}
		if _, err := compliance.Read([]byte(data)); err == nil {
			t.Errorf("%s: it is read", tt.name)
		}
	}
}

// docs/compliance.md shows the catalogue as it is. UPDATE=1 rewrites it.
func TestCompliancePage(t *testing.T) {
	const file = "../../docs/compliance.md"
	got := page(load(t))
	if os.Getenv("UPDATE") != "" {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-file +got):\n%s", file, diff)
	}
}

// A change of the catalogue is a new version of it: what was scored under the old
// one names its digest. Both stand here, so that neither changes alone.
func TestCatalogueVersion(t *testing.T) {
	c := load(t)
	const want = "2026.1 dc704632c02d43bd8161c0a1711ca267c9dfc0cca7542639e9f996c3c9007f27"
	if got := fmt.Sprintf("%s %s", c.Version, c.Digest()); got != want {
		t.Errorf("the catalogue is %s, want %s", got, want)
	}
}
