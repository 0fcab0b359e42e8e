package main

import (
	"archive/zip"
	"bytes"
	"debug/elf"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// checkout makes a module with one function in a folder of its own.
func checkout(t *testing.T, source string) string {
	t.Helper()
	root := t.TempDir()
	for name, content := range map[string]string{
		"go.mod":                  "module example.com/small\n\ngo 1.26\n",
		"functions/hello/main.go": source,
	} {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

const hello = "package main\n\nfunc main() { println(\"hello\") }\n"

// buildHello builds the function of a checkout and returns its zip.
func buildHello(t *testing.T, root, arch string) []byte {
	t.Helper()
	artifacts, err := build(root, arch, []string{"hello"})
	if err != nil {
		t.Fatal(err)
	}
	body, err := os.ReadFile(filepath.Join(root, artifacts[0].path))
	if err != nil {
		t.Fatal(err)
	}
	if artifacts[0].size != len(body) {
		t.Errorf("size is given as %d, is %d", artifacts[0].size, len(body))
	}
	return body
}

func TestTwoCheckoutsAndEnvironmentsGiveTheSameBytes(t *testing.T) {
	one := buildHello(t, checkout(t, hello), "arm64")
	t.Setenv("GOFLAGS", "-race")
	t.Setenv("GOARM64", "v8.1")
	two := buildHello(t, checkout(t, hello), "arm64")
	if !bytes.Equal(one, two) {
		t.Error("two builds of the same sources differ")
	}
	if bytes.Equal(one, buildHello(t, checkout(t, strings.Replace(hello, "hello", "world", 1)), "arm64")) {
		t.Error("builds of different sources do not differ")
	}
}

func TestZipHoldsOneStaticExecutableForTheProcessor(t *testing.T) {
	for arch, machine := range map[string]elf.Machine{"arm64": elf.EM_AARCH64, "x86_64": elf.EM_X86_64} {
		t.Run(arch, func(t *testing.T) {
			body := buildHello(t, checkout(t, hello), arch)
			archive, err := zip.NewReader(bytes.NewReader(body), int64(len(body)))
			if err != nil {
				t.Fatal(err)
			}
			if len(archive.File) != 1 {
				t.Fatalf("the zip holds %d files, want 1", len(archive.File))
			}
			f := archive.File[0]
			if f.Name != "bootstrap" || f.Mode() != 0o755 || !f.Modified.Equal(epoch) {
				t.Errorf("got %s %v %v, want bootstrap %v %v", f.Name, f.Mode(), f.Modified, os.FileMode(0o755), epoch)
			}
			r, err := f.Open()
			if err != nil {
				t.Fatal(err)
			}
			program, err := io.ReadAll(r)
			if err != nil {
				t.Fatal(err)
			}
			executable, err := elf.NewFile(bytes.NewReader(program))
			if err != nil {
				t.Fatal(err)
			}
			if executable.Machine != machine {
				t.Errorf("the program is for %v, want %v", executable.Machine, machine)
			}
			for _, p := range executable.Progs {
				if p.Type == elf.PT_INTERP {
					t.Error("the program needs a dynamic linker")
				}
			}
			if executable.Section(".debug_info") != nil || executable.Section(".symtab") != nil {
				t.Error("the program carries symbols")
			}
		})
	}
}

func TestFailedBuildLeavesTheEarlierZipAndNothingElse(t *testing.T) {
	root := checkout(t, hello)
	before := buildHello(t, root, "arm64")
	if err := os.WriteFile(filepath.Join(root, "functions/hello/main.go"), []byte("package main\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := build(root, "arm64", []string{"hello"}); err == nil || !strings.Contains(err.Error(), "function main is undeclared") {
		t.Errorf("the error does not say what is wrong: %v", err)
	}
	after, err := os.ReadFile(filepath.Join(root, "build", "hello.zip"))
	if err != nil || !bytes.Equal(after, before) {
		t.Errorf("the earlier zip is gone: %v", err)
	}
	entries, err := os.ReadDir(filepath.Join(root, "build"))
	if err != nil || len(entries) != 1 {
		t.Errorf("build/ holds %v, %v", entries, err)
	}
}

func TestAProgramForThisMachineThatIsUpToDateIsLeftAlone(t *testing.T) {
	root := checkout(t, hello)
	out := filepath.Join(root, "build", "native")
	program, first := filepath.Join(out, "hello"), filepath.Join(root, "first")
	err := native(root, out, []string{"hello"}, nil)
	if err == nil {
		err = os.Link(program, first) // so that no other file is taken for it
	}
	if err == nil {
		err = native(root, out, []string{"hello"}, nil)
	}
	if err != nil {
		t.Fatal(err)
	}
	before, err := os.Stat(first)
	if err != nil {
		t.Fatal(err)
	}
	if after, err := os.Stat(program); err != nil || !os.SameFile(before, after) {
		t.Errorf("it is written again, error %v", err)
	}
}

func TestUnknownArchitectureIsRefused(t *testing.T) {
	if _, err := build(checkout(t, hello), "mips", []string{"hello"}); err == nil || !strings.Contains(err.Error(), "mips") {
		t.Errorf("got %v", err)
	}
}

func TestReportAlignsSizesAndRefusesWhatIsOverTheLimit(t *testing.T) {
	var out strings.Builder
	fits := []artifact{{"build/query.zip", limit}, {"build/command-auth.zip", 1}}
	if err := report(&out, "arm64", fits); err != nil {
		t.Errorf("refused: %v", err)
	}
	if want := "build/query.zip          4.00 MB\nbuild/command-auth.zip   0.00 MB\n"; out.String() != want {
		t.Errorf("got\n%swant\n%s", out.String(), want)
	}
	large := artifact{"build/large.zip", limit + 1}
	if err := report(io.Discard, "x86_64", append(fits, large)); err != nil {
		t.Errorf("refused for an emulator: %v", err)
	}
	err := report(io.Discard, "arm64", append(fits, large))
	if err == nil || !strings.Contains(err.Error(), large.path) || strings.Contains(err.Error(), "query") {
		t.Errorf("got %v, want an error about %s alone", err, large.path)
	}
}
