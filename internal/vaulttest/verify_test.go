package vaulttest_test

import (
	"bytes"
	"database/sql"
	"net/http"
	"strings"
	"testing"

	"github.com/quantaseal/quantaseal/cmd/quantaseal/node"
	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/eventstore"
	"github.com/quantaseal/quantaseal/internal/vaulttest"
	stored "github.com/quantaseal/quantaseal/internal/verify"
	"github.com/quantaseal/quantaseal/migrations"
)

const verifyPath = "/api/v2/audit/verify"

// tampering is a vault whose databases somebody changes.
type tampering struct {
	*scene
	v             *vaulttest.Vault
	rotated, kept domain.EntryID // superseded, and live
	ended         domain.EntryID
}

// verified returns what a verification of the tenant finds, by check.
func (s *tampering) verified(t *testing.T) (r stored.Report, found string) {
	t.Helper()
	r, err := s.v.Verifier.Tenant(t.Context(), s.tenant, stored.Options{Orphans: true})
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range r.Findings {
		if f.Tenant != s.tenant.ID {
			t.Errorf("a finding about %x: %v", f.Tenant, f)
		}
		found += f.Check + " " + f.Detail + "\n"
	}
	return r, found
}

// A verification finds whatever was changed beneath the vault, and names where. What is
// put back is not found any more.
func TestVerificationFindsTampering(t *testing.T) {
	t.Parallel()
	play := func(t *testing.T, c node.Config) {
		t.Helper()
		var ahead clock
		v := vaulttest.StartAt(t, c, ahead.now)
		a := v.Register(t, "owner@example.com")
		s := &tampering{v: v, scene: &scene{config: v.Config, account: a, tenant: tenantID(t, a.TenantID)}}
		entry := func(e vaulttest.Entry) domain.EntryID {
			reference, err := domain.ParseReference(e.EntryID)
			if err != nil {
				t.Fatal(err)
			}
			return reference
		}
		live := a.Seal(t, "live", `{"k":"v"}`)
		s.rotated = entry(live)
		records := underneath(t, s.config, migrations.Records)
		keys := underneath(t, s.config, migrations.Keys)
		views := underneath(t, s.config, migrations.Views)
		lost := copied(t, records, keys) // the version that will be superseded
		var next vaulttest.Entry
		a.Must(t, http.StatusOK, http.MethodPost, vaultPath+"rotate/"+live.ID, `{}`).Into(t, &next)
		s.kept = s.rotated.Credential().Entry(2)
		gone := a.Seal(t, "gone", `{"k":"v"}`)
		s.ended = entry(gone)
		a.Must(t, http.StatusOK, http.MethodDelete, vaultPath+gone.ID, nil)
		if err := v.Anchors.Pass(t.Context()); err != nil {
			t.Fatal(err)
		}
		if r, found := s.verified(t); !r.Sound() || r.Events == 0 || r.Rows < r.Events || r.Anchored != r.Events || r.Behind {
			t.Fatalf("before anybody changed anything: %+v\n%s", r, found)
		}
		head := s.records(t)
		last := head[len(head)-1]
		flipped := func(b []byte) []byte {
			b = bytes.Clone(b)
			b[len(b)/2] ^= 1
			return b
		}
		event := func(column string, value any, seq int64) func(t *testing.T) {
			return func(t *testing.T) {
				t.Helper()
				s.forced(t, func(statement func(string, ...any)) {
					statement(`UPDATE events SET `+column+` = $1 WHERE tenant_id = $2 AND seq = $3`, value, s.tenant.ID[:], seq)
				})
			}
		}
		stmt := func(db *sql.DB, text string, args ...any) func(t *testing.T) {
			return func(t *testing.T) { t.Helper(); run(t, db, text, args...) }
		}
		current := copied(t, records, keys)
		stranger, credential := bytes.Repeat([]byte{7}, 32), s.rotated.Credential().ID
		for name, c := range map[string]struct {
			tamper, undo func(t *testing.T)
			want         string // a part of the first finding
		}{
			"payload":   {event("payload", flipped(head[3].Payload), 3), event("payload", head[3].Payload, 3), "V9 "},
			"signature": {event("signature", flipped(head[4].Signature), 4), event("signature", head[4].Signature, 4), "V13 "},
			"id column": {event("event_id", bytes.Repeat([]byte{9}, 16), last.seq), event("event_id", last.Header[96:112], last.seq), "V14 "},
			"detached": {
				event("detached", nil, firstDetached(t, head)), event("detached", head[firstDetached(t, head)].Detached, firstDetached(t, head)), "V10 ",
			},
			"row of the read model changed": {
				stmt(views, `UPDATE credentials SET name = 'other' WHERE tenant_id = $1 AND name = 'live'`, s.tenant.ID[:]),
				stmt(views, `UPDATE credentials SET name = 'live' WHERE tenant_id = $1 AND name = 'other'`, s.tenant.ID[:]),
				"V29 credentials: a row of the read model is changed: " + s.kept.Credential().String(),
			},
			"right granted in the read model": {
				stmt(views, `UPDATE users SET role = 'viewer' WHERE tenant_id = $1`, s.tenant.ID[:]),
				stmt(views, `UPDATE users SET role = 'owner' WHERE tenant_id = $1`, s.tenant.ID[:]),
				"V29 users: a row of the read model is changed",
			},
			"row of the read model moved": {
				stmt(views, `UPDATE audit_index SET seq = 100000 WHERE tenant_id = $1 AND seq = 5`, s.tenant.ID[:]),
				stmt(views, `UPDATE audit_index SET seq = 5 WHERE tenant_id = $1 AND seq = 100000`, s.tenant.ID[:]),
				"V29 audit_index: a row of the read model is missing\nV29 audit_index: a row of the read model is extra",
			},
			"record": {
				stmt(records, `UPDATE sealed_records SET record = $1 WHERE record_hash = $2`, flipped(current.record), current.hash),
				stmt(records, `UPDATE sealed_records SET record = $1 WHERE record_hash = $2`, current.record, current.hash),
				"V31 " + s.kept.String() + ": the record or its key slot is not",
			},
			"slot": {
				stmt(keys, `UPDATE key_slots SET slot = $1 WHERE record_hash = $2`, flipped(current.slot), current.hash),
				stmt(keys, `UPDATE key_slots SET slot = $1 WHERE record_hash = $2`, current.slot, current.hash),
				"V31 " + s.kept.String() + ": the record or its key slot is not",
			},
			"slot gone": {
				stmt(keys, `UPDATE key_slots SET record_hash = $1 WHERE record_hash = $2`, stranger, current.hash),
				stmt(keys, `UPDATE key_slots SET record_hash = $2 WHERE record_hash = $1`, stranger, current.hash),
				"V31 " + s.kept.String() + ": the record or its key slot is gone",
			},
			"destroyed slot back": {
				stmt(keys, `INSERT INTO key_slots (tenant_id, record_hash, kept_us, slot) VALUES ($1, $2, 1, $3)`, s.tenant.ID[:], lost.hash, lost.slot),
				stmt(keys, `DELETE FROM key_slots WHERE record_hash = $1`, lost.hash),
				"V32 " + s.rotated.String() + ": its key slot is there",
			},
			"destroyed record back": {
				stmt(records, `INSERT INTO sealed_records (tenant_id, credential_id, record_hash, kem_key_id, kept_us, record) VALUES ($1, $2, $3, $3, 1, $4)`,
					s.tenant.ID[:], credential[:], lost.hash, lost.record),
				stmt(records, `DELETE FROM sealed_records WHERE record_hash = $1`, lost.hash),
				"V32 " + s.rotated.String() + ": its record is there",
			},
			"record of nobody": {
				stmt(records, `INSERT INTO sealed_records (tenant_id, credential_id, record_hash, kem_key_id, kept_us, record) VALUES ($1, $2, $3, $3, 1, $3)`,
					s.tenant.ID[:], credential[:], stranger),
				stmt(records, `DELETE FROM sealed_records WHERE record_hash = $1`, stranger), "V34 a record is kept that no fact names",
			},
			"slot of nobody": {
				stmt(keys, `INSERT INTO key_slots (tenant_id, record_hash, kept_us, slot) VALUES ($1, $2, 1, $3)`, s.tenant.ID[:], stranger, lost.slot),
				stmt(keys, `DELETE FROM key_slots WHERE record_hash = $1`, stranger), "V34 a key slot is kept that no fact names",
			},
		} {
			c.tamper(t)
			if r, found := s.verified(t); r.Sound() || !strings.HasPrefix(found, c.want) {
				t.Errorf("%s: found %q, want %q", name, found, c.want)
			}
			c.undo(t)
			if r, found := s.verified(t); !r.Sound() {
				t.Fatalf("%s, put back: found %q", name, found)
			}
		}
		nobody := bytes.Repeat([]byte{0xee}, 16)
		run(t, views, `INSERT INTO users (tenant_id, user_id, account_ref, role, verified, registered_seq, registered_at) VALUES ($1, $1, $1, 'owner', 1, 1, 1)`, nobody)
		r, err := v.Verifier.Tenant(t.Context(), domain.TenantID{}, stored.Options{})
		if err != nil || r.State != 1 || r.Chain != 0 || !strings.HasSuffix(r.Findings[0].Detail, "of a tenant that no fact added: "+domain.ID(nobody).String()) {
			t.Errorf("rows of nobody: %+v, %v", r, err)
		}
		run(t, views, `DELETE FROM users WHERE tenant_id = $1`, nobody)
		s.late(t, &ahead)
		s.asked(t)
	}
	t.Run("sqlite", func(t *testing.T) { t.Parallel(); play(t, node.Config{}) })
	t.Run("postgres", func(t *testing.T) { t.Parallel(); play(t, node.Config{DatabaseURL: vaulttest.Postgres(t)}) })
}

// late ends a credential whose keys nobody destroys, as a crash would.
func (s *tampering) late(t *testing.T, c *clock) {
	t.Helper()
	id := domain.AggregateID{Kind: domain.KindCredential, ID: s.kept.Credential().ID}
	by := domain.System(s.tenant, domain.RequestID{ID: domain.ID{1}})
	fact := eventstore.Fact{Event: domain.CredentialDeleted{EntryID: s.kept}, Aggregate: id, Changes: true, Version: 2}
	if _, err := s.v.Log.Append(t.Context(), by, fact); err != nil {
		t.Fatal(err)
	}
	if r, found := s.verified(t); !r.Sound() {
		t.Errorf("just now: found %q", found)
	}
	c.forward(2 * stored.Grace)
	want := "V33 " + s.kept.String() + ": it is over since"
	if r, found := s.verified(t); r.State != 1 || !strings.HasPrefix(found, want) {
		t.Errorf("found %q, want %q", found, want)
	}
	if err := s.v.Reconciler.Run(t.Context(), domain.RequestID{ID: domain.ID{2}}); err != nil {
		t.Fatal(err)
	}
	if r, found := s.verified(t); !r.Sound() {
		t.Errorf("after the reconciler: found %q", found)
	}
}

// asked has a caller of the API verify, who is told what is on the record, and not too often.
func (s *tampering) asked(t *testing.T) {
	t.Helper()
	w := watch(t, s.v, s.account.TenantID)
	c := s.v.As(s.account.Key)
	answer := c.Must(t, http.StatusOK, http.MethodGet, verifyPath, nil)
	var told struct {
		Valid    bool
		Events   uint64
		ToSeq    uint64 `json:"to_seq"`
		HeadHash string `json:"head_hash"`
		Rows     uint64 `json:"rows_compared"`
		Findings []any
	}
	answer.Into(t, &told)
	facts := w.receipted(t, answer, "CHECKPOINT_PUBLISHED", "PROJECTION_RECONCILED", "AUDIT_CHAIN_VERIFIED")
	verified, _ := facts[2].Event.(domain.AuditChainVerified)
	reconciled, _ := facts[1].Event.(domain.ProjectionReconciled)
	if !told.Valid || told.Events != told.ToSeq+1 || verified.To != told.ToSeq || verified.HeadHash.String() != told.HeadHash ||
		reconciled.Rows != told.Rows || reconciled.Mismatches != 0 || facts[2].Header.ActorKind != uint8(domain.ActorKey) {
		t.Errorf("told %+v, recorded %+v and %+v", told, verified, reconciled)
	}
	again := c.Do(t, http.MethodGet, verifyPath, nil)
	if again.Status != http.StatusTooManyRequests || again.Header.Get("Retry-After") == "" {
		t.Errorf("asked again at once: %d %s", again.Status, again.Body)
	}
	w.saw(t)
}

// sealedCopy is a record with its slot, as whoever reads the databases has it.
type sealedCopy struct{ hash, record, slot []byte }

// copied returns the newest one.
func copied(t *testing.T, records, keys *sql.DB) (c sealedCopy) {
	t.Helper()
	err := records.QueryRowContext(t.Context(), `SELECT record_hash, record FROM sealed_records ORDER BY id DESC LIMIT 1`).Scan(&c.hash, &c.record)
	if err == nil {
		err = keys.QueryRowContext(t.Context(), `SELECT slot FROM key_slots WHERE record_hash = $1`, c.hash).Scan(&c.slot)
	}
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func firstDetached(t *testing.T, all []row) int64 {
	t.Helper()
	for _, r := range all {
		if r.Detached != nil {
			return r.seq
		}
	}
	t.Fatal("nothing has a detached part")
	return 0
}
