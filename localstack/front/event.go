package front

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/aws/aws-lambda-go/events"
)

const (
	accountID = "000000000000"
	apiID     = "local"
	stage     = "$default"
)

// headSize is the part of a request that [maxHead] limits.
func (q request) headSize() int {
	n := len(q.Method) + len(" ") + len(q.RequestURI) + len(" ") + len(q.Proto) + len(q.Host)
	for _, values := range q.Header {
		for _, v := range values {
			n += len(v)
		}
	}
	return n
}

// event is the request in payload format 2.0. The raw path is not raw: AWS decodes it.
func (q request) event(body []byte) events.APIGatewayV2HTTPRequest {
	e := events.APIGatewayV2HTTPRequest{
		Version:               "2.0",
		RouteKey:              q.key,
		RawPath:               q.URL.Path,
		RawQueryString:        q.URL.RawQuery,
		Cookies:               q.cookies(),
		Headers:               q.headers(len(body)),
		QueryStringParameters: map[string]string{},
		PathParameters:        q.params,
		RequestContext: events.APIGatewayV2HTTPRequestContext{
			RouteKey:     q.key,
			AccountID:    accountID,
			Stage:        stage,
			RequestID:    q.id,
			APIID:        apiID,
			DomainName:   q.Host,
			DomainPrefix: apiID,
			Time:         q.at.UTC().Format("02/Jan/2006:15:04:05 -0700"),
			TimeEpoch:    q.at.UnixMilli(),
			HTTP: events.APIGatewayV2HTTPRequestContextHTTPDescription{
				Method:    q.Method,
				Path:      q.URL.Path,
				Protocol:  q.Proto,
				SourceIP:  q.sourceIP(),
				UserAgent: q.UserAgent(),
			},
		},
	}
	for name, values := range q.URL.Query() {
		e.QueryStringParameters[name] = strings.Join(values, ",")
	}
	if len(body) == 0 || isText(q.Header.Get("Content-Type"), body) {
		e.Body = string(body)
	} else {
		e.Body, e.IsBase64Encoded = base64.StdEncoding.EncodeToString(body), true
	}
	return e
}

// cookies are a field of their own in format 2.0, and not among the headers.
func (q request) cookies() []string {
	var all []string
	for _, line := range q.Header.Values("Cookie") {
		for cookie := range strings.SplitSeq(line, ";") {
			all = append(all, strings.TrimSpace(cookie))
		}
	}
	return all
}

func (q request) headers(length int) map[string]string {
	all := map[string]string{"x-amzn-trace-id": q.traceID()}
	for name, values := range q.Header {
		all[strings.ToLower(name)] = strings.Join(values, ",")
	}
	delete(all, "cookie")
	all["host"] = q.Host
	if length > 0 {
		all["content-length"] = strconv.Itoa(length)
	}
	all["x-forwarded-proto"], all["x-forwarded-port"] = "http", q.port()
	all["x-forwarded-for"] = q.sourceIP()
	if via := q.Header.Values("X-Forwarded-For"); len(via) > 0 {
		all["x-forwarded-for"] = strings.Join(append(via, q.sourceIP()), ", ")
	}
	return all
}

// traceID is a new root, for a request that brings none.
func (q request) traceID() string {
	var b [12]byte
	rand.Read(b[:])
	return fmt.Sprintf("Root=1-%08x-%s", q.at.Unix(), hex.EncodeToString(b[:]))
}

func (q request) sourceIP() string {
	host, _, _ := net.SplitHostPort(q.RemoteAddr) // net/http made it of both
	return host
}

func (q request) port() string {
	_, port, err := net.SplitHostPort(q.Host)
	if err != nil {
		return "80"
	}
	return port
}

// isText reports whether a body goes into the event as it is. AWS decides by the content
// type and publishes no list; JSON cannot hold what is not UTF-8 in any case.
func isText(contentType string, body []byte) bool {
	if !utf8.Valid(body) {
		return false
	}
	media, _, _ := strings.Cut(strings.ToLower(contentType), ";")
	switch media = strings.TrimSpace(media); media {
	case "", "application/json", "application/javascript", "application/xml":
		return true
	}
	return strings.HasPrefix(media, "text/") || strings.HasSuffix(media, "+json") || strings.HasSuffix(media, "+xml")
}
