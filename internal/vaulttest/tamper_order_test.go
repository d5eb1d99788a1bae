package vaulttest_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/quantaseal/quantaseal/eventstore/chain"
	"github.com/quantaseal/quantaseal/internal/vaulttest"
)

// TestEveryPlaceIsWatched drops, doubles, moves and exchanges whole records.
func TestEveryPlaceIsWatched(t *testing.T) {
	t.Parallel()
	exhibits(t, func(t *testing.T, x *exhibit) {
		own, foreign := x.positions(t, x.tenant), x.positions(t, x.foreign)
		last := len(own) - 1
		noticed := func(what string, n int, receipts ...chain.Receipt) {
			t.Helper()
			if how := x.judge(t, receipts...); how == "" {
				t.Errorf("%s %d: nobody noticed", what, n)
			}
		}
		for n, pos := range own {
			row := x.row(t, pos)
			x.remove(t, pos)
			if n == last {
				noticed("dropped", n, x.receipts...)
				if how := x.judge(t); !strings.Contains(how, " V23: ") {
					t.Errorf("without a receipt a dropped tail is noticed as %q, want V23: it was anchored", how)
				}
			} else {
				noticed("dropped", n)
			}

			// The records after it move up, so that no place is empty.
			var moved [][]any
			if n == 1 {
				for i, p := range own[n+1:] {
					moved = append(moved, x.row(t, p))
					x.remove(t, p)
					x.put(t, x.with(t, x.with(t, moved[i], "seq", int64(n+i)), "pos", own[n+i]))
				}
				noticed("dropped and closed up", n)
				x.remove(t, own[n:last]...)
				for _, r := range moved {
					x.put(t, r)
				}
			}

			// Another tenant's record in its place, with and without its own columns.
			theirs := x.with(t, x.row(t, foreign[min(n, len(foreign)-1)]), "pos", pos)
			x.put(t, theirs)
			noticed("replaced by another tenant's", n, x.receipts...)
			x.remove(t, pos)
			x.put(t, x.with(t, x.with(t, theirs, "tenant_id", x.tenant.ID[:]), "seq", int64(n)))
			noticed("replaced by another tenant's, relabelled", n)
			x.remove(t, pos)
			x.put(t, row)

			// A second time, in its own place and as the next one.
			x.put(t, x.with(t, row, "pos", x.next))
			noticed("doubled", n)
			x.remove(t, x.next)
			x.put(t, x.with(t, x.with(t, row, "pos", x.next), "seq", int64(last+1)))
			noticed("repeated at the end", n)
			x.remove(t, x.next)

			if n < last { // exchanged with its successor, place for place
				next := x.row(t, own[n+1])
				x.remove(t, pos, own[n+1])
				for i, r := range [][]any{next, row} {
					x.put(t, x.with(t, x.with(t, r, "pos", own[n+i]), "seq", int64(n+i)))
				}
				noticed("exchanged", n)
				x.remove(t, pos, own[n+1])
				x.put(t, row)
				x.put(t, next)
			}
		}
		x.put(t, x.with(t, x.with(t, x.row(t, foreign[0]), "pos", x.next), "seq", int64(last+1)))
		noticed("a foreign record appended", last+1)
		x.remove(t, x.next)
		if how := x.judge(t, x.receipts...); how != "" {
			t.Errorf("restored, the database is called tampered with: %s", how)
		}
	})
}

// TestAnotherRootFailsThePin has a second deployment of the same name tell the
// whole story anew, with keys of its own: in itself it is without fault.
func TestAnotherRootFailsThePin(t *testing.T) {
	t.Parallel()
	vaulttest.Engines(t, func(t *testing.T, v *vaulttest.Vault) {
		a, _ := story(t, v, "owner@example.com")
		forger := vaulttest.New(t)
		b, _ := story(t, forger, "owner@example.com")
		honest, forged := export(t, a.Client), export(t, b.Client)
		pin := v.Ring.LogID()
		if _, found := verify(t, forged, chain.Options{}); len(found) > 0 {
			t.Fatalf("in itself the forgery has faults: %v", found)
		}
		_, found := verify(t, forged, chain.Options{LogID: &pin})
		if len(found) == 0 || found[0].Check != "V3" {
			t.Errorf("against the pinned log id the forgery gives %v, want V3", found)
		}
		// The forger's root and records under the honest header, and the reverse.
		honestLines, forgedLines := bytes.SplitAfter(honest, []byte("\n")), bytes.SplitAfter(forged, []byte("\n"))
		for name, lines := range map[string][][]byte{
			"honest header": append(slices.Clone(honestLines[:1]), forgedLines[1:]...),
			"forged header": append(slices.Clone(forgedLines[:1]), honestLines[1:]...),
			"half and half": append(slices.Clone(honestLines[:5]), forgedLines[5:]...),
		} {
			if _, found := verify(t, bytes.Join(lines, nil), chain.Options{LogID: &pin}); len(found) == 0 {
				t.Errorf("%s: nobody noticed", name)
			}
		}
	})
}
