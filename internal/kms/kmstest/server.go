// Package kmstest is a KMS for tests, as far as the system asks it for something: it makes keys on
// the curve P-256 and really signs with them, and wraps data keys (JSON 1.1 over HTTP, as KMS).
package kmstest

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
)

// target begins the header X-Amz-Target of every request for KMS, before the operation's name.
const target = "TrentService."

// Server is a KMS. Its zero value has no keys.
type Server struct {
	mu      sync.Mutex
	signing map[string]*ecdsa.PrivateKey // by ARN
	wrapper cipher.AEAD
	calls   map[string]int
	failing int
}

// NewSigningKey makes a key on a curve and gives its ARN.
func (s *Server) NewSigningKey(curve elliptic.Curve) (arn string, err error) {
	key, err := ecdsa.GenerateKey(curve, rand.Reader)
	if err != nil {
		return "", err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.signing == nil {
		s.signing = map[string]*ecdsa.PrivateKey{}
	}
	arn = fmt.Sprintf("arn:aws:kms:us-east-1:000000000000:key/%d", len(s.signing)+1)
	s.signing[arn] = key
	return arn, nil
}

// Calls gives how often an operation was asked for since the last time, failures included.
func (s *Server) Calls(operation string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := s.calls[operation]
	delete(s.calls, operation)
	return n
}

// Fail makes the next requests fail as KMS does when it is too busy.
func (s *Server) Fail(requests int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failing = requests
}

// Takes reports whether a request is for KMS.
func Takes(r *http.Request) bool { return strings.HasPrefix(r.Header.Get("X-Amz-Target"), target) }

// request has the members of every operation's request.
type request struct {
	KeyID             string `json:"KeyId"`
	Message           []byte
	MessageType       string
	SigningAlgorithm  string
	CiphertextBlob    []byte
	EncryptionContext map[string]string
}

// failure is an error as KMS gives it.
type failure struct {
	Type    string `json:"__type"`
	Message string `json:"message"`
}

// ServeHTTP implements [http.Handler].
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var in request
	body, err := io.ReadAll(r.Body)
	if err == nil {
		err = json.Unmarshal(body, &in)
	}
	if err != nil {
		answer(w, 400, failure{"SerializationException", err.Error()})
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	operation := strings.TrimPrefix(r.Header.Get("X-Amz-Target"), target)
	if s.calls == nil {
		s.calls = map[string]int{}
	}
	s.calls[operation]++
	if s.failing > 0 {
		s.failing--
		answer(w, 500, failure{"KMSInternalException", "The request was rejected because an internal exception occurred."})
		return
	}
	out, err := s.do(operation, in)
	if err != nil {
		answer(w, 400, failure{"ValidationException", err.Error()})
		return
	}
	answer(w, 200, out)
}

func (s *Server) do(operation string, in request) (any, error) {
	switch operation {
	case "GenerateDataKey":
		key := make([]byte, 32)
		rand.Read(key)
		wrapper, err := s.wrapping()
		if err != nil {
			return nil, err
		}
		return map[string]any{"KeyId": in.KeyID, "Plaintext": key, "CiphertextBlob": wrapper.Seal(nil, nil, key, bound(in))}, nil
	case "Decrypt":
		wrapper, err := s.wrapping()
		if err != nil {
			return nil, err
		}
		key, err := wrapper.Open(nil, nil, in.CiphertextBlob, bound(in))
		return map[string]any{"KeyId": in.KeyID, "Plaintext": key}, err
	}
	key, ok := s.signing[in.KeyID]
	switch {
	case !ok:
		return nil, fmt.Errorf("there is no signing key %s", in.KeyID)
	case operation == "GetPublicKey":
		der, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
		return map[string]any{"KeyId": in.KeyID, "PublicKey": der, "KeyUsage": "SIGN_VERIFY"}, err
	case operation != "Sign":
		return nil, fmt.Errorf("the operation %s is not known here", operation)
	case in.MessageType != "DIGEST" || in.SigningAlgorithm != "ECDSA_SHA_256" || len(in.Message) != 32:
		return nil, fmt.Errorf("%d bytes are to be signed as %s by %s", len(in.Message), in.MessageType, in.SigningAlgorithm)
	}
	signature, err := ecdsa.SignASN1(rand.Reader, key, in.Message)
	return map[string]any{"KeyId": in.KeyID, "Signature": signature, "SigningAlgorithm": in.SigningAlgorithm}, err
}

// wrapping gives the key that wraps data keys, whichever is asked for.
func (s *Server) wrapping() (cipher.AEAD, error) {
	if s.wrapper == nil {
		key := make([]byte, 32)
		rand.Read(key)
		block, err := aes.NewCipher(key)
		if err != nil {
			return nil, err
		}
		if s.wrapper, err = cipher.NewGCMWithRandomNonce(block); err != nil {
			return nil, err
		}
	}
	return s.wrapper, nil
}

// bound is what a wrapped key is bound to: the encryption context, whatever order it comes in.
func bound(in request) []byte {
	var all []byte
	for _, name := range slices.Sorted(maps.Keys(in.EncryptionContext)) {
		all = fmt.Appendf(all, "%q=%q,", name, in.EncryptionContext[name])
	}
	return all
}

func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	w.WriteHeader(status)
	// Who has gone away does not miss the answer.
	_ = json.NewEncoder(w).Encode(body)
}
