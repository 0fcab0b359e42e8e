package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
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
	if err := compile(root, staging, arch, functions); err != nil {
		return nil, err
	}
	var artifacts []artifact
	for _, f := range functions {
		program, err := os.ReadFile(filepath.Join(staging, f))
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

// compile writes the program of each function to staging/<function>. Whatever of the
// environment could change the bytes is set here: the folder's name (-trimpath), the state of
// the checkout (-buildvcs, -buildid), the processor's variant. AWS's clients are not inlined,
// which makes a zip up to 7 % smaller.
func compile(root, staging, arch string, functions []string) error {
	if goarch[arch] == "" {
		return fmt.Errorf("lambda has no architecture %q, only arm64 and x86_64", arch)
	}
	staging, err := filepath.Abs(staging)
	if err != nil {
		return err
	}
	args := []string{"build", "-tags", "lambda.norpc", "-trimpath", "-buildvcs=false", "-ldflags", "-s -w -buildid=",
		"-gcflags=github.com/aws/...=-l",
		"-o", staging + string(filepath.Separator)}
	for _, f := range functions {
		args = append(args, "./functions/"+f)
	}
	cmd := exec.Command("go", args...)
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "GOOS=linux", "GOARCH="+goarch[arch], "CGO_ENABLED=0",
		"GOFLAGS=-mod=readonly", "GOARM64=v8.0", "GOAMD64=v1")
	if said, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("go build: %w\n%s", err, said)
	}
	return nil
}
