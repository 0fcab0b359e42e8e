package eventsource

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/go-json-experiment/json"
)

// checkpoint says up to where a shard is finished. It names its stream, because another
// stream, such as that of a table that was made anew, may have a shard of the same name.
type checkpoint struct {
	StreamARN string `json:"streamArn"`
	Sequence  string `json:"sequenceNumber"`
}

// readCheckpoint returns the sequence number of the last finished record, "" if there is no
// checkpoint for this stream.
func readCheckpoint(path, streamARN string) (string, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("read the checkpoint: %w", err)
	}
	var c checkpoint
	if err := json.Unmarshal(text, &c); err != nil {
		return "", fmt.Errorf("read the checkpoint %s: %w", path, err)
	}
	if c.StreamARN != streamARN {
		return "", nil
	}
	return c.Sequence, nil
}

// writeCheckpoint replaces the checkpoint, whole or not at all. A power failure may bring
// back an earlier one, which only repeats records.
func writeCheckpoint(path, streamARN, sequence string) (err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("write the checkpoint: %w", err)
		}
	}()
	text, err := json.Marshal(checkpoint{streamARN, sequence})
	if err != nil {
		return err
	}
	draft, err := os.Create(path + ".draft")
	if err != nil {
		return err
	}
	defer draft.Close()
	if _, err := draft.Write(text); err != nil {
		return err
	}
	if err := draft.Sync(); err != nil {
		return err
	}
	if err := draft.Close(); err != nil {
		return err
	}
	return os.Rename(draft.Name(), path)
}
