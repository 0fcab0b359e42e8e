// Package keys holds the system's own keys: random, made once on first use, kept in a table
// wrapped by a key that never leaves its keeper (KMS in AWS, a file in the embedded stack).
package keys

import (
	"context"
	"crypto/ed25519"
	"crypto/hkdf"
	"crypto/sha256"
	"fmt"
	"sync"

	"github.com/interview-sandbox/annals/internal/es"
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
	Public  []byte // of a signing key
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

// Ring gives out the system's keys and remembers them.
type Ring struct {
	Table   Table
	Wrapper Wrapper

	mu   sync.Mutex
	kept map[string][]byte
}

// The names under which records are stored.
const (
	nameSystem  = "system"
	nameSigning = "signing"
)

// Secret gives the secret for one purpose. Secrets of different purposes tell nothing about
// each other (HKDF, RFC 5869).
func (r *Ring) Secret(ctx context.Context, purpose string) ([]byte, error) {
	system, err := r.key(ctx, nameSystem, func([]byte) []byte { return nil })
	if err != nil {
		return nil, err
	}
	secret, err := hkdf.Key(sha256.New, system, nil, "annals "+purpose, Size)
	if err != nil {
		return nil, fmt.Errorf("derive the secret for %s: %w", purpose, err)
	}
	return secret, nil
}

// Signing gives the key that signs access tokens.
func (r *Ring) Signing(ctx context.Context) (ed25519.PrivateKey, error) {
	seed, err := r.key(ctx, nameSigning, func(seed []byte) []byte {
		return ed25519.NewKeyFromSeed(seed).Public().(ed25519.PublicKey)
	})
	if err != nil {
		return nil, err
	}
	return ed25519.NewKeyFromSeed(seed), nil
}

func (r *Ring) key(ctx context.Context, name string, public func(key []byte) []byte) ([]byte, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if key, ok := r.kept[name]; ok {
		return key, nil
	}
	key, err := r.load(ctx, name, public)
	if err != nil {
		return nil, fmt.Errorf("get the %s key: %w", name, err)
	}
	if r.kept == nil {
		r.kept = map[string][]byte{}
	}
	r.kept[name] = key
	return key, nil
}

func (r *Ring) load(ctx context.Context, name string, public func(key []byte) []byte) ([]byte, error) {
	record, ok, err := r.Table.Load(ctx, name)
	if err != nil {
		return nil, err
	}
	if !ok {
		key, wrapped, err := r.Wrapper.Generate(ctx, name)
		if err != nil {
			return nil, err
		}
		// Another function may have been faster; then its key is the one.
		if record, err = r.Table.Create(ctx, name, Record{wrapped, public(key)}); err != nil {
			return nil, err
		}
	}
	return r.Wrapper.Unwrap(ctx, name, record.Wrapped)
}

// ErrNoKey: there is no signing key yet, so no valid token can exist.
var ErrNoKey = &es.Error{Kind: es.Unauthenticated, Code: "unauthenticated", Message: "This access token is not valid."}

// Public reads the public half of the signing key. The error is [ErrNoKey] if none has been
// made yet.
func Public(ctx context.Context, t Table) (ed25519.PublicKey, error) {
	record, ok, err := t.Load(ctx, nameSigning)
	switch {
	case err != nil:
		return nil, fmt.Errorf("get the signing key's public half: %w", err)
	case !ok:
		return nil, ErrNoKey
	case len(record.Public) != ed25519.PublicKeySize:
		return nil, fmt.Errorf("the signing key's public half has %d bytes", len(record.Public))
	}
	return record.Public, nil
}
