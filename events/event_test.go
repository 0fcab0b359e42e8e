package events

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

var ship = flag.Bool("ship", false, "write golden files for new event types and add them to testdata/shipped")

// newest holds one filled-in example of the newest version of every event.
var newest = []Event{
	UserCreated{UserID: "0197a0f0-0000-7000-8000-000000000001", Email: "ada@example.com", Name: "Ada", PasswordHash: "$argon2id$v=19$m=19456,t=2,p=1$c2FsdA$aGFzaA"},
	UserEmailChanged{Old: "ada@example.com", New: "ada@lovelace.example"},
	UserPasswordChanged{PasswordHash: "$argon2id$v=19$m=19456,t=2,p=1$c2FsdA$aGFzaA"},
	UserPasswordRehashed{PasswordHash: "$argon2id$v=19$m=19456,t=2,p=1,keyid=MQ$c2FsdA$aGFzaA"},
	EmailClaimed{UserID: "0197a0f0-0000-7000-8000-000000000001"},
	EmailReleased{UserID: "0197a0f0-0000-7000-8000-000000000001"},
	SessionStarted{UserID: "0197a0f0-0000-7000-8000-000000000001", RefreshHash: []byte{1, 2, 3}, ExpiresAt: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), Client: "curl/8.0", Epoch: 1},
	SessionRefreshed{RefreshHash: []byte{4, 5, 6}, At: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), ExpiresAt: time.Date(2026, 2, 1, 3, 4, 5, 0, time.UTC)},
	SessionEnded{Reason: "logout"},
	UserEmailVerified{Email: "ada@example.com"},
	UserVerificationRequested{At: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)},
	UserPasswordResetRequested{RequestID: "0197a0f0-0000-7000-8000-000000000002", ExpiresAt: time.Date(2026, 1, 2, 4, 4, 5, 0, time.UTC)},
	UserSessionsEnded{Except: "0197a0f0-0000-7000-8000-000000000003", Reason: "password-changed"},
	UserNameChanged{Old: "Ada", New: "Ada Lovelace"},
	UserLocaleChanged{Locale: "de-CH"},
	UserAvatarChanged{FileID: "0197a0f0-0000-7000-8000-000000000004"},
	UserRoleGranted{Role: "operator"},
	UserRoleRevoked{Role: "operator"},
	UserSuspended{Reason: "spam"},
	UserReactivated{},
	UserErasureRequested{},
	UserAddressReleased{Email: "ada@example.com"},
	UserKeyDestroyed{},
	UserErased{},
	ViewRebuildStarted{Generation: 2},
	ViewRebuilt{Generation: 2},
	ViewSwitched{Generation: 2},
	ViewRolledBack{Generation: 1},
	ViewGenerationDropped{Generation: 2},
	ViewRedriven{Stream: "user#0197a0f0-0000-7000-8000-000000000001"},
	PaymentRequested{PayerID: "0197a0f0-0000-7000-8000-000000000001", Amount: 1999, Currency: "EUR", Method: "approve", Capture: "manual", Provider: "sandbox", Description: "Order 7"},
	PaymentAuthorized{PayerID: "0197a0f0-0000-7000-8000-000000000001", Reference: "pi_1", Amount: 1999, ExpiresAt: time.Date(2026, 1, 9, 3, 4, 5, 0, time.UTC), Unwanted: true},
	PaymentDeclined{PayerID: "0197a0f0-0000-7000-8000-000000000001", Amount: 1999, Currency: "EUR", Code: "insufficient_funds"},
	PaymentCaptureRequested{CaptureID: "0197a0f0-0000-7000-8000-000000000005", Reference: "pi_1", Amount: 1500, Currency: "EUR"},
	PaymentCaptured{PayerID: "0197a0f0-0000-7000-8000-000000000001", Amount: 1500, Currency: "EUR"},
	PaymentCaptureFailed{CaptureID: "0197a0f0-0000-7000-8000-000000000005", Code: "capture_failed"},
	PaymentCancelRequested{PayerID: "0197a0f0-0000-7000-8000-000000000001", Reference: "pi_1"},
	PaymentCanceled{PayerID: "0197a0f0-0000-7000-8000-000000000001"},
	PaymentExpired{PayerID: "0197a0f0-0000-7000-8000-000000000001", Reference: "pi_1"},
	PaymentRefundRequested{RefundID: "0197a0f0-0000-7000-8000-000000000004", Reference: "pi_1", Amount: 500, Currency: "EUR"},
	PaymentRefundReasonGiven{PayerID: "0197a0f0-0000-7000-8000-000000000001", RefundID: "0197a0f0-0000-7000-8000-000000000004", Reason: "It came too late."},
	PaymentRefunded{PayerID: "0197a0f0-0000-7000-8000-000000000001", RefundID: "0197a0f0-0000-7000-8000-000000000004", Amount: 500, Currency: "EUR"},
	PaymentRefundFailed{RefundID: "0197a0f0-0000-7000-8000-000000000004", Code: "expired_or_canceled_card"},
	PaymentDisputed{PayerID: "0197a0f0-0000-7000-8000-000000000001"},
	PaymentPayerErased{PayerID: "0197a0f0-0000-7000-8000-000000000001"},
	FileUploadRequested{OwnerID: "0197a0f0-0000-7000-8000-000000000001", Name: "notes.txt", Size: 5, ContentType: "text/plain", SHA256: "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824", ExpiresAt: time.Date(2026, 1, 2, 3, 9, 5, 0, time.UTC)},
	FileAvailable{ObjectVersion: "L4kqtJlcpXroDTDmpUMLUo"},
	FileRejected{Reason: "checksum-mismatch"},
	FileRenamed{OwnerID: "0197a0f0-0000-7000-8000-000000000001", Old: "notes.txt", New: "diary.txt"},
	FileShared{UserID: "0197a0f0-0000-7000-8000-000000000002", Permission: "read"},
	FileUnshared{UserID: "0197a0f0-0000-7000-8000-000000000002"},
	FileDeleted{PurgeAt: time.Date(2026, 2, 1, 3, 4, 5, 0, time.UTC)},
	FileRestored{ObjectVersion: "L4kqtJlcpXroDTDmpUMLUo"},
	FilePurged{Reason: "deleted"},
	ShareGranted{FileID: "0197a0f0-0000-7000-8000-000000000004", UserID: "0197a0f0-0000-7000-8000-000000000002", Permission: "read"},
	ShareRevoked{UserID: "0197a0f0-0000-7000-8000-000000000002"},
	NotificationRequested{UserID: "0197a0f0-0000-7000-8000-000000000001", Kind: "verify-address", Stream: "user#0197a0f0-0000-7000-8000-000000000001", Version: 1},
	NotificationRead{UserID: "0197a0f0-0000-7000-8000-000000000001"},
	NotificationMailAttempted{Attempt: 1, At: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)},
	NotificationMailSent{MessageID: "0100019a-message"},
	NotificationMailRefused{Attempt: 1, Reason: "TooManyRequestsException"},
	NotificationMailSkipped{Reason: "preferences"},
	NotificationMailGivenUp{Attempts: 2},
	InboxRead{Through: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)},
	InboxPreferencesSet{EmailOff: []string{"files", "payments"}},
	MailboxSuppressed{Reason: "bounce", NotificationID: "0197a0f0-0000-7000-8000-000000000004"},
}

func golden(eventType string) string { return filepath.Join("testdata", eventType+".json") }

func TestEveryEventRoundTripsThroughItsGoldenFile(t *testing.T) {
	for _, e := range newest {
		eventType, data, err := Encode(e)
		if err != nil {
			t.Fatal(err)
		}
		if *ship {
			if _, err := os.Stat(golden(eventType)); errors.Is(err, os.ErrNotExist) {
				if err := os.WriteFile(golden(eventType), append(data, '\n'), 0o644); err != nil {
					t.Fatal(err)
				}
			}
		}
		want, err := os.ReadFile(golden(eventType))
		if err != nil {
			t.Fatalf("%s has no golden file (go test ./events -ship writes it): %v", eventType, err)
		}
		if got := append(data, '\n'); !bytes.Equal(got, want) {
			t.Errorf("%s is stored as\n%s, the golden file says\n%s", eventType, got, want)
		}
		back, err := Decode(eventType, want)
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(back, e) {
			t.Errorf("%s reads back as %+v, want %+v", eventType, back, e)
		}
		for _, f := range reflect.VisibleFields(reflect.TypeOf(e)) {
			if reflect.ValueOf(e).FieldByIndex(f.Index).IsZero() {
				t.Errorf("the example of %s leaves %s empty, so its golden file proves nothing about it", eventType, f.Name)
			}
		}
	}
}

func TestAPayloadThatIsNotWholeIsNotRead(t *testing.T) {
	for _, e := range newest {
		eventType, data, err := Encode(e)
		if err != nil {
			t.Fatal(err)
		}
		first, rest, _ := strings.Cut(string(data), ",")
		name, _, _ := strings.Cut(strings.TrimPrefix(first, "{"), ":")
		for what, damaged := range map[string]string{
			"null": "null", "nothing": "", "an empty object": "{}", "an array": "[]",
			"a field missing": "{" + rest, "one more field": `{"more":{"a:b":1},` + string(data[1:]), "another field": strings.Replace(string(data), name, `"other"`, 1),
			"a field twice": strings.Replace(string(data), "}", ","+strings.TrimPrefix(first, "{"), 1) + "}", "cut off": string(data[:len(data)-1]),
		} {
			if damaged == string(data) {
				continue // an event without fields is an empty object
			}
			if got, err := Decode(eventType, []byte(damaged)); err == nil {
				t.Errorf("%s, %s: %s is read as %+v", eventType, what, damaged, got)
			}
		}
	}
}

func TestAPayloadIsWholeWhateverItsTextsAre(t *testing.T) {
	for _, text := range []string{"", ":", `"`, `\`, `\"`, `\\`, `{"a":1}`, `":"`, `\":`, "\n\t", "é\u2028:", `}]`} {
		e := UserNameChanged{Old: text, New: text + text}
		eventType, data, err := Encode(e)
		if err != nil {
			t.Fatal(err)
		}
		if back, err := Decode(eventType, data); err != nil || back != e {
			t.Errorf("%s comes back as %+v, error %v", data, back, err)
		}
		if _, err := Decode(eventType, data[:len(data)-2]); err == nil {
			t.Errorf("%s is read when it is cut off", data)
		}
	}
}

func TestAnEventComesBackTogetherFromItsParts(t *testing.T) {
	for _, e := range newest {
		d, err := Divide(e)
		if err != nil {
			t.Fatal(err)
		}
		whole := d.Open
		if d.Private != nil {
			if whole, err = Join(d.Open, d.Private); err != nil {
				t.Fatal(err)
			}
		}
		if back, err := Decode(e.EventType(), whole); err != nil || !reflect.DeepEqual(back, e) {
			t.Errorf("%s comes back as %+v, error %v", e.EventType(), back, err)
		}
		for _, f := range reflect.VisibleFields(reflect.TypeOf(e)) {
			private := strings.Contains(string(d.Private), jsonName(f))
			if mark := f.Tag.Get("data"); private != (mark == "personal" || mark == "secret") {
				t.Errorf("%s: %s is private: %v", e.EventType(), f.Name, private)
			}
		}
	}
}

func TestAnErasedEventIsReadWithMarksInTheSteadOfPersonalTexts(t *testing.T) {
	for _, e := range newest {
		d, err := Divide(e)
		if err != nil {
			t.Fatal(err)
		}
		if d.Private == nil {
			continue
		}
		erased, err := ErasedPart(e.EventType())
		if err != nil {
			t.Fatal(err)
		}
		whole, err := Join(d.Open, erased)
		if err != nil {
			t.Fatal(err)
		}
		back, err := Decode(e.EventType(), whole)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range reflect.VisibleFields(reflect.TypeOf(e)) {
			got, was := reflect.ValueOf(back).FieldByIndex(f.Index), reflect.ValueOf(e).FieldByIndex(f.Index)
			switch mark := f.Tag.Get("data"); {
			case mark == "personal" && f.Type.Kind() == reflect.String:
				if got.String() != Erased {
					t.Errorf("%s: %s is %q", e.EventType(), f.Name, got)
				}
			case mark == "personal" || mark == "secret":
				if got.Len() != 0 {
					t.Errorf("%s: %s is still there", e.EventType(), f.Name)
				}
			case !reflect.DeepEqual(got.Interface(), was.Interface()):
				t.Errorf("%s: %s is %v, was %v", e.EventType(), f.Name, got, was)
			}
		}
	}
}

func TestEveryFieldOfEveryEventIsAlwaysStored(t *testing.T) {
	for eventType, d := range catalog {
		for _, f := range reflect.VisibleFields(d.stored) {
			if !f.IsExported() || f.Anonymous || jsonName(f) == "" || strings.Contains(f.Tag.Get("json"), ",") {
				t.Errorf("%s: %s has no plain name, or can be left out", eventType, f.Name)
			}
		}
	}
}

func TestEveryTypeInTheCatalogHasAGoldenFileThatDecodes(t *testing.T) {
	for _, eventType := range Types() {
		data, err := os.ReadFile(golden(eventType))
		if err != nil {
			t.Errorf("%s has no golden file: add an example of it to newest, then go test ./events -ship writes one (%v)", eventType, err)
			continue
		}
		if _, err := Decode(eventType, data); err != nil {
			t.Error(err)
		}
	}
	for _, e := range newest {
		if !slices.Contains(Types(), e.EventType()) {
			t.Errorf("%T is not in the catalog", e)
		}
	}
}

// A name and its bytes are a promise to every event store out there, so testdata/shipped
// holds the digest of each golden file; lines are only ever added.
func TestWhatWasShippedNeverChanges(t *testing.T) {
	const manifest = "testdata/shipped"
	files, err := filepath.Glob("testdata/*.json")
	if err != nil {
		t.Fatal(err)
	}
	now := map[string]string{}
	for _, f := range files {
		data, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		sum := sha256.Sum256(data)
		now[strings.TrimSuffix(filepath.Base(f), ".json")] = hex.EncodeToString(sum[:])
	}
	shipped := map[string]string{}
	if data, err := os.ReadFile(manifest); err == nil {
		for line := range strings.Lines(string(data)) {
			name, sum, _ := strings.Cut(strings.TrimSpace(line), " ")
			shipped[name] = sum
		}
	}
	if *ship {
		for name, sum := range now {
			if _, ok := shipped[name]; !ok {
				shipped[name] = sum
			}
		}
		var out strings.Builder
		for _, name := range slices.Sorted(maps.Keys(shipped)) {
			fmt.Fprintln(&out, name, shipped[name])
		}
		if err := os.WriteFile(manifest, []byte(out.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for name, sum := range shipped {
		if now[name] != sum {
			t.Errorf("the golden file of %s changed after it was shipped: give the event a new version instead", name)
		}
		if !slices.Contains(Types(), name) {
			t.Errorf("%s was shipped and can no longer be read", name)
		}
	}
	for name := range now {
		if shipped[name] == "" {
			t.Errorf("%s is not in testdata/shipped: go test ./events -ship adds it", name)
		}
	}
}

func TestOldVersionsAreReadAsTheNewest(t *testing.T) {
	for eventType, want := range map[string]Event{
		"notification.requested.v1": NotificationRequested{UserID: "0197a0f0-0000-7000-8000-000000000001", Kind: "verify-address", Stream: "user#0197a0f0-0000-7000-8000-000000000001", Version: 1},
		"session.started.v1":        SessionStarted{UserID: "0197a0f0-0000-7000-8000-000000000001", RefreshHash: []byte{1, 2, 3}, ExpiresAt: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), Client: "unknown"},
		"session.started.v2":        SessionStarted{UserID: "0197a0f0-0000-7000-8000-000000000001", RefreshHash: []byte{1, 2, 3}, ExpiresAt: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), Client: "curl/8.0"},
	} {
		data, err := os.ReadFile(golden(eventType))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := Decode(eventType, data); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s is read as %+v, error %v, want %+v", eventType, got, err, want)
		}
		if _, err := Decode(eventType, data[:len(data)/2]); err == nil {
			t.Errorf("half of a %s is read", eventType)
		}
	}
}

func TestAnUnknownNameIsAnErrorThatNamesIt(t *testing.T) {
	_, err := Decode("user.vanished.v9", []byte(`{}`))
	var unknown *UnknownTypeError
	if !errors.As(err, &unknown) || unknown.Type != "user.vanished.v9" {
		t.Fatalf("got %v", err)
	}
}

func TestADamagedPayloadIsAnError(t *testing.T) {
	if e, err := Decode("user.created.v1", []byte(`{"userId":`)); err == nil {
		t.Fatalf("decoded %+v from half a payload", e)
	}
}

func TestAnErrorOfReadingAnEventQuotesNothingOfIt(t *testing.T) {
	for _, payload := range []string{
		`{"old":"ada@example.com","new":["ada@example.com"]}`,
		`{"old":"ada@example.com","ada@example.com":""}`,
		`{"old":"ada@example.com","old":"ada@example.com"}`,
		`{"old":"","new":"ada@example.com" ada@example.com}`,
		`["ada@example.com"]`,
	} {
		if _, err := Decode("user.email-changed.v1", []byte(payload)); err == nil || strings.Contains(err.Error(), "ada") {
			t.Errorf("%s: %v", payload, err)
		}
	}
	created := `{"userId":"u","refreshHash":"","ipHash":"","client":"","expiresAt":"ada@example.com"}`
	for _, eventType := range Types() {
		if _, err := Decode(eventType, []byte(created)); err != nil && strings.Contains(err.Error(), "ada") {
			t.Errorf("%s: %v", eventType, err)
		}
	}
}

func TestDisclosureLeavesOutWhatAReaderMayNotSee(t *testing.T) {
	for personal, want := range map[bool]string{
		true:  `{"email":"ada@example.com","name":"Ada","userId":"0197a0f0-0000-7000-8000-000000000001"}`,
		false: `{"userId":"0197a0f0-0000-7000-8000-000000000001"}`,
	} {
		data, err := Disclose(newest[0], personal)
		if err != nil || string(data) != want {
			t.Errorf("personal data %v: got %s, error %v, want %s", personal, data, err, want)
		}
	}
}

func TestDisclosureFindsWhatIsMarkedHoweverDeepItIs(t *testing.T) {
	type entry struct {
		Kept   int64
		Who    string `data:"personal"`
		Secret []byte `json:"secret" data:"secret"`
	}
	type whole struct {
		entry
		At   time.Time
		List []entry          `json:"list"`
		Map  map[string]entry `json:"map"`
		Next *whole           `json:"next,omitempty"`
	}
	one := entry{Kept: 1<<62 + 1, Who: "WHO", Secret: []byte("SECRET")}
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	all := whole{one, at, []entry{one}, map[string]entry{"k": one}, &whole{entry: one, At: at}}
	shown := func(entry string) string {
		return `{"At":"2026-01-02T03:04:05Z",` + entry + `,"list":[{` + entry + `}],"map":{"k":{` + entry + `}},"next":{"At":"2026-01-02T03:04:05Z",` + entry + `,"list":null,"map":null}}`
	}
	for personal, want := range map[bool]string{
		true:  shown(`"Kept":4611686018427387905,"Who":"WHO"`),
		false: shown(`"Kept":4611686018427387905`),
	} {
		data, err := Disclose(all, personal)
		if err != nil || string(data) != want {
			t.Errorf("personal data %v: error %v\ngot  %s\nwant %s", personal, err, data, want)
		}
	}
}
