package mail

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/mail"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/interview-sandbox/annals/internal/notification"
	"github.com/interview-sandbox/annals/internal/ses"
	"github.com/interview-sandbox/annals/internal/ses/feedback"
)

// local is a server with a mailer that uses it, and a browser of its mails.
type local struct {
	*Server
	mailer  *ses.Mailer
	browser string

	mu   sync.Mutex
	told []string
}

func start(t *testing.T) *local {
	t.Helper()
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	l := new(local)
	l.Server = &Server{
		Dir: Dir(filepath.Join(t.TempDir(), "mail")),
		Now: func() time.Time { now = now.Add(time.Second); return now },
		Emit: func(kind string, d feedback.Detail) {
			l.mu.Lock()
			defer l.mu.Unlock()
			text, err := json.Marshal(d)
			if err != nil {
				t.Error(err)
			}
			l.told = append(l.told, kind+" "+string(text))
		},
	}
	server := httptest.NewServer(l.Server)
	browser := httptest.NewServer(Browser(l.Dir, slog.New(slog.DiscardHandler)))
	t.Cleanup(server.Close)
	t.Cleanup(browser.Close)
	l.browser = browser.URL
	l.mailer = ses.New(ses.Settings{Region: "us-east-1", Endpoint: server.URL, ConfigurationSet: "annals",
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "a", SecretAccessKey: "s"}, nil
		})})
	return l
}

func (l *local) send(t *testing.T, key, to string) string {
	t.Helper()
	id, err := l.mailer.Send(t.Context(), key, notification.Message{
		From: "Annals <annals@localhost>", To: to, Subject: "Grüße " + key, Text: "Text ü\nhttps://annals.example/" + strings.Repeat("x", 100) + "\n", HTML: "<p>ü</p>", NotificationID: "n-" + key,
	})
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func (l *local) get(t *testing.T, path string) (status int, body string) {
	t.Helper()
	answer, err := http.Get(l.browser + path)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, string(text)
}

func (l *local) list(t *testing.T) []Summary {
	t.Helper()
	status, body := l.get(t, "/dev/mail")
	var list struct{ Items []Summary }
	if err := json.Unmarshal([]byte(body), &list); err != nil || status != 200 || list.Items == nil {
		t.Fatalf("%d %s, error %v", status, body, err)
	}
	return list.Items
}

func TestMailsAreListedNewestFirstAndAreWhole(t *testing.T) {
	l := start(t)
	if got := l.list(t); len(got) > 0 {
		t.Errorf("at first there is %v", got)
	}
	if id := l.send(t, "k1", "ada@example.com"); id == "" {
		t.Error("it has no id")
	}
	l.send(t, "k2", "eve@example.com")
	got := l.list(t)
	want := Summary{
		Name: "20260102T030406.000Z-k1.eml", At: time.Date(2026, 1, 2, 3, 4, 6, 0, time.UTC), From: `"Annals" <annals@localhost>`, To: "ada@example.com",
		Subject: "Grüße k1", Text: "Text ü\nhttps://annals.example/" + strings.Repeat("x", 100) + "\n",
	}
	if len(got) != 2 || got[0].To != "eve@example.com" || !reflect.DeepEqual(got[1], want) {
		t.Fatalf("got %+v, want %+v", got, want)
	}
	status, body := l.get(t, "/dev/mail/"+want.Name)
	m, err := mail.ReadMessage(strings.NewReader(body))
	if status != 200 || err != nil {
		t.Fatalf("%d, error %v", status, err)
	}
	if id := m.Header.Get("Message-ID"); id != "<k1@annals.localhost>" || !strings.HasPrefix(m.Header.Get("Content-Type"), "multipart/alternative") {
		t.Errorf("headers %v", m.Header)
	}
	for line := range strings.SplitSeq(body, "\r\n") {
		if len(line) > 78 || strings.ContainsFunc(line, func(r rune) bool { return r > 126 || r == '\n' }) {
			t.Errorf("line %q", line)
		}
	}
	if !strings.Contains(body, "<p>=C3=BC</p>") {
		t.Errorf("the HTML is not there: %s", body)
	}
}

func TestAMailThatIsSentAgainReplacesItself(t *testing.T) {
	l := start(t)
	for _, key := range []string{"k1", "k2", "k1"} {
		l.send(t, key, "ada@example.com")
	}
	if got := l.list(t); len(got) != 2 || got[1].Name != "20260102T030406.000Z-k1.eml" {
		t.Errorf("got %+v", got)
	}
	left, err := os.ReadDir(string(l.Dir))
	if err != nil || len(left) != 2 {
		t.Errorf("there are the files %v, error %v", left, err)
	}
}

func TestOnlyMailsAreShown(t *testing.T) {
	l := start(t)
	l.send(t, "k1", "ada@example.com")
	if err := os.WriteFile(filepath.Join(filepath.Dir(string(l.Dir)), "secret.eml"), []byte("secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/dev/mail/none.eml", "/dev/mail/..%2fsecret.eml", "/dev/mail/", "/dev/other"} {
		if status, body := l.get(t, path); status != 404 || strings.Contains(body, "secret") {
			t.Errorf("%s: %d %s", path, status, body)
		}
	}
}

func TestTheMailboxSimulatorBehavesAsThatOfSES(t *testing.T) {
	l := start(t)
	for _, to := range []string{"bounce@simulator.amazonses.com", "Complaint+1@simulator.amazonses.com", "success@simulator.amazonses.com", "bounce@example.com"} {
		l.send(t, "k-"+to[:3], to)
	}
	l.Wait()
	if len(l.told) != 2 {
		t.Fatalf("told %v", l.told)
	}
	for _, told := range l.told {
		kind, words := "Email Bounced", []string{`"eventType":"Bounce"`, `"bounceType":"Permanent"`, `"emailAddress":"bounce@simulator.amazonses.com"`, `"notification":["n-k-bou"]`}
		if strings.Contains(told, "Complaint") {
			kind, words = "Email Complaint Received", []string{`"eventType":"Complaint"`, `"complaintFeedbackType":"abuse"`, `"emailAddress":"Complaint+1@simulator.amazonses.com"`, `"ses:configuration-set":["annals"]`}
		}
		for _, w := range words {
			if !strings.HasPrefix(told, kind) || !strings.Contains(told, w) {
				t.Errorf("%s has no %s", told, w)
			}
		}
	}
}

func TestWhatIsNoMailIsRefusedAndNotKept(t *testing.T) {
	l := start(t)
	_, err := l.mailer.Send(t.Context(), "k", notification.Message{From: "Annals <annals@localhost>", To: "no address", NotificationID: "n"})
	if notTaken := (*notification.NotTakenError)(nil); !errors.As(err, &notTaken) || notTaken.Reason != "BadRequestException" {
		t.Errorf("error %v", err)
	}
	for body, want := range map[string]int{`{}`: 400, `x`: 400, `{"FromEmailAddress":"a@b.c","Destination":{"ToAddresses":["a@b.c"]}}`: 400} {
		w := httptest.NewRecorder()
		l.ServeHTTP(w, httptest.NewRequest("POST", "/v2/email/outbound-emails", strings.NewReader(body)))
		if w.Code != want {
			t.Errorf("%s: %d", body, w.Code)
		}
	}
	w := httptest.NewRecorder()
	l.ServeHTTP(w, httptest.NewRequest("GET", "/v2/email/identities", nil))
	if w.Code != 404 || len(l.list(t)) > 0 {
		t.Errorf("%d, and there is %v", w.Code, l.list(t))
	}
}
