package token

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"sync"
	"time"
)

// Key is a key that signs access tokens with ES256 (RFC 7518, 3.4): ECDSA on the curve P-256
// over SHA-256.
type Key interface {
	// Public gives the public half, which never changes.
	Public(ctx context.Context) (*ecdsa.PublicKey, error)
	// Sign signs a SHA-256 digest and gives the signature in DER (RFC 3279, 2.2.3).
	Sign(ctx context.Context, digest []byte) ([]byte, error)
}

// PublicKey is the public half of a key as others are told of it (RFC 7518, 6.2).
type PublicKey struct {
	ID   string // its thumbprint (RFC 7638), which the tokens name as kid
	X, Y []byte // the point's coordinates, 32 bytes each

	key *ecdsa.PublicKey
}

func publicKey(key *ecdsa.PublicKey) (*PublicKey, error) {
	if key.Curve != elliptic.P256() {
		return nil, errors.New("it is not on the curve P-256")
	}
	point, err := key.Bytes() // SEC 1, 2.3.3: 4, x, y
	if err != nil {
		return nil, err
	}
	x, y := point[1:33], point[33:]
	sum := sha256.Sum256([]byte(`{"crv":"P-256","kty":"EC","x":"` + encoded(x) + `","y":"` + encoded(y) + `"}`))
	return &PublicKey{encoded(sum[:]), x, y, key}, nil
}

func encoded(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

// Keys are the signing keys of a deployment. The first one signs, and tokens of all of them are
// valid, so that a key can be replaced while the tokens of the one before it are in use. Each
// public half is asked for when it is first needed, and kept once it is there.
type Keys struct {
	now func() time.Time

	mu  sync.Mutex
	all []*known
}

// known is a key with what is known of it.
type known struct {
	Key
	public *PublicKey // nil: not yet
	failed time.Time  // when it was asked for in vain
	reason error
}

// NewKeys lists the signing keys of a deployment.
func NewKeys(now func() time.Time, keys ...Key) *Keys {
	k := &Keys{now: now}
	for _, key := range keys {
		k.all = append(k.all, &known{Key: key})
	}
	return k
}

// List gives the public halves in the deployment's order. The error is [ErrUnavailable] if one of
// them is not to be had.
func (k *Keys) List(ctx context.Context) ([]PublicKey, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	list := []PublicKey{}
	for _, key := range k.all {
		if err := k.ask(ctx, key); err != nil {
			return nil, fmt.Errorf("%w: %w", ErrUnavailable, err)
		}
		list = append(list, *key.public)
	}
	return list, nil
}

// signing gives the key that signs.
func (k *Keys) signing(ctx context.Context) (*known, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(k.all) == 0 {
		return nil, errors.New("there is no signing key")
	}
	return k.all[0], k.ask(ctx, k.all[0])
}

// verifying gives the public half with this id, nil if there is none. The error means that
// this cannot be told, because one of the keys is not known.
func (k *Keys) verifying(ctx context.Context, id string) (*ecdsa.PublicKey, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	var unknown []*known
	for _, key := range k.all {
		switch {
		case key.public == nil:
			unknown = append(unknown, key)
		case key.public.ID == id:
			return key.public.key, nil
		}
	}
	var failed error
	for _, key := range unknown {
		if err := k.ask(ctx, key); err != nil {
			failed = errors.Join(failed, err)
		} else if key.public.ID == id {
			return key.public.key, nil
		}
	}
	return nil, failed
}

// pause is how long a public half is not asked for again after it was in vain, so that a flood
// of tokens is none of requests.
const pause = time.Second

func (k *Keys) ask(ctx context.Context, key *known) error {
	switch {
	case key.public != nil:
		return nil
	case key.reason != nil && k.now().Sub(key.failed) < pause:
		return key.reason
	}
	public, err := key.Public(ctx)
	if err == nil {
		key.public, err = publicKey(public)
	}
	if err != nil {
		err = fmt.Errorf("get a signing key's public half: %w", err)
		if ctx.Err() == nil { // otherwise it is the request that gave up
			key.failed, key.reason = k.now(), err
		}
	}
	return err
}
