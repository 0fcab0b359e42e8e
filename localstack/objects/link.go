package objects

import (
	"crypto/hmac"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

// checkLink checks a request that is signed in its address: by whom, and until when.
// https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html
func (s *server) checkLink(r *http.Request) error {
	query := r.URL.Query()
	if !query.Has("X-Amz-Signature") {
		return nil
	}
	scope := strings.Split(query.Get("X-Amz-Credential"), "/")
	signed, err := time.Parse("20060102T150405Z", query.Get("X-Amz-Date"))
	seconds, err2 := strconv.Atoi(query.Get("X-Amz-Expires"))
	if err != nil || err2 != nil || len(scope) != 5 {
		return &failure{400, "AuthorizationQueryParametersError", "Error parsing the signature in the address."}
	}
	if s.now().After(signed.Add(time.Duration(seconds) * time.Second)) {
		return denied("Request has expired")
	}
	secret, ok := s.Keys[scope[0]]
	if !ok {
		return errUnknownKey
	}
	again, err := http.NewRequestWithContext(r.Context(), r.Method, unsigned(r), nil)
	if err != nil {
		return err
	}
	for name := range strings.SplitSeq(query.Get("X-Amz-SignedHeaders"), ";") {
		if name != "host" {
			again.Header.Set(name, r.Header.Get(name))
		}
	}
	expected, _, err := v4.NewSigner().PresignHTTP(r.Context(), aws.Credentials{AccessKeyID: scope[0], SecretAccessKey: secret}, again,
		"UNSIGNED-PAYLOAD", "s3", scope[2], signed, func(o *v4.SignerOptions) { o.DisableURIPathEscaping = true })
	if err != nil {
		return err
	}
	address, err := url.Parse(expected)
	if err != nil {
		return err
	}
	if !hmac.Equal([]byte(address.Query().Get("X-Amz-Signature")), []byte(query.Get("X-Amz-Signature"))) {
		return errSignature
	}
	return nil
}

// unsigned is the address that was signed, without what the signer adds to it.
func unsigned(r *http.Request) string {
	query := r.URL.Query()
	for _, added := range []string{"Algorithm", "Credential", "Date", "SignedHeaders", "Signature", "Security-Token"} {
		query.Del("X-Amz-" + added)
	}
	address := *r.URL
	address.Scheme, address.Host, address.RawQuery = "http", r.Host, query.Encode()
	return address.String()
}
