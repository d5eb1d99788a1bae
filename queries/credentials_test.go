package queries_test

import (
	"context"
	"iter"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/queries"
)

// known is a credential as the domain folds it, with the number of its first fact.
type known struct {
	domain.Credential
	tenant domain.TenantID
	seq    uint64
	hashes []domain.Digest // of versions 1, 2, …
}

// live appends the lives of several credentials, and returns where they stand.
func (w *world) live(t *rapid.T) []known {
	var all []known
	tenants, envs := rapid.SampledFrom([]domain.TenantID{acme, other}), rapid.SampledFrom([]domain.Environment{domain.Live, domain.Test})
	for range rapid.IntRange(0, 30).Draw(t, "credentials") {
		k := known{tenant: tenants.Draw(t, "tenant")}
		k.seq = w.seqs[k.tenant]
		id, hash := domain.NewCredentialID(w.id()), w.digest()
		sealed := domain.CredentialSealed{
			EntryID: id.Entry(1), Version: 1, Environment: envs.Draw(t, "environment"), RecordHash: hash, KEMKeyID: w.digest(),
			Type: "password", Classification: "password", Algorithm: domain.SealAlgorithm, Personal: domain.CredentialLabel{Name: "db"},
		}
		if rapid.Bool().Draw(t, "expires") {
			sealed.ExpiresAt = w.now + rapid.Int64Range(1, 100).Draw(t, "ttl")*time.Second.Microseconds()
		}
		by := user(k.tenant, 1)
		w.append(by, domain.KindCredential, id.ID, sealed)
		k.Credential, k.hashes = domain.Credential{}.Evolve(sealed), []domain.Digest{hash}
		for _, step := range rapid.SliceOfN(rapid.IntRange(0, 5), 0, 4).Draw(t, "steps") {
			if e := w.next(&k, step); e != nil {
				w.append(by, domain.KindCredential, id.ID, e)
				k.Credential = k.Evolve(e)
			}
		}
		all = append(all, k)
	}
	w.fold(t)
	return all
}

// next returns what happens to a credential, or nil.
func (w *world) next(k *known, step int) domain.CredentialEvent {
	entry := k.Entry()
	switch {
	case step == 0:
		return domain.CredentialUnsealed{EntryID: entry}
	case k.Ended:
		return domain.CredentialShredded{EntryID: entry, Version: k.Version, RecordHash: k.RecordHash}
	case step == 1:
		k.hashes = append(k.hashes, w.digest())
		return domain.CredentialRotated{
			OldEntryID: entry, NewEntryID: k.ID.Entry(k.Version + 1), Version: k.Version + 1,
			RecordHash: k.hashes[len(k.hashes)-1], KEMKeyID: w.digest(), ExpiresAt: k.ExpiresAt,
		}
	case step == 2:
		return domain.CredentialRetired{EntryID: entry, RestoreUntil: w.now + 40*time.Second.Microseconds()}
	case step == 3:
		return domain.CredentialRestored{EntryID: entry}
	case step == 4:
		return domain.CredentialDeleted{EntryID: entry}
	}
	return nil
}

// TestPagesAreTheWholeList walks the pages of random lists.
func TestPagesAreTheWholeList(t *testing.T) {
	engines(t, func(t *testing.T, w *world) {
		rapid.Check(t, func(rt *rapid.T) {
			w.reset(rt)
			all := w.live(rt)
			now := time.UnixMicro(w.now - rapid.Int64Range(0, 60).Draw(rt, "ago")*time.Second.Microseconds())
			for _, env := range []domain.Environment{domain.Live, domain.Test} {
				for _, inactive := range []bool{false, true} {
					var want, got []domain.CredentialID
					for _, k := range slices.Backward(all) {
						if k.tenant == acme && k.Environment == env && (inactive || k.Usable(env, now)) {
							want = append(want, k.ID)
						}
					}
					p := queries.CredentialPage{Tenant: acme, Environment: env, Inactive: inactive, Now: now, Limit: rapid.IntRange(1, 7).Draw(rt, "limit")}
					for {
						page, err := w.ListCredentials(context.Background(), p)
						if err != nil {
							rt.Fatal(err)
						}
						for _, c := range page {
							got, p.Cursor = append(got, c.ID), c.Cursor
							if !inactive && !c.Active(now) {
								rt.Fatalf("%s is listed as active and is not", c.ID)
							}
						}
						if len(page) < p.Limit {
							break
						}
					}
					if diff := cmp.Diff(want, got); diff != "" {
						rt.Fatalf("%s, inactive %v: %s", env, inactive, diff)
					}
				}
			}
		})
	})
}

// TestCredentialSaysWhatTheDomainSays reads each credential and its versions.
func TestCredentialSaysWhatTheDomainSays(t *testing.T) {
	w := newWorld(t, true)
	rapid.Check(t, func(rt *rapid.T) {
		w.reset(rt)
		for _, k := range w.live(rt) {
			c, found, err := w.Credential(context.Background(), k.tenant, k.ID)
			if err != nil || !found {
				rt.Fatalf("%s was not found, %v", k.ID, err)
			}
			var opened int64
			for _, f := range w.facts {
				if _, ok := f.Event.(domain.CredentialUnsealed); ok && f.Header.AggregateID == k.ID.ID {
					opened = int64(f.Header.TimeUS)
				}
			}
			if c.Version != k.Version || c.AccessedAt != opened || c.RecordHash != k.RecordHash || c.ExpiresAt != k.ExpiresAt || c.Ended != k.Ended ||
				c.Retired != (!k.Ended && k.RestoreUntil != 0) || c.RestoreUntil != k.RestoreUntil || c.Name != k.Name || c.Cursor != k.seq {
				rt.Fatalf("got %+v, want %+v", c, k)
			}
			versions, err := w.CredentialVersions(context.Background(), k.tenant, k.ID)
			if err != nil {
				rt.Fatal(err)
			}
			var hashes []domain.Digest
			for i, v := range slices.Backward(versions) {
				hashes = append(hashes, v.RecordHash)
				if v.Current != (i == 0 && !k.Ended) || v.Entry != k.ID.Entry(uint16(len(hashes))) {
					rt.Fatalf("version %d of %s is %+v", len(hashes), k.ID, v)
				}
			}
			if diff := cmp.Diff(k.hashes, hashes); diff != "" {
				rt.Fatal(diff)
			}
			stranger := acme
			if k.tenant == acme {
				stranger = other
			}
			if _, found, err := w.Credential(context.Background(), stranger, k.ID); found || err != nil {
				rt.Fatalf("another tenant found %s, %v", k.ID, err)
			}
			if versions, err := w.CredentialVersions(context.Background(), stranger, k.ID); len(versions) > 0 || err != nil {
				rt.Fatalf("another tenant found %d versions of %s, %v", len(versions), k.ID, err)
			}
		}
	})
}

// TestDueIsWhatTheDomainWouldDo compares the reconciler's questions with what
// the domain decides about each credential.
func TestDueIsWhatTheDomainWouldDo(t *testing.T) {
	engines(t, func(t *testing.T, w *world) {
		rapid.Check(t, func(rt *rapid.T) {
			w.reset(rt)
			all := w.live(rt)
			now := time.UnixMicro(w.now + rapid.Int64Range(-60, 60).Draw(rt, "later")*time.Second.Microseconds())
			want, got := map[string]bool{}, map[string]bool{}
			for _, k := range all {
				if facts, _ := k.Sweep(now); len(facts) > 0 {
					want["overdue "+k.ID.String()] = true
				}
				shredded := map[domain.EntryID]bool{}
				for _, f := range w.facts {
					if e, ok := f.Event.(domain.CredentialShredded); ok {
						shredded[e.EntryID] = true
					}
				}
				for i, hash := range k.hashes {
					entry := k.ID.Entry(uint16(i + 1))
					if (k.Ended || entry != k.Entry()) && !shredded[entry] {
						want["unshredded "+entry.String()] = true
						if entry == k.Entry() {
							want["ended "+entry.String()] = true
						}
					}
					if named, err := w.Named(context.Background(), k.tenant, k.ID, hash); err != nil || !named {
						rt.Fatalf("the hash of %s is not named, %v", entry, err)
					}
				}
			}
			page := rapid.IntRange(1, 20).Draw(rt, "page")
			for d := range paged(rt, page, func(after domain.DueCredential, limit int) ([]domain.DueCredential, error) {
				return w.Overdue(context.Background(), now, after, limit)
			}) {
				got["overdue "+d.Credential.String()] = true
			}
			for d := range paged(rt, page, func(after domain.DueVersion, limit int) ([]domain.DueVersion, error) {
				return w.Unshredded(context.Background(), after, limit)
			}) {
				got["unshredded "+d.Entry.String()] = true
				if d.Ended {
					got["ended "+d.Entry.String()] = true
				}
			}
			if diff := cmp.Diff(want, got); diff != "" {
				rt.Fatal(diff)
			}
			for _, k := range all {
				if named, err := w.Named(context.Background(), k.tenant, k.ID, domain.Digest{1}); err != nil || named {
					rt.Fatalf("an unknown hash is named: %v, %v", named, err)
				}
			}
		})
	})
}

// paged yields what a question answers page by page, and fails t if a page is too
// long or something comes twice.
func paged[D comparable](t *rapid.T, limit int, ask func(after D, limit int) ([]D, error)) iter.Seq[D] {
	return func(yield func(D) bool) {
		var after D
		seen := map[D]bool{}
		for {
			due, err := ask(after, limit)
			if err != nil || len(due) > limit {
				t.Fatalf("asked for %d, got %d, %v", limit, len(due), err)
			}
			for _, d := range due {
				if seen[d] {
					t.Fatalf("%v came twice", d)
				}
				seen[d], after = true, d
				if !yield(d) {
					return
				}
			}
			if len(due) < limit {
				return
			}
		}
	}
}

// reset empties the log and the read models.
func (w *world) reset(t *rapid.T) {
	w.facts, w.seqs = nil, map[domain.TenantID]uint64{}
	for _, tenant := range []domain.TenantID{acme, other} {
		w.append(user(tenant, 1), domain.KindTenant, tenant.ID, domain.ChainGenesis{})
	}
	if err := w.runner.Rebuild(context.Background()); err != nil {
		t.Fatal(err)
	}
}

// TestQuestionsUseTheirIndexes asks SQLite how it would answer: a scan of a
// table would make a page dearer with every row.
func TestQuestionsUseTheirIndexes(t *testing.T) {
	w := newWorld(t, true)
	through := map[string]string{
		"page of active": "credentials_in_order", "page of every": "credentials_in_order",
		"overdue": "credentials_to_expire", "unshredded": "credential_versions_to_shred", "unregistered": "tenants_unregistered",
		"page of types": "audit_index_by_type", "page of failures": "audit_index_by_type",
		"page of actors": "audit_index_by_actor", "page of both": "audit_index_by_actor",
		"page of aggregate": "audit_index_by_aggregate", "page of history": "audit_index_by_aggregate",
		"resources": "audit_index_by_aggregate",
	}
	for name, query := range queries.Texts() {
		plan := ""
		args := make([]any, len(slices.Compact(slices.Sorted(slices.Values(regexp.MustCompile(`\$\d+`).FindAllString(query, -1))))))
		rows, err := w.DB.Query(`EXPLAIN QUERY PLAN `+query, args...)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		for rows.Next() {
			var id, parent, unused int
			var detail string
			if err := rows.Scan(&id, &parent, &unused, &detail); err != nil {
				t.Fatal(err)
			}
			for _, table := range []string{"credentials", "c", "credential_versions", "audit_index", "tenants", "api_keys"} {
				if detail == "SCAN "+table {
					t.Errorf("%s: %s", name, detail)
				}
			}
			plan += detail + "\n"
		}
		if index, ok := through[name]; ok && !strings.Contains(plan, index) {
			t.Errorf("%s does not use %s:\n%s", name, index, plan)
		}
		if err := rows.Err(); err != nil {
			t.Error(err)
		}
		_ = rows.Close()
	}
}
