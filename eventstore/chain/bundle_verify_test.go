package chain_test

import (
	"bytes"
	"errors"
	"fmt"
	"testing"

	"github.com/quantaseal/quantaseal/eventstore/chain"
)

// What was a bundle and is damaged is tampered with.
func TestDamagedBundle(t *testing.T) {
	good := bundle(t, bundle0, sample(t).records)
	lines := bytes.SplitAfter(good, []byte("\n"))
	join := func(keep ...int) []byte {
		var b []byte
		for _, i := range keep {
			b = append(b, lines[i]...)
		}
		return b
	}
	inLine := func(i int, old, new string) []byte {
		return append(append(bytes.Join(lines[:i], nil), swap(t, lines[i], old, new)...), bytes.Join(lines[i+1:], nil)...)
	}
	without := func(drop int) []byte {
		return append(bytes.Join(lines[:drop], nil), bytes.Join(lines[drop+1:], nil)...)
	}
	tests := []struct {
		name   string
		bundle []byte
		want   []string
	}{
		{"newline lost at the end", good[:len(good)-1], nil},
		{"cut in the last line", good[:len(good)-2], []string{"7 V1"}},
		{"cut after a line", join(0, 1, 2, 3), []string{"3 V23"}},
		{"cut in a line", append(join(0, 1, 2, 3), lines[4][:99]...), []string{"3 V1", "4 V23"}},
		{"no records", join(0), []string{"0 V23"}},
		{"line missing", without(3), []string{"3 V5", "3 V6"}},
		{"line repeated", join(0, 1, 2, 3, 3, 4, 5, 6, 7, 8), []string{"2 V5", "2 V6", "2 V8"}},
		{"lines swapped", join(0, 1, 2, 4, 3, 5, 6, 7, 8), []string{"3 V5", "3 V6", "2 V5", "2 V6", "2 V7", "4 V5", "4 V6"}},
		{"more than promised", swap(t, good, `"to_seq":7`, `"to_seq":6`), []string{"7 V5"}},
		{"fewer than promised", swap(t, good, `"to_seq":7`, `"to_seq":8`), []string{"8 V23"}},
		{"empty line", append(append(join(0, 1, 2), '\n'), join(3, 4, 5, 6, 7, 8)...), []string{"2 V1", "2 V5"}},
		{"line split", inLine(3, `"signature":"`, "\n"), []string{"2 V1", "3 V1", "3 V5"}},
		{"seq of a line", swap(t, good, `"seq":3,`, `"seq":4,`), []string{"3 V14"}},
		{"text after a line", inLine(3, "\"}\n", "\"} \n"), []string{"2 V1"}},
		{"base64 of a header", swap(t, good, `"seq":3,"header":"U`, `"seq":3,"header":"-`), []string{"3 V1", "4 V6", "7 V11"}},
		{"no detached", inLine(3, `"detached":null`, `"detached":nil`), []string{"2 V1"}},
		{"empty detached", inLine(3, `"detached":null`, `"detached":""`), []string{"2 V10"}},
		{"genesis lost", inLine(1, `"header"`, `"Header"`), []string{"0 V1", "4 V16"}},
		{"line break in base64", swap(t, good, `"seq":3,"header":"`, `"seq":3,"header":"`+"\r"), []string{"3 V1", "4 V6", "7 V11"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			want(t, verify(t, test.bundle, chain.Options{LogID: &logID}), test.want...)
			_, records, err := chain.ReadBundle(bytes.NewReader(test.bundle))
			if err != nil {
				t.Fatal(err)
			}
			for _, wrong := range records {
				err = wrong
			}
			if header := test.name == "empty detached"; (err == nil) != (test.want == nil || header) {
				t.Errorf("ReadBundle: got %v", err)
			}
		})
	}
}

// The header's values are bound together by the log id.
func TestChangedBundleHeader(t *testing.T) {
	good := bundle(t, bundle0, sample(t).records)
	want(t, verify(t, swap(t, good, "vault.example.com", "vault.example.org"), chain.Options{}), "0 V3")
	want(t, verify(t, swap(t, good, `"created_us":1`, `"created_us":2`), chain.Options{}), "0 V3")
	want(t, verify(t, swap(t, good, `"nonce":"07`, `"nonce":"08`), chain.Options{}), "0 V3")
	want(t, verify(t, swap(t, good, `"log_id":"`+logID.String()[:1], `"log_id":"f`), chain.Options{}), "0 V3", "0 V3")
	want(t, verify(t, swap(t, good, `"tenant_id":"aa`, `"tenant_id":"ab`), chain.Options{}), "0 V4")
}

func TestReceipts(t *testing.T) {
	s := sample(t)
	good := bundle(t, bundle0, s.records)
	receipt := func(seq uint64) chain.Receipt { return chain.Receipt{Seq: seq, Hash: s.records[seq].Hash()} }
	want(t, verify(t, good, chain.Options{Receipts: []chain.Receipt{receipt(0), receipt(3), receipt(7), receipt(3)}}))
	want(t, verify(t, good, chain.Options{Receipts: []chain.Receipt{receipt(7), {Seq: 3}, {Seq: 9}, {Seq: 8}}}), "3 V28", "8 V28", "9 V28")

	// an insider who holds the keys writes the chain anew from record 5 on
	fork := sample(t)
	fork.records = nil
	forked := bundle(t, bundle0, append(s.records[:5:5], forkFrom(t, s, 5)...))
	want(t, verify(t, forked, chain.Options{LogID: &logID}))
	want(t, verify(t, forked, chain.Options{LogID: &logID, Receipts: []chain.Receipt{receipt(6)}}), "6 V28")
}

// forkFrom returns other records by the same keys, from a sequence number after
// the rotation on.
func forkFrom(tb testing.TB, s *scribe, seq int) []chain.Record {
	tb.Helper()
	fork := *s
	h, err := chain.ParseHeader(s.records[seq-1].Header)
	if err != nil {
		tb.Fatal(err)
	}
	fork.ids, fork.records = 2000, nil
	fork.head = chain.Head{Next: uint64(seq), Hash: s.records[seq-1].Hash(), TimeUS: h.TimeUS}
	fork.changed(2, 1)
	fork.unsealed()
	fork.changed(1, 3)
	return fork.records
}

// A run goes on where the one before it ended, or leads through that place again.
func TestContinue(t *testing.T) {
	s := sample(t)
	run := func(b []byte, o chain.Options) (chain.Summary, []string, error) {
		var found []string
		o.Now, o.Report = today, func(f chain.Finding) { found = append(found, fmt.Sprintf("%d %s", f.Seq, f.Check)) }
		sum, err := chain.VerifyBundle(t.Context(), bytes.NewReader(b), o)
		return sum, found, err
	}
	rest := bundle0
	rest.FromSeq = 6
	first, found, err := run(bundle(t, bundle0, s.records[:6]), chain.Options{LogID: &logID})
	if err != nil || found != nil || first.Continued || !first.End.Pinned {
		t.Fatalf("first run: %v %v %+v", found, err, first)
	}
	second, found, err := run(bundle(t, rest, s.records[6:]), chain.Options{From: &first.End})
	if err != nil || found != nil || !second.Continued || !second.End.Pinned || second.Events != 2 {
		t.Fatalf("second run: %v %v %+v", found, err, second)
	}
	if got := second.End.State.Head; got != s.head {
		t.Errorf("head: got %+v, want %+v", got, s.head)
	}

	// nothing new
	none := rest
	none.FromSeq, none.ToSeq = 8, 7
	var b bytes.Buffer
	if _, err := chain.NewBundleWriter(&b, none); err != nil {
		t.Fatal(err)
	}
	if third, found, err := run(b.Bytes(), chain.Options{From: &second.End}); err != nil || found != nil || third.End != second.End {
		t.Errorf("third run: %v %v %+v", found, err, third)
	}
	// the whole chain again, as it was, rewritten, and cut
	if again, found, err := run(bundle(t, bundle0, s.records), chain.Options{From: &first.End}); err != nil || found != nil || again.Continued {
		t.Errorf("the whole chain: %v %v", found, err)
	}
	_, found, _ = run(bundle(t, bundle0, append(s.records[:5:5], forkFrom(t, s, 5)...)), chain.Options{From: &second.End})
	want(t, found, "7 V28")
	_, found, _ = run(bundle(t, bundle0, s.records[:4]), chain.Options{From: &first.End})
	want(t, found, "5 V28")
	// a chain that goes on differently
	_, found, _ = run(bundle(t, rest, forkFrom(t, s, 5)[1:]), chain.Options{From: &first.End})
	want(t, found, "6 V6")
	// repeated within what follows
	_, found, _ = run(bundle(t, rest, append(s.records[6:], s.records[6])), chain.Options{From: &first.End})
	want(t, found, "6 V5", "6 V6", "6 V7", "6 V8", "6 V14", "7 V23")

	elsewhere := first.End
	elsewhere.LogID[0]++
	_, found, _ = run(bundle(t, rest, s.records[6:]), chain.Options{From: &elsewhere})
	want(t, found, "6 V3")
	misused := map[string]chain.Options{
		"no beginning":       {},
		"another chain":      {From: &chain.Verified{LogID: logID, Tenant: tenantB, State: first.End.State}},
		"another place":      {From: &second.End},
		"receipt before it":  {From: &first.End, Receipts: []chain.Receipt{{Seq: 2}}},
		"nothing yet proven": {From: &chain.Verified{LogID: logID, Tenant: tenantA}},
	}
	for name, o := range misused {
		if sum, _, err := run(bundle(t, rest, s.records[6:]), o); !errors.Is(err, chain.ErrMisused) || sum.Findings > 0 {
			t.Errorf("%s: got %v, want ErrMisused", name, err)
		}
	}
}

// A flood of findings ends.
func TestFindingsAreBounded(t *testing.T) {
	s := newScribe(t)
	for range chain.MaxFindings/2 + 600 {
		s.records = append(s.records, s.records[0])
	}
	got := 0
	sum, err := chain.VerifyBundle(t.Context(), bytes.NewReader(bundle(t, bundle0, s.records)), chain.Options{Report: func(chain.Finding) { got++ }})
	if err != nil || !sum.Stopped || sum.Findings != chain.MaxFindings || got != chain.MaxFindings {
		t.Errorf("got %d and %d findings, stopped %v, %v", got, sum.Findings, sum.Stopped, err)
	}
}

// More lines than a segment holds, on any number of workers: the same findings in
// the same order.
func TestSegments(t *testing.T) {
	s := newScribe(t)
	for i := range 2600 {
		s.unsealed(func(e *event) {
			if i == 1300 {
				e.payload = fmt.Appendf(nil, `{"a":"%s"}`, bytes.Repeat([]byte("a"), 60_000))
			}
		})
	}
	for i := 7; i < len(s.records); i += 331 {
		s.records[i].Signature[i]++
	}
	var expected []string
	for i := 7; i < len(s.records); i += 331 {
		expected = append(expected, fmt.Sprintf("%d V13", i))
	}
	b := bundle(t, bundle0, s.records)
	for _, workers := range []int{0, 1, 3, 16} {
		want(t, verify(t, b, chain.Options{Workers: workers}), expected...)
	}
}
