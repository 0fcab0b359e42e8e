package keys

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"fmt"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"

	"github.com/interview-sandbox/annals/internal/es"
)

// Subjects seals with a key for each person (AES-256-GCM, NIST SP 800-38D, random nonces).
// The keys are in the table, wrapped by one that the ring derives, so that KMS is asked once
// by a process and not once for each person. It implements [es.Vault].
type Subjects struct {
	ring *Ring
	now  func() time.Time
	kept *lru.Cache[string, keptKey]
}

type keptKey struct {
	aead     cipher.AEAD
	loadedAt time.Time
}

const (
	// keptSubjects bounds how many keys a process holds, which take about 1 KB each.
	keptSubjects = 10_000
	// keptFor bounds for how long a process can still open what a destroyed key has sealed.
	keptFor = time.Minute
)

// Subjects gives the vault whose keys are in the ring's table. Nothing is read before it is
// used.
func (r *Ring) Subjects(now func() time.Time) (*Subjects, error) {
	kept, err := lru.New[string, keptKey](keptSubjects)
	if err != nil {
		return nil, fmt.Errorf("remember keys: %w", err)
	}
	return &Subjects{r, now, kept}, nil
}

func gcm(key []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("use a key: %w", err)
	}
	return cipher.NewGCMWithRandomNonce(block)
}

// Seal implements [es.Vault].
func (s *Subjects) Seal(ctx context.Context, subject string, place, plain []byte) ([]byte, error) {
	aead, err := s.key(ctx, subject, true)
	if err != nil {
		return nil, err
	}
	return aead.Seal(nil, nil, plain, place), nil
}

// Open implements [es.Vault].
func (s *Subjects) Open(ctx context.Context, subject string, place, sealed []byte) ([]byte, error) {
	aead, err := s.key(ctx, subject, false)
	if err != nil {
		return nil, err
	}
	plain, err := aead.Open(nil, nil, sealed, place)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", es.ErrBroken, err)
	}
	return plain, nil
}

// Destroy destroys a person's key for good. Other processes may use it for another minute.
func (s *Subjects) Destroy(ctx context.Context, subject string) error {
	name := subjectName(subject)
	if err := s.ring.Table.Destroy(ctx, name); err != nil {
		return err
	}
	s.kept.Remove(name)
	return nil
}

func subjectName(subject string) string { return "subject/" + subject }

// key gives a person's key, and makes it if there has never been one and it is needed.
func (s *Subjects) key(ctx context.Context, subject string, needed bool) (cipher.AEAD, error) {
	name := subjectName(subject)
	if k, ok := s.kept.Get(name); ok && s.now().Sub(k.loadedAt) < keptFor {
		return k.aead, nil
	}
	secret, err := s.ring.Secret(ctx, "subjects")
	if err != nil {
		return nil, err
	}
	wrapper, err := gcm(secret)
	if err != nil {
		return nil, err
	}
	record, ok, err := s.ring.Table.Load(ctx, name)
	switch {
	case err != nil:
		return nil, err
	case !ok && !needed:
		return nil, fmt.Errorf("%w: there is no key", es.ErrBroken)
	case !ok:
		key := make([]byte, Size)
		rand.Read(key)
		// If another process was faster, its key is the one.
		if record, err = s.ring.Table.Create(ctx, name, Record{Wrapped: wrapper.Seal(nil, nil, key, []byte(name))}); err != nil {
			return nil, err
		}
	}
	if len(record.Wrapped) == 0 {
		return nil, es.ErrErased
	}
	key, err := wrapper.Open(nil, nil, record.Wrapped, []byte(name))
	if err != nil {
		return nil, fmt.Errorf("%w: its key cannot be unwrapped: %w", es.ErrBroken, err)
	}
	aead, err := gcm(key)
	if err != nil {
		return nil, err
	}
	s.kept.Add(name, keptKey{aead, s.now()})
	return aead, nil
}
