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
