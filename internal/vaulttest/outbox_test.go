package vaulttest_test

import (
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/quantaseal/quantaseal/commands"
	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/eventstore"
	"github.com/quantaseal/quantaseal/internal/vaulttest"
	"github.com/quantaseal/quantaseal/migrations"
)

// settled waits until every letter that follows from what is in the log was sent,
// or is in the outbox.
func settled(t testing.TB, v *vaulttest.Vault) {
	t.Helper()
	var last, at eventstore.Position
	for {
		facts, err := v.Log.Read(t.Context(), at, 256)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range facts {
			_, erased := f.Event.(domain.SubjectErased)
			if at = f.Position; erased || commands.TellsSomebody(f.Event) {
				last = at
			}
		}
		if len(facts) == 0 {
			break
		}
	}
	for deadline := time.Now().Add(time.Minute); position(t, v) < last; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("letters are due\n%s", v.Logs)
		}
	}
}

// position returns how far the letters of a vault have come.
func position(t testing.TB, v *vaulttest.Vault) (at eventstore.Position) {
	t.Helper()
	if err := v.Queries.DB.QueryRow(`SELECT position FROM reactors WHERE reactor = 'letters/1'`).Scan(&at); err != nil {
		t.Fatal(err)
	}
	return at
}

// outbox returns the files in a vault's outbox, by name, and when each was written.
func outbox(t *testing.T, v *vaulttest.Vault) map[string]time.Time {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(v.Data, "outbox", "*"))
	if err != nil {
		t.Fatal(err)
	}
	list := map[string]time.Time{}
	for _, path := range files {
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		list[filepath.Base(path)] = info.ModTime()
	}
	return list
}

// TestOutboxOutlivesTheProcess ends the node between facts and the files of their
// letters, and then between the files and the note that they are there. No letter is
// lost, no file is written twice that is still there, and of one that was taken on
// meanwhile the second writing shows in the log.
func TestOutboxOutlivesTheProcess(t *testing.T) {
	t.Parallel()
	vaulttest.Engines(t, func(t *testing.T, v *vaulttest.Vault) {
		again := func() {
			t.Helper()
			v.Stop()
			v = vaulttest.Start(t, v.Config)
		}
		a := v.Register(t, "owner@example.com")
		settled(t, v)
		began, dir := position(t, v), filepath.Join(v.Data, "outbox")
		if err := os.WriteFile(dir, nil, 0o600); err != nil { // no letter can be written now
			t.Fatal(err)
		}
		v.As("").Must(t, http.StatusAccepted, http.MethodPost, authPath+"password/forgot", map[string]string{"email": a.Email})
		a.Token.Must(t, http.StatusCreated, http.MethodPost, usersPath+"/invite", map[string]string{"email": "new@example.com", "role": "viewer"})
		gone := invite(t, a, "gone@example.com", "viewer")
		a.Token.Must(t, http.StatusConflict, http.MethodPost, usersPath+"/invite", map[string]string{"email": a.Email, "role": "viewer"})
		v.Stop() // what it could not write is nowhere but in the log
		if err := os.Remove(dir); err != nil {
			t.Fatal(err)
		}
		v = vaulttest.Start(t, v.Config)
		settled(t, v)
		files := outbox(t, v)
		if kinds := kindsOf(files); !slices.Equal(kinds, []string{"invitation", "invitation", "reset"}) {
			t.Fatalf("the outbox holds %v", files)
		}
		for name := range files {
			if !strings.Contains(v.Logs.String(), name) {
				t.Errorf("the log does not name %s", name)
			}
		}
		again()
		settled(t, v)
		if !maps.Equal(outbox(t, v), files) {
			t.Errorf("after another start there are %v", outbox(t, v))
		}

		// The node dies before it noted that they are there, and one was taken on.
		taken := ""
		for name := range files {
			if strings.HasPrefix(name, "reset-") {
				taken = name
			}
		}
		v.Stop()
		if err := os.Remove(filepath.Join(dir, taken)); err != nil {
			t.Fatal(err)
		}
		setBack(t, v, began)
		v = vaulttest.Start(t, v.Config)
		settled(t, v)
		for name, written := range outbox(t, v) {
			if name != taken && written != files[name] {
				t.Errorf("%s was written again", name)
			}
		}
		if _, ok := outbox(t, v)[taken]; !ok || !strings.Contains(v.Logs.String(), `"a letter is in the outbox" file=`+taken) {
			t.Errorf("of a second %s the log says nothing:\n%s", taken, v.Logs)
		}
		v.As("").Must(t, http.StatusOK, http.MethodPost, authPath+"password/reset",
			map[string]string{"token": proofIn(t, letters(t, v, "reset")[0]), "password": otherPassword})
		settled(t, v)

		// A person who was erased has no letters, also when only the log remembers that.
		owner := tokensOf(t, v.As("").Must(t, http.StatusOK, http.MethodPost, authPath+"login", credentials(a.Email, otherPassword)))
		v.As(owner.Token).Must(t, http.StatusOK, http.MethodPost, usersPath+"/"+gone.ID+"/erase", nil)
		settled(t, v)
		v.Stop()
		left := filepath.Join(dir, "invitation-"+gone.ID+"-01000000-0000-0000-0000-000000000000.eml")
		if err := os.WriteFile(left, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		setBack(t, v, began)
		v = vaulttest.Start(t, v.Config)
		settled(t, v)
		for name := range outbox(t, v) {
			if strings.Contains(name, gone.ID) {
				t.Errorf("%s is there", name)
			}
		}
		if strings.Contains(v.Logs.String(), "example.com") {
			t.Error("the log holds an address")
		}
	})
}

// setBack makes the letters of a stopped vault begin again at a position.
func setBack(t *testing.T, v *vaulttest.Vault, at eventstore.Position) {
	t.Helper()
	db := underneath(t, v.Config, migrations.Views)
	change(t, db, `UPDATE reactors SET position = $1 WHERE reactor = 'letters/1'`, int64(at))
}

func kindsOf(files map[string]time.Time) (kinds []string) {
	for name := range files {
		kind, _, _ := strings.Cut(name, "-")
		kinds = append(kinds, kind)
	}
	slices.Sort(kinds)
	return kinds
}
