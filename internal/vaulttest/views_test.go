package vaulttest_test

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/quantaseal/quantaseal/internal/vaulttest"
)

// TestViewsAreWhatTheLogSays lives with a vault for a while, from several sides
// at once, and folds its read models again from what is stored: not a row differs
// from what was folded from facts as they were appended.
func TestViewsAreWhatTheLogSays(t *testing.T) {
	t.Parallel()
	vaulttest.Engines(t, func(t *testing.T, v *vaulttest.Vault) {
		var group sync.WaitGroup
		for n := range 3 {
			a := v.Register(t, fmt.Sprintf("marker-address-%d@example.com", n))
			for m := range 2 {
				group.Go(func() { wander(t, a, rand.New(rand.NewPCG(uint64(n), uint64(m)))) })
			}
		}
		group.Wait()
		differ, err := v.Rebuild(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if len(differ) > 0 {
			t.Errorf("not what the log says: %v", differ)
		}
		if _, err := v.Views.DB.Exec(`UPDATE credentials SET name = 'another' WHERE created_seq = (SELECT MIN(created_seq) FROM credentials)`); err != nil {
			t.Fatal(err)
		}
		if differ, err = v.Rebuild(t.Context()); err != nil || len(differ) != 1 || differ[0] != "credentials" {
			t.Errorf("a changed row: found %v, %v", differ, err)
		}
		holdsNone(t, v, vaulttest.Password, "marker-address", "marker-value", "127.0.0.1")
	})
}

// wander makes requests of all kinds, some of which are refused.
func wander(t *testing.T, a *vaulttest.Account, random *rand.Rand) {
	var ids []string
	for range 25 {
		id := "cred_" + strings.Repeat("0", 32)
		if len(ids) > 0 {
			id = ids[random.IntN(len(ids))]
		}
		var method, path, body string
		switch random.IntN(9) {
		case 0, 1, 2:
			var e vaulttest.Entry
			a.Must(t, http.StatusCreated, http.MethodPost, sealPath,
				`{"name":"a <b> & c","values":{"v":"marker-value"},"metadata":{ "z" : "<&>", "a":[1, 2.50] },"ttl_days":30}`).Into(t, &e)
			ids = append(ids, e.CredentialID, e.ID)
			continue
		case 3, 4:
			method, path = http.MethodPost, "unseal/"+id
		case 5:
			method, path, body = http.MethodPost, "rotate/"+id, `{}`
		case 6:
			method, path = http.MethodDelete, "entries/"+id
		case 7:
			method, path = http.MethodPost, id+"/restore"
		case 8:
			method, path = http.MethodDelete, id
		}
		if answer := a.Do(t, method, vaultPath+path, body); answer.Status >= 500 {
			t.Errorf("%s %s: got %d %s", method, path, answer.Status, answer.Body)
		}
	}
}

// holdsNone looks for marks in every column of every read model.
func holdsNone(t *testing.T, v *vaulttest.Vault, marks ...string) {
	t.Helper()
	for _, p := range v.Views.Projections {
		for _, table := range p.Tables() {
			rows, err := v.Views.DB.Query(`SELECT * FROM ` + table)
			if err != nil {
				t.Fatal(err)
			}
			columns, err := rows.Columns()
			if err != nil {
				t.Fatal(err)
			}
			values, targets := make([]any, len(columns)), make([]any, len(columns))
			for i := range values {
				targets[i] = &values[i]
			}
			for rows.Next() {
				if err := rows.Scan(targets...); err != nil {
					t.Fatal(err)
				}
				for _, mark := range marks {
					if strings.Contains(fmt.Sprintf("%s", values), mark) {
						t.Errorf("%s holds %s", table, mark)
					}
				}
			}
			if err := rows.Err(); err != nil {
				t.Fatal(err)
			}
			_ = rows.Close()
		}
	}
}
