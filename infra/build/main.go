// Command build compiles the functions of the topology into build/<function>.zip, the form in
// which Lambda takes them, or for this machine. The same sources and the same Go give the same
// bytes, so that deploying twice without a change changes nothing.
package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/interview-sandbox/annals/internal/topology"
)

// megabyte is what Lambda means by it: its limit of 250 MB is one of 262144000 bytes.
const megabyte = 1 << 20

// limit keeps first answers fast: Lambda fetches and unpacks a zip before a function starts. It is for
// arm64; x86_64, whose code is larger, is for emulators, which fetch nothing.
const limit = 4 * megabyte

func main() {
	arch := flag.String("arch", "arm64", "processor, by Lambda's name for it: arm64 or x86_64")
	here := flag.String("native", "", "compile for this machine into this `folder`, without zips, and with them the packages that are named")
	flag.Parse()
	if err := run(*arch, *here, flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, "build:", err)
		os.Exit(1)
	}
}

func run(arch, here string, packages []string) error {
	var functions []string
	for _, f := range topology.Functions() {
		functions = append(functions, f.Name)
	}
	if here != "" {
		return native(".", here, functions, packages)
	}
	fmt.Printf("building %d functions for %s\n", len(functions), arch)
	artifacts, err := build(".", arch, functions)
	if err != nil {
		return err
	}
	return report(os.Stdout, arch, artifacts)
}

// report lists the artifacts with their sizes. It fails if one for arm64 is over the limit.
func report(w io.Writer, arch string, artifacts []artifact) error {
	var width int
	for _, a := range artifacts {
		width = max(width, len(a.path))
	}
	var large []string
	for _, a := range artifacts {
		fmt.Fprintf(w, "%-*s %6.2f MB\n", width, a.path, float64(a.size)/megabyte)
		if a.size > limit {
			large = append(large, a.path)
		}
	}
	if len(large) > 0 && arch == "arm64" {
		return fmt.Errorf("over the limit of %d MB: %s", limit/megabyte, strings.Join(large, ", "))
	}
	return nil
}
