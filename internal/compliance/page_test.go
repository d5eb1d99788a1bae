package compliance_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/quantaseal/quantaseal/internal/compliance"
)

const pageHeader = `# Compliance

What a score says, what it is made of, and what it is not. This page is generated
from the catalogue by ` + "`make golden`" + `.

A score is computed from the tenant's audit chain, verified while it is read, up to
one fact and at one instant; whoever has the chain and the catalogue computes the
same. It is evidence of one system. It is no audit opinion, no certificate and no
authorisation, and it says how few of a framework's demands it can see at all.

## How a score is made

- Every **check** is a ratio from 0 to 1 over what the facts show. *pass* is 1, *fail*
  is 0, *partial* lies between. *no_evidence* is 0: what should have happened is not on
  record. *not_applicable* is found where there is provably nothing to look at; nobody
  can declare it. A window of time begins with a full hour.
- A check that passes earns its whole weight. One that does not earns half its ratio,
  and nothing if it is critical.
- A **control** earns the weighted mean of its applicable checks. It weighs as much as
  its gravest check, and half of that where the vault sees only a part of it.
- The **score** is the weighted mean of the applicable controls, in percent, rounded
  down. A is 90 or more, B 80, C 70, D 60, and F below.
- Three things cap it. A chain that does not verify makes it 0. A critical check that
  does not pass caps it at 69. Where no credential was ever sealed, the history is
  shorter than 30 days, or less than 65 % of the checks' weight is applicable, it is
  *provisional* and 49 at most.
- A control is *compliant* if every applicable check passes, *non_compliant* if a
  critical one does not or it earns less than half, else *partial*. A framework is
  *compliant* if all of its controls are, and *non_compliant* below 60.
- Being given a score is a fact (` + "`COMPLIANCE_SCORED`" + `) and moves no score.

## What can be asked

| ` + "`GET /api/v2/compliance/…`" + ` | |
|---|---|
| ` + "`score/{framework}`" + ` | the score now, or with ` + "`at=`" + ` at an instant or the end of a day; ` + "`as_of_seq=`" + ` as of a fact, judged when it was recorded; ` + "`period=90d`" + ` tells of the days before as well; ` + "`detail=full`" + ` cites the facts held against the tenant |
| ` + "`history/{framework}`" + ` | the score at the beginning of each of the last ` + "`days=`" + ` days (90; 366 at most) in UTC, and now |
| ` + "`diff/{framework}`" + ` | from ` + "`from=`" + ` to ` + "`to=`" + ` (now): the checks that moved and the facts that moved them |
| ` + "`frameworks`" + ` | what can be scored, and how much of it is in view |

The framework may be a parameter, ` + "`?framework=`" + `, as well. ` + "`as_of=`" + ` is the same as ` + "`at=`" + `. ` + "`catalogue=`" + ` may name the one there
is, as ` + "`current`" + `, by version or by digest; any other is refused. ` + "`period`" + ` says what the scores at the beginning of each
of these days were on the average and at least, and how many were below 70; the result digest does not cover it. In a diff, every fact is judged at
the later instant; what moved because time went by, or by facts of the platform, is marked *moved_by_time*. A move names one
fact, or, where very much moved, the first and last of a stretch of facts.

## Reports

Who has ` + "`compliance:report`" + ` (owners and administrators, and API keys of theirs) has a report made by
` + "`POST /api/v2/compliance/reports {\"framework\"}`" + `, by ` + "`POST …/reports/generate`" + `, by ` + "`POST …/report/{framework}`" + `, or by
` + "`GET …/report?framework=`" + `, which gives the same report again within a minute. ` + "`at`" + ` is the instant that is
judged (now) or ` + "`as_of_seq`" + ` the fact, ` + "`days`" + ` or ` + "`period`" + ` the days before that are scored too (90). The answer is JSON, or the file itself
with ` + "`format=pdf`" + `, ` + "`csv`" + ` (controls), ` + "`evidence`" + ` (CSV) or ` + "`oscal`" + `; ` + "`Accept: application/pdf`" + ` asks for the PDF as
well. ` + "`GET …/reports`" + ` lists what was made, ` + "`GET …/reports/{id}`" + ` gives one again; both give fresh URLs.

A report has eight files: ` + "`report.json`, `report.pdf`, `controls.csv`, `evidence.csv`" + `, OSCAL 1.1.3 ` + "`assessment-results.json`" + ` and
` + "`assessment-plan.json`, `platform-evidence.json`" + ` (the facts of the system chain that its checks relied on, each as it was signed),
and ` + "`report.sig.json`" + `. The others are attached to the PDF. Each is had by a signed URL that is
good for one file and one hour. The same facts, instant and catalogue give the same result digest; a report
rendered twice is the same, byte for byte.

Two signatures by the tenant's audit key (ML-DSA-65) vouch for it: one within, over the result digest (context
` + "`quantaseal/v1/result`" + `), and ` + "`report.sig.json`" + ` beside it, over the digests of all files (context
` + "`quantaseal/v1/report`" + `, over its canonical JSON without ` + "`signature`" + `). Before anybody is given a report the fact
` + "`COMPLIANCE_REPORT_GENERATED`" + ` names the same digests. The report's id is that fact's event id.

` + "`quantaseal report verify DIRECTORY --bundle FILE --log-id HEX`" + ` computes a report again, without server or database:
DIRECTORY holds the files of the report (` + "`report.sig.json`, `report.json` and `platform-evidence.json`" + ` at least), FILE the
tenant's chain, exported after the report was made. It verifies the signatures, the whole chain and the
evidence of the platform, finds the report on the chain, folds the facts, and compares the result control by
control. That no evidence of the platform was left out is what the operator signs for.

The PDF's font has Latin, Greek and Cyrillic letters. Others are shown by their numbers, as [U+6771];
` + "`report.json`" + ` holds the name whole.

## Tiers

Tier 1 checks rest on facts that requests leave, tier 2 on facts of jobs of the
platform, tier 3 on routes of their own. Jobs record what they find once a day ([operations](operations.md#jobs)): about a
tenant's chain on that chain, and about the platform on the system chain, whose facts count for every tenant.
A verification that finds the chain altered makes every score 0 until a later one finds nothing. QS-AUD-02 is
1/2 at most while nobody from outside signs checkpoints, and QS-CRYP-04 while no certified module holds ML-DSA.

`

// page returns the catalogue as a document.
func page(c *compliance.Catalogue) string {
	var b strings.Builder
	b.WriteString(pageHeader)
	seen := 0
	for _, k := range c.Checks {
		if compliance.Evaluated(k.ID) {
			seen++
		}
	}
	fmt.Fprintf(&b, "Of the %d checks %d have evidence today. The %d marked † are *no_evidence* until something records their facts.\n\n",
		len(c.Checks), seen, len(c.Checks)-seen)
	fmt.Fprintf(&b, "Catalogue %s, SHA3-256 `%s`.\n\n## Checks\n", c.Version, c.Digest())
	for _, k := range c.Checks {
		mark := ""
		if !compliance.Evaluated(k.ID) {
			mark = " †"
		}
		fmt.Fprintf(&b, "\n### %s%s: %s\n\n", k.ID, mark, k.Title)
		fmt.Fprintf(&b, "*%s, weight %d; %s; tier %d; up to: %s; evidence of %s.*\n\n", k.Severity, c.Weights[k.Severity], k.Kind, k.Tier, k.Responsibility, k.Strength)
		b.WriteString(strings.Join(k.Rule, "\n") + "\n")
		fmt.Fprintf(&b, "\n- Not applicable: %s.\n", strings.TrimSuffix(k.NotApplicableWhen, "."))
		if params := paramsOf(k.Params, k.Lists); params != "" {
			fmt.Fprintf(&b, "- Parameters: %s.\n", params)
		}
		fmt.Fprintf(&b, "- To do: %s\n", k.Remediation)
	}
	b.WriteString("\n## Frameworks\n\n| framework | version | in view | controls | checks | other names |\n|---|---|---|---|---|---|\n")
	for _, f := range c.Frameworks {
		fmt.Fprintf(&b, "| `%s` | %s | %d of %d %s | %d | %d | %s |\n",
			f.ID, f.Version, f.InView(), f.Total, f.Unit, len(f.Controls), len(f.Mapped()), strings.Join(f.Aliases, ", "))
	}
	for _, f := range c.Frameworks {
		fmt.Fprintf(&b, "\n### %s\n\n%s\n\n- Counted: %s\n- Out of sight: %s\n", f.Name, f.Disclaimer, f.Counted, f.Outside)
		for _, id := range slices.Sorted(maps.Keys(f.Params)) {
			fmt.Fprintf(&b, "- %s: %s.\n", id, paramsOf(f.Params[id], nil))
		}
		b.WriteString("\n| control | what it asks for | support | checks |\n|---|---|---|---|\n")
		for _, control := range f.Controls {
			fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", control.ID, control.Title, control.Support, strings.ReplaceAll(strings.Join(control.Checks, ", "), "QS-", ""))
		}
	}
	return b.String()
}

func paramsOf(numbers map[string]int64, lists map[string][]string) string {
	var all []string
	for _, name := range slices.Sorted(maps.Keys(numbers)) {
		all = append(all, fmt.Sprintf("`%s` %d", name, numbers[name]))
	}
	for _, name := range slices.Sorted(maps.Keys(lists)) {
		all = append(all, fmt.Sprintf("`%s` %s", name, strings.Join(lists[name], " ")))
	}
	return strings.Join(all, ", ")
}
