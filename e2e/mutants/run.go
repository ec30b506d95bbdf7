package main

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"
)

// built is the module with its switches: all its tests.
type built struct {
	module, work string
	limit        time.Duration
	rest         bool // run together what the limit leaves
	log          io.Writer
	env          []string
	tests        []*test
	mutex        sync.Mutex // of what is learned of the tests
}

// test is one top-level test, or a part of one that takes long.
type test struct {
	program, folder, pkg, name string
	parts                      []string // the tests in it, as far as they have passed

	took         time.Duration
	reaches      map[int]bool // nil is all
	tries, kills int
}

// pattern selects the test for -run, or several whose names have "|" between them.
func (t *test) pattern() string {
	if strings.Contains(t.name, "|") {
		return "^(" + t.name + ")$"
	}
	levels := strings.SplitN(t.name, "/", 2) // a slash in the name of a part is one more level
	for i, level := range levels {
		levels[i] = "^" + strings.ReplaceAll(regexp.QuoteMeta(level), "/", "$/^") + "$"
	}
	return strings.Join(levels, "/")
}

func (t *test) reach(m mutant) bool {
	return t.reaches == nil || t.reaches[m.number]
}

func (b *built) reached(m mutant) bool {
	return slices.ContainsFunc(b.tests, func(t *test) bool { return t.reach(m) })
}

// memory is what a program may take, in kilobytes: a loop that does not end any more
// must not take the machine's.
const memory = 8 << 20

// build compiles the tests with the overlay. The module's folder is only read.
func build(module, work string, overlay map[string]string, log io.Writer) (*built, error) {
	replace := make(map[string]string)
	for path, text := range overlay {
		replace[path] = filepath.Join(work, strconv.Itoa(len(replace))+".go")
		if err := os.WriteFile(replace[path], []byte(text), 0o600); err != nil {
			return nil, err
		}
	}
	list, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return nil, err
	}
	overlayFile := filepath.Join(work, "overlay.json")
	if err := os.WriteFile(overlayFile, list, 0o600); err != nil {
		return nil, err
	}
	// what the tests build has the switches too
	b := &built{module: module, work: work, log: log, env: append(os.Environ(), "GOFLAGS="+os.Getenv("GOFLAGS")+" -overlay="+overlayFile)}
	pkgs, err := b.output(module, "go", "list", "-f", "{{if or .TestGoFiles .XTestGoFiles}}{{.ImportPath}}\t{{.Dir}}{{end}}", "./...")
	if err != nil {
		return nil, err
	}
	for line := range strings.Lines(pkgs) {
		pkg, folder, _ := strings.Cut(strings.TrimSpace(line), "\t")
		program := filepath.Join(work, strconv.Itoa(len(b.tests))+".test")
		if _, err := b.output(module, "go", "test", "-c", "-vet=off", "-ldflags=-s -w", "-o", program, pkg); err != nil {
			return nil, err
		}
		names, err := b.output(folder, program, "-test.list", "^(Test|Fuzz|Example)")
		if err != nil {
			return nil, err
		}
		for name := range strings.FieldsSeq(names) {
			b.tests = append(b.tests, &test{program: program, folder: folder, pkg: pkg, name: name})
		}
	}
	return b, nil
}

func (b *built) output(folder, program string, args ...string) (string, error) {
	cmd := exec.Command(program, args...)
	cmd.Dir, cmd.Env = folder, b.env
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("%s %s: %w\n%s", program, strings.Join(args, " "), err, &stderr)
	}
	return string(out), nil
}

// tryAll returns the mutants that no test notices.
func (b *built) tryAll(ctx context.Context, picked []mutant, jobs int) (survivors []mutant, err error) {
	if err := b.measure(ctx, jobs); err != nil {
		return nil, err
	}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(jobs)
	done := 0
	for _, m := range picked {
		group.Go(func() error {
			begin := time.Now()
			by, err := b.try(ctx, m)
			if err != nil {
				return err
			}
			b.mutex.Lock()
			defer b.mutex.Unlock()
			done++
			if by == "" {
				survivors = append(survivors, m)
				by = "SURVIVED"
			}
			fmt.Fprintf(b.log, "%3d/%d  %s: %s: %s, %.1f s\n", done, len(picked), m.where(b.module), m.operator, by, time.Since(begin).Seconds())
			return nil
		})
	}
	err = group.Wait()
	slices.SortFunc(survivors, func(a, b mutant) int { return cmp.Compare(a.number, b.number) })
	return survivors, err
}

// long is what a test takes that is run part by part: fewer parts reach a mutant, and
// those that notice most come first.
const long = 4 * time.Second

// measure runs each test without any mutant, and learns how long it takes and which
// switches it reaches.
func (b *built) measure(ctx context.Context, jobs int) error {
	begin := time.Now()
	if err := b.measureEach(ctx, jobs, b.tests); err != nil {
		return err
	}
	var whole, parts []*test
	for _, t := range b.tests {
		if t.took < long || len(t.parts) < 5 || len(t.parts) > 300 || t.reaches == nil {
			whole = append(whole, t)
			continue
		}
		for _, name := range t.parts {
			parts = append(parts, &test{program: t.program, folder: t.folder, pkg: t.pkg, name: name})
		}
	}
	if err := b.measureEach(ctx, jobs, parts); err != nil {
		return err
	}
	b.tests = slices.Concat(whole, parts)
	fmt.Fprintf(b.log, "%d tests, %.0f s\n", len(b.tests), time.Since(begin).Seconds())
	slowest := slices.SortedFunc(slices.Values(b.tests), func(x, y *test) int { return cmp.Compare(y.took, x.took) })
	for _, t := range slowest[:min(5, len(slowest))] {
		fmt.Fprintf(b.log, "%6.1f s  %s %s\n", t.took.Seconds(), filepath.Base(t.pkg), t.name)
	}
	return nil
}

func (b *built) measureEach(ctx context.Context, jobs int, tests []*test) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(jobs)
	for _, t := range tests {
		group.Go(func() error {
			trace, err := os.MkdirTemp(b.work, "trace-")
			if err != nil {
				return err
			}
			failed, err := b.run(ctx, t, 10*time.Minute, "MUTANT_TRACE="+trace)
			if err != nil {
				return err
			}
			if failed { // as it does where it forbids the programs to write files
				failed, err := b.run(ctx, t, 10*time.Minute)
				if failed && strings.Contains(t.name, "/") { // it is none without the other parts
					t.reaches = make(map[int]bool)
					return err
				}
				if failed && err == nil {
					err = fmt.Errorf("%s %s fails without any mutant", t.pkg, t.name)
				}
				return err
			}
			reached, err := os.ReadDir(trace)
			t.reaches = make(map[int]bool)
			for _, entry := range reached {
				number, _ := strconv.Atoi(entry.Name())
				t.reaches[number] = true
			}
			return err
		})
	}
	return group.Wait()
}

// try returns the test that notices a mutant, or nothing. Those come first that have
// noticed most in the least time.
func (b *built) try(ctx context.Context, m mutant) (by string, err error) {
	begin := time.Now()
	b.mutex.Lock()
	var tests []*test
	promise := make(map[*test]float64)
	for _, t := range b.tests {
		if t.reach(m) {
			tests = append(tests, t)
			promise[t] = float64(t.kills+1) / float64(t.tries+2) / (t.took.Seconds() + 0.1)
		}
	}
	b.mutex.Unlock()
	slices.SortStableFunc(tests, func(x, y *test) int { return cmp.Compare(promise[y], promise[x]) })
	for i, t := range tests {
		if b.limit > 0 && time.Since(begin) > b.limit {
			return b.tryTogether(ctx, tests[i:], m)
		}
		failed, err := b.run(ctx, t, 10*time.Second+4*t.took, "MUTANT="+strconv.Itoa(m.number))
		if err != nil {
			return "", err
		}
		b.mutex.Lock()
		t.tries++
		if failed {
			t.kills++
		}
		b.mutex.Unlock()
		if failed {
			return filepath.Base(t.pkg) + " " + t.name, nil
		}
	}
	return "", nil
}

// tryTogether is try for tests that promise little: all of a program in one run.
func (b *built) tryTogether(ctx context.Context, tests []*test, m mutant) (by string, err error) {
	if !b.rest {
		return "", nil
	}
	together := make(map[string]*test)
	for _, t := range tests {
		name, _, _ := strings.Cut(t.name, "/")
		all, found := together[t.program]
		if !found {
			all = &test{program: t.program, folder: t.folder, pkg: t.pkg, name: name}
			together[t.program] = all
		} else if !slices.Contains(strings.Split(all.name, "|"), name) {
			all.name += "|" + name
		}
		all.took += t.took
	}
	for _, all := range together {
		if failed, err := b.run(ctx, all, time.Minute+4*all.took, "MUTANT="+strconv.Itoa(m.number)); failed || err != nil {
			return filepath.Base(all.pkg) + ", many tests at once", err
		}
	}
	return "", nil
}

// run reports whether a test fails, as soon as a part of it does. Tests that repeat
// themselves run less often in short mode: what that misses counts as not noticed.
func (b *built) run(ctx context.Context, t *test, limit time.Duration, env ...string) (failed bool, err error) {
	temporary, err := os.MkdirTemp(b.work, "tmp-") // a killed test leaves its files behind
	if err != nil {
		return false, err
	}
	defer os.RemoveAll(temporary)
	limited, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	cmd := exec.CommandContext(limited, "sh", "-c", `ulimit -v "$1" && shift && exec "$@"`, "sh", strconv.Itoa(memory),
		t.program, "-test.run", t.pattern(), "-test.v", "-test.failfast", "-test.short")
	cmd.Dir, cmd.Env = t.folder, append(slices.Concat(b.env, env), "TMPDIR="+temporary)
	// with the programs that it runs
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	out, err := cmd.StdoutPipe()
	if err != nil {
		return false, err
	}
	var parts []string
	start := time.Now()
	if err := cmd.Start(); err != nil {
		return false, err
	}
	lines := bufio.NewReader(out)
	for {
		line, err := lines.ReadString('\n')
		if strings.HasPrefix(strings.TrimSpace(line), "--- FAIL: ") {
			failed = true
			cancel()
		}
		if name, is := strings.CutPrefix(line, "    --- PASS: "); is && t.took == 0 {
			name, _, _ = strings.Cut(name, " (")
			parts = append(parts, name)
		}
		if err != nil {
			break
		}
	}
	failed = cmd.Wait() != nil || failed
	if !failed && t.took == 0 {
		t.took, t.parts = time.Since(start), parts
	}
	return failed, ctx.Err()
}
