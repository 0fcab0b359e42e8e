// Package objects is an S3 server in this process that keeps its objects in one file.
package objects

import (
	"bytes"
	"fmt"
	"net/http"
	"time"

	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3bolt"
	"go.etcd.io/bbolt"
)

// Store holds buckets of objects. What was put is there after any crash of the process,
// whole: a bolt transaction is. gofakes3's other backend on disk, s3afero, writes an object
// in place and its metadata apart from it, so a crash can leave half of either.
type Store struct {
	db      *bbolt.DB
	backend *backend
}

// Open opens the store in the file at path, which it makes if there is none, and makes the
// buckets that are missing.
func Open(path string, buckets ...string) (*Store, error) {
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{Timeout: time.Second})
	if err != nil {
		return nil, fmt.Errorf("open the objects: %w", err)
	}
	s := &Store{db, &backend{Backend: s3bolt.New(db)}}
	for _, bucket := range buckets {
		if err := s.ensure(bucket); err != nil {
			db.Close()
			return nil, fmt.Errorf("make bucket %s: %w", bucket, err)
		}
	}
	return s, nil
}

func (s *Store) ensure(bucket string) error {
	there, err := s.backend.BucketExists(bucket)
	if err != nil || there {
		return err
	}
	return s.backend.CreateBucket(bucket)
}

// Handler serves the store as S3 with path-style addresses. It takes any credentials, so it
// is for loopback only.
func (s *Store) Handler() http.Handler { return gofakes3.New(s.backend).Server() }

// Put writes an object, in place of any that has its key.
func (s *Store) Put(bucket, key string, body []byte) error {
	_, err := s.backend.PutObject(bucket, key, map[string]string{}, bytes.NewReader(body), int64(len(body)), nil)
	if err != nil {
		return fmt.Errorf("put %s/%s: %w", bucket, key, err)
	}
	return nil
}

// Close closes the file. The store is of no use after that.
func (s *Store) Close() error { return s.db.Close() }
