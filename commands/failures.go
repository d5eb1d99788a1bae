package commands

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"maps"
	"math/bits"
	"slices"
	"sync"
	"time"

	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/eventstore"
)

// How the refusals of callers who proved nothing are summed up.
const (
	// FailureWindow is how long refusals are counted before they are put on the record.
	FailureWindow = 5 * time.Minute
	// MaxFailureFacts is how many facts one window of one server makes at most,
	// however many networks were refused: one for each of the busiest, and one with
	// a zero bucket for the rest together.
	MaxFailureFacts = 21

	maxNetworks = 1 << 16 // that are counted apart; about 8 MB
)

// Failures counts the refusals of callers who proved nothing, by the network that
// they came from, and puts sums of them on the system chain: whoever guesses does
// not make it grow. What a crash interrupts is not counted. Exported fields are
// required, the zero value of the rest is ready, and it is safe for concurrent use.
type Failures struct {
	Log *eventstore.Log
	Now func() time.Time

	mu     sync.Mutex
	since  time.Time // when the first of counts came
	counts map[domain.Digest]tally
}

// tally counts the failures of one network. Each account that was named sets the bit
// that its keyed reference picks: the bits set are fewer than the accounts, never more.
type tally struct {
	count    uint64
	accounts [2]uint64
}

func (t tally) plus(o tally) tally {
	t.count += o.count
	t.accounts[0] |= o.accounts[0]
	t.accounts[1] |= o.accounts[1]
	return t
}

func (t tally) distinct() int {
	return bits.OnesCount64(t.accounts[0]) + bits.OnesCount64(t.accounts[1])
}

// MaxAccounts is how many accounts a tally tells apart.
const MaxAccounts = 128

// Count counts one refusal of a caller from the network that bucket stands for, who
// named account, or none if that is zero. Both are keyed MACs, and a bucket is never
// zero.
func (f *Failures) Count(bucket domain.Digest, account domain.ID) {
	one := tally{count: 1}
	if !account.IsZero() {
		place := account[0] % MaxAccounts
		one.accounts[place/64] = 1 << (place % 64)
	}
	f.add(f.Now(), map[domain.Digest]tally{bucket: one})
}

func (f *Failures) add(since time.Time, counts map[domain.Digest]tally) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.counts) == 0 {
		f.since, f.counts = since, map[domain.Digest]tally{}
	}
	if since.Before(f.since) {
		f.since = since
	}
	for bucket, n := range counts {
		if _, known := f.counts[bucket]; !known && len(f.counts) >= maxNetworks {
			bucket = domain.Digest{}
		}
		f.counts[bucket] = f.counts[bucket].plus(n)
	}
}

// Record puts the sums of a window that is over on the record, or with unfinished
// those of a window that is not over either. Without any it does nothing. After a
// fault the counts are kept for the next time.
func (f *Failures) Record(ctx context.Context, request domain.RequestID, unfinished bool) error {
	now := f.Now()
	f.mu.Lock()
	since, counts := f.since, f.counts
	if len(counts) == 0 || !unfinished && now.Sub(since) < FailureWindow {
		f.mu.Unlock()
		return nil
	}
	f.counts = nil
	f.mu.Unlock()
	if _, err := f.Log.Append(ctx, domain.System(domain.TenantID{}, request), summaries(counts, now.Sub(since))...); err != nil {
		f.add(since, counts)
		return fmt.Errorf("recording refusals: %w", err)
	}
	return nil
}

// summaries returns the facts about a window, the busiest networks first.
func summaries(counts map[domain.Digest]tally, window time.Duration) []eventstore.Fact {
	rest := counts[domain.Digest{}]
	buckets := slices.SortedFunc(maps.Keys(counts), func(a, b domain.Digest) int {
		return cmp.Or(cmp.Compare(counts[b].count, counts[a].count), bytes.Compare(a[:], b[:]))
	})
	seconds := max(int((window+time.Second-1)/time.Second), 1)
	var facts []eventstore.Fact
	add := func(bucket domain.Digest, t tally) {
		facts = append(facts, eventstore.Fact{
			Event:     domain.AuthFailuresSummarised{Accounts: t.distinct(), Bucket: bucket, Count: t.count, WindowSeconds: seconds},
			Aggregate: tenantAggregate(domain.TenantID{}),
		})
	}
	for _, bucket := range buckets {
		switch {
		case bucket == domain.Digest{}:
		case len(facts) < MaxFailureFacts-1:
			add(bucket, counts[bucket])
		default:
			rest = rest.plus(counts[bucket])
		}
	}
	if rest.count > 0 {
		add(domain.Digest{}, rest)
	}
	return facts
}
