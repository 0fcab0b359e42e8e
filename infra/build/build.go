package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
)

// artifact is one function, ready to be deployed.
type artifact struct {
	path string // from the top of the repository
	size int    // bytes
}

// goarch has Go's names for the processors that Lambda offers.
var goarch = map[string]string{"arm64": "arm64", "x86_64": "amd64"}

// build makes build/<function>.zip of functions/<function>, below root. A zip is replaced as a
// whole or not at all, and none is if a function does not compile.
func build(root, arch string, functions []string) ([]artifact, error) {
	out := filepath.Join(root, "build")
	if err := os.MkdirAll(out, 0o755); err != nil {
		return nil, err
	}
	staging, err := os.MkdirTemp(out, ".staging-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(staging)
	// A build that is killed leaves its programs, 170 MB, where the system cleans up.
	programs, err := os.MkdirTemp("", "annals-build-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(programs)
	if goarch[arch] == "" {
		return nil, fmt.Errorf("lambda has no architecture %q, only arm64 and x86_64", arch)
	}
	most, largest := functions, slices.Index(functions, operator)
	if largest >= 0 {
		most = slices.Delete(slices.Clone(functions), largest, largest+1)
		if err := compile(root, programs, "linux", goarch[arch], "-s -w -buildid=", sources([]string{operator}), "all"); err != nil {
			return nil, err
		}
	}
	if err := compile(root, programs, "linux", goarch[arch], "-s -w -buildid=", sources(most), notInlined...); err != nil {
		return nil, err
	}
	var artifacts []artifact
	for _, f := range functions {
		program, err := os.ReadFile(filepath.Join(programs, f))
		if err != nil {
			return nil, err
		}
		packed, err := pack(program)
		if err != nil {
			return nil, fmt.Errorf("pack %s: %w", f, err)
		}
		name := f + ".zip"
		if err := os.WriteFile(filepath.Join(staging, name), packed, 0o644); err != nil {
			return nil, err
		}
		if err := os.Rename(filepath.Join(staging, name), filepath.Join(out, name)); err != nil {
			return nil, err
		}
		artifacts = append(artifacts, artifact{path: "build/" + name, size: len(packed)})
	}
	return artifacts, nil
}

// native makes the programs of functions and of further packages for this machine, in out. They
// keep the id of their build, by which Go leaves one alone that is up to date: it may be running.
func native(root, out string, functions, packages []string) error {
	if err := os.MkdirAll(out, 0o755); err != nil {
		return err
	}
	return compile(root, out, runtime.GOOS, runtime.GOARCH, "-s -w", append(sources(functions), packages...), notInlined...)
}

func sources(functions []string) (packages []string) {
	for _, f := range functions {
		packages = append(packages, "./functions/"+f)
	}
	return packages
}

// operator holds what every reactor calls, and one person at a time waits for it, so nothing in it is
// inlined.
const operator = "command-operator"

// notInlined are packages, by Go's patterns, that wait for the network or run seldom, so that they gain
// little from being inlined. They make a zip up to 12 % smaller.
var notInlined = []string{
	"github.com/aws/...", "github.com/stripe/...", "golang.org/...", "vendor/...",
	"crypto/...", "encoding/...", "net/...", "mime/...", "os/...",
	"fmt", "html/...", "log/...", "math/big", "regexp/...",
}

// compile writes the program of each package to a folder, under its name. Whatever of the
// environment could change the bytes is set here: the folder's name (-trimpath), the state of
// the checkout (-buildvcs, -buildid), the processor's variant. Nothing that is called here needs HTTP/2.
func compile(root, out, goos, goarch, ldflags string, packages []string, notInlined ...string) error {
	out, err := filepath.Abs(out)
	if err != nil {
		return err
	}
	args := []string{"build", "-tags", "lambda.norpc,nethttpomithttp2", "-trimpath", "-buildvcs=false", "-ldflags", ldflags,
		"-o", out + string(filepath.Separator)}
	for _, p := range notInlined {
		args = append(args, "-gcflags="+p+"=-l")
	}
	// The key exchange of TLS takes twice as long if its small functions are called.
	args = append(args, "-gcflags=crypto/internal/fips140/mlkem=")
	cmd := exec.Command("go", append(args, packages...)...)
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "GOOS="+goos, "GOARCH="+goarch, "CGO_ENABLED=0",
		"GOFLAGS=-mod=readonly", "GOARM64=v8.0", "GOAMD64=v1")
	if said, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("go build: %w\n%s", err, said)
	}
	return nil
}
