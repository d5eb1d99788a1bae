package vaulttest_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/quantaseal/quantaseal/cmd/quantaseal/node"
	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/eventstore"
	"github.com/quantaseal/quantaseal/eventstore/anchors"
	"github.com/quantaseal/quantaseal/eventstore/chain"
	"github.com/quantaseal/quantaseal/internal/vaulttest"
	"github.com/quantaseal/quantaseal/migrations"
)

// recovered has the operator go on from the database as it is.
func (s *scene) recovered(t *testing.T) ([]anchors.Loss, error) {
	t.Helper()
	n, err := node.Open(t.Context(), s.config, node.Options{Version: "test", Logger: slog.New(slog.DiscardHandler), Recovering: true})
	if err != nil {
		return nil, err
	}
	defer func() { _ = n.Close() }()
	return n.Recover(context.WithoutCancel(t.Context()))
}

// An old database is refused until the operator gives up what it has lost. Then the
// vault works again, its read models say what the log says, and whoever verifies the
// chain is shown the lost range for ever; whoever verified it before is told.
func TestOldDatabaseIsRecovered(t *testing.T) {
	t.Parallel()
	scenes(t, func(t *testing.T, s *scene) {
		s.cut(t, `pos > $1`, int64(s.middle)) // and the read models know of what is gone
		kept, lost := s.heads0[s.tenant].Next, s.heads[s.tenant].Next-1
		s.refused(t, s.tenant, kept, "V23")
		losses, err := s.recovered(t)
		if err != nil || len(losses) != 2 || losses[0].From != kept || losses[0].Next != lost+1 {
			t.Fatalf("got %+v, %v", losses, err)
		}
		v := vaulttest.Start(t, s.config)
		c := v.As(s.account.Key)
		c.Must(t, http.StatusOK, http.MethodGet, "/health", nil)
		entry := (&vaulttest.Account{Client: c}).Seal(t, "again", `{"k":"v"}`)
		c.Must(t, http.StatusOK, http.MethodGet, "/api/v2/vault/"+entry.CredentialID, nil)
		var names []struct{ Name string }
		c.Must(t, http.StatusOK, http.MethodGet, "/api/v2/vault/list", nil).Into(t, &names)
		if len(names) != 1 || names[0].Name != "again" {
			t.Errorf("the vault lists %+v", names)
		}

		logID := v.Ring.LogID()
		for range 2 { // before the next start and after it
			body := fmt.Sprintf(`{"format":"bundle","checkpoint_size":%d}`, s.verified.Checkpoint.Size)
			bundle := v.As(s.account.Key).Must(t, http.StatusOK, http.MethodPost, "/api/v2/audit/export", body).Body
			summary, found := verify(t, bundle, chain.Options{LogID: &logID})
			if diff := cmp.Diff([]chain.Range{{From: kept, To: lost}}, summary.Lost); diff != "" || len(found) > 0 || summary.Anchored.Checkpoint.Size == 0 {
				t.Errorf("an auditor sees %+v, %v, lost (-want +got):\n%s", summary, found, diff)
			}
			summary, found = verify(t, bundle, chain.Options{From: &s.verified})
			if len(found) != 1 || found[0].Check != "V28" || found[0].Seq != lost || found[0].Tenant != s.tenant.ID || summary.Unlinked {
				t.Errorf("an auditor who saw the first story finds %v", found)
			}
			v.Stop()
			v = vaulttest.Start(t, s.config)
		}
		c = v.As(s.account.Key)
		var rows []struct {
			Seq       uint64
			EventType string `json:"event_type"`
			ActorType string `json:"actor_type"`
			Metadata  struct {
				From uint64 `json:"missing_from_seq"`
				To   uint64 `json:"missing_to_seq"`
			}
		}
		c.Must(t, http.StatusOK, http.MethodGet, "/api/v2/audit/logs?event_type=CHAIN_RESTORED", nil).Into(t, &rows)
		if len(rows) != 1 || rows[0].Seq != lost+1 || rows[0].ActorType != "operator" || rows[0].Metadata.From != kept || rows[0].Metadata.To != lost {
			t.Errorf("the log says %+v", rows)
		}
		for seq, want := range map[uint64]int{0: http.StatusOK, kept: http.StatusNotFound, lost: http.StatusNotFound, lost + 1: http.StatusOK, lost + 2: http.StatusOK} {
			c.Must(t, want, http.MethodGet, fmt.Sprintf("/api/v2/audit/proof/%d", seq), nil)
		}
		if differs, err := v.Rebuild(t.Context()); err != nil || len(differs) > 0 {
			t.Errorf("the read models are not what the log says: %v, %v", differs, err)
		}
		if found, err := v.Anchors.Compare(t.Context()); err != nil || len(found) > 0 {
			t.Errorf("the anchors find %v, %v", found, err)
		}
	})
}

// What is no older state of the log is not gone on from: records taken out of its
// middle, and a log with nothing in it.
func TestNoRecoveryWithoutABackup(t *testing.T) {
	t.Parallel()
	scenes(t, func(t *testing.T, s *scene) {
		s.cut(t, `tenant_id = $1 AND seq > 0`, s.tenant.ID[:])
		if losses, err := s.recovered(t); !errors.Is(err, eventstore.ErrTampered) {
			t.Errorf("got %+v, %v", losses, err)
		}
		s.refused(t, s.tenant, 1, "V23")
		s.cut(t, `pos > 0`)
		if losses, err := s.recovered(t); err == nil {
			t.Errorf("an empty log was gone on from: %+v", losses)
		}
	})
}

// Whoever owns the database but not the root key replaces a chain's signing key and
// signs everything anew.
func TestResignedChainIsDetected(t *testing.T) {
	t.Parallel()
	scenes(t, func(t *testing.T, s *scene) {
		s.rewrite(t, resigned(t, s.records(t)))
		s.refused(t, s.tenant, s.heads[s.tenant].Next-1, "V19")
		found := s.found(t, s.tenant, chain.Options{})
		if len(found) == 0 || found[0].Check != "V15" || found[0].Seq != 0 || found[0].Tenant != s.tenant.ID {
			t.Errorf("the bundle, with no pin and no receipt at hand, gives %v", found)
		}
	})
}

// Another tenant's event stands on a chain.
func TestForeignEventIsDetected(t *testing.T) {
	t.Parallel()
	scenes(t, func(t *testing.T, s *scene) {
		other := tenantID(t, s.other.TenantID)
		seq := min(s.heads[s.tenant].Next, s.heads[other].Next) - 1
		s.cut(t, `tenant_id = $1 AND seq > $2`, s.tenant.ID[:], int64(seq))
		last := s.records(t)[seq]
		theirs := s.recordsOf(t, other)[seq]
		theirs.seq = last.seq
		s.rewrite(t, []row{theirs})
		s.refused(t, s.tenant, s.heads[s.tenant].Next-1, "V14")
		v := vaulttest.Start(t, s.config)
		defer v.Stop()
		if _, err := v.Log.At(t.Context(), s.tenant, seq); !errors.Is(err, eventstore.ErrTampered) {
			t.Errorf("the event is read: %v", err)
		}
	})
}

// row is a record as whoever owns the database sees it.
type row struct {
	seq int64
	chain.Record
}

func (s *scene) records(t *testing.T) []row { t.Helper(); return s.recordsOf(t, s.tenant) }

func (s *scene) recordsOf(t *testing.T, tenant domain.TenantID) (all []row) {
	t.Helper()
	db := underneath(t, s.config, migrations.Events)
	defer func() { _ = db.Close() }()
	rows, err := db.QueryContext(t.Context(), `SELECT seq, header, payload, detached, signature FROM events WHERE tenant_id = $1 ORDER BY seq`, tenant.ID[:])
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var r row
		if err := rows.Scan(&r.seq, &r.Header, &r.Payload, &r.Detached, &r.Signature); err != nil {
			t.Fatal(err)
		}
		all = append(all, r)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return all
}

// rewrite replaces records of the tenant's chain.
func (s *scene) rewrite(t *testing.T, all []row) {
	t.Helper()
	s.forced(t, func(statement func(string, ...any)) {
		for _, r := range all {
			statement(`UPDATE events SET header = $1, payload = $2, detached = $3, signature = $4 WHERE tenant_id = $5 AND seq = $6`,
				r.Header, r.Payload, r.Detached, r.Signature, s.tenant.ID[:], r.seq)
			if hash := r.Hash(); s.config.DatabaseURL != "" {
				statement(`UPDATE events SET hash = $1 WHERE tenant_id = $2 AND seq = $3`, hash[:], s.tenant.ID[:], r.seq)
			}
		}
	})
}

// resigned returns a chain under another audit key, which only itself certifies.
func resigned(t *testing.T, all []row) []row {
	t.Helper()
	key := chain.NewSigningKey(&[chain.SeedSize]byte{7})
	prev := chain.Hash{}
	for i := range all {
		h, err := chain.ParseHeader(all[i].Header)
		if err != nil {
			t.Fatal(err)
		}
		sign := func(purpose string, message []byte) []byte {
			signature, err := key.Sign(purpose, message)
			if err != nil {
				t.Fatal(err)
			}
			return signature
		}
		if i == 0 {
			g, err := chain.ParseGenesis(all[i].Payload)
			if err != nil {
				t.Fatal(err)
			}
			cert := chain.Certificate{LogID: h.LogID, Tenant: h.Tenant, TenantIndex: g.TenantIndex, KeyEpoch: 1, KeyID: key.ID()}.Append(nil)
			g.KeyCert, g.PublicKey = append(cert, sign(chain.ContextKeyCert, cert)...), key.Public().Bytes()
			all[i].Payload = g.Payload()
			h.PayloadLen, h.PayloadHash = uint32(len(all[i].Payload)), chain.PayloadHash(all[i].Payload)
		} else {
			h.Prev = prev
		}
		h.SignerKeyID = key.ID()
		all[i].Header = h.Append(nil)
		all[i].Signature, prev = sign(chain.ContextEvent, all[i].Header), all[i].Hash()
	}
	return all
}
