package scenario

import (
	"bytes"
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
)

// The names of the fields, of bodies that are sent and of answers, with what is told about
// persons in confidence, and with what lets in whoever knows it.
var (
	sentPersonal   = []string{"email", "name", "locale", "description", "reason", "q"}
	sentSecret     = []string{"password", "current", "new", "token", "refreshToken"}
	answerPersonal = []string{"email", "name", "old", "new", "locale", "client", "description", "reasons"}
	answerSecret   = []string{"accessToken", "refreshToken", "policy", "x-amz-signature"}
)

// ofTheSystem are the paths whose answers are about the system and no person.
var ofTheSystem = []string{"/openapi.json", "/admin/views", "/admin/stats"}

// shortest is the length of the shortest value that is remembered, in bytes: a shorter one
// occurs in texts that have nothing to do with it.
const shortest = 6

// Told is what clients have told an API in confidence, and were told by it.
type Told struct {
	Personal []string // values that tell something about a person
	Secret   []string // passwords, tokens, signatures of links
}

// memory keeps what was told.
type memory struct {
	mu               sync.Mutex
	personal, secret map[string]bool
}

// ToldTo gives what was told so far at an API.
func ToldTo(api string) Told {
	contracts.Lock()
	m := &contracts.of[api].memory
	contracts.Unlock()
	m.mu.Lock()
	defer m.mu.Unlock()
	return Told{slices.Sorted(maps.Keys(m.personal)), slices.Sorted(maps.Keys(m.secret))}
}

func (m *memory) sent(r *http.Request, body []byte) {
	m.secrets(strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "))
	m.personals(r.Header.Get("User-Agent"), r.URL.Query().Get("q"))
	m.walk(body, sentPersonal, sentSecret)
}

func (m *memory) answered(path string, a Answer) {
	if link, err := url.Parse(a.Header.Get("Location")); err == nil {
		m.secrets(link.Query().Get("X-Amz-Signature"))
	}
	if path, _, _ := strings.Cut(path, "?"); a.Status < 300 && !slices.Contains(ofTheSystem, path) {
		m.walk([]byte(a.Raw), answerPersonal, answerSecret)
	}
}

// walk remembers the texts under these names, however deep they are.
func (m *memory) walk(body []byte, personal, secret []string) {
	var value any
	if json.NewDecoder(bytes.NewReader(body)).Decode(&value) != nil {
		return // there is no document, and so no fields
	}
	var visit func(name string, value any)
	visit = func(name string, value any) {
		switch v := value.(type) {
		case map[string]any:
			for inner, value := range v {
				if _, text := value.(string); text && name == "reasons" {
					inner = name
				}
				visit(inner, value)
			}
		case []any:
			for _, value := range v {
				visit(name, value)
			}
		case string:
			switch {
			case slices.Contains(secret, name):
				m.secrets(v)
			case slices.Contains(personal, name):
				m.personals(v)
			}
		}
	}
	visit("", value)
}

func (m *memory) secrets(values ...string)   { m.add(&m.secret, values) }
func (m *memory) personals(values ...string) { m.add(&m.personal, values) }

func (m *memory) add(to *map[string]bool, values []string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if *to == nil {
		*to = map[string]bool{}
	}
	for _, v := range values {
		if len(v) >= shortest && v != "[erased]" {
			(*to)[v] = true
		}
	}
}
