// Package kms wraps keys and signs with AWS KMS.
package kms

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"

	"github.com/interview-sandbox/annals/internal/keys"
)

// Wrapper implements [keys.Wrapper]. A key's name is its encryption context, which KMS
// demands to be the same on decryption and writes to the audit trail.
type Wrapper struct {
	Client *kms.Client
	KeyID  string // of the symmetric key that wraps
}

// Generate implements [keys.Wrapper].
func (w *Wrapper) Generate(ctx context.Context, name string) (key, wrapped []byte, err error) {
	out, err := w.Client.GenerateDataKey(ctx, &kms.GenerateDataKeyInput{
		KeyId:             &w.KeyID,
		NumberOfBytes:     aws.Int32(keys.Size),
		EncryptionContext: map[string]string{"name": name},
	})
	if err != nil {
		return nil, nil, fmt.Errorf("generate a key with KMS: %w", err)
	}
	return out.Plaintext, out.CiphertextBlob, nil
}

// Unwrap implements [keys.Wrapper].
func (w *Wrapper) Unwrap(ctx context.Context, name string, wrapped []byte) ([]byte, error) {
	out, err := w.Client.Decrypt(ctx, &kms.DecryptInput{
		KeyId:             &w.KeyID,
		CiphertextBlob:    wrapped,
		EncryptionContext: map[string]string{"name": name},
	})
	if err != nil {
		return nil, fmt.Errorf("unwrap a key with KMS: %w", err)
	}
	return out.Plaintext, nil
}
