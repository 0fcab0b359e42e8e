package keys_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/interview-sandbox/annals/internal/keys"
)

func TestASigningFileIsMadeOnceForItsOwnerAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "signing", "1.pem")
	const makers = 8
	opened, failed := make([]*keys.SigningFile, makers), make([]error, makers)
	var all sync.WaitGroup
	for i := range makers {
		all.Go(func() { opened[i], failed[i] = keys.OpenSigningFile(path) })
	}
	all.Wait()
	if err := errors.Join(failed...); err != nil {
		t.Fatal(err)
	}
	public, err := opened[0].Public(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	digest := sha256.Sum256([]byte("what is signed"))
	for i, file := range opened {
		if signature, err := file.Sign(t.Context(), digest[:]); err != nil || !ecdsa.VerifyASN1(public, digest[:], signature) {
			t.Errorf("maker %d has another key than the first, error %v", i, err)
		}
	}
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(entries) != 1 {
		t.Errorf("beside it: %v, error %v", entries, err)
	}
	for what, want := range map[string]os.FileMode{path: 0o600, filepath.Dir(path): 0o700} {
		if info, err := os.Stat(what); err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: %v, error %v, want %v", what, info, err, want)
		}
	}
}

func TestAFileWithoutASigningKeyIsAnErrorAndStays(t *testing.T) {
	other, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(other)
	if err != nil {
		t.Fatal(err)
	}
	inPEM := func(kind string, content []byte) string {
		return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: content}))
	}
	for _, text := range []string{"", inPEM("PRIVATE KEY", []byte("x")), inPEM("PRIVATE KEY", der), inPEM("PUBLIC KEY", der)} {
		path := filepath.Join(t.TempDir(), "1.pem")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if file, err := keys.OpenSigningFile(path); err == nil {
			t.Errorf("%q is taken for %v", text, file)
		}
		if after, err := os.ReadFile(path); err != nil || string(after) != text {
			t.Errorf("it became %q, error %v", after, err)
		}
	}
}
