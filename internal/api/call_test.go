package api

import "testing"

func TestAWholeNumberIsReadExactlyHoweverItIsWritten(t *testing.T) {
	type body struct {
		N int64 `json:"n"`
	}
	for text, want := range map[string]int64{
		"5": 5, "5.0": 5, "5.000": 5, "-5.0": -5, "-0.0": 0, "9007199254740993": 9007199254740993, "9007199254740993.0": 9007199254740993,
	} {
		var b body
		if err := decode([]byte(`{"n":`+text+`}`), &b); err != nil || b.N != want {
			t.Errorf("%s is read as %d, error %v", text, b.N, err)
		}
	}
	for _, text := range []string{"5.5", "5.01", "1e2", "1.0e2", "1e999", "NaN", "9223372036854775808", `"5"`, "05", "5."} {
		var b body
		if err := decode([]byte(`{"n":`+text+`}`), &b); err == nil {
			t.Errorf("%s is read as %d", text, b.N)
		}
	}
}
