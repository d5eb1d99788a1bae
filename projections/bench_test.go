package projections_test

import (
	"testing"

	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/eventstore"
	"github.com/quantaseal/quantaseal/eventstore/chain"
)

// BenchmarkFold is what a fact costs the read models, in batches as 32 callers
// make them.
func BenchmarkFold(b *testing.B) {
	const batch, credentials = 32, 10_000
	b.Run("unsealed", func(b *testing.B) {
		benchmarkFold(b, batch, func(n int) domain.Event {
			return domain.CredentialUnsealed{EntryID: number(n * 7919 % credentials).Entry(1)}
		})
	})
	b.Run("sealed", func(b *testing.B) {
		benchmarkFold(b, batch, func(n int) domain.Event {
			id := number(n)
			return domain.CredentialSealed{
				EntryID: id.Entry(1), Version: 1, Environment: domain.Live, Type: "api_key", Classification: "api_key",
				Algorithm: domain.SealAlgorithm, RecordHash: domain.Digest(append(id.ID[:], id.ID[:]...)), ExpiresAt: int64(n + 1), TTLDays: 90,
				Personal: domain.CredentialLabel{Name: "production database", Metadata: []byte(`{"team":"payments"}`)},
			}
		})
	})
}

// number returns the n-th of many credentials, in no order.
func number(n int) domain.CredentialID {
	return domain.NewCredentialID(domain.ID{12: byte(n >> 24), 13: byte(n >> 16), 14: byte(n >> 8), 15: byte(n)})
}

func benchmarkFold(b *testing.B, batch int, event func(n int) domain.Event) {
	b.Helper()
	log := newTape(nil)
	r := sqliteViews(b).runner(b, log)
	facts := make([]eventstore.Recorded, b.N)
	for i := range facts {
		e := event(i)
		facts[i] = eventstore.Recorded{Position: eventstore.Position(i + 1), Event: e, Header: chain.Header{
			Tenant: [16]byte{1}, Seq: uint64(i), TimeUS: uint64(1_800_000_000_000_000 + i), EventType: e.EventType().Name,
			ActorKind: uint8(domain.ActorKey), ActorID: domain.ID{2, byte(i % 4)}, RequestID: number(i).ID,
			AggregateKind: uint8(domain.KindCredential), AggregateID: number(i).ID,
		}}
	}
	b.ResetTimer()
	for n := 0; n < len(facts); n += batch {
		log.add(facts[n:min(n+batch, len(facts))]...)
		if err := r.CatchUp(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
}
