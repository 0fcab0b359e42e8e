package objects

import (
	"bytes"
	"io"
	"slices"
	"sync"

	"github.com/johannesboyne/gofakes3"
)

// backend keeps the contents that s3bolt gives out from changing: they are memory that bolt
// maps from the file and may reuse or unmap at the next write. So they are copied, and no
// write happens meanwhile.
type backend struct {
	gofakes3.Backend
	mu sync.RWMutex
}

func (b *backend) GetObject(bucket, key string, rng *gofakes3.ObjectRangeRequest) (*gofakes3.Object, error) {
	b.mu.RLock()
	defer b.mu.RUnlock()
	object, err := b.Backend.GetObject(bucket, key, rng)
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(object.Contents)
	object.Contents = io.NopCloser(bytes.NewReader(body))
	object.Hash = slices.Clone(object.Hash)
	return object, err
}

func (b *backend) HeadObject(bucket, key string) (*gofakes3.Object, error) {
	b.mu.RLock()
	defer b.mu.RUnlock()
	object, err := b.Backend.HeadObject(bucket, key)
	if err != nil {
		return nil, err
	}
	object.Hash = slices.Clone(object.Hash)
	return object, nil
}

// PutObject reads all of the input before it locks, as a client may send it slowly.
func (b *backend) PutObject(bucket, key string, meta map[string]string, input io.Reader, size int64, conditions *gofakes3.PutConditions) (gofakes3.PutObjectResult, error) {
	body, err := gofakes3.ReadAll(input, size)
	if err != nil {
		return gofakes3.PutObjectResult{}, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.Backend.PutObject(bucket, key, meta, bytes.NewReader(body), size, conditions)
}

func (b *backend) CopyObject(fromBucket, fromKey, toBucket, toKey string, meta map[string]string) (gofakes3.CopyObjectResult, error) {
	return gofakes3.CopyObject(b, fromBucket, fromKey, toBucket, toKey, meta)
}

func (b *backend) DeleteObject(bucket, key string) (gofakes3.ObjectDeleteResult, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.Backend.DeleteObject(bucket, key)
}

func (b *backend) DeleteMulti(bucket string, keys ...string) (gofakes3.MultiDeleteResult, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.Backend.DeleteMulti(bucket, keys...)
}

func (b *backend) CreateBucket(name string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.Backend.CreateBucket(name)
}

func (b *backend) DeleteBucket(name string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.Backend.DeleteBucket(name)
}

func (b *backend) ForceDeleteBucket(name string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.Backend.ForceDeleteBucket(name)
}
