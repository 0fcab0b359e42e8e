package sandboxtest

import (
	"errors"
	"testing"

	"github.com/interview-sandbox/annals/internal/es"
	"github.com/interview-sandbox/annals/internal/sandbox"
)

// Ledger is the contract of [sandbox.Ledger].
func Ledger(t *testing.T, l sandbox.Ledger) {
	ctx := t.Context()
	expect := func(id, account string, revision int) {
		t.Helper()
		got, at, err := l.LoadAccount(ctx, id)
		if string(got) != account || at != revision || err != nil {
			t.Errorf("account %s is %q at revision %d, error %v, want %q at %d", id, got, at, err, account, revision)
		}
	}
	save := func(id, account string, revision int, want error) {
		t.Helper()
		if err := l.SaveAccount(ctx, id, []byte(account), revision); !errors.Is(err, want) {
			t.Errorf("save %s after revision %d: error %v, want %v", id, revision, err, want)
		}
	}
	expect("one", "", 0)
	save("one", `{"a":1}`, 1, es.ErrConflict)
	save("one", `{"a":1}`, 0, nil)
	expect("one", `{"a":1}`, 1)
	save("one", `{"a":2}`, 0, es.ErrConflict)
	save("one", `{"a":2}`, 2, es.ErrConflict)
	expect("one", `{"a":1}`, 1)
	save("one", `{"a":2}`, 1, nil)
	save("two", `{}`, 0, nil)
	expect("one", `{"a":2}`, 2)
	expect("two", `{}`, 1)
}
