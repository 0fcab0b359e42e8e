package keys

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
)

// SigningFile is a key on the curve P-256 that is kept in a file, for systems that run on one
// machine.
type SigningFile struct{ key *ecdsa.PrivateKey }

// pemPrivate is the type of a PEM block with a private key in PKCS #8 (RFC 7468, 10).
const pemPrivate = "PRIVATE KEY"

// OpenSigningFile reads a signing key, PKCS #8 in PEM, or makes one if there is no such file.
func OpenSigningFile(path string) (*SigningFile, error) {
	text, err := open(path, newSigningKey)
	if err != nil {
		return nil, fmt.Errorf("open a signing key: %w", err)
	}
	key, err := parseSigningKey(text)
	if err != nil {
		return nil, fmt.Errorf("the signing key in %s: %w", path, err)
	}
	return &SigningFile{key}, nil
}

func newSigningKey() ([]byte, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	return pem.EncodeToMemory(&pem.Block{Type: pemPrivate, Bytes: der}), err
}

func parseSigningKey(text []byte) (*ecdsa.PrivateKey, error) {
	block, _ := pem.Decode(text)
	if block == nil || block.Type != pemPrivate {
		return nil, errors.New("the file holds no private key in PEM")
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, err
	}
	private, ok := key.(*ecdsa.PrivateKey)
	if !ok || private.Curve != elliptic.P256() {
		return nil, errors.New("it is not on the curve P-256")
	}
	return private, nil
}

// Public gives the public half.
func (f *SigningFile) Public(context.Context) (*ecdsa.PublicKey, error) { return &f.key.PublicKey, nil }

// Sign signs a SHA-256 digest and gives the signature in DER.
func (f *SigningFile) Sign(_ context.Context, digest []byte) ([]byte, error) {
	return ecdsa.SignASN1(rand.Reader, f.key, digest)
}
