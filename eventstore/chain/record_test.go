package chain_test

import (
	"errors"
	"testing"

	"github.com/quantaseal/quantaseal/eventstore/chain"
)

func TestVerifyRecord(t *testing.T) {
	s := newScribe(t)
	good := s.changed(1, 1)
	if h, err := chain.VerifyRecord(logID, audit.Public(), good); err != nil || h.Seq != 1 {
		t.Fatalf("got %d, %v", h.Seq, err)
	}
	tests := []struct {
		name  string
		logID chain.Hash
		key   *chain.SigningKey
		r     chain.Record
		want  string
	}{
		{"no header", logID, audit, chain.Record{}, "V1"},
		{"flags", logID, audit, s.unsealed(func(e *event) { e.Flags = 128 }), "V2"},
		{"log", chain.Hash{}, audit, good, "V3"},
		{"payload", logID, audit, chain.Record{Header: good.Header, Payload: []byte("{}"), Detached: good.Detached, Signature: good.Signature}, "V9"},
		{"detached", logID, audit, chain.Record{Header: good.Header, Payload: good.Payload, Signature: good.Signature}, "V10"},
		{"key", logID, audit2, good, "V12"},
		{"signature", logID, audit, s.unsealed(func(e *event) { e.signer = audit2 }), "V13"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			h, err := chain.VerifyRecord(test.logID, test.key.Public(), test.r)
			var f chain.Finding
			if !errors.As(err, &f) || f.Check != test.want || h != (chain.Header{}) {
				t.Errorf("got %v, want %s", err, test.want)
			}
		})
	}
}

func TestFindingIsOneLine(t *testing.T) {
	f := chain.Finding{Tenant: tenantA, Seq: 7, Check: "V6", Detail: "the record does not link to the one before it"}
	if got, want := f.Error(), "tenant aa000000-0000-0000-0000-000000000001 seq 7 V6: the record does not link to the one before it"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
