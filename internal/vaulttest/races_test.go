package vaulttest_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/internal/vaulttest"
)

// TestHundredClientsRotateOneCredential has all of them at once. Whoever is
// answered 200 made a version, and the value is one that somebody gave.
func TestHundredClientsRotateOneCredential(t *testing.T) {
	t.Parallel()
	vaulttest.Engines(t, func(t *testing.T, v *vaulttest.Vault) {
		a := v.Register(t, "owner@example.com")
		changed, kept := a.Seal(t, "changed", `{"n":"start"}`), a.Seal(t, "kept", `{"n":"kept"}`)
		w := watch(t, v, a.TenantID)
		var group sync.WaitGroup
		var mu sync.Mutex
		won := map[string]string{} // entry id -> value
		rotated := 0
		for n := range 100 {
			group.Go(func() {
				path, body := "rotate/"+kept.CredentialID, ""
				if n%2 == 0 {
					path, body = "entries/"+changed.ID+"/rotate", fmt.Sprintf(`{"new_plaintext":{"n":"%d"}}`, n)
				}
				answer, err := a.Try(t.Context(), http.MethodPost, vaultPath+path, body)
				var got struct{ Data vaulttest.Entry }
				if err != nil || answer.Status != http.StatusOK && answer.Status != http.StatusForbidden || json.Unmarshal(answer.Body, &got) != nil {
					t.Errorf("%s: got %d %s, %v", path, answer.Status, answer.Body, err)
					return
				}
				if answer.Status == http.StatusOK {
					mu.Lock()
					defer mu.Unlock()
					won[got.Data.NewEntryID] = fmt.Sprintf(`{"n":"%d"}`, n)
					rotated++
				}
			})
		}
		group.Wait()
		if len(won) != rotated || rotated == 0 {
			t.Errorf("%d rotations made %d versions", rotated, len(won))
		}
		facts := map[string]int{}
		for _, r := range w.since(t) {
			facts[r.Header.EventType]++
		}
		if facts["CREDENTIAL_ROTATED"] != rotated || facts["CREDENTIAL_VERSION_SHREDDED"] != rotated || len(facts) != 2 {
			t.Errorf("%d rotations were answered, recorded %v", rotated, facts)
		}
		if n := rows(t, v, "sealed_records"); n != 2 {
			t.Errorf("%d sealed records are kept, want one for each credential", n)
		}
		if n := rows(t, v, "key_slots"); n != 2 {
			t.Errorf("%d key slots are kept, want one for each credential", n)
		}
		var last vaulttest.Entry
		a.Must(t, http.StatusOK, http.MethodGet, vaultPath+changed.ID, nil).Into(t, &last)
		if got, want := string(last.Values), won[last.EntryID]; got != want || want == "" {
			t.Errorf("version %d holds %s, want %q", last.Version, got, want)
		}
		if got := value(t, a.Client, kept.ID); got != `{"n":"kept"}` {
			t.Errorf("after rotations that keep it the value is %s", got)
		}
		proven(t, v, export(t, a.Client))
	})
}

// TestNoUnsealAfterDelete deletes credentials that many read. On the chain no
// unseal comes after the delete, and no unseal that began after the delete was
// answered gets the value.
func TestNoUnsealAfterDelete(t *testing.T) {
	t.Parallel()
	vaulttest.Engines(t, func(t *testing.T, v *vaulttest.Vault) {
		a := v.Register(t, "owner@example.com")
		w := watch(t, v, a.TenantID)
		values, after := 0, 0
		for round := range 8 {
			e := a.Seal(t, "db", `{"k":"v"}`)
			var deleted atomic.Bool
			var got, late atomic.Int64
			var group sync.WaitGroup
			reading := make(chan struct{}, 8)
			for range cap(reading) {
				group.Go(func() {
					for n := 0; ; n++ {
						over := deleted.Load()
						answer, err := a.Try(t.Context(), http.MethodGet, vaultPath+e.ID, nil)
						if n == 0 {
							reading <- struct{}{}
						}
						switch {
						case err != nil:
							t.Errorf("unsealing: %v", err)
							return
						case answer.Status == http.StatusOK && over:
							t.Error("a value was given after its delete was answered")
						case answer.Status == http.StatusOK:
							got.Add(1)
						case answer.Status != http.StatusForbidden:
							t.Errorf("got %d %s", answer.Status, answer.Body)
						case over:
							late.Add(1)
							return
						}
					}
				})
			}
			for range cap(reading) / 2 {
				<-reading
			}
			method := vaultPath + e.CredentialID
			if round%2 == 1 {
				method = vaultPath + "entries/" + e.CredentialID // retiring it ends reading too
			}
			a.Must(t, http.StatusOK, http.MethodDelete, method, nil)
			deleted.Store(true)
			group.Wait()
			values, after = values+int(got.Load()), after+int(late.Load())
		}
		if values == 0 || after == 0 {
			t.Errorf("%d values were given before and %d denied after: the race proves nothing", values, after)
		}
		over, unsealed := map[domain.ID]bool{}, 0
		for _, r := range w.since(t) {
			id := domain.ID(r.Header.AggregateID)
			switch r.Event.(type) {
			case domain.CredentialDeleted, domain.CredentialRetired:
				over[id] = true
			case domain.CredentialUnsealed:
				if unsealed++; over[id] {
					t.Errorf("event %d unseals what was deleted before", r.Header.Seq)
				}
			}
		}
		if unsealed != values {
			t.Errorf("%d values were given and %d are on the record", values, unsealed)
		}
	})
}

// TestOneAddressIsClaimedOnce registers one address from many sides.
func TestOneAddressIsClaimedOnce(t *testing.T) {
	t.Parallel()
	vaulttest.Engines(t, func(t *testing.T, v *vaulttest.Vault) {
		system := watch(t, v, "")
		var group sync.WaitGroup
		var made atomic.Int64
		for n := range 12 {
			group.Go(func() {
				address := "same@example.com"
				if n >= 8 {
					address = fmt.Sprintf("other%d@example.com", n)
				}
				answer, err := v.As("").Try(t.Context(), http.MethodPost, authPath+"register",
					map[string]string{"email": address, "password": vaulttest.Password, "tenant_name": fmt.Sprintf("Tenant %d", n)})
				switch {
				case err == nil && answer.Status == http.StatusCreated:
					made.Add(1)
				case err == nil && answer.Status == http.StatusConflict && n < 8:
				default:
					t.Errorf("%s: got %d %s, %v", address, answer.Status, answer.Body, err)
				}
			})
		}
		group.Wait()
		if got := made.Load(); got != 5 {
			t.Errorf("%d registrations succeeded, want 5", got)
		}
		index := uint32(0)
		for _, r := range system.since(t) {
			if e, ok := r.Event.(domain.TenantAdded); ok {
				if index++; e.TenantIndex != index {
					t.Errorf("tenant %d has index %d", index, e.TenantIndex)
				}
			}
		}
		if index != 5 {
			t.Errorf("%d tenants were added, want 5", index)
		}
	})
}
