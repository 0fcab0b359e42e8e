package objects

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"strings"
	"time"
)

// maxFields is how much a form may hold before its file, in bytes.
const maxFields = 20 << 10

// form stores the file of an HTML form, if the signed policy in its fields allows it to:
// https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-HTTPPOSTConstructPolicy.html
func (s *server) form(w http.ResponseWriter, r *http.Request, bucket string) error {
	parts, err := r.MultipartReader()
	if err != nil {
		return &failure{412, "PreconditionFailed", "Bucket POST must be of the enclosure-type multipart/form-data"}
	}
	fields, file, err := fieldsOf(parts)
	if err != nil {
		return err
	}
	smallest, largest, err := s.checkPolicy(bucket, fields)
	if err != nil {
		return err
	}
	o := Object{Bucket: bucket, Key: strings.ReplaceAll(fields["key"], "${filename}", file.FileName()), Type: fields["content-type"]}
	if o.Type == "" {
		o.Type = "binary/octet-stream"
	}
	o, err = s.store(o, io.LimitReader(file, largest+1), func(o Object) error {
		switch {
		case o.Size > largest:
			return &failure{400, "EntityTooLarge", "Your proposed upload exceeds the maximum allowed size"}
		case o.Size < smallest:
			return &failure{400, "EntityTooSmall", "Your proposed upload is smaller than the minimum allowed size"}
		}
		return checkSum(fields, o)
	})
	if err != nil {
		return cutOff(err)
	}
	s.created(o)
	s.describe(w.Header(), o)
	w.Header().Set("Location", "http://"+r.Host+"/"+bucket+"/"+o.Key)
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// fieldsOf reads the fields before the file, by their names in lower case. What comes after
// the file does not count.
func fieldsOf(parts *multipart.Reader) (fields map[string]string, file *multipart.Part, err error) {
	fields = map[string]string{}
	for left := int64(maxFields); ; {
		part, err := parts.NextPart()
		if errors.Is(err, io.EOF) {
			return nil, nil, &failure{400, "InvalidArgument", "POST requires exactly one file upload per request."}
		}
		if err != nil {
			return nil, nil, &failure{400, "MalformedPOSTRequest", "The body of your POST request is not well-formed multipart/form-data."}
		}
		name := strings.ToLower(part.FormName())
		if name == "file" {
			return fields, part, nil
		}
		value, err := io.ReadAll(io.LimitReader(part, left+1))
		if left -= int64(len(value)); left < 0 {
			return nil, nil, &failure{400, "MaxPostPreDataLengthExceeded", "Your POST request fields preceding the upload file were too large."}
		}
		if err != nil {
			return nil, nil, errIncomplete
		}
		fields[name] = string(value)
	}
}

// policy is what whoever signed it allows.
type policy struct {
	Expiration time.Time
	Conditions []json.RawMessage
}

func denied(format string, args ...any) error {
	return &failure{403, "AccessDenied", fmt.Sprintf(format, args...)}
}

// checkPolicy reports how large the file may be.
func (s *server) checkPolicy(bucket string, fields map[string]string) (smallest, largest int64, err error) {
	if fields["policy"] == "" {
		return 0, 0, denied("Access Denied")
	}
	if err := s.checkSignature(fields); err != nil {
		return 0, 0, err
	}
	var p policy
	text, err := base64.StdEncoding.DecodeString(fields["policy"])
	if err == nil {
		err = json.Unmarshal(text, &p)
	}
	if err != nil {
		return 0, 0, &failure{400, "InvalidPolicyDocument", "The content of the form does not meet the conditions specified in the policy document."}
	}
	if !s.now().Before(p.Expiration) {
		return 0, 0, denied("Invalid according to Policy: Policy expired.")
	}
	largest = 5 << 30 // as S3 has it
	named := map[string]bool{"policy": true, "x-amz-signature": true, "bucket": true}
	for _, raw := range p.Conditions {
		c, err := readCondition(raw)
		if err != nil {
			return 0, 0, &failure{400, "InvalidPolicyDocument", "Invalid Policy: " + err.Error()}
		}
		if c.operator == "content-length-range" {
			smallest, largest = c.from, c.to
			continue
		}
		value := fields[c.field]
		if c.field == "bucket" {
			value = bucket
		}
		if !c.holds(value) {
			return 0, 0, denied("Invalid according to Policy: Policy Condition failed: %s", raw)
		}
		named[c.field] = true
	}
	for name := range fields {
		if !named[name] && !strings.HasPrefix(name, "x-ignore-") {
			return 0, 0, denied("Invalid according to Policy: Extra input fields: %s", name)
		}
	}
	if fields["key"] == "" {
		return 0, 0, &failure{400, "InvalidArgument", "Bucket POST must contain a field named 'key'."}
	}
	return smallest, largest, nil
}

// condition is one that a policy makes.
type condition struct {
	operator, field, value string
	from, to               int64
}

func (c condition) holds(value string) bool {
	if c.operator == "starts-with" {
		return strings.HasPrefix(value, c.value)
	}
	return value == c.value
}

var errCondition = errors.New("a condition is of no known form")

// readCondition reads {"field": "value"}, ["eq", "$field", "value"], ["starts-with", "$field",
// "beginning"] or ["content-length-range", from, to].
func readCondition(raw json.RawMessage) (c condition, err error) {
	var exact map[string]string
	if json.Unmarshal(raw, &exact) == nil && len(exact) == 1 {
		for name, value := range exact {
			c = condition{operator: "eq", field: strings.ToLower(name), value: value}
		}
		return c, nil
	}
	var list [3]json.RawMessage
	if json.Unmarshal(raw, &list) != nil || json.Unmarshal(list[0], &c.operator) != nil {
		return c, errCondition
	}
	switch c.operator {
	case "content-length-range":
		err = errors.Join(json.Unmarshal(list[1], &c.from), json.Unmarshal(list[2], &c.to))
	case "eq", "starts-with":
		err = errors.Join(json.Unmarshal(list[1], &c.field), json.Unmarshal(list[2], &c.value))
		c.field = strings.ToLower(strings.TrimPrefix(c.field, "$"))
	default:
		err = errCondition
	}
	return c, err
}

// checkSignature checks who has signed the policy:
// https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-authentication-HTTPPOST.html
func (s *server) checkSignature(fields map[string]string) error {
	scope := strings.Split(fields["x-amz-credential"], "/")
	if len(scope) != 5 || fields["x-amz-algorithm"] != "AWS4-HMAC-SHA256" {
		return &failure{400, "InvalidArgument", "The form has no credential and algorithm of Signature Version 4."}
	}
	secret, ok := s.Keys[scope[0]]
	if !ok {
		return errUnknownKey
	}
	key := []byte("AWS4" + secret)
	for _, part := range scope[1:] {
		key = mac(key, part)
	}
	if !hmac.Equal([]byte(hex.EncodeToString(mac(key, fields["policy"]))), []byte(fields["x-amz-signature"])) {
		return errSignature
	}
	return nil
}

func mac(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(text))
	return h.Sum(nil)
}

// The refusals of what is not signed as it has to be.
var (
	errUnknownKey = &failure{403, "InvalidAccessKeyId", "The AWS Access Key Id you provided does not exist in our records."}
	errSignature  = &failure{403, "SignatureDoesNotMatch", "The request signature we calculated does not match the signature you provided."}
)

func checkSum(fields map[string]string, o Object) error {
	sent, ok := fields["x-amz-checksum-sha256"]
	if !ok {
		return nil
	}
	if sum, err := base64.StdEncoding.DecodeString(sent); err != nil || len(sum) != sha256.Size {
		return &failure{400, "InvalidRequest", "Value for x-amz-checksum-sha256 header is invalid."}
	}
	if sent != o.SHA256 {
		return errBadDigest
	}
	return nil
}
