package kms

import (
	"context"
	"crypto/ecdsa"
	"crypto/x509"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
)

// SigningKey is an asymmetric key (ECC_NIST_P256, SIGN_VERIFY) whose private half never leaves KMS.
type SigningKey struct {
	Client *kms.Client
	KeyID  string
}

// Public gives the public half, with one request.
func (k *SigningKey) Public(ctx context.Context) (*ecdsa.PublicKey, error) {
	out, err := k.Client.GetPublicKey(ctx, &kms.GetPublicKeyInput{KeyId: &k.KeyID})
	if err != nil {
		return nil, fmt.Errorf("get a public key from KMS: %w", err)
	}
	key, err := x509.ParsePKIXPublicKey(out.PublicKey)
	if err != nil {
		return nil, fmt.Errorf("read a public key of KMS: %w", err)
	}
	public, ok := key.(*ecdsa.PublicKey)
	if !ok {
		return nil, errors.New("read a public key of KMS: its key spec is not ECC_NIST_P256")
	}
	return public, nil
}

// Sign signs a SHA-256 digest with one request and gives the signature in DER.
func (k *SigningKey) Sign(ctx context.Context, digest []byte) ([]byte, error) {
	out, err := k.Client.Sign(ctx, &kms.SignInput{
		KeyId:            &k.KeyID,
		Message:          digest,
		MessageType:      types.MessageTypeDigest,
		SigningAlgorithm: types.SigningAlgorithmSpecEcdsaSha256,
	})
	if err != nil {
		return nil, fmt.Errorf("sign with KMS: %w", err)
	}
	return out.Signature, nil
}
