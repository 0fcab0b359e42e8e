// Package sandboxtest helps to test what keeps the sandbox's ledger: one in memory, and the
// contract that every ledger has to keep.
package sandboxtest

import (
	"context"
	"sync"

	"github.com/interview-sandbox/annals/internal/es"
)

// Memory is a ledger in memory. Its zero value is ready.
type Memory struct {
	mu       sync.Mutex
	accounts map[string]stored
}

type stored struct {
	account  []byte
	revision int
}

// LoadAccount implements [sandbox.Ledger].
func (m *Memory) LoadAccount(_ context.Context, id string) ([]byte, int, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := m.accounts[id]
	return s.account, s.revision, nil
}

// SaveAccount implements [sandbox.Ledger].
func (m *Memory) SaveAccount(_ context.Context, id string, account []byte, revision int) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.accounts[id].revision != revision {
		return es.ErrConflict
	}
	if m.accounts == nil {
		m.accounts = map[string]stored{}
	}
	m.accounts[id] = stored{account, revision + 1}
	return nil
}
