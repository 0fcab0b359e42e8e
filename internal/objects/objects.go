// Package objects is S3 as the file module needs it.
package objects

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/interview-sandbox/annals/internal/file"
)

// Settings is where a bucket is and who uses it.
type Settings struct {
	Region, Bucket string
	Endpoint       string // "" is AWS itself
	Credentials    aws.CredentialsProvider
}

// Bucket implements [file.Objects].
type Bucket struct {
	name   string
	client *s3.Client
}

// New makes the bucket that a function uses.
func New(c Settings) *Bucket {
	options := s3.Options{Region: c.Region, Credentials: c.Credentials}
	if c.Endpoint != "" {
		options.BaseEndpoint, options.UsePathStyle = &c.Endpoint, true
	}
	return &Bucket{c.Bucket, s3.New(options)}
}

// Form implements [file.Objects]. The policy names every field, so that S3 takes these bytes
// under this key and nothing else.
func (b *Bucket) Form(ctx context.Context, key string, declared file.Content, expiresIn time.Duration) (file.Upload, error) {
	sum, err := hex.DecodeString(declared.SHA256)
	if err != nil {
		return file.Upload{}, fmt.Errorf("sign an upload: %w", err)
	}
	fields := map[string]string{
		"Content-Type":             declared.Type,
		"x-amz-checksum-algorithm": string(types.ChecksumAlgorithmSha256),
		"x-amz-checksum-sha256":    base64.StdEncoding.EncodeToString(sum),
	}
	conditions := []any{[]any{"content-length-range", declared.Size, declared.Size}}
	for name, value := range fields {
		conditions = append(conditions, map[string]string{name: value})
	}
	if expiresIn <= 0 {
		expiresIn = -time.Second // none would be a quarter of an hour
	}
	form, err := s3.NewPresignClient(b.client).PresignPostObject(ctx, &s3.PutObjectInput{Bucket: &b.name, Key: &key}, func(o *s3.PresignPostOptions) {
		o.Expires, o.Conditions = expiresIn, conditions
	})
	if err != nil {
		return file.Upload{}, fmt.Errorf("sign an upload: %w", err)
	}
	for name, value := range form.Values {
		fields[name] = value
	}
	return file.Upload{URL: form.URL, Fields: fields}, nil
}

// Link implements [file.Objects]. A browser saves what it finds there and never shows it, as
// it may be a page that somebody else has made.
func (b *Bucket) Link(ctx context.Context, key, version string, expiresIn time.Duration, name string) (string, error) {
	link, err := s3.NewPresignClient(b.client).PresignGetObject(ctx, &s3.GetObjectInput{
		Bucket: &b.name, Key: &key, VersionId: optional(version),
		ResponseContentDisposition: aws.String(disposition(name)),
		ResponseCacheControl:       aws.String("private, no-store"),
	}, s3.WithPresignExpires(expiresIn))
	if err != nil {
		return "", fmt.Errorf("sign a link: %w", err)
	}
	return link.URL, nil
}

// disposition is the header that gives a file its name (RFC 6266), with one in ASCII for
// programs that know no other.
func disposition(name string) string {
	plain := strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' || strings.ContainsRune(`"\%`, r) {
			return '_'
		}
		return r
	}, name)
	header := `attachment; filename="` + plain + `"`
	if plain != name {
		header += "; filename*=UTF-8''" + percent(name)
	}
	return header
}

// percent encodes all but what RFC 8187, 3.2.1 lets stand and every reader agrees on.
func percent(s string) string {
	var out strings.Builder
	for _, c := range []byte(s) {
		if '0' <= c && c <= '9' || 'A' <= c && c <= 'Z' || 'a' <= c && c <= 'z' || strings.IndexByte("-._~", c) >= 0 {
			out.WriteByte(c)
		} else {
			fmt.Fprintf(&out, "%%%02X", c)
		}
	}
	return out.String()
}

// Versions implements [file.Objects].
func (b *Bucket) Versions(ctx context.Context, key string) (versions []string, err error) {
	pages := s3.NewListObjectVersionsPaginator(b.client, &s3.ListObjectVersionsInput{Bucket: &b.name, Prefix: &key})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("list versions: %w", err)
		}
		for _, v := range page.Versions {
			if aws.ToString(v.Key) == key {
				versions = append(versions, versionOf(v.VersionId))
			}
		}
	}
	return versions, nil
}

// Head implements [file.Objects].
func (b *Bucket) Head(ctx context.Context, key, version string) (c file.Content, ok bool, err error) {
	out, err := b.client.HeadObject(ctx, &s3.HeadObjectInput{
		Bucket: &b.name, Key: &key, VersionId: optional(version), ChecksumMode: types.ChecksumModeEnabled,
	})
	if absent(err) {
		return c, false, nil
	}
	if err != nil {
		return c, false, fmt.Errorf("look at an object: %w", err)
	}
	sum, err := base64.StdEncoding.DecodeString(aws.ToString(out.ChecksumSHA256))
	if err != nil || out.ChecksumType == types.ChecksumTypeComposite {
		sum = nil // of parts, and not of the bytes
	}
	return file.Content{Size: aws.ToInt64(out.ContentLength), Type: aws.ToString(out.ContentType), SHA256: hex.EncodeToString(sum)}, true, nil
}

// Delete implements [file.Objects].
func (b *Bucket) Delete(ctx context.Context, key, version string) error {
	_, err := b.client.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: &b.name, Key: &key, VersionId: optional(version)})
	if err != nil && !absent(err) {
		return fmt.Errorf("delete an object: %w", err)
	}
	return nil
}

// Clear implements [file.Objects].
func (b *Bucket) Clear(ctx context.Context, prefix string) error {
	pages := s3.NewListObjectVersionsPaginator(b.client, &s3.ListObjectVersionsInput{Bucket: &b.name, Prefix: &prefix})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return fmt.Errorf("list versions: %w", err)
		}
		for _, v := range page.Versions {
			if err := b.Delete(ctx, aws.ToString(v.Key), versionOf(v.VersionId)); err != nil {
				return err
			}
		}
	}
	return nil
}

// absent reports whether an answer says that there is no such object.
func absent(err error) bool {
	var answer *awshttp.ResponseError
	return errors.As(err, &answer) && answer.HTTPStatusCode() == http.StatusNotFound
}

// optional leaves the version of a bucket without versions away.
func optional(version string) *string {
	if version == "" {
		return nil
	}
	return &version
}

// versionOf is a version's id; S3 calls the only one of a bucket without versions "null".
func versionOf(id *string) string {
	if v := aws.ToString(id); v != "null" {
		return v
	}
	return ""
}
