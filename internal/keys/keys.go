// Package keys holds the system's own keys: random, made once on first use, kept in a table
// wrapped by a key that never leaves its keeper (KMS in AWS, a file in the embedded stack).
package keys

import (
	"context"
	"crypto/hkdf"
	"crypto/sha256"
	"fmt"
	"sync"
)

// Size is the size of every key, in bytes.
const Size = 32

// Wrapper makes keys and encrypts them, each bound to its name, so that a wrapped key
// cannot be passed off as another one.
type Wrapper interface {
	// Generate makes a random key of [Size] bytes.
	Generate(ctx context.Context, name string) (key, wrapped []byte, err error)
	// Unwrap decrypts what Generate wrapped under the same name.
	Unwrap(ctx context.Context, name string, wrapped []byte) ([]byte, error)
}

// Record is a key as it is stored.
type Record struct {
	Wrapped []byte // empty: the key has been destroyed
}

// Table stores records by name. A record, once created, is never changed but destroyed.
type Table interface {
	// Load gives a record; ok is false if there is none.
	Load(ctx context.Context, name string) (r Record, ok bool, err error)
	// Create stores a record unless there is one, and gives the one that is there then.
	Create(ctx context.Context, name string, r Record) (Record, error)
	// Destroy leaves an empty record in the place of a key, so that none is made there again.
	Destroy(ctx context.Context, name string) error
}

// Ring gives out secrets and remembers the system's key, which they are derived from.
type Ring struct {
	Table   Table
	Wrapper Wrapper

	mu   sync.Mutex
	kept []byte // the system's key
}

// nameSystem is the name under which the key is stored that secrets are derived from.
const nameSystem = "system"

// Secret gives the secret for one purpose. Secrets of different purposes tell nothing about
// each other (HKDF, RFC 5869).
func (r *Ring) Secret(ctx context.Context, purpose string) ([]byte, error) {
	system, err := r.system(ctx)
	if err != nil {
		return nil, err
	}
	secret, err := hkdf.Key(sha256.New, system, nil, "annals "+purpose, Size)
	if err != nil {
		return nil, fmt.Errorf("derive the secret for %s: %w", purpose, err)
	}
	return secret, nil
}

func (r *Ring) system(ctx context.Context) ([]byte, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.kept == nil {
		key, err := r.load(ctx)
		if err != nil {
			return nil, fmt.Errorf("get the system key: %w", err)
		}
		r.kept = key
	}
	return r.kept, nil
}

func (r *Ring) load(ctx context.Context) ([]byte, error) {
	record, ok, err := r.Table.Load(ctx, nameSystem)
	if err != nil {
		return nil, err
	}
	if !ok {
		_, wrapped, err := r.Wrapper.Generate(ctx, nameSystem)
		if err != nil {
			return nil, err
		}
		// Another function may have been faster; then its key is the one.
		if record, err = r.Table.Create(ctx, nameSystem, Record{wrapped}); err != nil {
			return nil, err
		}
	}
	return r.Wrapper.Unwrap(ctx, nameSystem, record.Wrapped)
}
