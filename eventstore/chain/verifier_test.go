package chain_test

import (
	"bytes"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/quantaseal/quantaseal/eventstore/chain"
)

// findings returns what VerifyBundle finds in records, as "SEQ CHECK". Lines and
// range are what the records say, so that nothing but the records is wrong.
func findings(tb testing.TB, records []chain.Record, o chain.Options) []string {
	tb.Helper()
	var b bytes.Buffer
	h := bundle0
	last, err := records[len(records)-1].Index()
	if err != nil {
		last.Seq = uint64(len(records)) - 1
	}
	h.ToSeq = last.Seq
	w, err := chain.NewBundleWriter(&b, h)
	if err != nil {
		tb.Fatal(err)
	}
	for i, r := range records {
		index, err := r.Index()
		if err != nil {
			index.Seq = uint64(i)
		}
		if err := w.WriteEvent(index.Seq, r); err != nil {
			tb.Fatal(err)
		}
	}
	return verify(tb, b.Bytes(), o)
}

// verify returns what VerifyBundle finds, as "SEQ CHECK".
func verify(tb testing.TB, bundle []byte, o chain.Options) (found []string) {
	tb.Helper()
	o.Report = func(f chain.Finding) { found = append(found, fmt.Sprintf("%d %s", f.Seq, f.Check)) }
	if o.Now == nil {
		o.Now = today
	}
	s, err := chain.VerifyBundle(tb.Context(), bytes.NewReader(bundle), o)
	if err != nil {
		tb.Fatalf("VerifyBundle: %v", err)
	}
	if s.Findings != len(found) {
		tb.Errorf("got %d findings in the summary, want %d", s.Findings, len(found))
	}
	return found
}

func want(tb testing.TB, got []string, want ...string) {
	tb.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		tb.Errorf("findings (-want +got):\n%s", diff)
	}
}

func TestChainVerifies(t *testing.T) {
	want(t, findings(t, sample(t).records, chain.Options{LogID: &logID}))
	want(t, findings(t, sample(t).records, chain.Options{LogID: &logID, Fast: true}))
}

// Each check by itself: whoever holds the keys writes a chain that is right but
// for one thing, and that thing is found, once.
func TestOneWrongRecord(t *testing.T) {
	at := func(d time.Duration) uint64 { return uint64(began.Add(d).UnixMicro()) }
	tests := []struct {
		name  string
		write func(s *scribe)
		want  []string
	}{
		{"flags", func(s *scribe) { s.unsealed(func(e *event) { e.Flags = 1 << 4 }) }, []string{"1 V2"}},
		{"genesis flag", func(s *scribe) { s.unsealed(func(e *event) { e.Flags = chain.FlagGenesis }) }, []string{"1 V2"}},
		{"aggregate kind", func(s *scribe) { s.unsealed(func(e *event) { e.AggregateKind = 0 }) }, []string{"1 V2"}},
		{"actor kind", func(s *scribe) { s.unsealed(func(e *event) { e.ActorKind = 5 }) }, []string{"1 V2"}},
		{"outcome", func(s *scribe) { s.unsealed(func(e *event) { e.Outcome = 3 }) }, []string{"1 V2"}},
		{"content type", func(s *scribe) { s.unsealed(func(e *event) { e.ContentType = 3 }) }, []string{"1 V2"}},
		{"epoch 0", func(s *scribe) { s.unsealed(func(e *event) { e.KeyEpoch = 0 }) }, []string{"1 V2"}},
		{"event type", func(s *scribe) { s.unsealed(func(e *event) { e.EventType = "Credential" }) }, []string{"1 V2"}},
		{"empty blob", func(s *scribe) { s.unsealed(func(e *event) { e.Flags = chain.FlagDetached }) }, []string{"1 V2"}},
		{"blob without flag", func(s *scribe) { s.changed(1, 1, func(e *event) { e.Flags = 0 }) }, []string{"1 V2"}},
		{"huge payload", func(s *scribe) {
			s.unsealed(func(e *event) {
				e.payload = fmt.Appendf(nil, `{"a":"%s"}`, bytes.Repeat([]byte("a"), chain.MaxPayload))
			})
		}, []string{"1 V2"}},
		{"log id", func(s *scribe) { s.unsealed(func(e *event) { e.LogID[0]++ }) }, []string{"1 V3"}},
		{"tenant", func(s *scribe) { s.unsealed(func(e *event) { e.Tenant = tenantB }) }, []string{"1 V4"}},
		{"seq", func(s *scribe) { s.unsealed(func(e *event) { e.Seq += 3 }) }, []string{"4 V5"}},
		{"prev", func(s *scribe) { s.unsealed(func(e *event) { e.Prev[31]++ }) }, []string{"1 V6"}},
		{"time goes back", func(s *scribe) { s.unsealed(func(e *event) { e.TimeUS = at(0) }) }, []string{"1 V7"}},
		{"event id", func(s *scribe) { s.unsealed(func(e *event) { e.EventID = [16]byte{7: 1} }) }, []string{"1 V8"}},
		{"payload", func(s *scribe) { s.unsealed(func(e *event) { e.payload = []byte(`{"a":1,"a":2}`) }) }, []string{"1 V9"}},
		{"no payload", func(s *scribe) { s.unsealed(func(e *event) { e.payload = []byte{} }) }, []string{"1 V9"}},
		{"dCBOR", func(s *scribe) { s.unsealed(func(e *event) { e.ContentType = chain.ContentCBOR }) }, []string{"1 V9"}},
		{"first version", func(s *scribe) { s.changed(1, 2) }, []string{"1 V11"}},
		{"version left out", func(s *scribe) { s.changed(1, 1); s.changed(1, 3) }, []string{"2 V11"}},
		{"version repeated", func(s *scribe) { s.changed(1, 1); s.changed(1, 1) }, []string{"2 V11"}},
		{"signer", func(s *scribe) { s.unsealed(func(e *event) { e.SignerKeyID = audit2.ID() }) }, []string{"1 V12"}},
		{"epoch", func(s *scribe) { s.unsealed(func(e *event) { e.KeyEpoch = 2 }) }, []string{"1 V12"}},
		{"signature", func(s *scribe) { s.unsealed(func(e *event) { e.signer = audit2 }) }, []string{"1 V13"}},
		{"recovery", func(s *scribe) { s.unsealed(func(e *event) { e.Flags = chain.FlagRecovery }) }, []string{"1 V18"}},
		{"second genesis", func(s *scribe) { s.unsealed(func(e *event) { e.EventType = chain.TypeGenesis }) }, []string{"1 V15"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := newScribe(t)
			test.write(s)
			s.unsealed()
			want(t, findings(t, s.records, chain.Options{LogID: &logID}), test.want...)
		})
	}
	t.Run("from the future", func(t *testing.T) {
		s := newScribe(t)
		s.unsealed(func(e *event) { e.TimeUS = at(25 * time.Hour) })
		want(t, findings(t, s.records, chain.Options{}), "1 V7")
		want(t, findings(t, s.records, chain.Options{Now: func() time.Time { return began.Add(25*time.Hour - chain.MaxAhead) }}))
	})
}

// What can be changed without a key: the record itself is found, and the link
// from the next one where the header changed. If it cannot be read, neither can
// the version that it gave its aggregate.
func TestOneChangedRecord(t *testing.T) {
	tests := []struct {
		name   string
		change func(r *chain.Record)
		want   []string
	}{
		{"header", func(r *chain.Record) { r.Header[119]++ }, []string{"3 V13", "4 V6"}},
		{"magic", func(r *chain.Record) { r.Header[0]++ }, []string{"3 V1", "4 V6", "7 V11"}},
		{"suite", func(r *chain.Record) { r.Header[4]++ }, []string{"3 V1", "4 V6", "7 V11"}},
		{"header too short", func(r *chain.Record) { r.Header = r.Header[:chain.MinHeader-1] }, []string{"3 V1", "4 V6", "7 V11"}},
		{"no header", func(r *chain.Record) { r.Header = nil }, []string{"3 V1", "4 V6", "7 V11"}},
		{"header cut", func(r *chain.Record) { r.Header = r.Header[:len(r.Header)-1] }, []string{"3 V2", "4 V6", "7 V11"}},
		{"reserved byte", func(r *chain.Record) { r.Header[123]++ }, []string{"3 V2", "4 V6", "7 V11"}},
		{"payload", func(r *chain.Record) { r.Payload[2]++ }, []string{"3 V9"}},
		{"payload gone", func(r *chain.Record) { r.Payload = nil }, []string{"3 V9"}},
		{"detached", func(r *chain.Record) { r.Detached[0]++ }, []string{"3 V10"}},
		{"detached gone", func(r *chain.Record) { r.Detached = nil }, []string{"3 V10"}},
		{"detached empty", func(r *chain.Record) { r.Detached = []byte{} }, []string{"3 V10"}},
		{"signature", func(r *chain.Record) { r.Signature[9]++ }, []string{"3 V13"}},
		{"signature cut", func(r *chain.Record) { r.Signature = r.Signature[:len(r.Signature)-1] }, []string{"3 V13"}},
		{"signature longer", func(r *chain.Record) { r.Signature = append(r.Signature, 0) }, []string{"3 V13"}},
		{"signature gone", func(r *chain.Record) { r.Signature = nil }, []string{"3 V13"}},
		{"two things", func(r *chain.Record) { r.Signature[0]++; r.Payload[0]++ }, []string{"3 V9", "3 V13"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := sample(t)
			test.change(&s.records[3])
			want(t, findings(t, s.records, chain.Options{LogID: &logID}), test.want...)
		})
	}
	t.Run("blob added", func(t *testing.T) {
		s := sample(t)
		s.records[2].Detached = []byte{}
		want(t, findings(t, s.records, chain.Options{}), "2 V10")
	})
	t.Run("genesis missing", func(t *testing.T) {
		want(t, findings(t, sample(t).records[1:], chain.Options{}), "1 V5", "1 V15", "4 V16")
	})
}

// Two tamperings far from each other are both found.
func TestEachTamperingIsFound(t *testing.T) {
	s := sample(t)
	s.records[2].Payload[3]++
	s.records[6].Signature[3]++
	want(t, findings(t, s.records, chain.Options{}), "2 V9", "6 V13")
}

// A Verifier says the same as VerifyBundle, record by record, and stays where it
// is when it refuses.
func TestVerifierRefusesAndStays(t *testing.T) {
	s := sample(t)
	v := chain.NewVerifier(policy())
	for i, r := range s.records {
		before := v.State()
		forged := r
		forged.Payload = append([]byte(" "), r.Payload...)
		var f chain.Finding
		if _, err := v.Check(forged); !errors.As(err, &f) || f.Check != "V9" || f.Seq != uint64(i) || f.Tenant != tenantA {
			t.Fatalf("record %d: got %v, want a finding V9", i, err)
		}
		if v.State() != before {
			t.Fatalf("record %d: the verifier moved on after a finding", i)
		}
		h, err := v.Check(r)
		if err != nil {
			t.Fatal(err)
		}
		if h.Seq != uint64(i) {
			t.Errorf("got record %d, want %d", h.Seq, i)
		}
	}
	if got := v.State().Head; got != s.head {
		t.Errorf("head: got %+v, want %+v", got, s.head)
	}
	if got := v.State(); got.Key.ID() != audit2.ID() || got.KeyEpoch != 2 || got.TenantIndex != 1 {
		t.Errorf("state: got %+v", got)
	}
}

// From the middle of a chain a Verifier finds everything but V8 and V11.
func TestVerifierFromTheMiddle(t *testing.T) {
	s := sample(t)
	v := chain.NewVerifier(policy())
	for _, r := range s.records[:4] {
		if _, err := v.Check(r); err != nil {
			t.Fatal(err)
		}
	}
	v = chain.NewVerifierAt(policy(), v.State())
	for _, r := range s.records[4:] {
		if _, err := v.Check(r); err != nil {
			t.Fatal(err)
		}
	}
	for _, repeated := range s.records[:4] {
		if _, err := v.Check(repeated); err == nil {
			t.Error("an older record was taken for the next")
		}
	}
	left := s.changed(9, 9)
	if _, err := v.Check(left); err != nil {
		t.Errorf("versions are the store's: got %v", err)
	}
}

// Link leaves the signature, and nothing else, to Verify.
func TestLinkThenVerify(t *testing.T) {
	s := sample(t)
	s.records[4].Signature[0]++ // the rotation
	s.records[6].Signature[0]++
	v := chain.NewVerifier(policy())
	var got []string
	for _, r := range s.records {
		l, err := v.Link(r)
		if err != nil {
			t.Fatal(err)
		}
		if l.Hash != r.Hash() {
			t.Error("hash: got another than the record's")
		}
		var f chain.Finding
		if errors.As(l.Verify(), &f) {
			got = append(got, fmt.Sprintf("%d %s", f.Seq, f.Check))
		}
	}
	want(t, got, "4 V16", "6 V13")
	s.records[1].Payload[0]++
	if _, err := chain.NewVerifier(policy()).Link(s.records[1]); err == nil {
		t.Error("a changed record was linked")
	}
}
