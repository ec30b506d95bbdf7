// Command mutants breaks the code on purpose, in one small way after the other,
// and wants a test to fail each time. The list is in list.go. It works on a copy
// of the repository.
//
//	mutants REPOSITORY [REGEXP]
//
// REGEXP picks mutants by their file and their reason.
package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"
)

// mutant is a change of the code that a test must notice.
type mutant struct {
	file     string
	old, new string // old must be there exactly once, so that the list does not rot
	why      string // what a user would suffer
	test     string // the test that notices: its package, unless that is main, a blank, and what -run takes
}

func main() {
	if len(os.Args) < 2 || len(os.Args) > 3 {
		fmt.Fprintln(os.Stderr, "usage: mutants REPOSITORY [REGEXP]")
		os.Exit(2)
	}
	pick := ""
	if len(os.Args) == 3 {
		pick = os.Args[2]
	}
	if err := run(os.Args[1], pick); err != nil {
		fmt.Fprintln(os.Stderr, "mutants:", err)
		os.Exit(1)
	}
}

func run(repository, pick string) error {
	wanted, err := regexp.Compile(pick)
	if err != nil {
		return err
	}
	picked := slices.DeleteFunc(slices.Clone(mutants), func(m mutant) bool { return !wanted.MatchString(m.file + " " + m.why) })
	work, err := os.MkdirTemp("", "mutants-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	if err := copyFiles(repository, work); err != nil {
		return err
	}
	if err := fresh(work, picked); err != nil {
		return err
	}
	if err := unbroken(work, picked); err != nil {
		return err
	}
	begin := time.Now()
	var faults []error
	for i, m := range picked {
		by, err := m.try(work)
		switch {
		case err != nil:
			by = err.Error()
			faults = append(faults, fmt.Errorf("%s: %s: %w", m.file, m.why, err))
		case by == "":
			by = "SURVIVED"
			faults = append(faults, fmt.Errorf("%s: %s: survived", m.file, m.why))
		}
		fmt.Printf("%3d/%d  %s: %s: %s\n", i+1, len(picked), m.file, m.why, by)
	}
	fmt.Printf("%d mutants, %d not killed, %.0f s\n", len(picked), len(faults), time.Since(begin).Seconds())
	return errors.Join(faults...)
}

// copyFiles copies what git knows, or would add, with its changes.
func copyFiles(from, to string) error {
	listed, err := command(from, "git", "ls-files", "-z", "--cached", "--others", "--exclude-standard").Output()
	if err != nil {
		return fmt.Errorf("git ls-files: %w", err)
	}
	for name := range strings.SplitSeq(strings.TrimSuffix(string(listed), "\x00"), "\x00") {
		info, err := os.Stat(filepath.Join(from, name))
		if errors.Is(err, os.ErrNotExist) {
			continue // deleted, and not yet committed
		}
		if err != nil {
			return err
		}
		data, err := os.ReadFile(filepath.Join(from, name))
		if err != nil {
			return err
		}
		if err := os.MkdirAll(filepath.Dir(filepath.Join(to, name)), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(to, name), data, info.Mode().Perm()); err != nil {
			return err
		}
	}
	return nil
}

// fresh makes sure that what the mutants replace is still there, once.
func fresh(work string, picked []mutant) error {
	var stale []error
	for _, m := range picked {
		code, err := os.ReadFile(filepath.Join(work, filepath.FromSlash(m.file)))
		if err != nil {
			return err
		}
		if n := strings.Count(string(code), m.old); n != 1 {
			stale = append(stale, fmt.Errorf("%s: what it replaces is there %d times: %s", m.file, n, m.old))
		}
	}
	return errors.Join(stale...)
}

// unbroken makes sure that the tests that are to notice something notice nothing
// in the code as it is.
func unbroken(work string, picked []mutant) error {
	tests := make(map[string][]string)
	for _, m := range picked {
		if m.test != "" {
			pkg, run := m.where()
			tests[pkg] = append(tests[pkg], run)
		}
	}
	for pkg, names := range tests {
		slices.Sort(names)
		names = slices.Compact(names)
		if out, err := goTest(work, pkg, "-run", strings.Join(names, "|")); err != nil {
			return fmt.Errorf("without any mutant:\n%s", out)
		}
	}
	return nil
}

// where tells in which package its test is, and what selects it there.
func (m mutant) where() (pkg, run string) {
	pkg, run, found := strings.Cut(m.test, " ")
	if !found {
		return ".", m.test
	}
	return "./" + pkg, run
}

// try returns the test that notices the mutant, or nothing. First comes the one
// that did so last, then all.
func (m mutant) try(work string) (by string, err error) {
	file := filepath.Join(work, filepath.FromSlash(m.file))
	code, err := os.ReadFile(file)
	if err != nil {
		return "", err
	}
	info, err := os.Stat(file)
	if err != nil {
		return "", err
	}
	if err := os.WriteFile(file, []byte(strings.Replace(string(code), m.old, m.new, 1)), info.Mode().Perm()); err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, os.WriteFile(file, code, info.Mode().Perm())) }()

	var tries [][]string
	if m.test != "" {
		pkg, run := m.where()
		tries = append(tries, []string{pkg, "-run", run})
	}
	for _, args := range append(tries, []string{"."}, []string{"./postrender"}, []string{"./flux"}) {
		out, err := goTest(work, args[0], args[1:]...)
		var exit *exec.ExitError
		switch {
		case err == nil:
		case !errors.As(err, &exit):
			return "", err
		case strings.Contains(string(out), "[build failed]"):
			return "", fmt.Errorf("it does not compile: %s", out)
		default:
			return killer(args[0], string(out)), nil
		}
	}
	return "", nil
}

// killer finds the test that failed in what go test printed, of its subtests one.
func killer(pkg, out string) string {
	test := "crashed or hung"
	for _, failed := range regexp.MustCompile(`(?m)^ *--- FAIL: (\S+)`).FindAllStringSubmatch(out, -1) {
		test = failed[1]
		if strings.Contains(test, "/") {
			break
		}
	}
	return strings.TrimPrefix(strings.TrimPrefix(pkg, "./")+" ", ". ") + test
}

func goTest(work, pkg string, args ...string) ([]byte, error) {
	return command(work, "go", append([]string{"test", "-count=1", "-failfast", "-vet=off", "-ldflags=-s -w", pkg}, args...)...).CombinedOutput()
}

func command(folder, name string, args ...string) *exec.Cmd {
	c := exec.Command(name, args...)
	c.Dir = folder
	return c
}
