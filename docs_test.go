package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestContributing looks for the files and the make targets that CONTRIBUTING.md names.
func TestContributing(t *testing.T) {
	text, err := os.ReadFile("CONTRIBUTING.md")
	if err != nil {
		t.Fatal(err)
	}
	named := regexp.MustCompile("`([^`\n]+)`").FindAllStringSubmatch(string(text), -1)
	if len(named) < 40 {
		t.Fatalf("only %d names in CONTRIBUTING.md", len(named))
	}
	inCase := []string{"in.yaml", "cmd", "needs", "stdout", "stderr", "status"}
	for _, n := range named {
		name := n[1]
		target, isTarget := strings.CutPrefix(name, "make ")
		switch {
		case isTarget:
			if out, err := exec.Command("make", "--dry-run", target).CombinedOutput(); err != nil {
				t.Errorf("make %s: %v\n%s", target, err, out)
			}
		case slices.Contains(inCase, name):
			if found, _ := filepath.Glob("testdata/*/" + name); len(found) == 0 {
				t.Errorf("no case has a file %s", name)
			}
		case !strings.Contains(name, " ") && regexp.MustCompile(`/|\.go$`).MatchString(name):
			_, err := os.Stat(name)
			if _, inLibrary := os.Stat(filepath.Join("postrender", name)); err != nil && inLibrary != nil {
				t.Errorf("there is no %s", name)
			}
		}
	}
}

// TestSuites: each test of the real programs is one that the Makefile runs, and each
// name by which it runs tests is that of one.
func TestSuites(t *testing.T) {
	makefile, err := os.ReadFile("Makefile")
	if err != nil {
		t.Fatal(err)
	}
	var names []string // of the suites' tests, or how they begin
	for _, suite := range regexp.MustCompile(`(?m)^tests_\w+ *= (.*)$`).FindAllStringSubmatch(string(makefile), -1) {
		names = append(names, strings.Split(suite[1], "|")...)
	}
	selects := make(map[string]int)
	files, err := filepath.Glob("e2e/*_test.go")
	if err != nil || len(files) < 25 {
		t.Fatalf("only %d files of tests: %v", len(files), err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, test := range regexp.MustCompile(`(?m)^func ((?:Test|Fuzz|Example|Benchmark)\w*)`).FindAllStringSubmatch(string(text), -1) {
			ran := test[1] == "TestMain"
			for _, name := range names {
				if strings.HasPrefix(test[1], name) {
					ran = true
					selects[name]++
				}
			}
			if !ran {
				t.Errorf("%s: no suite of the Makefile runs %s", file, test[1])
			}
		}
	}
	for _, name := range names {
		if selects[name] == 0 {
			t.Errorf("the Makefile runs %s, and there is no such test", name)
		}
	}
	// the other packages of that module
	deeper, err := filepath.Glob("e2e/*/*_test.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range deeper {
		if command := "test -count=1 ./" + filepath.Base(filepath.Dir(file)); !strings.Contains(string(makefile), command) {
			t.Errorf("the Makefile does not run %s", file)
		}
	}
}
