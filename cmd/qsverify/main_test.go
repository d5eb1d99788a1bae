package main

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/quantaseal/quantaseal/eventstore/chain"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"qsverify": main})
}

// The scripts find chain.ndjson, a chain of six records with a rotation in the
// middle, and the means to tamper with it:
//
//	change IN OUT LINE OLD NEW   replaces the first OLD of a line
//	lines IN OUT N...            keeps lines, in the order given; 1 is the header
//	rebase IN OUT FROM TO        writes another range into the header
//	status N COMMAND ARG...      expects an exit status
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata",
		Setup: func(e *testscript.Env) error {
			c := write(t, chain.NewSigningKey(&[32]byte{1}))
			e.Setenv("LOGID", c.header.LogID.String())
			e.Setenv("RECEIPT", chain.Receipt{Seq: 2, Hash: c.records[2].Hash()}.String())
			e.Setenv("HEAD", chain.Receipt{Seq: 5, Hash: c.records[5].Hash()}.String())
			e.Setenv("WRONG", chain.Receipt{Seq: 2, Hash: c.records[3].Hash()}.String())
			forged := write(t, chain.NewSigningKey(&[32]byte{2}))
			if err := os.WriteFile(filepath.Join(e.WorkDir, "archive.ndjson"), c.archive(t), 0o600); err != nil {
				return err
			}
			for name, story := range map[string]byte{"anchored.ndjson": 1, "other-story.ndjson": 2} {
				if err := os.WriteFile(filepath.Join(e.WorkDir, name), c.anchored(t, story), 0o600); err != nil {
					return err
				}
			}
			for name, chain := range map[string]scribe{"chain.ndjson": c, "forged.ndjson": forged, "restored.ndjson": c.restored()} {
				if err := os.WriteFile(filepath.Join(e.WorkDir, name), chain.bundle(t), 0o600); err != nil {
					return err
				}
			}
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"status": func(ts *testscript.TestScript, _ bool, args []string) {
				got := 0
				if exit := (*exec.ExitError)(nil); errors.As(ts.Exec(args[1], args[2:]...), &exit) {
					got = exit.ExitCode()
				}
				if got != number(ts, args[0]) {
					ts.Fatalf("got exit status %d, want %s", got, args[0])
				}
			},
			"change": func(ts *testscript.TestScript, _ bool, args []string) {
				lines := strings.SplitAfter(ts.ReadFile(args[0]), "\n")
				i := number(ts, args[2]) - 1
				if !strings.Contains(lines[i], args[3]) {
					ts.Fatalf("line %s has no %q", args[2], args[3])
				}
				lines[i] = strings.Replace(lines[i], args[3], args[4], 1)
				save(ts, args[1], strings.Join(lines, ""))
			},
			"lines": func(ts *testscript.TestScript, _ bool, args []string) {
				lines := strings.SplitAfter(ts.ReadFile(args[0]), "\n")
				var kept strings.Builder
				for _, n := range args[2:] {
					kept.WriteString(lines[number(ts, n)-1])
				}
				save(ts, args[1], kept.String())
			},
			"rebase": func(ts *testscript.TestScript, _ bool, args []string) {
				header, rest, _ := strings.Cut(ts.ReadFile(args[0]), `"from_seq":`)
				_, rest, _ = strings.Cut(rest, "}")
				save(ts, args[1], header+`"from_seq":`+args[2]+`,"to_seq":`+args[3]+"}"+rest)
			},
		},
	})
}

func number(ts *testscript.TestScript, s string) int {
	n, err := strconv.Atoi(s)
	ts.Check(err)
	return n
}

func save(ts *testscript.TestScript, name, text string) {
	ts.Check(os.WriteFile(ts.MkAbs(name), []byte(text), 0o600))
}

// scribe writes a chain.
type scribe struct {
	t       *testing.T
	header  chain.BundleHeader
	root    *chain.SigningKey
	key     *chain.SigningKey
	epoch   uint64
	index   uint32 // of the tenant
	records []chain.Record
	head    chain.Head
}

// write returns a chain under a root key.
func write(t *testing.T, root *chain.SigningKey) scribe {
	t.Helper()
	began := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	h := chain.BundleHeader{
		Origin: "vault.example.com/audit", RootPublicKey: root.Public().Bytes(), CreatedUS: uint64(began.UnixMicro()),
		TenantID: [16]byte{0xaa, 15: 1}, ToSeq: 5,
	}
	h.LogID = chain.LogID(h.Origin, h.RootPublicKey, h.CreatedUS, h.Nonce)
	s := scribe{t: t, header: h, root: root, key: chain.NewSigningKey(&[32]byte{3}), epoch: 1, index: 1}
	s.genesis()
	s.append(chain.Header{AggregateKind: 4, AggregateVersion: 1, EventType: "CREDENTIAL_SEALED"}, []byte(`{"version":1}`), []byte("noise"))
	s.append(chain.Header{AggregateKind: 4, EventType: "CREDENTIAL_UNSEALED"}, []byte(`{"version":1}`), nil)
	next := chain.NewSigningKey(&[32]byte{4})
	possession := chain.PossessionMessage(h.LogID, h.TenantID, s.head.Next, s.head.Hash, next.ID())
	s.epoch++
	r := chain.Rotation{
		KeyCert:   s.certify(chain.ReasonScheduled, next, s.key.ID(), s.head.Next+1),
		PublicKey: next.Public().Bytes(), ProofOfPossession: s.sign(next, chain.ContextKeyPOP, possession),
	}
	s.epoch--
	s.append(chain.Header{Flags: chain.FlagKeyEvent, AggregateKind: 1, AggregateID: h.TenantID, EventType: chain.TypeRotation}, r.Payload(), nil)
	s.key, s.epoch = next, s.epoch+1
	s.append(chain.Header{AggregateKind: 4, AggregateVersion: 2, EventType: "CREDENTIAL_ROTATED"}, []byte(`{"version":2}`), nil)
	s.append(chain.Header{AggregateKind: 4, EventType: "CREDENTIAL_UNSEALED"}, []byte(`{"version":2}`), nil)
	return s
}

// genesis opens the chain.
func (s *scribe) genesis() {
	s.t.Helper()
	g := chain.Genesis{KeyCert: s.certify(chain.ReasonInitial, s.key, chain.Hash{}, 0), PublicKey: s.key.Public().Bytes(), TenantIndex: s.index}
	s.append(chain.Header{Flags: chain.FlagGenesis, AggregateKind: 1, AggregateID: s.header.TenantID, EventType: chain.TypeGenesis}, g.Payload(), nil)
}

// archive returns the chain, the system chain and two anchors of them.
func (s *scribe) archive(t *testing.T) []byte {
	t.Helper()
	system := scribe{t: t, header: s.header, root: s.root, key: chain.NewSigningKey(&[32]byte{5}), epoch: 1}
	system.header.TenantID, system.header.ToSeq = [16]byte{}, 1
	system.genesis()
	system.append(chain.Header{AggregateKind: 1, AggregateVersion: 1, EventType: "TENANT_ADDED"},
		[]byte(`{"tenant_id":"`+chain.FormatUUID(s.header.TenantID)+`","tenant_index":1}`), nil)
	var heads chain.Heads
	one := chain.Leaf{Next: 2, Hash: system.head.Hash}
	two := chain.Leaf{Index: 1, Tenant: s.header.TenantID, Next: 3, Hash: s.records[2].Hash()}
	heads.Set(one)
	heads.Set(two)
	first := chain.Anchor{LogID: s.header.LogID, TimeUS: s.header.CreatedUS, TotalEvents: 5, Tenants: 2, HeadsRoot: heads.Root()}
	last := chain.Leaf{Index: 1, Tenant: s.header.TenantID, Next: s.head.Next, Hash: s.head.Hash}
	heads.Set(last)
	second := chain.Anchor{
		LogID: s.header.LogID, Number: 1, Prev: first.Hash(), TimeUS: s.header.CreatedUS + 1e6, TotalEvents: 8, Tenants: 2, HeadsRoot: heads.Root(),
	}
	c := chain.Checkpoint{Origin: s.header.Origin, Size: 2, Root: chain.AnchorsTree.Node(first.TreeHash(), second.TreeHash())}
	b := append(system.bundle(t), s.bundle(t)...)
	b = chain.AppendHeads(b, first, []chain.Leaf{one, two})
	b = chain.AppendHeads(b, second, []chain.Leaf{last})
	return chain.AppendCheckpoint(b, c.Note(s.root.Public(), s.sign(s.root, chain.ContextCheckpoint, c.Text())))
}

func (s *scribe) sign(key *chain.SigningKey, context string, message []byte) []byte {
	s.t.Helper()
	signature, err := key.Sign(context, message)
	if err != nil {
		s.t.Fatal(err)
	}
	return signature
}

func (s *scribe) certify(reason uint8, key *chain.SigningKey, prev chain.Hash, from uint64) chain.SignedCertificate {
	s.t.Helper()
	b := chain.Certificate{
		LogID: s.header.LogID, Tenant: s.header.TenantID, TenantIndex: s.index, KeyEpoch: s.epoch,
		ValidFromSeq: from, Reason: reason, PrevKeyID: prev, KeyID: key.ID(),
	}.Append(nil)
	return append(b, s.sign(s.root, chain.ContextKeyCert, b)...)
}

func (s *scribe) append(h chain.Header, payload, detached []byte) {
	s.t.Helper()
	h.LogID, h.Tenant, h.Seq, h.Prev = s.header.LogID, s.header.TenantID, s.head.Next, s.head.Hash
	if h.Seq == 0 {
		h.Prev = chain.GenesisPrev(h.LogID, h.Tenant)
	}
	binary.BigEndian.PutUint64(h.EventID[:], h.Seq)
	h.TimeUS, h.SchemaVersion, h.ContentType = s.header.CreatedUS+h.Seq, 1, chain.ContentJSON
	h.PayloadLen, h.PayloadHash = uint32(len(payload)), chain.PayloadHash(payload)
	if detached != nil {
		h.Flags |= chain.FlagDetached
		h.DetachedLen, h.DetachedHash = uint32(len(detached)), chain.DetachedHash(detached)
	}
	h.SignerKeyID, h.KeyEpoch = s.key.ID(), s.epoch
	r := chain.Record{Header: h.Append(nil), Payload: payload, Detached: detached}
	r.Signature = s.sign(s.key, chain.ContextEvent, r.Header)
	s.records = append(s.records, r)
	s.head = chain.Head{Next: h.Seq + 1, Hash: r.Hash(), TimeUS: h.TimeUS}
}

func (s *scribe) bundle(t *testing.T) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := chain.NewBundleWriter(&b, s.header)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range s.records {
		at, err := r.Index()
		if err != nil {
			t.Fatal(err)
		}
		if err := w.WriteEvent(at.Seq, r); err != nil {
			t.Fatal(err)
		}
	}
	return b.Bytes()
}

// restored returns the chain as it goes on from a backup that lacks the last record.
func (s scribe) restored() scribe {
	s.t.Helper()
	kept := s.records[4]
	l := chain.Loss{
		LogID: s.header.LogID, Tenant: s.header.TenantID, TenantIndex: 1, KeyEpoch: s.epoch, KeyID: s.key.ID(),
		From: 5, Kept: kept.Hash(), To: 5, Lost: s.head.Hash,
	}.Append(nil)
	p := chain.Restored{KeyCert: append(l, s.sign(s.root, chain.ContextRecovery, l)...), MissingFromSeq: 5, MissingToSeq: 5}
	s.records = slices.Clone(s.records[:5])
	s.append(chain.Header{Flags: chain.FlagRecovery, AggregateKind: 1, AggregateID: s.header.TenantID, EventType: chain.TypeRestored}, p.Payload(), nil)
	s.header.ToSeq = 6
	return s
}

// anchored returns the bundle with a second anchor of the chain, beside a system chain
// of whatever hash.
func (s *scribe) anchored(t *testing.T, system byte) []byte {
	t.Helper()
	var heads chain.Heads
	heads.Set(chain.Leaf{Next: 2, Hash: chain.Hash{system}})
	heads.Set(chain.Leaf{Index: 1, Tenant: s.header.TenantID, Next: 1, Hash: s.records[0].Hash()})
	first := chain.Anchor{LogID: s.header.LogID, TimeUS: s.header.CreatedUS, TotalEvents: 3, Tenants: 2, HeadsRoot: heads.Root()}
	heads.Set(chain.Leaf{Index: 1, Tenant: s.header.TenantID, Next: s.head.Next, Hash: s.head.Hash})
	second := chain.Anchor{
		LogID: s.header.LogID, Number: 1, Prev: first.Hash(), TimeUS: s.header.CreatedUS + 1e6, TotalEvents: 8, Tenants: 2, HeadsRoot: heads.Root(),
	}
	c := chain.Checkpoint{Origin: s.header.Origin, Size: 2, Root: chain.AnchorsTree.Node(first.TreeHash(), second.TreeHash())}
	b := bytes.NewBuffer(s.bundle(t))
	line := chain.Proof{
		Record: second.Append(nil), TenantIndex: 1, HeadsPath: heads.Path(1), TlogIndex: 1, TlogPath: []chain.Hash{first.TreeHash()},
		Checkpoint: c.Note(s.root.Public(), s.sign(s.root, chain.ContextCheckpoint, c.Text())),
	}
	b.Write(line.Append(nil))
	return b.Bytes()
}

// A state that another program wrote, or that is damaged, is refused.
func TestStateRefused(t *testing.T) {
	key := base64.StdEncoding.EncodeToString(chain.NewSigningKey(&[32]byte{1}).Public().Bytes())
	hash := strings.Repeat("ab", 32)
	good := `{"version":1,"log_id":"` + hash + `","pinned":true,"tenant_id":"00000000-0000-0000-0000-000000000001","tenant_index":1,` +
		`"seq":5,"head_hash":"` + hash + `","time_us":1,"public_key":"` + key + `","key_epoch":1}`
	v, err := decodeState([]byte(good))
	if err != nil || v.State.Head.Next != 6 || !v.Pinned || v.State.TenantIndex != 1 || v.State.Key == nil {
		t.Fatalf("got %+v, %v", v, err)
	}
	for old, changed := range map[string]string{
		`"version":1`:           `"version":2`,
		`"log_id":"ab`:          `"log_id":"xb`,
		`"head_hash":"ab`:       `"head_hash":"`,
		`"tenant_id":"0`:        `"tenant_id":"`,
		`"public_key":"`:        `"public_key":"AAAA`,
		`"key_epoch":1`:         `"key_epoch":0`,
		`"seq":5`:               `"seq":-5`,
		`"time_us":1`:           `"time_us":1,"more":1`,
		`{"version"`:            `{}{"version"`,
		`"key_epoch":1}`:        `"key_epoch":1}{}`,
		`"seq":5,"head_hash":"`: `"seq":18446744073709551615,"head_hash":"`,
	} {
		if _, err := decodeState([]byte(strings.Replace(good, old, changed, 1))); err == nil {
			t.Errorf("%s was taken", changed)
		}
	}
}
