package vaulttest_test

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/quantaseal/quantaseal/eventstore/chain"
	"github.com/quantaseal/quantaseal/internal/vaulttest"
)

// TestExportForms takes the same facts away in every form, whole and in part.
func TestExportForms(t *testing.T) {
	t.Parallel()
	v := vaulttest.New(t)
	a, _ := story(t, v, "owner@example.com")
	spreadsheet := &vaulttest.Client{URL: v.URL, Key: a.Key, Header: http.Header{"User-Agent": {`=HYPERLINK("http://x","y")`}}}
	spreadsheet.Must(t, http.StatusCreated, http.MethodPost, sealPath, `{"name":"n","secret":"s"}`)
	w := watch(t, v, a.TenantID)
	w.next = 0
	facts := w.since(t)
	take := func(body string) vaulttest.Answer {
		t.Helper()
		return a.Must(t, http.StatusOK, http.MethodPost, "/api/v2/audit/export", body)
	}
	seen := func(form string, n int, exports int) {
		t.Helper()
		if n != len(facts)+exports {
			t.Errorf("%s holds %d facts, want %d", form, n, len(facts)+exports)
		}
	}

	var inline struct{ Data map[string]*string }
	answer := take(`{"format":"csv"}`)
	if err := json.Unmarshal(answer.Body, &inline); err != nil || inline.Data["download_url"] != nil || answer.Receipt(t) == "" {
		t.Fatalf("%v: %.300s", err, answer.Body)
	}
	rows, err := csv.NewReader(strings.NewReader(*inline.Data["content"])).ReadAll()
	if err != nil || strconv.Itoa(len(rows)-1) != *inline.Data["record_count"] {
		t.Fatalf("%d rows of %s: %v", len(rows), *inline.Data["record_count"], err)
	}
	seen("csv", len(rows)-1, 1)
	harmless := false
	for i, row := range rows[1:] {
		if row[0] != strconv.Itoa(i) || len(row) != len(rows[0]) || i < len(facts) && row[2] != facts[i].Header.EventType {
			t.Errorf("row %d is %q", i, row)
		}
		for _, cell := range row {
			harmless = harmless || cell == `'=HYPERLINK("http://x","y")`
			if cell != "" && strings.ContainsAny(cell[:1], "=+-@\t\r") {
				t.Errorf("a spreadsheet computes %q", cell)
			}
		}
	}
	if !harmless {
		t.Error("the formula is not in the table")
	}

	var list []logEntry
	if err := json.Unmarshal(take(`{"format":"json","delivery":"stream"}`).Body, &list); err != nil {
		t.Fatal(err)
	}
	seen("json", len(list), 2)
	for i, r := range facts {
		compare(t, list[i], r)
	}
	lines := bytes.Split(bytes.TrimSpace(take(`{"format":"ndjson"}`).Body), []byte("\n"))
	seen("ndjson", len(lines), 3)
	var last logEntry
	if err := json.Unmarshal(lines[len(lines)-1], &last); err != nil || last.EventType != "AUDIT_EXPORTED" {
		t.Errorf("the last line is %.200s: %v", lines[len(lines)-1], err)
	}
	lines = bytes.Split(bytes.TrimSpace(take(`{"format":"ocsf"}`).Body), []byte("\n"))
	seen("ocsf", len(lines), 4)
	classes := map[int]int{}
	for i, line := range lines {
		var o struct {
			ClassUID    int   `json:"class_uid"`
			CategoryUID int   `json:"category_uid"`
			ActivityID  int   `json:"activity_id"`
			TypeUID     int   `json:"type_uid"`
			Time        int64 `json:"time"`
			StatusID    int   `json:"status_id"`
			Metadata    struct {
				UID string `json:"uid"`
			}
		}
		if err := json.Unmarshal(line, &o); err != nil || o.CategoryUID != o.ClassUID/1000 || o.TypeUID != o.ClassUID*100+o.ActivityID || o.ActivityID == 0 {
			t.Errorf("%v: %.300s", err, line)
		}
		if i < len(facts) && (o.Time != int64(facts[i].Header.TimeUS/1000) || (o.StatusID == 1) != (facts[i].Header.Outcome == 0)) {
			t.Errorf("event %d is %.300s", i, line)
		}
		classes[o.ClassUID]++
	}
	if classes[3002] == 0 || classes[6003] == 0 || len(classes) != 2 {
		t.Errorf("got classes %v", classes)
	}

	id := v.Ring.LogID()
	var archive bytes.Buffer
	if err := v.Archive(t.Context(), &archive, nil); err != nil {
		t.Fatal(err)
	}
	all, err := chain.VerifyArchive(t.Context(), &archive, chain.ArchiveOptions{LogID: &id, Now: time.Now, Report: func(f chain.Finding) { t.Error(f) }})
	if err != nil || all.Chains != 2 || all.Events < uint64(len(facts)) || all.Anchors == 0 || all.Checkpoint.Size != all.Anchors {
		t.Errorf("the whole log is %+v: %v", all, err)
	}

	for body, want := range map[string]int{
		`"event_type":"vault.unseal"`: 3, `"outcome":"failure","action":"vault.unseal"`: 1, `"start_date":"2199-01-01"`: 0,
		`"actor_id":"` + a.UserID + `","event_type":"CREDENTIAL_UNSEALED","end_date":"2199-01-01"`: 2,
	} {
		if err := json.Unmarshal(take(`{"format":"json",`+body+`}`).Body, &inline); err != nil || *inline.Data["record_count"] != strconv.Itoa(want) {
			t.Errorf("%s: got %s, want %d: %v", body, *inline.Data["record_count"], want, err)
		}
		var part []logEntry
		if err := json.Unmarshal([]byte(*inline.Data["content"]), &part); err != nil || len(part) != want {
			t.Errorf("%s: %d entries: %v", body, len(part), err)
		}
	}
}
