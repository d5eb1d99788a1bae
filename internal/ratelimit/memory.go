package ratelimit

import (
	"context"
	"sync"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"
	"github.com/throttled/throttled/v2"
)

// Memory counts in this process. It remembers a bounded number of keys, and of
// more than that forgets those that asked longest ago. Make one with NewMemory.
type Memory struct {
	now func() time.Time

	mu     sync.Mutex
	fullAt *simplelru.LRU[string, int64]
}

var _ throttled.GCRAStoreCtx = (*Memory)(nil)

// absent is what GCRA reads where nothing is known of a key.
const absent = -1

// NewMemory returns a store for size keys, which must be positive.
func NewMemory(size int, now func() time.Time) (*Memory, error) {
	fullAt, err := simplelru.NewLRU[string, int64](size, nil)
	return &Memory{now: now, fullAt: fullAt}, err
}

// GetWithTime implements throttled.GCRAStoreCtx. It never fails, like the rest.
func (m *Memory) GetWithTime(_ context.Context, key string) (int64, time.Time, error) {
	return m.known(key), m.now(), nil
}

// SetIfNotExistsWithTTL implements throttled.GCRAStoreCtx.
func (m *Memory) SetIfNotExistsWithTTL(_ context.Context, key string, value int64, _ time.Duration) (bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.fullAt.Contains(key) {
		return false, nil
	}
	m.fullAt.Add(key, value)
	return true, nil
}

// CompareAndSwapWithTTL implements throttled.GCRAStoreCtx.
func (m *Memory) CompareAndSwapWithTTL(_ context.Context, key string, before, after int64, _ time.Duration) (bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if value, ok := m.fullAt.Peek(key); !ok || value != before {
		return false, nil
	}
	m.fullAt.Add(key, after)
	return true, nil
}

func (m *Memory) known(key string) int64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	if value, ok := m.fullAt.Peek(key); ok {
		return value
	}
	return absent
}
