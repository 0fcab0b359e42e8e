package ministack

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"mime/multipart"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
)

// front stands before MiniStack and adds what S3 does and MiniStack does not. The file of a form that
// has a checksum is held against it, and who asks about the object is told it. A link to a version
// of an object says under which name it is saved.
//
// It sends answers in one piece, where MiniStack sends their heads first. With those alone the Go
// SDK has been seen to close a connection under load and to repeat a request that was carried out.
// https://docs.aws.amazon.com/AmazonS3/latest/API/RESTObjectPOST.html
type front struct {
	proxy *httputil.ReverseProxy

	mu        sync.Mutex
	checksums map[string]string // of objects that came by forms, by "/<bucket>/<key>"
}

const (
	checksumField = "x-amz-checksum-sha256"
	maxForm       = 16 << 20 // more than any test uploads
)

// newFront makes the front of a MiniStack. faults takes what keeps it from handing something on.
func newFront(target *url.URL, faults *log.Logger) *front {
	f := &front{checksums: map[string]string{}}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConnsPerHost = transport.MaxIdleConns // one host is all that it talks to
	f.proxy = &httputil.ReverseProxy{
		Transport: transport,
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(target)
			r.Out.Host = r.In.Host
		},
		ModifyResponse: f.tell,
		ErrorLog:       faults,
	}
	return f
}

func (f *front) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.Method == http.MethodPost && strings.HasPrefix(r.Header.Get("Content-Type"), "multipart/form-data"):
		f.post(w, r)
		return
	case r.Method == http.MethodPut:
		f.remember(r.URL.Path, "")
	}
	f.proxy.ServeHTTP(w, r)
}

// post takes a form. What its policy does not allow is for MiniStack to refuse.
func (f *front) post(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxForm))
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	fields, err := read(r.Header.Get("Content-Type"), body)
	if sum := fields[checksumField]; err == nil && sum != "" {
		digest := sha256.Sum256([]byte(fields["file"]))
		if base64.StdEncoding.EncodeToString(digest[:]) != sum && allowed(fields) {
			w.Header().Set("Content-Type", "application/xml")
			w.WriteHeader(http.StatusBadRequest)
			fmt.Fprint(w, "<Error><Code>BadDigest</Code><Message>The SHA256 you specified did not match the calculated checksum.</Message></Error>")
			return
		}
		// The object's notification may be faster than the answer.
		f.remember(strings.TrimSuffix(r.URL.Path, "/")+"/"+fields["key"], sum)
	}
	f.proxy.ServeHTTP(w, r)
}

// allowed reports whether a form's policy has this checksum and a range with this size.
func allowed(fields map[string]string) bool {
	var policy struct{ Conditions []any }
	text, err := base64.StdEncoding.DecodeString(fields["policy"])
	if err != nil || json.Unmarshal(text, &policy) != nil {
		return false
	}
	size, sum := false, false
	for _, condition := range policy.Conditions {
		switch c := condition.(type) {
		case []any:
			if len(c) == 3 && c[0] == "content-length-range" {
				least, _ := c[1].(float64)
				most, _ := c[2].(float64)
				n := float64(len(fields["file"]))
				size = least <= n && n <= most
			}
		case map[string]any:
			sum = sum || c[checksumField] == fields[checksumField]
		}
	}
	return size && sum
}

// read gives the fields of a form, of which the file is one, by their names in small letters.
func read(contentType string, body []byte) (map[string]string, error) {
	_, boundary, _ := strings.Cut(contentType, "boundary=")
	form, fields := multipart.NewReader(bytes.NewReader(body), strings.Trim(boundary, `"`)), map[string]string{}
	for {
		part, err := form.NextPart()
		if errors.Is(err, io.EOF) {
			return fields, nil
		}
		if err != nil {
			return fields, err
		}
		value, err := io.ReadAll(part)
		if err != nil {
			return fields, err
		}
		fields[strings.ToLower(part.FormName())] = string(value)
	}
}

func (f *front) remember(path, sum string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if sum == "" {
		delete(f.checksums, path)
		return
	}
	f.checksums[path] = sum
}

// tell adds to an answer about an object.
func (f *front) tell(reply *http.Response) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	asked := reply.Request
	if reply.StatusCode != http.StatusOK || asked.Method != http.MethodHead && asked.Method != http.MethodGet {
		return nil
	}
	if sum := f.checksums[asked.URL.Path]; sum != "" {
		reply.Header.Set(checksumField, sum)
	}
	if name := asked.URL.Query().Get("response-content-disposition"); name != "" {
		reply.Header.Set("Content-Disposition", name)
	}
	return nil
}
