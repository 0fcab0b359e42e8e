package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite infra/licences.md")

const licencesFile = "../licences.md"

// licences are known by words that no other one has; the first that fits it is. Whatever fits
// none fails, so that somebody reads it.
var licences = []struct {
	name  string // by SPDX
	words string
}{
	{"Apache-2.0", "Apache License Version 2.0"},
	{"MPL-2.0", "Mozilla Public License, version 2.0"},
	{"MPL-2.0", "Mozilla Public License Version 2.0"},
	{"BSD-3-Clause", "Redistributions in binary form must reproduce the above copyright notice Neither the name"},
	{"BSD-2-Clause", "Redistributions in binary form must reproduce the above copyright notice"},
	{"MIT", "Permission is hereby granted, free of charge, to any person obtaining a copy of this software"},
	{"ISC", "Permission to use, copy, modify, and/or distribute this software for any purpose"},
}

// deployable licences ask of whoever runs the functions for nothing but to keep notices, and of
// MPL-2.0 that changes to its files are published.
var deployable = []string{"Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "MIT", "MPL-2.0"}

// tools of Python's, whose lists of pins have no licences, and what theirs are.
var tools = map[string]string{"aws-sam-cli": "Apache-2.0", "cryptography": "Apache-2.0 OR BSD-3-Clause", "ministack": "MIT", "schemathesis": "MIT"}

// A part is something that others have made.
type part struct{ name, version, licence string }

func TestTheListOfLicencesIsThatOfWhatIsUsed(t *testing.T) {
	deployed := modules(t, "./functions/...")
	others := slices.DeleteFunc(modules(t, "-test", "./..."), func(p part) bool { return slices.Contains(deployed, p) })
	for _, p := range deployed {
		if !slices.Contains(deployable, p.licence) {
			t.Errorf("%s has the licence %s, and is in the functions", p.name, p.licence)
		}
	}
	var page strings.Builder
	fmt.Fprint(&page, "# Licences\n\nWhat others have made and this repository uses, with the licences by their names at\n"+
		"[SPDX](https://spdx.org/licenses/). `make generate` writes this page anew; a test fails if it is not current.\n")
	section := func(title, says string, parts []part) {
		fmt.Fprintf(&page, "\n## %s\n\n%s\n\n| part | version | licence |\n| --- | --- | --- |\n", title, says)
		for _, p := range parts {
			fmt.Fprintf(&page, "| `%s` | %s | %s |\n", p.name, p.version, p.licence)
		}
	}
	section("In the functions", "Modules of Go whose code is deployed, beside Go's own library (BSD-3-Clause).", deployed)
	section("For tests, the stack and the local system", "Modules of Go that are not deployed.", others)
	section("From npm", "The CDK's command line and the database of the local system, with what they need.",
		append(packages(t, "../package-lock.json"), packages(t, "../../localstack/package-lock.json")...))
	section("From PyPI", "Tools of `make e2e`. What they need is pinned in `localstack/python/<tool>.txt`.", pinned(t))

	if *update {
		if err := os.WriteFile(licencesFile, []byte(page.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if kept, err := os.ReadFile(licencesFile); err != nil || string(kept) != page.String() {
		t.Errorf("infra/licences.md is not current (%v): go test ./infra/build -update writes it anew", err)
	}
}

// modules lists what packages and what they import belong to, except this module.
func modules(t *testing.T, of ...string) (all []part) {
	t.Helper()
	cmd := exec.Command("go", append([]string{"list", "-deps", "-f", "{{with .Module}}{{.Path}} {{.Version}} {{.Dir}}{{end}}"}, of...)...)
	cmd.Dir, cmd.Env = "../..", append(os.Environ(), "GOOS=linux", "GOARCH=arm64", "CGO_ENABLED=0") // the same everywhere
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(out)) {
		if f := strings.Fields(line); len(f) == 3 {
			all = append(all, part{f[0], f[1], f[2]})
		}
	}
	slices.SortFunc(all, func(a, b part) int { return cmp.Compare(a.name, b.name) })
	all = slices.Compact(all)
	for i := range all {
		all[i].licence = licenceIn(t, all[i].licence)
	}
	return all
}

// licenceIn reads the licence of the module in a folder.
func licenceIn(t *testing.T, folder string) string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(folder, "LICEN[CS]E*"))
	if err != nil || len(files) == 0 {
		t.Errorf("%s has no licence", folder)
		return ""
	}
	slices.Sort(files) // LICENSE comes before others that are for parts
	text, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	name := licenceOf(string(text))
	if name == "" {
		t.Errorf("%s has a licence that is not known", files[0])
	}
	return name
}

func licenceOf(text string) string {
	flat := strings.Join(strings.Fields(text), " ")
	for _, l := range licences {
		begin, end, two := strings.Cut(l.words, " Neither")
		if strings.Contains(flat, begin) && (!two || strings.Contains(flat, "Neither"+end)) {
			return l.name
		}
	}
	return ""
}

func TestALicenceIsKnownByItsWordsOrNotAtAll(t *testing.T) {
	for text, want := range map[string]string{
		"Apache License\n   Version 2.0, January 2004":                                                     "Apache-2.0",
		"Redistributions in binary form must reproduce the above copyright notice, …\nNeither the name of": "BSD-3-Clause",
		"Redistributions in binary form must reproduce the above copyright notice, …":                      "BSD-2-Clause",
		"Permission is hereby granted, free of charge, to any person obtaining a copy\nof this software":   "MIT",
		"GNU GENERAL PUBLIC LICENSE": "",
	} {
		if got := licenceOf(text); got != want {
			t.Errorf("%q is %q, want %q", text, got, want)
		}
	}
}

// packages reads npm's lock file, in which platforms of one package are packages of their own.
func packages(t *testing.T, path string) (all []part) {
	t.Helper()
	var lock struct {
		Packages map[string]struct{ Version, License string }
	}
	text, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(text, &lock)
	}
	if err != nil {
		t.Fatal(err)
	}
	for name, p := range lock.Packages {
		if name == "" {
			continue // this repository
		}
		if p.License == "" {
			t.Errorf("%s of %s has no licence", name, path)
		}
		all = append(all, part{name[strings.LastIndex(name, "node_modules/")+len("node_modules/"):], p.Version, p.License})
	}
	slices.SortFunc(all, func(a, b part) int { return cmp.Compare(a.name, b.name) })
	return all
}

var pin = regexp.MustCompile(`(?m)^([a-z0-9-]+)(?:\[[a-z,]+\])?==(\S+)`)

// pinned lists the tools of Python's that are asked for.
func pinned(t *testing.T) (all []part) {
	t.Helper()
	files, err := filepath.Glob("../../localstack/python/*.in")
	if err != nil || len(files) == 0 {
		t.Fatalf("no tool of Python's is asked for: %v", err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range pin.FindAllStringSubmatch(string(text), -1) {
			if tools[m[1]] == "" {
				t.Errorf("%s asks for %s, whose licence is not known: look it up and name it in tools", file, m[1])
			}
			all = append(all, part{m[1], m[2], tools[m[1]]})
		}
	}
	return all
}

// What is deployed is built of what can be read.
func TestNoBinaryIsInGit(t *testing.T) {
	cmd := exec.Command("git", "ls-files", "-z")
	cmd.Dir = "../.."
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	names := strings.FieldsFunc(string(out), func(r rune) bool { return r == 0 })
	if !slices.Contains(names, "go.mod") {
		t.Fatalf("git lists %d files, and not go.mod", len(names))
	}
	for _, name := range names {
		path := filepath.Join("../..", name)
		if info, err := os.Lstat(path); err != nil || !info.Mode().IsRegular() {
			continue // deleted and not committed yet, or a link
		}
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if bytes.IndexByte(content, 0) >= 0 {
			t.Errorf("%s is a binary", name)
		}
	}
}
