package keys

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// File wraps keys with one kept in a file, for systems that run on one machine.
type File struct{ aead cipher.AEAD }

// OpenFile reads the wrapping key, or makes one if there is no such file.
func OpenFile(path string) (*File, error) {
	key, err := open(path, func() ([]byte, error) {
		key := make([]byte, Size)
		rand.Read(key)
		return key, nil
	})
	if err != nil {
		return nil, fmt.Errorf("open the wrapping key: %w", err)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("the wrapping key in %s: %w", path, err)
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return nil, fmt.Errorf("use the wrapping key: %w", err)
	}
	return &File{aead}, nil
}

// open reads a file, or makes it, readable by its owner alone, if it is not there. The finished
// file is linked into its place, so that it is whole whenever it is there and of two makers one
// wins.
func open(path string, content func() ([]byte, error)) ([]byte, error) {
	text, err := os.ReadFile(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return text, err
	}
	if text, err = content(); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, err
	}
	temporary := path + "." + rand.Text()
	defer os.Remove(temporary)
	f, err := os.OpenFile(temporary, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	_, err = f.Write(text)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return nil, err
	}
	if err := os.Link(temporary, path); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, err
	}
	return os.ReadFile(path)
}

// Generate implements [Wrapper].
func (f *File) Generate(_ context.Context, name string) (key, wrapped []byte, err error) {
	key = make([]byte, Size)
	rand.Read(key)
	return key, f.aead.Seal(nil, nil, key, []byte(name)), nil
}

// Unwrap implements [Wrapper].
func (f *File) Unwrap(_ context.Context, name string, wrapped []byte) ([]byte, error) {
	key, err := f.aead.Open(nil, nil, wrapped, []byte(name))
	if err != nil {
		return nil, fmt.Errorf("unwrap the key %s: %w", name, err)
	}
	return key, nil
}
