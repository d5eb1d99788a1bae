package chain_test

import (
	"bytes"
	"errors"
	"testing"

	"pgregory.net/rapid"

	"github.com/quantaseal/quantaseal/eventstore/chain"
)

func drawHash(t *rapid.T, name string) chain.Hash {
	return chain.Hash(rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, name))
}

func drawID(t *rapid.T, name string) [16]byte {
	return [16]byte(rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, name))
}

// drawHeader returns any header that an encoder may write.
func drawHeader(t *rapid.T) chain.Header {
	h := chain.Header{
		Flags: rapid.SampledFrom([]uint8{0, chain.FlagKeyEvent, chain.FlagRecovery}).Draw(t, "flags"),
		LogID: drawHash(t, "log"), Tenant: drawID(t, "tenant"), Seq: rapid.Uint64().Draw(t, "seq"), Prev: drawHash(t, "prev"),
		EventID: drawID(t, "event"), TimeUS: rapid.Uint64().Draw(t, "time"),
		AggregateKind: rapid.Uint8Range(1, 255).Draw(t, "kind"), ActorKind: rapid.Uint8Range(0, 4).Draw(t, "actor kind"),
		Outcome: rapid.Uint8Range(0, 2).Draw(t, "outcome"), AggregateID: drawID(t, "aggregate"),
		AggregateVersion: rapid.Uint64().Draw(t, "version"), ActorID: drawID(t, "actor"), RequestID: drawID(t, "request"),
		SchemaVersion: rapid.Uint16().Draw(t, "schema"), ContentType: rapid.Uint16Range(1, 2).Draw(t, "content"),
		PayloadLen: rapid.Uint32Range(0, chain.MaxPayload).Draw(t, "payload"), PayloadHash: drawHash(t, "payload hash"),
		SignerKeyID: drawHash(t, "signer"), KeyEpoch: rapid.Uint64Min(1).Draw(t, "epoch"),
		EventType: rapid.StringMatching(`[A-Z][A-Z0-9_]{0,62}`).Draw(t, "type"),
	}
	if h.Seq == 0 {
		h.Flags |= chain.FlagGenesis
	}
	if rapid.Bool().Draw(t, "detached") {
		h.Flags |= chain.FlagDetached
		h.DetachedLen, h.DetachedHash = rapid.Uint32Min(1).Draw(t, "blob"), drawHash(t, "blob hash")
	}
	return h
}

func TestHeaderIsReadAsWritten(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h := drawHeader(t)
		b := h.Append([]byte("before"))
		if !bytes.HasPrefix(b, []byte("before")) || len(b) != 6+297+len(h.EventType) {
			t.Fatalf("got %d bytes", len(b))
		}
		got, err := chain.ParseHeader(b[6:])
		if err != nil || got != h {
			t.Fatalf("got %+v, %v, want %+v", got, err, h)
		}
		index, err := chain.Record{Header: b[6:]}.Index()
		want := chain.Index{
			Tenant: h.Tenant, Seq: h.Seq, EventID: h.EventID,
			AggregateKind: h.AggregateKind, AggregateID: h.AggregateID, AggregateVersion: h.AggregateVersion,
		}
		if err != nil || index != want {
			t.Fatalf("index: got %+v, %v, want %+v", index, err, want)
		}
	})
}

// Lengths, and the bytes whose value does not depend on others.
func TestHeaderRefused(t *testing.T) {
	good := sample(t).records[1].Header
	tests := []struct {
		name string
		b    []byte
		want error
	}{
		{"empty", nil, chain.ErrNotHeader},
		{"short", good[:chain.MinHeader-1], chain.ErrNotHeader},
		{"long", append(bytes.Clone(good), make([]byte, chain.MaxHeader)...), chain.ErrNotHeader},
		{"magic", edit(good, 3, '2'), chain.ErrNotHeader},
		{"suite", edit(good, 4, 2), chain.ErrNotHeader},
		{"a byte more", append(bytes.Clone(good), 'A'), chain.ErrMalformed},
		{"a byte less", good[:len(good)-1], chain.ErrMalformed},
		{"header length", edit(good, 7, good[7]+1), chain.ErrMalformed},
		{"type length", edit(good, 296, good[296]-1), chain.ErrMalformed},
		{"reserved", edit(good, 123, 1), chain.ErrMalformed},
		{"type begins with a digit", edit(good, 297, '1'), chain.ErrMalformed},
		{"lower case", edit(good, 298, 'a'), chain.ErrMalformed},
		{"NUL in the type", edit(good, 299, 0), chain.ErrMalformed},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			h, err := chain.ParseHeader(test.b)
			if !errors.Is(err, test.want) || h != (chain.Header{}) {
				t.Errorf("got %v, want %v", err, test.want)
			}
			_, err = chain.Record{Header: test.b}.Index()
			if errors.Is(test.want, chain.ErrNotHeader) != errors.Is(err, chain.ErrNotHeader) {
				t.Errorf("Index: got %v", err)
			}
		})
	}
}

// edit returns b with another byte at i.
func edit(b []byte, i int, to byte) []byte {
	c := bytes.Clone(b)
	c[i] = to
	return c
}

// The writer of a chain spends nothing on memory but what it asks for.
func TestNoAllocation(t *testing.T) {
	r := sample(t).records[1]
	h, err := chain.ParseHeader(r.Header)
	if err != nil {
		t.Fatal(err)
	}
	room := make([]byte, 0, chain.MaxHeader)
	got := testing.AllocsPerRun(100, func() {
		r := chain.Record{Header: h.Append(room), Payload: r.Payload}
		_, _, _ = r.Hash(), chain.PayloadHash(r.Payload), chain.CheckPayload(h.ContentType, r.Payload)
	})
	if got != 0 {
		t.Errorf("got %v allocations, want none", got)
	}
}

func FuzzParseHeader(f *testing.F) {
	for _, r := range sample(f).records {
		f.Add(r.Header)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		h, err := chain.ParseHeader(b)
		if err != nil {
			return
		}
		if again := h.Append(nil); !bytes.Equal(again, b) {
			t.Fatalf("%x is written as %x", b, again)
		}
	})
}
