package awskms_test

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/quantaseal/quantaseal/internal/awskms"
	"github.com/quantaseal/quantaseal/internal/keyring"
	"github.com/quantaseal/quantaseal/internal/kmstest"
)

var (
	_ keyring.KMS     = (*awskms.KMS)(nil)
	_ keyring.RootKey = (*awskms.RootKey)(nil)
)

var kctx = map[string]string{"app": "quantaseal", "purpose": "test"}

func open(t *testing.T, a *kmstest.AWS) *awskms.KMS {
	t.Helper()
	k, err := awskms.OpenHasty(t.Context(), a.Key, a.URL)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestContract(t *testing.T) {
	a := kmstest.NewAWS(t)
	other, err := awskms.Open(t.Context(), a.Other, a.URL)
	if err != nil {
		t.Fatal(err)
	}
	kmstest.Contract(t, open(t, a), other)
	root, err := awskms.OpenRoot(t.Context(), a.Root, a.URL)
	if err != nil {
		t.Fatal(err)
	}
	kmstest.RootContract(t, root)
}

func TestWhatIsNoKeyIsRefusedAtTheStart(t *testing.T) {
	a, ctx := kmstest.NewAWS(t), t.Context()
	for _, bad := range []string{
		"", "alias/mine", "arn:aws:kms:eu-central-1:111122223333:alias/mine", "arn:aws:s3:::bucket", a.Key + "x",
		"arn:aws:kms::111122223333:key/0123abcd-0123-0123-0123-0123456789ab",
	} {
		if _, err := awskms.Open(ctx, bad, a.URL); !errors.Is(err, awskms.ErrARN) {
			t.Errorf("%q: got %v, want ErrARN", bad, err)
		}
	}
	for _, bad := range []string{"http://kms.example", "ftp://127.0.0.1", "127.0.0.1:80", "https://user:password@host", "http://localhost.example"} {
		if err := awskms.CheckEndpoint(bad); !errors.Is(err, awskms.ErrEndpoint) {
			t.Errorf("%q: got %v, want ErrEndpoint", bad, err)
		}
	}
	if _, err := awskms.OpenRoot(ctx, a.Key, a.URL); err == nil {
		t.Error("an encryption key signs")
	}
	if _, err := awskms.Open(ctx, a.Root, a.URL); err == nil {
		t.Error("a signing key encrypts")
	}
	a.Break("Decrypt", kmstest.Fault{Lie: true})
	if _, err := awskms.Open(ctx, a.Key, a.URL); !errors.Is(err, awskms.ErrAnswer) {
		t.Errorf("a KMS that lies: got %v, want ErrAnswer", err)
	}
}

// A call is made again when it was throttled, failed or was lost, and not for long.
func TestCallsAreRetried(t *testing.T) {
	a := kmstest.NewAWS(t)
	k, ctx := open(t, a), t.Context()
	root, err := awskms.OpenRoot(ctx, a.Root, a.URL)
	if err != nil {
		t.Fatal(err)
	}
	for name, f := range map[string]kmstest.Fault{
		"throttled": {Throttle: true, Times: 2}, "failed": {Fail: true, Times: 2}, "lost": {Lose: true, Times: 2},
	} {
		a.Break("", f)
		if _, _, err := k.GenerateDataKey(ctx, kctx); err != nil {
			t.Errorf("%s twice: %v", name, err)
		}
		a.Break("Sign", f)
		if _, err := root.Sign(ctx, "context", []byte("message")); err != nil {
			t.Errorf("signing, %s twice: %v", name, err)
		}
	}
	a.Break("", kmstest.Fault{OtherKey: true})
	if _, _, err := k.GenerateDataKey(ctx, kctx); !errors.Is(err, awskms.ErrAnswer) {
		t.Errorf("an answer of another key: got %v, want ErrAnswer", err)
	}
	if _, err := root.Sign(ctx, "context", nil); !errors.Is(err, awskms.ErrAnswer) {
		t.Errorf("a signature of another key: got %v, want ErrAnswer", err)
	}
}

// A KMS that keeps failing is left alone for a while, then tried once.
func TestTheBreakerOpens(t *testing.T) {
	a := kmstest.NewAWS(t)
	k, ctx := open(t, a), t.Context()
	_, blob, err := k.GenerateDataKey(ctx, kctx)
	if err != nil {
		t.Fatal(err)
	}
	// What callers can cause does not open it.
	for range 20 {
		if _, err := k.Decrypt(ctx, map[string]string{"app": "other"}, blob); !errors.Is(err, awskms.ErrCiphertext) {
			t.Fatalf("another context: got %v, want ErrCiphertext", err)
		}
	}
	a.Break("", kmstest.Fault{Deny: true})
	for range 8 {
		if _, err := k.Decrypt(ctx, kctx, blob); err == nil {
			t.Fatal("what was denied was answered")
		}
	}
	asked := len(a.Calls(""))
	a.Mend()
	start := time.Now()
	for range 1000 {
		if _, err := k.Decrypt(ctx, kctx, blob); err == nil {
			t.Fatal("the breaker is not open")
		}
	}
	if got := len(a.Calls("")) - asked; got != 0 || time.Since(start) > awskms.HastyPause {
		t.Errorf("an open breaker asked %d times in %v", got, time.Since(start))
	}
	time.Sleep(awskms.HastyPause + 50*time.Millisecond) // how long it stays open
	if _, err := k.Decrypt(ctx, kctx, blob); err != nil {
		t.Errorf("after its pause: %v", err)
	}
}

// However many ask a KMS that hangs, few wait for it, and all are told soon.
func TestAHangingKMSHoldsFew(t *testing.T) {
	a := kmstest.NewAWS(t)
	k := open(t, a)
	a.Break("", kmstest.Fault{Hang: true})
	before := runtime.NumGoroutine()
	var answered atomic.Int64
	var all sync.WaitGroup
	start := time.Now()
	for range 500 {
		all.Go(func() {
			if _, _, err := k.GenerateDataKey(context.Background(), kctx); err != nil {
				answered.Add(1)
			}
		})
	}
	all.Wait()
	if took := time.Since(start); answered.Load() != 500 || took > awskms.Hasty+2*time.Second {
		t.Errorf("%d of 500 were told within %v", answered.Load(), took)
	}
	if a.Peak() > awskms.MaxInFlight {
		t.Errorf("%d calls at a time, want %d at most", a.Peak(), awskms.MaxInFlight)
	}
	for range 100 {
		if runtime.NumGoroutine() <= before+4*8 { // what serves and uses the connections that stay
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	stacks := make([]byte, 1<<20)
	t.Errorf("%d goroutines stay, %d were there before:\n%s", runtime.NumGoroutine(), before, stacks[:runtime.Stack(stacks, true)])
}
