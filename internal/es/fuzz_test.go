package es

import (
	"bytes"
	"testing"
)

// The recent commands of a snapshot are read in the bytes that they take, or not at all.
func FuzzRecent(f *testing.F) {
	var three recent
	for _, id := range []string{"a", "b", "c"} {
		three.add(Commit{Version: Version(len(three)*3 + 1), Events: make([]Data, 2), Meta: Meta{CommandID: id, Fingerprint: []byte(id + "1234")}})
	}
	f.Add(three.encode())
	f.Add([]byte{})
	f.Add(bytes.Repeat([]byte{0xff}, 30))
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := decodeRecent(b)
		if err != nil {
			return
		}
		if 13*len(r) > len(b) {
			t.Fatalf("%d commands in %d bytes", len(r), len(b))
		}
		if len(r) > window {
			r = r[len(r)-window:]
		}
		back, err := decodeRecent(r.encode())
		if err != nil || len(back) != len(r) {
			t.Fatalf("%d commands become %d, error %v", len(r), len(back), err)
		}
		for i := range r {
			if back[i] != r[i] {
				t.Errorf("command %d becomes %+v, want %+v", i, back[i], r[i])
			}
		}
	})
}

// An id that is valid is the same after it was packed.
func FuzzID(f *testing.F) {
	f.Add("0197a0f0-0000-7000-8000-000000000001")
	f.Add("0197A0F0-0000-7000-8000-000000000001\n")
	f.Fuzz(func(t *testing.T, id string) {
		if back := UnpackID(PackID(id)); ValidID(id) && back != id {
			t.Errorf("%q becomes %q", id, back)
		}
	})
}
