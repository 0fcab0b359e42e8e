package ses

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/interview-sandbox/annals/internal/notification"
)

// server speaks SES's API of version 2, as far as it takes mail.
type server struct {
	mu     sync.Mutex
	bodies []map[string]any
	status int    // 0: it takes the mail
	code   string // of a refusal
	hangs  bool   // it takes the mail and cuts the connection
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var body map[string]any
	if err := json.NewDecoder(r.Body).Decode(&body); err != nil || r.Method != "POST" || r.URL.Path != "/v2/email/outbound-emails" ||
		!strings.Contains(r.Header.Get("Authorization"), "/us-east-1/ses/aws4_request") {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	s.bodies = append(s.bodies, body)
	if s.hangs {
		connection, _, err := http.NewResponseController(w).Hijack()
		if tcp, ok := connection.(*net.TCPConn); ok && err == nil {
			tcp.SetLinger(0) // with a reset
			tcp.Close()
		}
		return
	}
	w.Header().Set("Content-Type", "application/json")
	if s.status != 0 {
		w.Header().Set("X-Amzn-Errortype", s.code)
		w.WriteHeader(s.status)
		w.Write([]byte(`{"message":"The address ada@example.com is on a list."}`))
		return
	}
	w.Write([]byte(`{"MessageId":"0100-message"}`))
}

// requests gives the bodies of the requests there were.
func (s *server) requests() []map[string]any {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.bodies
}

func (s *server) start(t *testing.T) *Mailer {
	t.Helper()
	http := httptest.NewServer(s)
	t.Cleanup(http.Close)
	return at(http.URL)
}

func at(endpoint string) *Mailer {
	return New(Settings{Region: "us-east-1", Endpoint: endpoint, ConfigurationSet: "annals",
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "a", SecretAccessKey: "s"}, nil
		})})
}

var mail = notification.Message{From: "Annals <annals@example.com>", To: "ada@example.com", Subject: "Grüße", Text: "text ü", HTML: "<p>ü</p>", NotificationID: "n-1"}

func TestAMailIsSentAsItIsWithWhatNamesItsNotification(t *testing.T) {
	s := new(server)
	id, err := s.start(t).Send(t.Context(), "key-1", mail)
	if id != "0100-message" || err != nil {
		t.Fatal(id, err)
	}
	content := func(text string) map[string]any { return map[string]any{"Data": text, "Charset": "UTF-8"} }
	want := []map[string]any{{
		"FromEmailAddress":     "Annals <annals@example.com>",
		"Destination":          map[string]any{"ToAddresses": []any{"ada@example.com"}},
		"ConfigurationSetName": "annals",
		"EmailTags":            []any{map[string]any{"Name": "notification", "Value": "n-1"}, map[string]any{"Name": "key", "Value": "key-1"}},
		"Content": map[string]any{"Simple": map[string]any{
			"Subject": content("Grüße"), "Body": map[string]any{"Text": content("text ü"), "Html": content("<p>ü</p>")},
		}},
	}}
	if !reflect.DeepEqual(s.requests(), want) {
		t.Errorf("got  %v\nwant %v", s.requests(), want)
	}
}

func TestWhatSESRefusesIsNotTakenAndIsTriedOnce(t *testing.T) {
	for code, status := range map[string]int{"TooManyRequestsException": 429, "MessageRejected": 400, "InternalFailure": 500} {
		s := &server{status: status, code: code}
		_, err := s.start(t).Send(t.Context(), "key", mail)
		var notTaken *notification.NotTakenError
		if !errors.As(err, &notTaken) || notTaken.Reason != code || len(s.requests()) != 1 {
			t.Errorf("%s: error %v after %d requests", code, err, len(s.requests()))
		}
		if strings.Contains(err.Error(), "ada") {
			t.Errorf("the error names somebody: %v", err)
		}
	}
}

func TestAnSESThatIsNotReachedHasNotTakenTheMail(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	_, err = at("http://"+l.Addr().String()).Send(t.Context(), "key", mail)
	if notTaken := (*notification.NotTakenError)(nil); !errors.As(err, &notTaken) || notTaken.Reason != "unreachable" {
		t.Errorf("error %v", err)
	}
}

func TestNobodyKnowsAboutAMailWithoutAnAnswer(t *testing.T) {
	s := &server{hangs: true}
	_, err := s.start(t).Send(t.Context(), "key", mail)
	if err == nil || errors.As(err, new(*notification.NotTakenError)) || len(s.requests()) != 1 {
		t.Errorf("error %v after %d requests", err, len(s.requests()))
	}
	slow := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body) // until then the server does not see that the client is gone
		<-r.Context().Done()
	}))
	defer slow.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := at(slow.URL).Send(ctx, "key", mail); err == nil || errors.As(err, new(*notification.NotTakenError)) {
		t.Errorf("out of time: error %v", err)
	}
}
