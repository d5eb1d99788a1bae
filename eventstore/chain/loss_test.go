package chain_test

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/quantaseal/quantaseal/eventstore/chain"
)

// restored goes on with the chain as an older database would: what it wrote after
// kept records is lost, and the next record says so, after edits.
func (s *scribe) restored(kept int, edit func(l *chain.Loss, r *chain.Restored), edits ...func(*event)) {
	s.t.Helper()
	last := s.records[kept-1]
	h, err := chain.ParseHeader(last.Header)
	if err != nil {
		s.t.Fatal(err)
	}
	l := chain.Loss{
		LogID: s.logID, Tenant: s.tenant, TenantIndex: s.index, KeyEpoch: s.epoch, KeyID: s.key.ID(),
		From: h.Seq + 1, Kept: last.Hash(), To: s.head.Next - 1, Lost: s.head.Hash, Anchor: 9, AnchorHash: chain.Hash{9},
	}
	r := chain.Restored{MissingFromSeq: l.From, MissingToSeq: l.To}
	if edit != nil {
		edit(&l, &r)
	}
	if r.KeyCert == nil {
		b := l.Append(nil)
		r.KeyCert = append(b, s.sign(s.root, chain.ContextRecovery, b)...)
	}
	s.records = slices.Clip(s.records[:kept])
	s.write(event{
		Header:  chain.Header{Flags: chain.FlagRecovery, AggregateKind: 1, AggregateID: s.tenant, EventType: chain.TypeRestored},
		payload: r.Payload(),
	}, edits...)
}

// gapped returns the records as a bundle whose lines have their own numbers.
func gapped(tb testing.TB, records []chain.Record) []byte {
	tb.Helper()
	var b bytes.Buffer
	h := bundle0
	end, err := records[len(records)-1].Index()
	if err != nil {
		tb.Fatal(err)
	}
	h.ToSeq = end.Seq
	w, err := chain.NewBundleWriter(&b, h)
	for _, r := range records {
		at, err := r.Index()
		if err != nil {
			tb.Fatal(err)
		}
		if err := w.WriteEvent(at.Seq, r); err != nil {
			tb.Fatal(err)
		}
	}
	if err != nil {
		tb.Fatal(err)
	}
	return b.Bytes()
}

// What is lost is no finding where the root key says so, and is said for ever; whoever
// has a receipt of it, or has verified it before, is told.
func TestLossIsShown(t *testing.T) {
	s := newScribe(t)
	for range 5 {
		s.unsealed()
	}
	lost := chain.Receipt{Seq: 4, Hash: s.records[4].Hash()}
	v := chain.NewVerifier(policy())
	for _, r := range s.records {
		if _, err := v.Check(r); err != nil {
			t.Fatal(err)
		}
	}
	before := chain.Verified{LogID: logID, Tenant: tenantA, State: v.State()}
	s.restored(3, nil)
	s.unsealed()
	s.unsealed()
	s.restored(5, nil) // a second loss, of one record
	s.unsealed()
	b := gapped(t, s.records)
	want(t, verify(t, b, chain.Options{LogID: &logID}))
	summary, err := chain.VerifyBundle(t.Context(), bytes.NewReader(b), chain.Options{LogID: &logID, Now: today})
	if err != nil || summary.Events != 7 || summary.End.State.Head != s.head {
		t.Errorf("got %+v, %v", summary, err)
	}
	if diff := cmp.Diff([]chain.Range{{From: 3, To: 5}, {From: 8, To: 8}}, summary.Lost); diff != "" {
		t.Errorf("lost (-want +got):\n%s", diff)
	}
	want(t, verify(t, b, chain.Options{Receipts: []chain.Receipt{lost}}), "4 V28")
	want(t, verify(t, b, chain.Options{From: &before}), "5 V28")
	_, err = chain.VerifyBundle(t.Context(), bytes.NewReader(b), chain.Options{Receipts: []chain.Receipt{lost}, Report: func(f chain.Finding) {
		if !strings.Contains(f.Detail, "lost, with 3 to 5") {
			t.Errorf("got %v", f)
		}
	}})
	if err != nil {
		t.Error(err)
	}
	_, records, err := chain.ReadBundle(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, err := range records {
		if n++; err != nil {
			t.Error(err)
		}
	}
	if n != len(s.records) {
		t.Errorf("read %d records, want %d", n, len(s.records))
	}
}

// A recovery that is wrong in one thing is found there, and nowhere else.
func TestWrongRecovery(t *testing.T) {
	type edit = func(l *chain.Loss, r *chain.Restored)
	signed := func(key *chain.SigningKey, context string) edit {
		return func(l *chain.Loss, r *chain.Restored) {
			b := l.Append(nil)
			signature, err := key.Sign(context, b)
			if err != nil {
				panic(err)
			}
			r.KeyCert = append(b, signature...)
		}
	}
	for name, test := range map[string]struct {
		edit edit
		sent func(e *event)
		want []string
	}{
		"another root":          {edit: signed(other, chain.ContextRecovery)},
		"the audit key":         {edit: signed(audit, chain.ContextRecovery)},
		"another purpose":       {edit: signed(root, chain.ContextKeyCert)},
		"no signature":          {edit: func(l *chain.Loss, r *chain.Restored) { r.KeyCert = l.Append(nil) }},
		"log":                   {edit: func(l *chain.Loss, _ *chain.Restored) { l.LogID[0]++ }},
		"tenant":                {edit: func(l *chain.Loss, _ *chain.Restored) { l.Tenant = tenantB }},
		"index":                 {edit: func(l *chain.Loss, _ *chain.Restored) { l.TenantIndex++ }},
		"key":                   {edit: func(l *chain.Loss, _ *chain.Restored) { l.KeyID[0]++ }},
		"epoch":                 {edit: func(l *chain.Loss, _ *chain.Restored) { l.KeyEpoch++ }},
		"more is missing":       {edit: func(l *chain.Loss, r *chain.Restored) { l.From++; r.MissingFromSeq++ }},
		"less is missing":       {edit: func(l *chain.Loss, r *chain.Restored) { l.From--; r.MissingFromSeq-- }},
		"kept":                  {edit: func(l *chain.Loss, _ *chain.Restored) { l.Kept[0]++ }},
		"lost":                  {edit: func(l *chain.Loss, _ *chain.Restored) { l.Lost[0]++ }},
		"end":                   {edit: func(l *chain.Loss, r *chain.Restored) { l.To++; r.MissingToSeq++ }},
		"another range is told": {edit: func(_ *chain.Loss, r *chain.Restored) { r.MissingToSeq++ }},
		"no flag":               {sent: func(e *event) { e.Flags = 0 }},
		"another type":          {sent: func(e *event) { e.EventType = "CHAIN_MENDED" }},
		"a key event too":       {sent: func(e *event) { e.Flags |= chain.FlagKeyEvent }},
		"another aggregate":     {sent: func(e *event) { e.AggregateID[0]++ }},
		"a version":             {sent: func(e *event) { e.AggregateVersion = 1 }},
		"another payload":       {sent: func(e *event) { e.payload = append([]byte("{ "), e.payload[1:]...) }},
		"signed by another":     {sent: func(e *event) { e.signer = audit2 }},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScribe(t)
			for range 4 {
				s.unsealed()
			}
			var sent []func(*event)
			if test.sent != nil {
				sent = append(sent, test.sent)
			}
			s.restored(3, test.edit, sent...)
			s.unsealed()
			for _, fast := range []bool{false, true} {
				want(t, verify(t, gapped(t, s.records), chain.Options{LogID: &logID, Fast: fast}), "5 V18")
			}
		})
	}
	t.Run("no recovery", func(t *testing.T) { // the same gap, and nobody says anything
		s := newScribe(t)
		for range 4 {
			s.unsealed()
		}
		s.records = slices.Delete(s.records, 3, 5)
		s.unsealed()
		want(t, verify(t, gapped(t, s.records), chain.Options{LogID: &logID}), "5 V5", "5 V6")
	})
}

// What a loss is written as is read again, and nothing else is.
func TestLossForm(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		hash := func() (h chain.Hash) {
			copy(h[:], rapid.SliceOfN(rapid.Byte(), chain.HashSize, chain.HashSize).Draw(t, "hash"))
			return h
		}
		l := chain.Loss{
			LogID: hash(), Tenant: tenantA, TenantIndex: rapid.Uint32().Draw(t, "index"), KeyEpoch: rapid.Uint64().Draw(t, "epoch"),
			KeyID: hash(), From: rapid.Uint64Range(1, 1<<62).Draw(t, "from"), Kept: hash(), Lost: hash(),
			Anchor: rapid.Uint64().Draw(t, "anchor"), AnchorHash: hash(),
		}
		l.To = l.From + rapid.Uint64Range(0, 1<<62).Draw(t, "more")
		b := l.Append(nil)
		if got, err := chain.ParseLoss(b); err != nil || got != l || len(b) != chain.LossSize {
			t.Fatalf("got %+v, %v, want %+v", got, err, l)
		}
		for _, wrong := range []func(*chain.Loss){
			func(l *chain.Loss) { l.From = 0 }, func(l *chain.Loss) { l.To = l.From - 1 }, func(l *chain.Loss) { l.To = 1<<64 - 1 },
		} {
			bad := l
			wrong(&bad)
			if _, err := chain.ParseLoss(bad.Append(nil)); !errors.Is(err, chain.ErrBadLoss) {
				t.Fatalf("%+v was taken: %v", bad, err)
			}
		}
		if _, err := chain.ParseLoss(b[:len(b)-1]); !errors.Is(err, chain.ErrBadLoss) {
			t.Fatalf("a loss that was cut was taken: %v", err)
		}
	})
}
