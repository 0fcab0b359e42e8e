package eventsource

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestACheckpointIsReadAsItWasWritten(t *testing.T) {
	path := filepath.Join(t.TempDir(), "shard.json")
	for _, sequence := range []string{"17", "100000000003498069978"} {
		if err := writeCheckpoint(path, "stream", sequence); err != nil {
			t.Fatal(err)
		}
		if got, err := readCheckpoint(path, "stream"); got != sequence || err != nil {
			t.Errorf("%q, %v; want %q", got, err, sequence)
		}
	}
}

func TestWithoutACheckpointForItsStreamAShardStartsAtTheBeginning(t *testing.T) {
	path := filepath.Join(t.TempDir(), "shard.json")
	if got, err := readCheckpoint(path, "stream"); got != "" || err != nil {
		t.Errorf("no file: %q, %v", got, err)
	}
	if err := writeCheckpoint(path, "the stream of an earlier table", "17"); err != nil {
		t.Fatal(err)
	}
	if got, err := readCheckpoint(path, "stream"); got != "" || err != nil {
		t.Errorf("another stream's checkpoint: %q, %v", got, err)
	}
}

func TestAnInterruptedWriteLeavesTheEarlierCheckpoint(t *testing.T) {
	path := filepath.Join(t.TempDir(), "shard.json")
	if err := writeCheckpoint(path, "stream", "17"); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path+".draft", []byte(`{"streamArn":"str`), 0o600); err != nil {
		t.Fatal(err)
	}
	if got, err := readCheckpoint(path, "stream"); got != "17" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
	if err := writeCheckpoint(path, "stream", "18"); err != nil {
		t.Errorf("a draft is in the way: %v", err)
	}
}

func TestADamagedCheckpointIsAnErrorThatNamesTheFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "shard.json")
	if err := os.WriteFile(path, []byte("not JSON"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := readCheckpoint(path, "stream"); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("the error is %v", err)
	}
}
