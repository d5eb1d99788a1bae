package storetest

import (
	"runtime"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/eventstore"
	"github.com/quantaseal/quantaseal/eventstore/chain"
)

const benchWriters = 64

// BenchmarkAppend has 64 writers, each with a chain of its own, append records one
// at a time, half of which change an aggregate. Beside the rate it reports the CPU
// time of this process for each record.
func BenchmarkAppend(b *testing.B, store eventstore.Store) {
	b.Helper()
	b.SetParallelism(benchWriters / runtime.GOMAXPROCS(0))
	var done atomic.Int64
	before := cpu()
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		tenant, head := newTenant(), chain.Head{}
		payload, detached, signature := random(170), random(160), random(chain.SignatureSize)
		for n := 0; pb.Next(); n++ {
			s := spec{payload: payload, detached: detached, signature: signature}
			if n%2 == 0 {
				s.aggregate, s.version = domain.AggregateID{Kind: domain.KindCredential, ID: domain.ID(random(16))}, 1
			}
			var records []chain.Record
			records, head = link(tenant, head, s)
			if _, err := store.Append(b.Context(), tenant, records); err != nil {
				b.Error(err)
				return
			}
			done.Add(1)
		}
	})
	b.ReportMetric(float64(done.Load())/b.Elapsed().Seconds(), "records/s")
	b.ReportMetric(float64(cpu()-before)/1e3/float64(done.Load()), "µs-cpu/record")
}

// cpu returns the CPU time that this process has taken, in nanoseconds.
func cpu() int64 {
	var r syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
		return 0
	}
	return r.Utime.Nano() + r.Stime.Nano()
}
