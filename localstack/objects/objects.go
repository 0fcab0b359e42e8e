// Package objects is an S3 server in this process that keeps its objects in files, as far as
// Annals and people who look inside use S3: objects with versions, form uploads under a policy,
// links, lists, and notifications of what was stored. Bytes are never held in memory.
//
//   - https://docs.aws.amazon.com/AmazonS3/latest/API/Welcome.html
package objects

import (
	"bytes"
	"crypto/md5"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

// Store holds buckets of objects. What was put is there after any crash, whole, with what is
// known of it: both are in one file, which gets its place when it is on disk.
type Store struct {
	// Keys are the secret keys that forms and links are signed with, by access key. Requests
	// that are signed in another way, or not at all, are taken as they come, so the store is
	// for loopback only.
	Keys map[string]string

	dir     string
	now     func() time.Time
	buckets map[string]Bucket
	mu      sync.Mutex // held while versions come and go
}

// Bucket is one bucket.
type Bucket struct {
	Name      string
	Versioned bool // every object keeps all of its versions; else only the last
	// Created, if set, is called with every object that was stored over HTTP.
	Created func(Object)
}

// Object is what is known of one version of an object.
type Object struct {
	Bucket   string    `json:"-"`
	Version  string    `json:"-"` // "null" in a bucket without versions
	Latest   bool      `json:"-"`
	Key      string    `json:"key"`
	Marker   bool      `json:"marker"` // no object, but the mark that it was deleted
	Type     string    `json:"type"`
	Size     int64     `json:"size"`
	MD5      string    `json:"md5"`    // hexadecimal
	SHA256   string    `json:"sha256"` // base64
	Modified time.Time `json:"modified"`
}

// The version of the only object of a bucket without versions, and the folder for what has
// not arrived yet.
const (
	noVersion = "null"
	arriving  = "arriving"
)

// Open opens the store in a folder, which it makes if there is none.
func Open(dir string, now func() time.Time, buckets ...Bucket) (*Store, error) {
	s := &Store{dir: dir, now: now, buckets: map[string]Bucket{}}
	if err := os.RemoveAll(filepath.Join(dir, arriving)); err != nil { // what a crash left
		return nil, fmt.Errorf("open the objects: %w", err)
	}
	for _, name := range append([]string{arriving}, names(buckets)...) {
		if err := os.MkdirAll(filepath.Join(dir, name), 0o700); err != nil {
			return nil, fmt.Errorf("open the objects: %w", err)
		}
	}
	for _, b := range buckets {
		s.buckets[b.Name] = b
	}
	return s, nil
}

func names(buckets []Bucket) (all []string) {
	for _, b := range buckets {
		all = append(all, b.Name)
	}
	return all
}

// Put writes an object, in place of any that has its key.
func (s *Store) Put(bucket, key string, body []byte) error {
	_, err := s.store(Object{Bucket: bucket, Key: key, Type: "binary/octet-stream"}, bytes.NewReader(body), nil)
	if err != nil {
		return fmt.Errorf("put %s/%s: %w", bucket, key, err)
	}
	return nil
}

// store keeps an object whose bytes are read from in. check, if not nil, is asked about what
// has been read before it counts.
func (s *Store) store(o Object, in io.Reader, check func(Object) error) (Object, error) {
	b, ok := s.buckets[o.Bucket]
	if !ok {
		return o, errNoSuchBucket
	}
	f, err := os.CreateTemp(filepath.Join(s.dir, arriving), "*")
	if err != nil {
		return o, err
	}
	defer os.Remove(f.Name()) // of no effect once it has its place
	defer f.Close()
	hash, sum := md5.New(), sha256.New()
	if o.Size, err = io.Copy(io.MultiWriter(f, hash, sum), in); err != nil {
		return o, err
	}
	o.MD5, o.SHA256 = hex.EncodeToString(hash.Sum(nil)), base64.StdEncoding.EncodeToString(sum.Sum(nil))
	o.Modified = s.now().UTC().Truncate(time.Second)
	if check != nil {
		if err := check(o); err != nil {
			return o, err
		}
	}
	if err := writeTail(f, o); err != nil {
		return o, err
	}
	return s.place(b, o, f.Name())
}

// place gives a whole file its place, as the newest version.
func (s *Store) place(b Bucket, o Object, file string) (Object, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	folder := s.folder(o.Bucket, o.Key)
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return o, err
	}
	o.Version = noVersion
	if b.Versioned {
		versions, err := s.versions(folder)
		if err != nil {
			return o, err
		}
		o.Version = fmt.Sprintf("%016x", s.now().UnixNano())
		if len(versions) > 0 && versions[0] >= o.Version {
			o.Version = next(versions[0])
		}
	}
	if err := os.Rename(file, filepath.Join(folder, o.Version)); err != nil {
		return o, err
	}
	return o, errors.Join(syncFolder(folder), syncFolder(filepath.Dir(folder)))
}

// next is the version after another one, whatever the clock says.
func next(version string) string {
	var n uint64
	fmt.Sscanf(version, "%x", &n) // it was written by place
	return fmt.Sprintf("%016x", n+1)
}

func syncFolder(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// folder is where the versions of an object are; a key may be no name of a file.
func (s *Store) folder(bucket, key string) string {
	sum := sha256.Sum256([]byte(key))
	return filepath.Join(s.dir, bucket, hex.EncodeToString(sum[:]))
}

// versions lists the versions in an object's folder, newest first.
func (s *Store) versions(folder string) ([]string, error) {
	entries, err := os.ReadDir(folder)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	var all []string
	for _, e := range entries {
		all = append(all, e.Name())
	}
	slices.Reverse(all)
	return all, nil
}

// open opens a version of an object, "" for the newest. The error is fs.ErrNotExist if there
// is none. What is open stays as it is, also if it is deleted.
func (s *Store) open(bucket, key, version string) (Object, *os.File, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	folder := s.folder(bucket, key)
	versions, err := s.versions(folder)
	if err != nil {
		return Object{}, nil, err
	}
	if version == "" && len(versions) > 0 {
		version = versions[0]
	}
	if !slices.Contains(versions, version) {
		return Object{}, nil, fs.ErrNotExist
	}
	f, err := os.Open(filepath.Join(folder, version))
	if err != nil {
		return Object{}, nil, err
	}
	o, err := readTail(f)
	o.Bucket, o.Version, o.Latest = bucket, version, version == versions[0]
	if err != nil {
		f.Close()
	}
	return o, f, err
}

// remove removes a version for ever; with "" it marks an object of a bucket with versions as
// deleted.
func (s *Store) remove(bucket, key, version string) (Object, error) {
	o := Object{Bucket: bucket, Key: key, Version: version}
	if version == "" && s.buckets[bucket].Versioned {
		o.Marker = true
		return s.store(o, strings.NewReader(""), nil)
	}
	if version == "" {
		o.Version = noVersion
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	folder := s.folder(bucket, key)
	if versions, err := s.versions(folder); err != nil || !slices.Contains(versions, o.Version) {
		return o, err
	}
	if err := os.Remove(filepath.Join(folder, o.Version)); err != nil {
		return o, err
	}
	return o, syncFolder(folder)
}

// list lists all versions of the objects whose keys begin so, by key, newest first.
func (s *Store) list(bucket, prefix string) (all []Object, err error) {
	folders, err := os.ReadDir(filepath.Join(s.dir, bucket))
	if err != nil {
		return nil, err
	}
	for _, folder := range folders {
		objects, err := s.listFolder(bucket, filepath.Join(s.dir, bucket, folder.Name()))
		if err != nil {
			return nil, err
		}
		if len(objects) > 0 && strings.HasPrefix(objects[0].Key, prefix) {
			all = append(all, objects...)
		}
	}
	slices.SortStableFunc(all, func(a, b Object) int { return strings.Compare(a.Key, b.Key) })
	return all, nil
}

func (s *Store) listFolder(bucket, folder string) (all []Object, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	versions, err := s.versions(folder)
	for i, version := range versions {
		f, err := os.Open(filepath.Join(folder, version))
		if err != nil {
			return nil, err
		}
		o, err := readTail(f)
		if err = errors.Join(err, f.Close()); err != nil {
			return nil, err
		}
		o.Bucket, o.Version, o.Latest = bucket, version, i == 0
		all = append(all, o)
	}
	return all, err
}
