package queries_test

import (
	"encoding/binary"
	"testing"
	"time"

	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/eventstore"
	"github.com/quantaseal/quantaseal/eventstore/chain"
	"github.com/quantaseal/quantaseal/internal/compliance"
	"github.com/quantaseal/quantaseal/queries"
)

// benchFacts is how many facts the tenant of the benchmarks has.
const benchFacts = 100_000

// busy returns a chain of many facts, half a year of them, in which every so many
// facts a credential is sealed and what there is is used: 4 makes of a quarter of the
// facts one that lives.
func busy(b *testing.B, every int) (*scoredChain, time.Time) {
	b.Helper()
	owner := domain.UserID{ID: domain.ID{7}}
	events := []domain.Event{
		domain.ChainGenesis{}, domain.TenantRegistered{}, domain.UserRegistered{UserID: owner, Role: domain.RoleOwner, Verified: true}, domain.MFAEnabled{UserID: owner},
	}
	var last domain.EntryID
	for n := len(events); n < benchFacts; n++ {
		switch {
		case n%every == 0:
			id := domain.CredentialID{ID: domain.ID{0xe5}}
			binary.BigEndian.PutUint64(id.ID[2:], uint64(n))
			last = id.Entry(1)
			events = append(events, domain.CredentialSealed{
				Algorithm: domain.SealAlgorithm, Classification: "password", EntryID: last, Environment: domain.Live, Owner: owner, Suite: 1, TTLDays: n % 400, Type: "password", Version: 1,
			})
		case n%(every*10) == 1:
			events = append(events, domain.CredentialDeleted{EntryID: last}, domain.CredentialShredded{EntryID: last})
			n++
		case n%1000 == 3:
			events = append(events, domain.LoginFailed{AccountRef: owner.ID, Reason: "password"})
		case n%5000 == 7:
			events = append(events, domain.MFADisabled{UserID: owner}, domain.MFAEnabled{UserID: owner})
			n++
		default:
			events = append(events, domain.CredentialUnsealed{EntryID: last, ScopeUsed: domain.ScopeVaultUnseal})
		}
	}
	c := &scoredChain{}
	span := 180 * 24 * time.Hour / time.Duration(len(events))
	for n, e := range events {
		stored, err := domain.Encode(e)
		if err != nil {
			b.Fatal(err)
		}
		r := eventstore.Recorded{Event: e, Record: chain.Record{Payload: stored.Payload}}
		binary.BigEndian.PutUint64(r.Hash[:], uint64(n+1))
		r.Header = chain.Header{
			Seq: uint64(n), EventType: e.EventType().Name, EventID: [16]byte(r.Hash[:16]), SignerKeyID: chain.Hash{1}, RequestID: [16]byte{1},
			ActorKind: uint8(domain.ActorUser), ActorID: owner.ID, TimeUS: uint64(chainStart.Add(time.Duration(n) * span).UnixMicro()),
		}
		c.records = append(c.records, r)
	}
	return c, chainStart.Add(180 * 24 * time.Hour)
}

// BenchmarkScores asks about a tenant of 100,000 facts: mostly of uses, and mostly of
// credentials that live. The facts are at hand; what reading and verifying each costs
// comes to what folds (about 20 µs on one core of the machine of docs/performance.md).
func BenchmarkScores(b *testing.B) {
	for name, every := range map[string]int{"uses": 20, "credentials": 2} {
		c, now := busy(b, every)
		open := func() (*queries.Scores, *compliance.Framework) {
			s, err := (&queries.Scores{Log: c, Now: func() time.Time { return now }}).Open()
			if err != nil {
				b.Fatal(err)
			}
			f, err := s.Catalogue().Framework("nist_800_53")
			if err != nil {
				b.Fatal(err)
			}
			return s, f
		}
		score := func(s *queries.Scores, f *compliance.Framework, at int64) {
			if _, err := s.Score(b.Context(), scoredTenant, f, at); err != nil {
				b.Fatal(err)
			}
		}
		b.Run(name+"/first", func(b *testing.B) {
			for b.Loop() {
				s, f := open()
				score(s, f, 0)
			}
		})
		b.Run(name+"/live", func(b *testing.B) {
			s, f := open()
			score(s, f, 0)
			for b.Loop() {
				score(s, f, 0)
			}
		})
		b.Run(name+"/past", func(b *testing.B) {
			s, f := open()
			score(s, f, 0)
			before := c.read
			n := 0
			for b.Loop() { // each as far from a state that is kept as can be: 10,000 facts are 18 days
				n++
				score(s, f, chainStart.Add(time.Duration(1+n%9)*18*24*time.Hour-time.Hour-time.Duration(n)*time.Minute).UnixMicro())
			}
			b.ReportMetric(float64(c.read-before)/float64(n), "facts/op")
		})
		b.Run(name+"/history", func(b *testing.B) {
			for b.Loop() {
				s, f := open()
				if _, err := s.History(b.Context(), scoredTenant, f, 366); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(name+"/diff", func(b *testing.B) {
			read, n := 0, 0
			for b.Loop() {
				s, f := open()
				score(s, f, 0)
				before := c.read
				if _, err := s.Change(b.Context(), scoredTenant, f, chainStart.UnixMicro(), 0); err != nil {
					b.Fatal(err)
				}
				read, n = read+c.read-before, n+1
			}
			b.ReportMetric(float64(read)/float64(n), "facts/op")
		})
	}
}
