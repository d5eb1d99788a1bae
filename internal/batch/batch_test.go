package batch_test

import (
	"context"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"pgregory.net/rapid"

	"github.com/quantaseal/quantaseal/internal/batch"
)

// TestEveryItemIsCommittedOnce submits from many goroutines: each item arrives
// once, those of one goroutine in its order, and never two batches at a time.
func TestEveryItemIsCommittedOnce(t *testing.T) {
	type item struct{ from, n int }
	rapid.Check(t, func(t *rapid.T) {
		submitters := rapid.IntRange(1, 8).Draw(t, "submitters")
		each := rapid.IntRange(1, 50).Draw(t, "each")
		limit := rapid.IntRange(0, 9).Draw(t, "max")
		var committed sync.WaitGroup
		committed.Add(submitters * each)
		var running atomic.Int32
		last := make([]int, submitters)
		q := batch.Queue[item]{Max: limit}
		q.Commit = func(_ context.Context, items []item) {
			if running.Add(1) != 1 {
				t.Error("two batches at a time")
			}
			if len(items) == 0 || limit > 0 && len(items) > limit {
				t.Errorf("a batch of %d, want 1 to %d", len(items), limit)
			}
			for _, i := range items {
				if i.n != last[i.from]+1 {
					t.Errorf("item %d of submitter %d came after %d", i.n, i.from, last[i.from])
				}
				last[i.from] = i.n
				committed.Done()
			}
			running.Add(-1)
		}
		for from := range submitters {
			go func() {
				for n := range each {
					q.Submit(context.Background(), item{from, n + 1})
				}
			}()
		}
		committed.Wait()
	})
}

// TestWhatQueuesMeanwhileIsOneBatch shows the group: while one batch is being
// done, the next gathers.
func TestWhatQueuesMeanwhileIsOneBatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gate := make(chan struct{})
		var sizes []int
		q := batch.Queue[int]{Commit: func(_ context.Context, items []int) {
			<-gate
			sizes = append(sizes, len(items))
		}}
		q.Submit(t.Context(), 1)
		synctest.Wait()
		for n := range 40 {
			q.Submit(t.Context(), n)
		}
		close(gate)
		synctest.Wait()
		if len(sizes) != 2 || sizes[0] != 1 || sizes[1] != 40 {
			t.Errorf("batches of %v, want 1 and 40", sizes)
		}
	})
}

// TestCommitOutlivesItsCaller lets a batch finish when the request that began it gives up.
func TestCommitOutlivesItsCaller(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	q := batch.Queue[int]{Commit: func(ctx context.Context, _ []int) {
		cancel()
		ended <- ctx.Err()
	}}
	q.Submit(ctx, 1)
	if err := <-ended; err != nil {
		t.Errorf("the batch's context ended with its caller's: %v", err)
	}
}

// TestNothingRunsWhenIdle leaves no goroutine behind, and starts one again.
func TestNothingRunsWhenIdle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		before := runtime.NumGoroutine()
		committed := 0
		q := batch.Queue[int]{Max: 3, Commit: func(_ context.Context, items []int) { committed += len(items) }}
		for round := range 3 {
			for n := range 10 {
				q.Submit(t.Context(), n)
			}
			synctest.Wait()
			if want := 10 * (round + 1); committed != want {
				t.Errorf("%d committed, want %d", committed, want)
			}
			if now := runtime.NumGoroutine(); now > before {
				t.Errorf("%d goroutines when idle, %d before", now, before)
			}
		}
	})
}

// TestPanicEndsTheProcess never leaves waiters without an answer: a restart finds
// out what became of them.
func TestPanicEndsTheProcess(t *testing.T) {
	const child = "BATCH_TEST_PANIC"
	if os.Getenv(child) != "" {
		q := batch.Queue[int]{Commit: func(context.Context, []int) { panic("the store is inside out") }}
		q.Submit(t.Context(), 1)
		select {} // as its waiter would
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestPanicEndsTheProcess$")
	cmd.Env = append(os.Environ(), child+"=1")
	out, err := cmd.CombinedOutput()
	if err == nil || !strings.Contains(string(out), "the store is inside out") {
		t.Errorf("got %v and %s, want the panic", err, out)
	}
}
