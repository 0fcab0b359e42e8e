//go:build unix

package main

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"io"
	"math/rand/v2"
	"net/http"
	"runtime"
	"syscall"
	"testing"

	"github.com/interview-sandbox/annals/localstack/scenario"
	"github.com/interview-sandbox/annals/localstack/stacktest"
)

const (
	small = 1 << 20
	large = 100 << 20
	// growth is how much more memory a large file may take than a small one: far less than the
	// file has, and more than one run differs from another.
	growth = 64 << 20
)

func TestMemoryStaysFlatWhileALargeFileIsUploadedAndRead(t *testing.T) {
	before := peakWith(t, small)
	after := peakWith(t, large)
	t.Logf("at most %d MiB with a file of %d MiB, %d MiB with one of %d MiB", before>>20, small>>20, after>>20, large>>20)
	if after-before > growth {
		t.Errorf("the stack took %d MiB, and %d MiB with a large file", before>>20, after>>20)
	}
}

// bytesOf are always the same bytes, which no compression makes fewer.
func bytesOf(size int64) io.Reader { return io.LimitReader(rand.NewChaCha8([32]byte{}), size) }

// peakWith has a stack take and give a file of a size and reports the most memory that it had,
// in bytes.
func peakWith(t *testing.T, size int64) int64 {
	t.Helper()
	s := stacktest.Start(t)
	ada := scenario.Register(t, s.URL(), "ada@example.com")
	sum := sumOf(t, bytesOf(size))
	a := ada.Expect(t, 201, "POST", "/files", map[string]any{
		"name": "large.bin", "size": size, "contentType": "application/octet-stream", "sha256": hex.EncodeToString(sum.Sum(nil)),
	})
	if status, body, err := scenario.FormOf(t, a).Upload(t.Context(), bytesOf(size)); err != nil || status != 204 {
		t.Fatalf("upload: status %d %s (%v)", status, body, err)
	}
	id := a.Text("id")
	eventually(t, "it is available", func() bool {
		return ada.Expect(t, 200, "GET", "/files/"+id, nil).Text("status") == "available"
	})
	reply, err := ada.Fetch(t, id)
	if err != nil {
		t.Fatal(err)
	}
	defer reply.Body.Close()
	if got := sumOf(t, reply.Body); reply.StatusCode != http.StatusOK || fmt.Sprint(got.Sum(nil)) != fmt.Sprint(sum.Sum(nil)) {
		t.Errorf("status %d, and other bytes than were uploaded", reply.StatusCode)
	}
	s.Terminate()
	used, ok := s.Ended().SysUsage().(*syscall.Rusage)
	if !ok {
		t.Fatal("the system does not tell what the stack used")
	}
	if runtime.GOOS == "darwin" {
		return int64(used.Maxrss)
	}
	return int64(used.Maxrss) << 10
}

func sumOf(t *testing.T, r io.Reader) hash.Hash {
	t.Helper()
	sum := sha256.New()
	if _, err := io.Copy(sum, r); err != nil {
		t.Fatal(err)
	}
	return sum
}
