package es_test

import (
	"reflect"
	"testing"

	"github.com/interview-sandbox/annals/internal/es"
	"github.com/interview-sandbox/annals/internal/es/estest"
)

// A snapshot that says what it likes, even under a hash that fits, breaks no load: it is taken
// for the state that it holds or left aside.
func FuzzLoadFromASnapshot(f *testing.F) {
	f.Add([]byte(`["1","2"]`), []byte{}, uint64(2), false)
	f.Add([]byte(`{`), []byte{1}, uint64(1), false)
	f.Add([]byte(`["\ud800",null]`), make([]byte, 13), uint64(1)<<63, true)
	f.Fuzz(func(t *testing.T, state, recent []byte, version uint64, sealed bool) {
		store, snapshots := grown(t, 3, 2)
		s, _, err := snapshots.Load(t.Context(), "user#1")
		if err != nil {
			t.Fatal(err)
		}
		s.State, s.Recent, s.Version = state, recent, es.Version(version)
		if sealed {
			s.Subject = "1"
		}
		s.Hash = s.ComputeHash()
		snapshots.Put("user#1", s)
		loaded, err := estest.Plain.Load(t.Context(), &es.Repository{Store: store, Snapshots: snapshots, Vault: new(estest.Vault)}, "1")
		if err == nil && version == 0 && !reflect.DeepEqual(loaded.State, estest.Names{"1", "2", "3"}) && len(state) == 0 {
			t.Errorf("loaded are %q", loaded.State)
		}
	})
}
