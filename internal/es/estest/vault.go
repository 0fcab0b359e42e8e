package estest

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha256"
	"sync"

	"github.com/interview-sandbox/annals/internal/es"
)

// Vault is a real [es.Vault] whose keys are made of the subjects' names. Its zero value is
// ready.
type Vault struct {
	mu        sync.Mutex
	destroyed map[string]bool
	fails     error
}

// Fail makes every call fail with an error, until it is nil.
func (v *Vault) Fail(err error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.fails = err
}

// Destroy destroys a person's key.
func (v *Vault) Destroy(subject string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.destroyed == nil {
		v.destroyed = map[string]bool{}
	}
	v.destroyed[subject] = true
}

// Seal implements [es.Vault].
func (v *Vault) Seal(_ context.Context, subject string, place, plain []byte) ([]byte, error) {
	aead, err := v.key(subject)
	if err != nil {
		return nil, err
	}
	return aead.Seal(nil, nil, plain, place), nil
}

// Open implements [es.Vault].
func (v *Vault) Open(_ context.Context, subject string, place, sealed []byte) ([]byte, error) {
	aead, err := v.key(subject)
	if err != nil {
		return nil, err
	}
	plain, err := aead.Open(nil, nil, sealed, place)
	if err != nil {
		return nil, es.ErrBroken
	}
	return plain, nil
}

func (v *Vault) key(subject string) (cipher.AEAD, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.fails != nil {
		return nil, v.fails
	}
	if v.destroyed[subject] {
		return nil, es.ErrErased
	}
	key := sha256.Sum256([]byte(subject))
	block, err := aes.NewCipher(key[:])
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(block)
}
