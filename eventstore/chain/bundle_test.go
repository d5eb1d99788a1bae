package chain_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"

	"github.com/quantaseal/quantaseal/eventstore/chain"
)

// The exact form that third parties rely on.
func TestBundleForm(t *testing.T) {
	h := chain.BundleHeader{
		Origin: "vault.example.com/audit", RootPublicKey: make([]byte, chain.PublicKeySize), CreatedUS: 1,
		Nonce: [32]byte{0xa0}, LogID: chain.Hash{0xb0}, TenantID: [16]byte{0x01, 15: 0xff}, FromSeq: 3, ToSeq: 4,
	}
	var b bytes.Buffer
	w, err := chain.NewBundleWriter(&b, h)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.WriteEvent(3, chain.Record{Header: []byte{1}, Payload: []byte("{}"), Detached: []byte{2, 3}, Signature: []byte{4}}); err != nil {
		t.Fatal(err)
	}
	if err := w.WriteEvent(4, chain.Record{Header: []byte{1}, Payload: []byte("{}"), Signature: []byte{4}}); err != nil {
		t.Fatal(err)
	}
	want := `{"type":"bundle","version":1,"origin":"vault.example.com/audit","root_public_key":"` + strings.Repeat("A", 2603) + `=","created_us":1,` +
		`"nonce":"a0` + strings.Repeat("0", 62) + `","log_id":"b0` + strings.Repeat("0", 62) + `",` +
		`"tenant_id":"01000000-0000-0000-0000-0000000000ff","from_seq":3,"to_seq":4}` + "\n" +
		`{"type":"event","seq":3,"header":"AQ==","payload":"e30=","detached":"AgM=","signature":"BA=="}` + "\n" +
		`{"type":"event","seq":4,"header":"AQ==","payload":"e30=","detached":null,"signature":"BA=="}` + "\n"
	if diff := cmp.Diff(want, b.String()); diff != "" {
		t.Errorf("bundle (-want +got):\n%s", diff)
	}
}

func TestBundleIsReadAsWritten(t *testing.T) {
	s := sample(t)
	s.records[2].Detached = []byte{} // unlike none
	h, records, err := chain.ReadBundle(iotest.OneByteReader(bytes.NewReader(bundle(t, bundle0, s.records))))
	if err != nil {
		t.Fatal(err)
	}
	want := bundle0
	want.ToSeq = 7
	if diff := cmp.Diff(want, h); diff != "" {
		t.Errorf("header (-want +got):\n%s", diff)
	}
	var got []chain.Record
	for r, err := range records {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, r)
	}
	if diff := cmp.Diff(s.records, got); diff != "" {
		t.Errorf("records (-want +got):\n%s", diff)
	}
}

func TestBundleHeaderRefused(t *testing.T) {
	for name, edit := range map[string]func(h *chain.BundleHeader){
		"no origin":       func(h *chain.BundleHeader) { h.Origin = "" },
		"long origin":     func(h *chain.BundleHeader) { h.Origin = strings.Repeat("a", chain.MaxOrigin+1) },
		"quote":           func(h *chain.BundleHeader) { h.Origin = `a"b` },
		"backslash":       func(h *chain.BundleHeader) { h.Origin = `a\b` },
		"newline":         func(h *chain.BundleHeader) { h.Origin = "a\nb" },
		"not UTF-8":       func(h *chain.BundleHeader) { h.Origin = "a\xffb" },
		"key":             func(h *chain.BundleHeader) { h.RootPublicKey = h.RootPublicKey[1:] },
		"backwards":       func(h *chain.BundleHeader) { h.FromSeq = 9 },
		"more than there": func(h *chain.BundleHeader) { h.ToSeq = 1<<64 - 1 },
	} {
		t.Run(name, func(t *testing.T) {
			h := bundle0
			edit(&h)
			if _, err := chain.NewBundleWriter(io.Discard, h); !errors.Is(err, chain.ErrBadBundle) {
				t.Errorf("got %v, want ErrBadBundle", err)
			}
		})
	}
	failed := errors.New("disk full")
	if _, err := chain.NewBundleWriter(brokenWriter{failed}, bundle0); !errors.Is(err, failed) {
		t.Errorf("got %v, want the writer's error", err)
	}
}

type brokenWriter struct{ err error }

func (w brokenWriter) Write([]byte) (int, error) { return 0, w.err }

// swap returns text with one old replaced by one new.
func swap(tb testing.TB, text []byte, old, new string) []byte {
	tb.Helper()
	if !bytes.Contains(text, []byte(old)) {
		tb.Fatalf("no %q in the bundle", old)
	}
	return bytes.Replace(text, []byte(old), []byte(new), 1)
}

// What is no bundle of this version is unreadable, which is not the same as
// tampered with.
func TestUnreadable(t *testing.T) {
	good := bundle(t, bundle0, sample(t).records)
	tests := map[string][]byte{
		"nothing":             nil,
		"a newline":           []byte("\n"),
		"JSON":                []byte("{}\n"),
		"HTML":                []byte("<!doctype html><title>504</title>\n"),
		"binary":              {0x1f, 0x8b, 0, 0xff},
		"records only":        good[bytes.IndexByte(good, '\n')+1:],
		"version":             swap(t, good, `"version":1,`, `"version":2,`),
		"order of keys":       swap(t, good, `"origin":"vault.example.com/audit","root`, `"root`),
		"space":               swap(t, good, `"version":1,`, `"version": 1,`),
		"number":              swap(t, good, `"from_seq":0`, `"from_seq":00`),
		"negative":            swap(t, good, `"from_seq":0`, `"from_seq":-1`),
		"number too large":    swap(t, good, `"from_seq":0`, `"from_seq":18446744073709551616`),
		"range":               swap(t, good, `"to_seq":7`, `"to_seq":18446744073709551615`),
		"capital hex":         swap(t, good, `"nonce":"07`, `"nonce":"0A`),
		"tenant without dash": swap(t, good, "-0000-0000-", "-00000000-"),
		"key":                 swap(t, good, `"root_public_key":"`, `"root_public_key":"=`),
		"header cut":          good[:100],
		"more in the header":  swap(t, good, `"to_seq":7}`, `"to_seq":7,"a":1}`),
		"segment":             append(bytes.Clone(good), `{"type":"segment","first":0}`+"\n"...),
		"second bundle":       append(bytes.Clone(good), good...),
		"Windows":             bytes.ReplaceAll(good, []byte("\n"), []byte("\r\n")),
		"long line":           append(bytes.Clone(good), bytes.Repeat([]byte("a"), chain.MaxLine+1)...),
	}
	for name, b := range tests {
		t.Run(name, func(t *testing.T) {
			s, err := chain.VerifyBundle(t.Context(), bytes.NewReader(b), chain.Options{Now: today})
			if !errors.Is(err, chain.ErrUnreadable) || s.Findings > 0 {
				t.Errorf("VerifyBundle: got %d findings and %v, want ErrUnreadable", s.Findings, err)
			}
			_, records, err := chain.ReadBundle(bytes.NewReader(b))
			if err == nil {
				for _, wrong := range records {
					err = wrong
				}
			}
			if err == nil {
				t.Error("ReadBundle: got no error")
			}
		})
	}
	failed := errors.New("network down")
	for _, r := range []io.Reader{iotest.ErrReader(failed), io.MultiReader(bytes.NewReader(good), iotest.ErrReader(failed))} {
		if _, err := chain.VerifyBundle(t.Context(), r, chain.Options{}); !errors.Is(err, failed) {
			t.Errorf("got %v, want the reader's error", err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := chain.VerifyBundle(ctx, bytes.NewReader(good), chain.Options{}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want the end of the context", err)
	}
}
