package chain_test

import (
	"bytes"
	"crypto/sha3"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"os"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/quantaseal/quantaseal/eventstore/chain"
)

// vectors are known answers that no code of this package made.
type vectors struct {
	Origin          string        `json:"origin"`
	CreatedUS       uint64        `json:"created_us"`
	Nonce           hexBytes      `json:"nonce"`
	LogID           hexBytes      `json:"log_id"`
	RootSeed        hexBytes      `json:"root_seed"`
	RootPublicKey   []byte        `json:"root_public_key"`
	AuditSeed       hexBytes      `json:"audit_seed"`
	AuditKeyID      hexBytes      `json:"audit_key_id"`
	SystemAuditSeed hexBytes      `json:"system_audit_seed"`
	TenantID        hexBytes      `json:"tenant_id"`
	GenesisPrev     hexBytes      `json:"genesis_prev"`
	Events          []vectorEvent `json:"events"`
	SystemEvents    []vectorEvent `json:"system_events"`
}

type vectorEvent struct {
	Header        hexBytes `json:"header"`
	Payload       []byte   `json:"payload"`
	Detached      string   `json:"detached"`
	EventHash     hexBytes `json:"event_hash"`
	SignatureHash hexBytes `json:"sha3_256_of_deterministic_signature"`
}

type hexBytes []byte

func (h *hexBytes) UnmarshalText(text []byte) (err error) {
	*h, err = hex.DecodeString(string(text))
	return err
}

func load(tb testing.TB) vectors {
	tb.Helper()
	file, err := os.ReadFile("testdata/qse1.json")
	if err != nil {
		tb.Fatal(err)
	}
	var v vectors
	if err := json.Unmarshal(file, &v); err != nil {
		tb.Fatal(err)
	}
	return v
}

// records returns events with the signatures that the vectors commit to.
func (v vectors) records(tb testing.TB, events []vectorEvent, seed hexBytes) []chain.Record {
	tb.Helper()
	tb.Helper()
	key := chain.NewSigningKey((*[32]byte)(seed))
	var records []chain.Record
	for _, e := range events {
		r := chain.Record{Header: e.Header, Payload: e.Payload}
		if e.Detached != "" {
			var err error
			if r.Detached, err = base64.StdEncoding.DecodeString(e.Detached); err != nil {
				tb.Fatal(err)
			}
		}
		var err error
		if r.Signature, err = key.SignDeterministic(chain.ContextEvent, r.Header); err != nil {
			tb.Fatal(err)
		}
		records = append(records, r)
	}
	return records
}

func TestVectorIDs(t *testing.T) {
	v := load(t)
	equal := func(what string, got [32]byte, want hexBytes) {
		t.Helper()
		if !bytes.Equal(got[:], want) {
			t.Errorf("%s: got %x, want %x", what, got, want)
		}
	}
	root := chain.NewSigningKey((*[32]byte)(v.RootSeed))
	if !bytes.Equal(root.Public().Bytes(), v.RootPublicKey) {
		t.Error("the root key is another one")
	}
	id := chain.LogID(v.Origin, v.RootPublicKey, v.CreatedUS, [32]byte(v.Nonce))
	equal("log id", id, v.LogID)
	equal("audit key id", chain.NewSigningKey((*[32]byte)(v.AuditSeed)).ID(), v.AuditKeyID)
	equal("genesis prev", chain.GenesisPrev(id, [16]byte(v.TenantID)), v.GenesisPrev)
}

// Every vector is written as it is read, hashes and signs to the known answers,
// and the chains verify.
func TestVectorChains(t *testing.T) {
	v := load(t)
	chains := []struct {
		name   string
		events []vectorEvent
		seed   hexBytes
		tenant [16]byte
	}{
		{"tenant", v.Events, v.AuditSeed, [16]byte(v.TenantID)},
		{"system", v.SystemEvents, v.SystemAuditSeed, [16]byte{}},
	}
	for _, c := range chains {
		t.Run(c.name, func(t *testing.T) {
			root, err := chain.ParsePublicKey(v.RootPublicKey)
			if err != nil {
				t.Fatal(err)
			}
			verifier := chain.NewVerifier(chain.Policy{
				LogID: chain.Hash(v.LogID), Root: root, Tenant: c.tenant, Now: func() time.Time { return time.UnixMicro(int64(v.CreatedUS)).Add(time.Hour) },
			})
			for i, r := range v.records(t, c.events, c.seed) {
				want := c.events[i]
				if sum := sha3.Sum256(r.Signature); !bytes.Equal(sum[:], want.SignatureHash) {
					t.Errorf("event %d: signature hash: got %x, want %x", i, sum, want.SignatureHash)
				}
				if hash := r.Hash(); !bytes.Equal(hash[:], want.EventHash) {
					t.Errorf("event %d: hash: got %s, want %x", i, hash, want.EventHash)
				}
				h, err := verifier.Check(r)
				if err != nil {
					t.Fatal(err)
				}
				if again := h.Append(nil); !bytes.Equal(again, r.Header) {
					t.Errorf("event %d: header: got %x, want %x", i, again, r.Header)
				}
			}
			g, err := chain.ParseGenesis(c.events[0].Payload)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(g.Payload(), c.events[0].Payload) {
				t.Error("the payload of the genesis is not written as it is read")
			}
		})
	}
}

// The worked example, field by field.
func TestVectorHeader(t *testing.T) {
	v := load(t)
	e := v.Events[1]
	got, err := chain.ParseHeader(e.Header)
	if err != nil {
		t.Fatal(err)
	}
	repeat := func(b byte) [16]byte { return [16]byte(bytes.Repeat([]byte{b}, 16)) }
	detached, _ := base64.StdEncoding.DecodeString(e.Detached)
	want := chain.Header{
		Flags: chain.FlagDetached, LogID: chain.Hash(v.LogID), Tenant: repeat(0x11), Seq: 1, Prev: chain.Hash(v.Events[0].EventHash),
		EventID: repeat(0xe1), TimeUS: 0x000644d8a90ba002, AggregateKind: 4, ActorKind: 2, AggregateID: repeat(0x22), AggregateVersion: 1,
		ActorID: repeat(0xac), RequestID: repeat(0x4e), SchemaVersion: 1, ContentType: chain.ContentJSON,
		PayloadLen: 0xa8, PayloadHash: chain.PayloadHash(e.Payload), DetachedLen: 0x1b, DetachedHash: chain.DetachedHash(detached),
		SignerKeyID: chain.Hash(v.AuditKeyID), KeyEpoch: 1, EventType: "CREDENTIAL_SEALED",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("header (-want +got):\n%s", diff)
	}
	index, err := chain.Record{Header: e.Header}.Index()
	if err != nil {
		t.Fatal(err)
	}
	place := chain.Index{Tenant: want.Tenant, Seq: 1, EventID: want.EventID, AggregateKind: 4, AggregateID: want.AggregateID, AggregateVersion: 1}
	if index != place {
		t.Errorf("index: got %+v, want %+v", index, place)
	}
}
