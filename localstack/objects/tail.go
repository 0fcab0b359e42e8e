package objects

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
)

// A file has the bytes of an object, then what is known of it as JSON, and then how long that
// is, in 4 bytes. It comes after the bytes because it is known only when these have arrived.

var errCutOff = errors.New("the file of an object is not whole")

// writeTail completes a file and has it on disk.
func writeTail(f *os.File, o Object) error {
	tail, err := json.Marshal(o)
	if err == nil {
		tail = binary.BigEndian.AppendUint32(tail, uint32(len(tail)))
		_, err = f.Write(tail)
	}
	if err = errors.Join(err, f.Sync()); err != nil {
		return fmt.Errorf("write an object: %w", err)
	}
	return nil
}

// readTail leaves the file at its beginning.
func readTail(f *os.File) (o Object, err error) {
	end, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		return o, err
	}
	var length [4]byte
	if end < int64(len(length)) {
		return o, errCutOff
	}
	end -= int64(len(length))
	if _, err := f.ReadAt(length[:], end); err != nil {
		return o, err
	}
	size := int64(binary.BigEndian.Uint32(length[:]))
	if size > end {
		return o, errCutOff
	}
	tail := make([]byte, size)
	if _, err := f.ReadAt(tail, end-size); err != nil {
		return o, err
	}
	if err := json.Unmarshal(tail, &o); err != nil || o.Size != end-size {
		return o, errCutOff
	}
	_, err = f.Seek(0, io.SeekStart)
	return o, err
}
