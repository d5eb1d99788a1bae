package keyring_test

import (
	"bytes"
	"context"
	"errors"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/internal/keyring"
	"github.com/quantaseal/quantaseal/internal/localkms"
)

type keyName struct {
	tenant  [16]byte
	purpose string
	subject [16]byte
	epoch   uint32
}

// store keeps keys as the contract says, and nothing longer than the test.
type store struct {
	mu         sync.Mutex
	keys       map[keyName][]byte
	deployment *keyring.Deployment
}

func newStore() *store { return &store{keys: map[keyName][]byte{}} }

func (s *store) LoadKey(_ context.Context, tenant [16]byte, purpose string, subject [16]byte, epoch uint32) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	blob, ok := s.keys[keyName{tenant, purpose, subject, epoch}]
	if !ok {
		return nil, keyring.ErrNoKey
	}
	return bytes.Clone(blob), nil
}

func (s *store) StoreKeys(_ context.Context, keys []keyring.WrappedKey) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, k := range keys {
		if _, ok := s.keys[keyName{k.Tenant, k.Purpose, k.Subject, k.Epoch}]; ok {
			return keyring.ErrKeyExists
		}
	}
	for _, k := range keys {
		s.keys[keyName{k.Tenant, k.Purpose, k.Subject, k.Epoch}] = bytes.Clone(k.Blob)
	}
	return nil
}

func (s *store) DestroyKey(_ context.Context, tenant [16]byte, purpose string, subject [16]byte, epoch uint32) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.keys, keyName{tenant, purpose, subject, epoch})
	return nil
}

// KeysOf gives all at once: the place of the last key is 1.
func (s *store) KeysOf(_ context.Context, purpose string, after int64, _ int) (keys []keyring.WrappedKey, last int64, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for name, blob := range s.keys {
		if after == 0 && name.purpose == purpose {
			keys = append(keys, keyring.WrappedKey{Tenant: name.tenant, Purpose: purpose, Subject: name.subject, Epoch: name.epoch, Blob: bytes.Clone(blob)})
		}
	}
	return keys, 1, nil
}

func (s *store) ReplaceKeys(_ context.Context, replacements []keyring.Replacement) (replaced int, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range replacements {
		name := keyName{r.Old.Tenant, r.Old.Purpose, r.Old.Subject, r.Old.Epoch}
		if bytes.Equal(s.keys[name], r.Old.Blob) {
			s.keys[name] = bytes.Clone(r.New.Blob)
			replaced++
		}
	}
	return replaced, nil
}

func (s *store) LoadDeployment(context.Context) (keyring.Deployment, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.deployment == nil {
		return keyring.Deployment{}, keyring.ErrNoDeployment
	}
	return *s.deployment, nil
}

func (s *store) StoreDeployment(_ context.Context, d keyring.Deployment) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.deployment != nil {
		return keyring.ErrDeploymentExists
	}
	s.deployment = &d
	return nil
}

var errDown = errors.New("the KMS is down")

// kms is a real one that can be counted, stopped and listened to.
type kms struct {
	*localkms.KMS

	down      atomic.Bool
	decrypted atomic.Int64
	gate      chan struct{} // if not nil, Decrypt waits until it is closed

	mu       sync.Mutex
	contexts []map[string]string
}

func newKMS(t testing.TB) *kms {
	t.Helper()
	k, _, err := localkms.Open(t.Context(), filepath.Join(t.TempDir(), "kms"), localkms.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return &kms{KMS: k}
}

func (k *kms) call(kctx map[string]string) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.contexts = append(k.contexts, kctx)
	if k.down.Load() {
		return errDown
	}
	return nil
}

func (k *kms) GenerateDataKey(ctx context.Context, kctx map[string]string) ([]byte, []byte, error) {
	if err := k.call(kctx); err != nil {
		return nil, nil, err
	}
	return k.KMS.GenerateDataKey(ctx, kctx)
}

func (k *kms) Encrypt(ctx context.Context, kctx map[string]string, plaintext []byte) ([]byte, error) {
	if err := k.call(kctx); err != nil {
		return nil, err
	}
	return k.KMS.Encrypt(ctx, kctx, plaintext)
}

func (k *kms) Decrypt(ctx context.Context, kctx map[string]string, blob []byte) ([]byte, error) {
	k.decrypted.Add(1)
	if k.gate != nil {
		select {
		case <-k.gate:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	if err := k.call(kctx); err != nil {
		return nil, err
	}
	return k.KMS.Decrypt(ctx, kctx, blob)
}

// clock is a clock that a test moves.
type clock struct{ us atomic.Int64 }

func newClock() *clock {
	c := new(clock)
	c.us.Store(1_764_000_000_000_000)
	return c
}

func (c *clock) now() time.Time          { return time.UnixMicro(c.us.Load()) }
func (c *clock) forward(d time.Duration) { c.us.Add(d.Microseconds()) }
func tenantN(n byte) domain.TenantID     { return domain.TenantID{ID: domain.ID{0: 0x11, 15: n}} }
func userN(n byte) domain.UserID         { return domain.UserID{ID: domain.ID{0: 0x22, 15: n}} }
func credentialN(n byte) domain.CredentialID {
	return domain.NewCredentialID(domain.ID{0: 0x33, 15: n})
}

// node is one node of a deployment.
type node struct {
	*keyring.Ring
	kms   *kms
	store *store
	clock *clock
}

func newNode(t testing.TB) node {
	t.Helper()
	return joining(t, node{kms: newKMS(t), store: newStore(), clock: newClock()})
}

// joining returns another node of n's deployment.
func joining(t testing.TB, n node) node {
	t.Helper()
	ring, err := keyring.Open(t.Context(), keyring.Config{KMS: n.kms, Roots: []keyring.RootKey{n.kms}, Store: n.store, Now: n.clock.now, Origin: "vault.example"})
	if err != nil {
		t.Fatal(err)
	}
	n.Ring = ring
	return n
}

func (n node) mustCreate(t testing.TB, tenant domain.TenantID) {
	t.Helper()
	if _, err := n.CreateTenant(t.Context(), tenant, uint32(tenant.ID[15])); err != nil {
		t.Fatal(err)
	}
}
