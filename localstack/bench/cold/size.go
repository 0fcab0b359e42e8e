package main

import (
	"bytes"
	"compress/flate"
	"fmt"
	"os"
)

const megabyte = 1 << 20

// zipped is how many MB a program takes in a zip.
func zipped(program string) (float64, error) {
	text, err := os.ReadFile(program)
	if err != nil {
		return 0, err
	}
	var out bytes.Buffer
	w, err := flate.NewWriter(&out, flate.BestCompression)
	if err == nil {
		_, err = w.Write(text)
	}
	if err == nil {
		err = w.Close()
	}
	return float64(out.Len()) / megabyte, err
}

// resident is the most memory that a process has had, in MB, where the system tells. What
// wait4(2) tells is that of the process which started it, if that was more.
func resident(pid int) (float64, bool) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, false
	}
	_, after, found := bytes.Cut(status, []byte("VmHWM:"))
	var kb float64
	if n, _ := fmt.Sscan(string(after), &kb); !found || n != 1 {
		return 0, false
	}
	return kb / 1024, true
}
