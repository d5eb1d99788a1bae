package vaulttest_test

import (
	"database/sql"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/internal/vaulttest"
	"github.com/quantaseal/quantaseal/migrations"
)

// hashOf returns the hash of the record that holds a credential's current value.
func hashOf(t *testing.T, a *vaulttest.Account, e vaulttest.Entry) domain.Digest {
	t.Helper()
	var rows []struct {
		RecordHash domain.Digest `json:"record_hash"`
		Current    bool          `json:"is_current"`
	}
	a.Must(t, http.StatusOK, http.MethodGet, vaultPath+e.CredentialID+"/versions", nil).Into(t, &rows)
	for _, row := range rows {
		if row.Current {
			return row.RecordHash
		}
	}
	t.Fatalf("%s has no current version", e.CredentialID)
	return domain.Digest{}
}

// sealedParts names what a value is made of: the column of each table.
var sealedParts = map[string]struct {
	set    migrations.Set
	column string
}{
	"sealed_records": {migrations.Records, "record"},
	"key_slots":      {migrations.Keys, "slot"},
}

// corrupt flips a bit at a position of a stored part, and returns what was there.
func corrupt(t *testing.T, db *sql.DB, table string, hash domain.Digest, at int) []byte {
	t.Helper()
	column := sealedParts[table].column
	var was []byte
	if err := db.QueryRowContext(t.Context(), "SELECT "+column+" FROM "+table+" WHERE record_hash = $1", hash[:]).Scan(&was); err != nil {
		t.Fatal(err)
	}
	changed := append([]byte(nil), was...)
	changed[at] ^= 0x01
	change(t, db, "UPDATE "+table+" SET "+column+" = $1 WHERE record_hash = $2", changed, hash[:])
	return was
}

// TestCorruptionIsRefusedAndRecorded flips bits all over a sealed record and its
// key slot, takes either away, and puts those of another credential in its place.
func TestCorruptionIsRefusedAndRecorded(t *testing.T) {
	t.Parallel()
	vaulttest.Engines(t, func(t *testing.T, v *vaulttest.Vault) {
		a := v.Register(t, "owner@example.com")
		e, twin := a.Seal(t, "db", `{"k":"v"}`), a.Seal(t, "db", `{"k":"v"}`)
		hash, twinHash := hashOf(t, a, e), hashOf(t, a, twin)
		w := watch(t, v, a.TenantID)
		refused := func(what string, at int) {
			t.Helper()
			if got := a.Do(t, http.MethodGet, vaultPath+e.ID, nil); got.Status != http.StatusForbidden {
				t.Errorf("%s changed at %d: got %d %s, want 403", what, at, got.Status, got.Body)
			}
			facts := w.since(t)
			var event domain.Event
			if len(facts) == 1 {
				event = facts[0].Event
			}
			entry, _ := domain.ParseReference(e.ID)
			if diff := cmp.Diff(domain.Event(domain.IntegrityViolated{Check: "sealed_record", ObjectRef: entry}), event); diff != "" {
				t.Errorf("%s changed at %d: recorded (-want +got):\n%s", what, at, diff)
			}
		}
		for table, part := range sealedParts {
			db := underneath(t, v.Config, part.set)
			restore := func(was []byte) {
				t.Helper()
				change(t, db, "UPDATE "+table+" SET "+part.column+" = $1 WHERE record_hash = $2", was, hash[:])
			}
			was := corrupt(t, db, table, hash, 0)
			step := max(1, len(was)/40)
			for at := 0; at < len(was); at += step {
				restore(was)
				corrupt(t, db, table, hash, at)
				refused(table, at)
			}
			var theirs []byte
			if err := db.QueryRowContext(t.Context(), "SELECT "+part.column+" FROM "+table+" WHERE record_hash = $1", twinHash[:]).Scan(&theirs); err != nil {
				t.Fatal(err)
			}
			restore(theirs)
			refused("another credential's "+table, 0)
			restore(was)
			change(t, db, "UPDATE "+table+" SET record_hash = $1 WHERE record_hash = $2", make([]byte, 32), hash[:])
			refused("no "+table, 0)
			change(t, db, "UPDATE "+table+" SET record_hash = $1 WHERE record_hash = $2", hash[:], make([]byte, 32))
			if got := value(t, a.Client, e.ID); got != `{"k":"v"}` {
				t.Errorf("with its %s restored it holds %s", table, got)
			}
			w.saw(t, "CREDENTIAL_UNSEALED")
		}
		if text := v.Logs.String(); strings.Contains(text, "level=ERROR") {
			t.Errorf("a refusal was logged as a fault of ours:\n%s", text)
		}
	})
}
