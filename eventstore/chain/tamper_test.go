package chain_test

import (
	"bytes"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/quantaseal/quantaseal/eventstore/chain"
)

// clone returns records that can be changed.
func clone(records []chain.Record) []chain.Record {
	copied := slices.Clone(records)
	for i := range copied {
		r := &copied[i]
		r.Header, r.Payload, r.Signature = bytes.Clone(r.Header), bytes.Clone(r.Payload), bytes.Clone(r.Signature)
		r.Detached = bytes.Clone(r.Detached)
	}
	return copied
}

// worlds are the chains that a tamperer can take records from.
type worlds struct {
	chain []chain.Record // what is tampered with
	fork  []chain.Record // other records by the same keys, as an insider could write
	alien []chain.Record // of another tenant
}

func newWorlds(tb testing.TB) worlds {
	tb.Helper()
	s := newScribe(tb)
	fork := *s
	fork.ids = 1000
	fork.records = slices.Clone(s.records)
	fork.changed(1, 1)
	fork.unsealed()
	fork.changed(1, 2)
	s.life()
	alien := &scribe{t: tb, logID: logID, root: root, key: audit3, tenant: tenantB, index: 2}
	alien.genesis()
	for range len(s.records) - 1 {
		alien.unsealed()
	}
	return worlds{chain: s.records, fork: fork.records, alien: alien.records}
}

// part returns one of a record's four parts, by name.
func part(r *chain.Record, name string) *[]byte {
	switch name {
	case "header":
		return &r.Header
	case "payload":
		return &r.Payload
	case "detached":
		return &r.Detached
	}
	return &r.Signature
}

var parts = []string{"header", "payload", "detached", "signature"}

// tamper changes records in a way that it draws, and reports whether anything is
// different now. The header of the last record and signatures are spared if fast is
// set: nothing but signatures protects them.
func (w worlds) tamper(t *rapid.T, fast bool) ([]chain.Record, bool) {
	records := clone(w.chain)
	last := len(records) - 1
	i := rapid.IntRange(0, last).Draw(t, "record")
	name := rapid.SampledFrom(parts).Draw(t, "part")
	if fast && name == "signature" {
		name = "payload"
	}
	if fast && name == "header" {
		i = min(i, last-1)
	}
	p := part(&records[i], name)
	switch rapid.SampledFrom([]string{"flip", "insert", "cut", "swap parts", "drop", "repeat", "swap", "splice", "replay"}).Draw(t, "how") {
	case "flip":
		if len(*p) == 0 {
			return records, false
		}
		(*p)[rapid.IntRange(0, len(*p)-1).Draw(t, "at")] ^= rapid.ByteRange(1, 255).Draw(t, "mask")
	case "insert":
		*p = slices.Insert(*p, rapid.IntRange(0, len(*p)).Draw(t, "at"), rapid.Byte().Draw(t, "byte"))
	case "cut":
		if len(*p) == 0 {
			return records, false
		}
		at := rapid.IntRange(0, len(*p)-1).Draw(t, "at")
		*p = slices.Delete(*p, at, at+1)
	case "swap parts":
		q := part(&records[rapid.IntRange(0, last-1).Draw(t, "with")], name)
		if bytes.Equal(*p, *q) {
			return records, false
		}
		*p, *q = *q, *p
	case "drop":
		records = slices.Delete(records, i, i+1)
	case "repeat":
		records = slices.Insert(records, rapid.IntRange(0, len(records)).Draw(t, "at"), records[i])
	case "swap":
		j := rapid.IntRange(0, last).Draw(t, "with")
		records[i], records[j] = records[j], records[i]
		return records, i != j
	case "splice":
		i = rapid.IntRange(1, len(w.fork)-1).Draw(t, "fork")
		if rapid.Bool().Draw(t, "rest") && i+1 < len(w.fork) {
			copy(records[i:], w.fork[i:])
		} else {
			records[i] = w.fork[i]
		}
	case "replay":
		records[i] = w.alien[i]
	}
	return records, true
}

// No change to a record, and no change to their order, survives verification. A
// bundle is verified as it was promised, so that a missing tail shows too.
func TestNoTamperingSurvives(t *testing.T) {
	w := newWorlds(t)
	promised := bundle0
	promised.ToSeq = uint64(len(w.chain)) - 1
	rapid.Check(t, func(r *rapid.T) {
		fast := rapid.Bool().Draw(r, "fast")
		records, changed := w.tamper(r, fast)
		if !changed {
			return
		}
		var b bytes.Buffer
		writer, err := chain.NewBundleWriter(&b, promised)
		if err != nil {
			r.Fatal(err)
		}
		for i, record := range records {
			if err := writer.WriteEvent(uint64(i), record); err != nil {
				r.Fatal(err)
			}
		}
		s, err := chain.VerifyBundle(t.Context(), &b, chain.Options{LogID: &logID, Now: today, Fast: fast, Workers: 2})
		if err != nil {
			r.Fatal(err)
		}
		if s.Findings == 0 {
			r.Fatal("tampering went unnoticed")
		}
	})
}

// The same, record by record, up to the refusal that must come.
func TestNoTamperingPassesAVerifier(t *testing.T) {
	w := newWorlds(t)
	rapid.Check(t, func(r *rapid.T) {
		records, changed := w.tamper(r, false)
		if !changed {
			return
		}
		v := chain.NewVerifier(policy())
		for _, record := range records {
			if _, err := v.Check(record); err != nil {
				return
			}
		}
		// what is left is a chain that was cut, which only a receipt can show
		if v.State().Head.Next == uint64(len(w.chain)) {
			r.Fatal("tampering went unnoticed")
		}
	})
}

// No changed byte in a line of a record survives, and none makes a bundle
// unreadable: what is damaged is tampered with.
func TestNoChangedByteSurvives(t *testing.T) {
	w := newWorlds(t)
	clean := bundle(t, bundle0, w.chain)
	first := bytes.IndexByte(clean, '\n') + 1
	survives := func(at int, to byte) bool {
		b := bytes.Clone(clean)
		b[at] = to
		s, err := chain.VerifyBundle(t.Context(), bytes.NewReader(b), chain.Options{LogID: &logID, Now: today})
		return err != nil || s.Findings == 0
	}
	rapid.Check(t, func(r *rapid.T) {
		at := rapid.IntRange(first, len(clean)-2).Draw(r, "at")
		if to := rapid.Byte().Draw(r, "to"); to != clean[at] && survives(at, to) {
			r.Fatalf("byte %d %q as %q went unnoticed", at, clean[at], to)
		}
	})
	// everything that is not base64, as what means something to a reader
	for at, c := range clean[first : first+60] {
		for _, to := range []byte("\"\n\\{}:,0a=\r\x00") {
			if to != c && survives(first+at, to) {
				t.Fatalf("byte %d %q as %q went unnoticed", first+at, c, to)
			}
		}
	}
}
