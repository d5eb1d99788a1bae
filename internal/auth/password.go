package auth

import (
	"context"
	"crypto/hmac"
	"crypto/sha512"
	"encoding/base64"
	"errors"
	"fmt"
	"time"

	"github.com/alexedwards/argon2id"
	"golang.org/x/text/unicode/norm"
)

// maxWait is how long a hash waits for a place among those in flight.
const maxWait = 2 * time.Second

// ErrBusy reports that no place for another hash became free in 2 seconds. It
// says nothing about the account.
var ErrBusy = errors.New("too many passwords are being checked")

// Argon is the cost of a hash (RFC 9106).
type Argon struct {
	MemoryKiB uint32
	Passes    uint32
	Lanes     uint8
}

// ProductionArgon costs 64 MiB and about 160 ms of one core. Only tests use less.
var ProductionArgon = Argon{MemoryKiB: 64 << 10, Passes: 3, Lanes: 1}

const (
	saltLength = 16
	hashLength = 32
)

// Passwords hashes passwords and checks them. All fields are required. Make one
// with Open.
type Passwords struct {
	Pepper   []byte // at least MinKey bytes
	Cost     Argon
	InFlight int // hashes at once, each of Cost.MemoryKiB: the number of cores

	places chan struct{}
	decoy  string
}

// Open makes p ready for use, and checks its fields.
func (p *Passwords) Open() (*Passwords, error) {
	switch {
	case len(p.Pepper) < MinKey:
		return nil, fmt.Errorf("password pepper: %w", ErrShortKey)
	case p.Cost.Passes == 0 || p.Cost.Lanes == 0 || p.Cost.MemoryKiB < 8*uint32(p.Cost.Lanes):
		return nil, errors.New("password hash costs are below what argon2id allows")
	case p.InFlight < 1:
		return nil, errors.New("no password could ever be hashed")
	}
	p.places = make(chan struct{}, p.InFlight)
	p.decoy = fmt.Sprintf("$argon2id$v=19$m=%d,t=%d,p=%d$%s$%s", p.Cost.MemoryKiB, p.Cost.Passes, p.Cost.Lanes,
		base64.RawStdEncoding.EncodeToString(make([]byte, saltLength)),
		base64.RawStdEncoding.EncodeToString(make([]byte, hashLength)))
	return p, nil
}

// KDF names how passwords are hashed, for the record.
func (p *Passwords) KDF() string {
	return fmt.Sprintf("hmac-sha512+argon2id$m=%d,t=%d,p=%d", p.Cost.MemoryKiB, p.Cost.Passes, p.Cost.Lanes)
}

// Hash returns the PHC string of password. It fails with ErrBusy, or with the
// cause of ctx.
func (p *Passwords) Hash(ctx context.Context, password []byte) (string, error) {
	if err := p.enter(ctx); err != nil {
		return "", err
	}
	defer p.leave()
	hash, err := argon2id.CreateHash(p.peppered(password), &argon2id.Params{
		Memory: p.Cost.MemoryKiB, Iterations: p.Cost.Passes, Parallelism: p.Cost.Lanes,
		SaltLength: saltLength, KeyLength: hashLength,
	})
	if err != nil {
		return "", fmt.Errorf("hashing a password: %w", err)
	}
	return hash, nil
}

// Verify reports whether password is the one that Hash was given. An empty
// hash, which stands for an account that does not exist, matches nothing after
// the same work. It fails with ErrBusy, with the cause of ctx, or if hash is
// not a PHC string of ours.
func (p *Passwords) Verify(ctx context.Context, password []byte, hash string) (bool, error) {
	known := hash != ""
	if !known {
		hash = p.decoy
	}
	if _, err := costOf(hash); err != nil {
		return false, err
	}
	if err := p.enter(ctx); err != nil {
		return false, err
	}
	defer p.leave()
	match, err := argon2id.ComparePasswordAndHash(p.peppered(password), hash)
	if err != nil {
		return false, fmt.Errorf("checking a password: %w", err)
	}
	return match && known, nil
}

// Outdated reports whether hash, which Verify has matched, is to be made again
// because it cost less than hashes made now.
func (p *Passwords) Outdated(hash string) bool {
	cost, err := costOf(hash)
	return err != nil || cost.MemoryKiB < p.Cost.MemoryKiB || cost.Passes < p.Cost.Passes || cost.Lanes != p.Cost.Lanes
}

// costOf returns the cost of a stored hash. It refuses one that argon2 would
// panic on, and one so short that it would match everything.
func costOf(hash string) (Argon, error) {
	params, _, key, err := argon2id.DecodeHash(hash)
	switch {
	case err != nil:
		return Argon{}, fmt.Errorf("reading a password hash: %w", err)
	case params.Iterations == 0 || params.Parallelism == 0 || len(key) != hashLength:
		return Argon{}, errors.New("reading a password hash: not one of ours")
	}
	return Argon{params.Memory, params.Iterations, params.Parallelism}, nil
}

// peppered returns HMAC-SHA-512(pepper, NFC(password)). The hash library takes
// a string; this is not the password, and worth nothing without the pepper.
func (p *Passwords) peppered(password []byte) string {
	h := hmac.New(sha512.New, p.Pepper)
	if norm.NFC.IsNormal(password) {
		_, _ = h.Write(password)
	} else {
		normal := norm.NFC.Bytes(password) // a copy, as it differs
		_, _ = h.Write(normal)
		clear(normal)
	}
	return string(h.Sum(nil))
}

func (p *Passwords) enter(ctx context.Context) error {
	timer := time.NewTimer(maxWait)
	defer timer.Stop()
	select {
	case p.places <- struct{}{}:
		return nil
	case <-timer.C:
		return ErrBusy
	case <-ctx.Done():
		return fmt.Errorf("waiting to hash a password: %w", context.Cause(ctx))
	}
}

// Busy returns how many passwords are being hashed, and how many can be at once.
func (p *Passwords) Busy() (hashing, places int) { return len(p.places), cap(p.places) }

func (p *Passwords) leave() { <-p.places }
