package chain_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/quantaseal/quantaseal/eventstore/chain"
	"github.com/quantaseal/quantaseal/internal/nodetest"
)

// What verifiers come to.
const (
	verified   = "verified"
	tampered   = "tampered"
	unreadable = "unreadable"
)

// job is a bundle for the second verifier, with what it trusts.
type job struct {
	Bundle []byte `json:"bundle"`
	LogID  string `json:"log_id"`
	NowUS  int64  `json:"now_us"`
}

// whole is what qsverify says of a bundle.
func whole(t *testing.T, b []byte) string {
	t.Helper()
	s, err := chain.VerifyBundle(t.Context(), bytes.NewReader(b), chain.Options{LogID: &logID, Now: today})
	switch {
	case s.Findings > 0:
		return tampered
	case errors.Is(err, chain.ErrUnreadable), errors.Is(err, chain.ErrMisused):
		return unreadable
	case err != nil:
		t.Fatal(err)
	}
	return verified
}

// one is what the server's verification says of it, record by record.
func one(t *testing.T, b []byte) string {
	t.Helper()
	h, records, err := chain.ReadBundle(bytes.NewReader(b))
	if err != nil || h.FromSeq != 0 {
		return unreadable
	}
	root, err := chain.ParsePublicKey(h.RootPublicKey)
	if err != nil {
		t.Fatal(err)
	}
	v := chain.NewVerifier(chain.Policy{LogID: logID, Root: root, Tenant: h.TenantID, Now: today})
	if h.LogID != logID || chain.LogID(h.Origin, h.RootPublicKey, h.CreatedUS, h.Nonce) != logID {
		return tampered
	}
	for r, err := range records {
		if errors.Is(err, chain.ErrUnreadable) {
			return unreadable
		}
		if err == nil {
			_, err = v.Check(r)
		}
		if err != nil {
			return tampered
		}
	}
	last := b[bytes.LastIndexByte(bytes.TrimSuffix(b, []byte("\n")), '\n')+1:]
	p, err := chain.ParseProof(bytes.TrimSuffix(last, []byte("\n")))
	if err != nil {
		return verified
	}
	s := v.State()
	leaf := chain.Leaf{Index: s.TenantIndex, Tenant: h.TenantID, Next: s.Head.Next, Hash: s.Head.Hash}
	if _, err := p.Verify(h, root, leaf); err != nil {
		return tampered
	}
	return verified
}

// payloads are what somebody with the keys could sign: some strict, some not.
var payloads = []string{
	`{}`, ` { "a" : [ 1 , -2 , true , null , "\u00e9\ud83d\ude00" ] } `, `{"a":9007199254740992}`, `{"a":-9007199254740992}`, `{"__proto__":1}`,
	`{"a":9007199254740993}`, `{"a":1.0}`, `{"a":1e3}`, `{"a":-0}`, `{"a":01}`, `{"a":1,"a":2}`, `{"a":1,"\u0061":2}`, `{"a":"\ud800"}`, `{"a":"\udc00\ud800"}`,
	`{"a":1,}`, `{"a":[1,]}`, `[]`, `{}{}`, `"a"`, `{"a":"` + "\x01" + `"}`, `{"a":"` + "\xff" + `"}`, "\ufeff{}", `{"a":NaN}`, `{'a':1}`, `{"a":"\x"}`, `{"a":"\/"}`, "{\"a\":\"\u007f\u2028\"}",
	`{"a":` + strings.Repeat("[", 63) + strings.Repeat("]", 63) + `}`, `{"a":` + strings.Repeat("[", 64) + strings.Repeat("]", 64) + `}`,
	`{"a":{"b":1},"b":{"b":1}}`, `{"":1,"":2}`, "{}\v", "{}\u00a0", `{"a":"x:\"","b":":"}`, `{"a":tru}`, `{"a" 1}`, ``,
}

// insider writes records as only somebody with the keys can, most of them wrong.
func insider(t *rapid.T, s *scribe) {
	switch rapid.IntRange(0, 9).Draw(t, "act") {
	case 0, 1, 2:
		payload := rapid.SampledFrom(payloads).Draw(t, "payload")
		s.unsealed(func(e *event) { e.payload = []byte(payload) })
	case 3:
		s.restored(rapid.IntRange(1, len(s.records)-1).Draw(t, "kept"), func(l *chain.Loss, r *chain.Restored) {
			n := uint64(rapid.IntRange(0, 1).Draw(t, "more"))
			for _, field := range []*uint64{&l.From, &l.To, &l.KeyEpoch, &r.MissingFromSeq}[rapid.IntRange(0, 3).Draw(t, "field"):][:1] {
				*field += n
			}
		})
	case 4:
		s.rotate(audit3, func(c *chain.Certificate, r *chain.Rotation) {
			n := rapid.IntRange(0, 1).Draw(t, "more")
			switch rapid.IntRange(0, 5).Draw(t, "field") {
			case 0:
				c.KeyEpoch += uint64(n)
			case 1:
				c.ValidFromSeq += uint64(n)
			case 2:
				c.TenantIndex += uint32(n)
			case 3:
				c.Reason += uint8(n)
			case 4:
				c.PrevKeyID[0] ^= byte(n)
			case 5:
				r.ProofOfPossession[0] ^= byte(n)
			}
		})
		s.unsealed()
	default:
		r := s.unsealed() // and sign whatever a header can be made
		r.Header = bytes.Clone(r.Header)
		r.Header[rapid.IntRange(0, len(r.Header)-1).Draw(t, "at")] ^= rapid.ByteRange(1, 255).Draw(t, "mask")
		r.Signature = s.sign(s.key, chain.ContextEvent, r.Header)
		s.records[len(s.records)-1] = r
	}
}

// mutation draws a bundle: a good one that somebody changed, or, rarely, left alone.
func mutation(t *rapid.T, w worlds, good [][]byte, s *scribe) []byte {
	if rapid.IntRange(0, 2).Draw(t, "who") == 0 {
		fork := *s
		fork.records = slices.Clone(s.records)
		insider(t, &fork)
		h, err := chain.ParseHeader(fork.records[len(fork.records)-1].Header)
		if err != nil || h.Seq > math.MaxUint64-2 {
			h.Seq = uint64(len(fork.records)) - 1
		}
		return lined(t, fork.records, h.Seq)
	}
	if rapid.IntRange(0, 3).Draw(t, "records") == 0 {
		records, _ := w.tamper(t, false)
		return lined(t, records, uint64(len(w.chain))-1)
	}
	b := slices.Clone(rapid.SampledFrom(good).Draw(t, "bundle"))
	lines := bytes.SplitAfter(b, []byte("\n"))
	i, j := rapid.IntRange(0, len(lines)-2).Draw(t, "line"), rapid.IntRange(0, len(lines)-2).Draw(t, "other")
	start := len(bytes.Join(lines[:i], nil))
	at := start + rapid.IntRange(0, len(lines[i])-1).Draw(t, "at")
	if rapid.Bool().Draw(t, "structure") { // what is not base64 of a record
		marks := []int{}
		for k, c := range lines[i] {
			if strings.IndexByte(`":{}[],`, c) >= 0 || c >= '0' && c <= '9' && (k < 60 || k > len(lines[i])-40) {
				marks = append(marks, start+k)
			}
		}
		at = rapid.SampledFrom(marks).Draw(t, "mark")
	}
	c := rapid.OneOf(rapid.Byte(), rapid.SampledFrom([]byte("\"\n\\{}[]:,0129aAzZ=\r\x00 "))).Draw(t, "byte")
	switch rapid.SampledFrom([]string{"nothing", "change", "change", "change", "insert", "remove", "cut", "drop", "repeat", "swap", "parts", "kind"}).Draw(t, "how") {
	case "change":
		b[at] = c
	case "insert":
		b = slices.Insert(b, at, c)
	case "remove":
		b = slices.Delete(b, at, at+1)
	case "cut":
		b = b[:at]
	case "drop":
		b = bytes.Join(slices.Delete(lines, i, i+1), nil)
	case "repeat":
		b = bytes.Join(slices.Insert(lines, j, lines[i]), nil)
	case "swap":
		lines[i], lines[j] = lines[j], lines[i]
		b = bytes.Join(lines, nil)
	case "parts": // a string of one line in the place of another's
		from, to := bytes.Split(lines[i], []byte(`"`)), bytes.Split(lines[j], []byte(`"`))
		k := rapid.IntRange(0, min(len(from), len(to))-1).Draw(t, "part")
		from[k], to[k] = to[k], from[k]
		lines[i], lines[j] = bytes.Join(from, []byte(`"`)), bytes.Join(to, []byte(`"`))
		b = bytes.Join(lines, nil)
	case "kind":
		kind := rapid.SampledFrom([]string{"event", "anchor", "evening", "note", "Event", ""}).Draw(t, "kind")
		b = slices.Concat(b[:start], []byte(`{"type":"`+kind+`","x":1}`+"\n"), b[start:])
	}
	return b
}

// lined returns records as lines in their order, promised up to a number.
func lined(t *rapid.T, records []chain.Record, upTo uint64) []byte {
	var b bytes.Buffer
	h := bundle0
	h.ToSeq = upTo
	w, err := chain.NewBundleWriter(&b, h)
	if err != nil {
		t.Fatal(err)
	}
	for i, r := range records {
		seq := uint64(i)
		if at, err := r.Index(); err == nil {
			seq = at.Seq
		}
		if err := w.WriteEvent(seq, r); err != nil {
			t.Fatal(err)
		}
	}
	return b.Bytes()
}

// What is written for strangers is what both verifiers do: they come to the same
// verdict on good bundles and on a thousand that somebody changed. One of them is in
// another language, on other libraries.
func TestVerifiersAgree(t *testing.T) {
	w, s := newWorlds(t), sample(t)
	a := anchored(t, s)
	lossy := sample(t)
	lossy.restored(6, nil)
	lossy.unsealed()
	linked := anchoredBundle(t, s.records, a.proof(1, 3))
	good := [][]byte{bundle(t, bundle0, s.records), anchoredBundle(t, s.records, a.proof(1, 0)), linked, gapped(t, lossy.records)}
	golden(t, "bundle.ndjson", string(good[1]))
	draw := rapid.Custom(func(t *rapid.T) []byte { return mutation(t, w, good, s) })
	bundles := slices.Clone(good)
	for seed := range 1000 {
		bundles = append(bundles, draw.Example(seed))
	}
	last := s.records[len(s.records)-1]
	for at := range last.Header { // whoever forgets a field of a header is found out
		r := last
		r.Header = bytes.Clone(last.Header)
		r.Header[at] ^= 0x81
		r.Signature = s.sign(s.key, chain.ContextEvent, r.Header)
		bundles = append(bundles, bundle(t, bundle0, append(slices.Clone(s.records[:len(s.records)-1]), r)))
	}
	var jobs bytes.Buffer
	for _, b := range bundles {
		line, err := json.Marshal(job{Bundle: b, LogID: logID.String(), NowUS: today().UnixMicro()})
		if err != nil {
			t.Fatal(err)
		}
		jobs.Write(append(line, '\n'))
	}
	out, err := nodetest.Run(t, nodetest.Package(t, "../../internal/secondverifier"), jobs.Bytes(), "jobs.mjs")
	if err != nil {
		t.Fatal(err)
	}
	verdicts := strings.Split(strings.TrimSpace(out), "\n")
	if len(verdicts) != len(bundles) {
		t.Fatalf("%d verdicts on %d bundles", len(verdicts), len(bundles))
	}
	count := map[string]int{}
	for i, b := range bundles {
		first := whole(t, b)
		second, _, _ := strings.Cut(verdicts[i], " ")
		if third := one(t, b); first != second || first != third {
			t.Errorf("bundle %d is %s, the second verifier says %s, and the server's code %s:\n%.300q", i-len(good), first, verdicts[i], third, b)
		}
		count[first]++
	}
	if count[verified] < 20 || count[unreadable] < 20 || count[tampered] < 500 {
		t.Errorf("the draws are one-sided: %v", count)
	}
	t.Log(count)
}
