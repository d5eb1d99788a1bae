package main

import (
	"database/sql"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	_ "modernc.org/sqlite" // to look underneath

	"github.com/quantaseal/quantaseal/cmd/quantaseal/node"
	"github.com/quantaseal/quantaseal/domain"
)

// The command puts on the record what it verified, but for a fast run, which verified
// no signature.
func TestVerifyCommand(t *testing.T) {
	data := t.TempDir()
	args := []string{"--data", data, "--log-level", "error"}
	types := func() (names []string) {
		t.Helper()
		c := node.Config{Addr: "127.0.0.1:0", Data: data, KMS: "local"}
		n, err := node.Open(t.Context(), c, node.Options{Version: "test", Logger: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = n.Close() }()
		for r, err := range n.Log.History(t.Context(), domain.TenantID{}, 0) {
			if err != nil {
				t.Fatal(err)
			}
			names = append(names, r.Header.EventType)
		}
		return names
	}
	for _, step := range []struct {
		args []string
		want []string
	}{
		{[]string{"verify", "--fast"}, nil},
		{[]string{"verify"}, []string{"PROJECTION_RECONCILED", "AUDIT_CHAIN_VERIFIED"}},
	} {
		before := types()
		shell(t, 0, slices.Concat(args, step.args)...)
		got := types()[len(before):]
		got = slices.DeleteFunc(got, func(name string) bool { return name == "CHECKPOINT_PUBLISHED" }) // if anything was anchored
		if !slices.Equal(got, step.want) {
			t.Errorf("%v leaves %v, want %v", step.args, got, step.want)
		}
	}
	db, err := sql.Open("sqlite", "file:"+filepath.Join(data, "views.db"))
	if err != nil {
		t.Fatal(err)
	}
	_, err = db.ExecContext(t.Context(), `UPDATE audit_index SET event_type = 'OTHER' WHERE seq = 0`)
	if err != nil {
		t.Fatal(err)
	}
	_ = db.Close()
	if out := shell(t, 1, slices.Concat(args, []string{"verify"})...); !strings.Contains(out, "V29: audit_index: a row of the read model is changed") {
		t.Errorf("with a row changed it says %s", out)
	}
}
