package auth_test

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/quantaseal/quantaseal/internal/auth"
)

var cheap = auth.Argon{MemoryKiB: 64, Passes: 1, Lanes: 1}

func passwords(t *testing.T, cost auth.Argon) *auth.Passwords {
	t.Helper()
	p, err := (&auth.Passwords{Pepper: bytes.Repeat([]byte("p"), 32), Cost: cost, InFlight: 1}).Open()
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestPasswordMatchesItselfOnly(t *testing.T) {
	p, ctx := passwords(t, cheap), t.Context()
	rapid.Check(t, func(t *rapid.T) {
		one := rapid.SliceOf(rapid.Byte()).Draw(t, "password")
		other := rapid.SliceOf(rapid.Byte()).Draw(t, "other")
		kept := bytes.Clone(one)
		hash, err := p.Hash(ctx, one)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(kept, one) {
			t.Fatal("hashing changed the password")
		}
		for password, want := range map[string]bool{string(one): true, string(other): bytes.Equal(one, other)} {
			if got, err := p.Verify(ctx, []byte(password), hash); err != nil || got != want {
				t.Fatalf("got %v and %v, want %v", got, err, want)
			}
		}
	})
}

func TestPasswordSpellings(t *testing.T) {
	p := passwords(t, cheap)
	hash, err := p.Hash(t.Context(), []byte("caf\u00e9 caf\u00e9"))
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]bool{"cafe\u0301 cafe\u0301": true, "Caf\u00e9 caf\u00e9": false, "cafe cafe": false} {
		if got, err := p.Verify(t.Context(), []byte(text), hash); err != nil || got != want {
			t.Errorf("%q: got %v and %v, want %v", text, got, err, want)
		}
	}
}

// A thief of the hashes alone cannot try a single password.
func TestPepperIsNeeded(t *testing.T) {
	hash, err := passwords(t, cheap).Hash(t.Context(), []byte("strong_pass"))
	if err != nil {
		t.Fatal(err)
	}
	other, err := (&auth.Passwords{Pepper: bytes.Repeat([]byte("q"), 32), Cost: cheap, InFlight: 1}).Open()
	if err != nil {
		t.Fatal(err)
	}
	if match, err := other.Verify(t.Context(), []byte("strong_pass"), hash); match || err != nil {
		t.Errorf("got %v and %v, want no match", match, err)
	}
}

func TestUnknownAccountMatchesNothing(t *testing.T) {
	p := passwords(t, cheap)
	for _, password := range []string{"", "strong_pass", strings.Repeat("\x00", 32)} {
		if match, err := p.Verify(t.Context(), []byte(password), ""); match || err != nil {
			t.Errorf("%q: got %v and %v, want no match", password, match, err)
		}
	}
}

func TestHashIsPHC(t *testing.T) {
	p := passwords(t, auth.Argon{MemoryKiB: 19 << 10, Passes: 2, Lanes: 1})
	hash, err := p.Hash(t.Context(), []byte("strong_pass"))
	if err != nil {
		t.Fatal(err)
	}
	const head = "$argon2id$v=19$m=19456,t=2,p=1$"
	if !strings.HasPrefix(hash, head) || len(hash) != len(head)+22+1+43 {
		t.Errorf("got %s", hash)
	}
	if again, err := p.Hash(t.Context(), []byte("strong_pass")); err != nil || again == hash {
		t.Errorf("the same salt twice: %v", err)
	}
	if got := p.KDF(); got != "hmac-sha512+argon2id$m=19456,t=2,p=1" {
		t.Errorf("got %s", got)
	}
}

func TestForeignHashesAreFaults(t *testing.T) {
	p := passwords(t, cheap)
	for name, hash := range map[string]string{
		"no PHC":        "secret",
		"another kind":  "$argon2i$v=19$m=64,t=1,p=1$AAAAAAAAAAAAAAAAAAAAAA$" + strings.Repeat("A", 43),
		"no passes":     "$argon2id$v=19$m=64,t=0,p=1$AAAAAAAAAAAAAAAAAAAAAA$" + strings.Repeat("A", 43),
		"no lanes":      "$argon2id$v=19$m=64,t=1,p=0$AAAAAAAAAAAAAAAAAAAAAA$" + strings.Repeat("A", 43),
		"nothing kept":  "$argon2id$v=19$m=64,t=1,p=1$AAAAAAAAAAAAAAAAAAAAAA$",
		"little kept":   "$argon2id$v=19$m=64,t=1,p=1$AAAAAAAAAAAAAAAAAAAAAA$AA",
		"another epoch": "$argon2id$v=16$m=64,t=1,p=1$AAAAAAAAAAAAAAAAAAAAAA$" + strings.Repeat("A", 43),
	} {
		if match, err := p.Verify(t.Context(), []byte("strong_pass"), hash); match || err == nil {
			t.Errorf("%s: got %v and %v, want a fault", name, match, err)
		}
	}
}

func TestOutdated(t *testing.T) {
	now := auth.Argon{MemoryKiB: 128, Passes: 2, Lanes: 1}
	p := passwords(t, now)
	for cost, want := range map[auth.Argon]bool{
		now:                                   false,
		{MemoryKiB: 64, Passes: 2, Lanes: 1}:  true,
		{MemoryKiB: 128, Passes: 1, Lanes: 1}: true,
		{MemoryKiB: 128, Passes: 2, Lanes: 2}: true,
		{MemoryKiB: 256, Passes: 2, Lanes: 1}: false,
	} {
		hash, err := passwords(t, cost).Hash(t.Context(), []byte("strong_pass"))
		if err != nil {
			t.Fatal(err)
		}
		if got := p.Outdated(hash); got != want {
			t.Errorf("%v: got %v, want %v", cost, got, want)
		}
		if match, err := p.Verify(t.Context(), []byte("strong_pass"), hash); !match || err != nil {
			t.Errorf("%v: a hash of other cost no longer matches: %v", cost, err)
		}
	}
}

func TestHashesInFlightAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := passwords(t, cheap)
		release := auth.Occupy(p)
		start := time.Now()
		if _, err := p.Hash(t.Context(), []byte("strong_pass")); !errors.Is(err, auth.ErrBusy) {
			t.Errorf("got %v, want %v", err, auth.ErrBusy)
		}
		if waited := time.Since(start); waited != 2*time.Second {
			t.Errorf("waited %v, want 2s", waited)
		}
		for _, hash := range []string{"", "$argon2id$v=19$m=64,t=1,p=1$AAAAAAAAAAAAAAAAAAAAAA$" + strings.Repeat("A", 43)} {
			if _, err := p.Verify(t.Context(), []byte("strong_pass"), hash); !errors.Is(err, auth.ErrBusy) {
				t.Errorf("got %v, want %v whoever asks", err, auth.ErrBusy)
			}
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := p.Hash(ctx, []byte("strong_pass")); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v, want %v", err, context.Canceled)
		}
		go func() {
			time.Sleep(time.Second) // of the bubble's clock
			release()
		}()
		if _, err := p.Hash(t.Context(), []byte("strong_pass")); err != nil {
			t.Errorf("a place became free, but: %v", err)
		}
	})
}

func TestPasswordsNeedTheirFields(t *testing.T) {
	pepper := make([]byte, 32)
	for name, p := range map[string]*auth.Passwords{
		"no pepper":    {Cost: cheap, InFlight: 1},
		"short pepper": {Pepper: pepper[:31], Cost: cheap, InFlight: 1},
		"no cost":      {Pepper: pepper, InFlight: 1},
		"no memory":    {Pepper: pepper, Cost: auth.Argon{MemoryKiB: 7, Passes: 1, Lanes: 1}, InFlight: 1},
		"no place":     {Pepper: pepper, Cost: cheap},
	} {
		if _, err := p.Open(); err == nil {
			t.Errorf("%s: opened", name)
		}
	}
}
