package objects

import (
	"encoding/base64"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Handler serves the store as S3 with path-style addresses.
func (s *Store) Handler(log *slog.Logger) http.Handler { return &server{s, log} }

type server struct {
	*Store
	log *slog.Logger
}

// failure is an error that a client sees.
type failure struct {
	status  int
	Code    string
	Message string
}

func (f *failure) Error() string { return f.Code + ": " + f.Message }

var (
	errNoSuchBucket   = &failure{404, "NoSuchBucket", "The specified bucket does not exist"}
	errNoSuchKey      = &failure{404, "NoSuchKey", "The specified key does not exist."}
	errNoSuchVersion  = &failure{404, "NoSuchVersion", "The specified version does not exist."}
	errNotImplemented = &failure{501, "NotImplemented", "This local S3 does not know this request."}
	errBadDigest      = &failure{400, "BadDigest", "The checksum you specified did not match the calculated checksum."}
	errIncomplete     = &failure{400, "IncompleteBody", "You did not provide the number of bytes specified."}
	errPrecondition   = &failure{412, "PreconditionFailed", "At least one of the pre-conditions you specified did not hold"}
)

// ServeHTTP answers one request.
func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Server", "AmazonS3")
	w.Header().Set("Access-Control-Allow-Origin", "*")
	w.Header().Set("Access-Control-Expose-Headers", "ETag")
	err := s.route(w, r)
	if err == nil {
		return
	}
	var shown *failure
	if !errors.As(err, &shown) {
		s.log.Error("the local S3 failed", "error", err.Error())
		shown = &failure{500, "InternalError", "We encountered an internal error. Please try again."}
	}
	io.CopyN(io.Discard, r.Body, drained) // so that a client that is still sending sees the answer
	answer(w, r, shown.status, struct {
		XMLName  xml.Name `xml:"Error"`
		Code     string
		Message  string
		Resource string
	}{Code: shown.Code, Message: shown.Message, Resource: r.URL.Path})
}

// drained is how much is read of a request that is refused, in bytes.
const drained = 4 << 20

func answer(w http.ResponseWriter, r *http.Request, status int, body any) {
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(status)
	if r.Method == http.MethodHead {
		return
	}
	io.WriteString(w, xml.Header)      // whoever has hung up
	_ = xml.NewEncoder(w).Encode(body) // does not want it
}

func (s *server) route(w http.ResponseWriter, r *http.Request) error {
	bucket, key, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	query := r.URL.Query()
	if r.Method == http.MethodOptions {
		w.Header().Set("Access-Control-Allow-Methods", "GET, HEAD, PUT, POST, DELETE")
		w.Header().Set("Access-Control-Allow-Headers", r.Header.Get("Access-Control-Request-Headers"))
		return nil
	}
	if bucket == "" && r.Method == http.MethodGet {
		s.listBuckets(w, r)
		return nil
	}
	if _, ok := s.buckets[bucket]; !ok {
		return errNoSuchBucket
	}
	if err := s.checkLink(r); err != nil {
		return err
	}
	for _, unknown := range []string{"uploads", "uploadId", "delete", "acl", "tagging", "policy"} {
		if query.Has(unknown) {
			return errNotImplemented
		}
	}
	switch {
	case key == "" && r.Method == http.MethodHead:
		return nil
	case key == "" && r.Method == http.MethodPost:
		return s.form(w, r, bucket)
	case key == "" && r.Method == http.MethodGet:
		return s.getBucket(w, r, bucket, query)
	case key != "" && (r.Method == http.MethodGet || r.Method == http.MethodHead):
		return s.get(w, r, bucket, key, query)
	case key != "" && r.Method == http.MethodPut && r.Header.Get("X-Amz-Copy-Source") == "":
		return s.put(w, r, bucket, key)
	case key != "" && r.Method == http.MethodDelete:
		return s.delete(w, bucket, key, query.Get("versionId"))
	}
	return errNotImplemented
}

// overrides are the headers that a request can give to an object.
var overrides = []string{"Content-Type", "Content-Language", "Expires", "Cache-Control", "Content-Disposition", "Content-Encoding"}

func (s *server) get(w http.ResponseWriter, r *http.Request, bucket, key string, query url.Values) error {
	o, f, err := s.open(bucket, key, query.Get("versionId"))
	if errors.Is(err, fs.ErrNotExist) {
		if query.Has("versionId") {
			return errNoSuchVersion
		}
		return errNoSuchKey
	}
	if err != nil {
		return err
	}
	defer f.Close()
	h := w.Header()
	s.describe(h, o)
	if o.Marker {
		h.Set("X-Amz-Delete-Marker", "true")
		return errNoSuchKey
	}
	h.Set("Content-Type", o.Type)
	if r.Header.Get("X-Amz-Checksum-Mode") == "ENABLED" && r.Header.Get("Range") == "" {
		h.Set("X-Amz-Checksum-Sha256", o.SHA256)
		h.Set("X-Amz-Checksum-Type", "FULL_OBJECT")
	}
	for _, name := range overrides {
		if value := query.Get("response-" + strings.ToLower(name)); value != "" {
			h.Set(name, value)
		}
	}
	http.ServeContent(w, r, "", o.Modified, io.NewSectionReader(f, 0, o.Size))
	return nil
}

// describe tells of an object what every answer about it does.
func (s *server) describe(h http.Header, o Object) {
	if s.buckets[o.Bucket].Versioned {
		h.Set("X-Amz-Version-Id", o.Version)
	}
	h.Set("ETag", `"`+o.MD5+`"`)
}

func (s *server) put(w http.ResponseWriter, r *http.Request, bucket, key string) error {
	size, body, chunked := r.ContentLength, io.Reader(r.Body), isChunked(r.Header)
	if chunked {
		n, err := strconv.ParseInt(r.Header.Get("X-Amz-Decoded-Content-Length"), 10, 64)
		if err != nil {
			return errIncomplete
		}
		size, body = n, httputil.NewChunkedReader(r.Body)
	}
	if r.Header.Get("If-None-Match") == "*" {
		if _, f, err := s.open(bucket, key, ""); err == nil {
			f.Close()
			return errPrecondition
		}
	}
	o := Object{Bucket: bucket, Key: key, Type: r.Header.Get("Content-Type")}
	if o.Type == "" {
		o.Type = "binary/octet-stream"
	}
	o, err := s.store(o, body, func(o Object) error {
		switch {
		case size >= 0 && o.Size != size:
			return errIncomplete
		case !matches(r.Header.Get("X-Amz-Checksum-Sha256"), o.SHA256), !matches(r.Header.Get("Content-Md5"), base64Of(o.MD5)):
			return errBadDigest
		}
		return nil
	})
	if err != nil {
		return cutOff(err)
	}
	s.created(o)
	s.describe(w.Header(), o)
	return nil
}

// isChunked reports whether a body comes in the chunks of AWS, which have the form of those of
// HTTP with signatures as their extensions.
func isChunked(h http.Header) bool {
	return strings.HasPrefix(h.Get("X-Amz-Content-Sha256"), "STREAMING-") || strings.Contains(h.Get("Content-Encoding"), "aws-chunked")
}

// matches reports whether a checksum is the one that a client sent, if it sent any.
func matches(sent, sum string) bool { return sent == "" || sent == sum }

func base64Of(hexadecimal string) string {
	var sum []byte
	fmt.Sscanf(hexadecimal, "%x", &sum) // it is ours
	return base64.StdEncoding.EncodeToString(sum)
}

// cutOff tells a client that has sent too little.
func cutOff(err error) error {
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return errIncomplete
	}
	return err
}

func (s *server) created(o Object) {
	if created := s.buckets[o.Bucket].Created; created != nil {
		created(o)
	}
}

func (s *server) delete(w http.ResponseWriter, bucket, key, version string) error {
	o, err := s.remove(bucket, key, version)
	if err != nil {
		return err
	}
	if s.buckets[bucket].Versioned {
		w.Header().Set("X-Amz-Version-Id", o.Version)
	}
	if o.Marker {
		w.Header().Set("X-Amz-Delete-Marker", "true")
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func (s *server) listBuckets(w http.ResponseWriter, r *http.Request) {
	var out struct {
		XMLName xml.Name `xml:"ListAllMyBucketsResult"`
		Names   []string `xml:"Buckets>Bucket>Name"`
	}
	for name := range s.buckets {
		out.Names = append(out.Names, name)
	}
	answer(w, r, http.StatusOK, out)
}

// item is one line of a list.
type item struct {
	Key          string
	VersionId    string `xml:",omitempty"`
	IsLatest     bool   `xml:",omitempty"`
	LastModified time.Time
	ETag         string `xml:",omitempty"`
	Size         int64
}

type commonPrefix struct{ Prefix string }

// listing is the answer to all kinds of lists. Those of versions are given whole.
type listing struct {
	XMLName               xml.Name
	Name                  string
	Prefix                string
	Delimiter             string `xml:",omitempty"`
	EncodingType          string `xml:",omitempty"`
	MaxKeys               int
	KeyCount              int
	IsTruncated           bool
	NextContinuationToken string `xml:",omitempty"`
	NextMarker            string `xml:",omitempty"`
	Contents              []item
	Version               []item
	DeleteMarker          []item
	CommonPrefixes        []commonPrefix
}

const maxKeys = 1000

func (s *server) getBucket(w http.ResponseWriter, r *http.Request, bucket string, query url.Values) error {
	for _, setting := range []string{"location", "versioning"} {
		if query.Has(setting) {
			return s.getSetting(w, r, bucket, setting)
		}
	}
	out := listing{XMLName: xml.Name{Local: "ListBucketResult"}, Name: bucket, Prefix: query.Get("prefix"),
		Delimiter: query.Get("delimiter"), EncodingType: query.Get("encoding-type"), MaxKeys: maxKeys}
	if n, err := strconv.Atoi(query.Get("max-keys")); err == nil && n >= 0 && n < maxKeys {
		out.MaxKeys = n
	}
	objects, err := s.list(bucket, out.Prefix)
	if err != nil {
		return err
	}
	if query.Has("versions") {
		out.XMLName.Local = "ListVersionsResult"
		for _, o := range objects {
			if line := out.item(o); o.Marker {
				out.DeleteMarker = append(out.DeleteMarker, line)
			} else {
				out.Version = append(out.Version, line)
			}
		}
	} else {
		out.fill(objects, max(query.Get("continuation-token"), query.Get("start-after"), query.Get("marker")))
	}
	answer(w, r, http.StatusOK, out)
	return nil
}

func (l *listing) item(o Object) item {
	return item{Key: l.encoded(o.Key), VersionId: o.Version, IsLatest: o.Latest, LastModified: o.Modified, ETag: `"` + o.MD5 + `"`, Size: o.Size}
}

func (l *listing) encoded(key string) string {
	if l.EncodingType == "url" {
		return strings.ReplaceAll(url.QueryEscape(key), "%2F", "/")
	}
	return key
}

// fill lists the present objects after a key, those that have a delimiter in common as one.
func (l *listing) fill(objects []Object, after string) {
	last, seen := "", map[string]bool{}
	for _, o := range objects {
		common := ""
		if l.Delimiter != "" {
			if before, _, found := strings.Cut(strings.TrimPrefix(o.Key, l.Prefix), l.Delimiter); found {
				common = l.Prefix + before + l.Delimiter
			}
		}
		switch {
		case !o.Latest || o.Marker || o.Key <= after || common != "" && (seen[common] || common == after):
			continue
		case l.KeyCount == l.MaxKeys:
			l.IsTruncated, l.NextContinuationToken, l.NextMarker = true, last, last
			return
		case common != "":
			seen[common], last = true, common+"\U0010ffff"
			l.CommonPrefixes = append(l.CommonPrefixes, commonPrefix{l.encoded(common)})
		default:
			last = o.Key
			line := l.item(o)
			line.VersionId, line.IsLatest = "", false
			l.Contents = append(l.Contents, line)
		}
		l.KeyCount++
	}
}

func (s *server) getSetting(w http.ResponseWriter, r *http.Request, bucket, setting string) error {
	if setting == "location" {
		answer(w, r, http.StatusOK, struct {
			XMLName xml.Name `xml:"LocationConstraint"`
		}{})
		return nil
	}
	out := struct {
		XMLName xml.Name `xml:"VersioningConfiguration"`
		Status  string   `xml:",omitempty"`
	}{}
	if s.buckets[bucket].Versioned {
		out.Status = "Enabled"
	}
	answer(w, r, http.StatusOK, out)
	return nil
}
