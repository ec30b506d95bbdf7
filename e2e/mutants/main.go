// Command mutants breaks the code on purpose, in one small way at a time, and wants a
// test of the module to fail each time. All the ways that it picks are compiled into
// one build as switches, and the environment variable MUTANT turns one of them on:
// the tests, and the programs that they run or build, are not compiled again for each.
//
//	mutants [FLAG...] PATTERN...
//
// PATTERN names packages whose code is to be broken, as for go list.
package main

import (
	"bufio"
	"cmp"
	"context"
	_ "embed"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"golang.org/x/tools/go/packages"
)

//go:embed active/active.go
var activeSource []byte

type settings struct {
	module   string
	patterns []string
	accepted string
	seed     uint64
	sample   int
	jobs     int
	floor    float64
	limit    time.Duration
	rest     bool
}

func main() {
	var s settings
	flag.StringVar(&s.module, "C", ".", "the module's folder")
	flag.StringVar(&s.accepted, "accepted", "", "a file of mutants that change nothing: lines of fingerprint, tab, and the reason")
	flag.Uint64Var(&s.seed, "seed", 0, "picks the same mutants again; 0 picks others each time")
	flag.IntVar(&s.sample, "n", 60, "how many mutants to pick; 0 is all")
	flag.IntVar(&s.jobs, "jobs", 2, "how many tests run at the same time")
	flag.Float64Var(&s.floor, "floor", 0, "fail if fewer than this of 100 mutants are noticed")
	flag.DurationVar(&s.limit, "limit", 0, "how long tests are begun one by one for a mutant, those that notice most first; 0 runs all of them so")
	flag.BoolVar(&s.rest, "rest", true, "run the tests that the limit leaves, all of a program at once; otherwise the mutant survives")
	flag.Parse()
	s.patterns = flag.Args()
	if len(s.patterns) == 0 {
		flag.Usage()
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, s, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "mutants:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, s settings, out io.Writer) error {
	module, err := filepath.Abs(s.module)
	if err != nil {
		return err
	}
	work, err := os.MkdirTemp("", "mutants-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	if s.seed == 0 {
		s.seed = uint64(time.Now().UnixNano()) % 1e6
	}
	accepted, err := readAccepted(s.accepted)
	if err != nil {
		return err
	}
	picked, of, files, err := pick(module, s, accepted)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "%d of at most %d mutants, -seed %d\n", len(picked), of, s.seed)
	b, err := build(module, work, files, out)
	if err != nil {
		return err
	}
	b.limit, b.rest = s.limit, s.rest
	begin := time.Now()
	survivors, err := b.tryAll(ctx, picked, s.jobs)
	if err != nil {
		return err
	}
	for _, m := range survivors {
		reach := ""
		if !b.reached(m) {
			reach = ", which no test reaches"
		}
		fmt.Fprintf(out, "\nSURVIVED %s: %s%s\n\t%s\n\t%s\n", m.where(module), m.operator, reach, m.source, m.fingerprint)
	}
	score := 100 * float64(len(picked)-len(survivors)) / float64(len(picked))
	fmt.Fprintf(out, "\n%d mutants, %d survived, score %.1f of 100, %.0f s\n", len(picked), len(survivors), score, time.Since(begin).Seconds())
	if score < s.floor {
		return fmt.Errorf("the score %.1f is under the floor %.1f", score, s.floor)
	}
	return nil
}

// readAccepted returns the fingerprints of mutants that need not be noticed.
func readAccepted(file string) (map[string]bool, error) {
	accepted := make(map[string]bool)
	if file == "" {
		return accepted, nil
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	lines := bufio.NewScanner(strings.NewReader(string(text)))
	for lines.Scan() {
		if line := lines.Text(); line != "" && !strings.HasPrefix(line, "#") {
			fingerprint, reason, _ := strings.Cut(line, "\t")
			if strings.TrimSpace(reason) == "" {
				return nil, fmt.Errorf("%s: no reason: %s", file, line)
			}
			accepted[fingerprint] = true
		}
	}
	return accepted, lines.Err()
}

// pick returns a random sample of the mutants that compile, of how many it is, and
// the overlay: what the go command is to read in the place of the module's files.
func pick(module string, s settings, accepted map[string]bool) (picked []mutant, of int, overlay map[string]string, err error) {
	folder := filepath.Join(module, "mutantswitch")
	overlay = map[string]string{filepath.Join(folder, "active.go"): string(activeSource)}
	config := &packages.Config{
		Mode:    packages.NeedName | packages.NeedCompiledGoFiles | packages.NeedSyntax | packages.NeedTypes | packages.NeedTypesInfo | packages.NeedImports,
		Dir:     module,
		Overlay: map[string][]byte{filepath.Join(folder, "active.go"): activeSource},
	}
	pkgs, err := packages.Load(config, append(slices.Clone(s.patterns), folder)...)
	if err != nil {
		return nil, 0, nil, err
	}
	for _, pkg := range pkgs {
		for _, err := range pkg.Errors {
			return nil, 0, nil, err
		}
	}
	at := slices.IndexFunc(pkgs, func(p *packages.Package) bool { return p.Name == "active" })
	switches := pkgs[at].Types
	pkgs = slices.Delete(pkgs, at, at+1)
	all, err := mutants(pkgs)
	if err != nil {
		return nil, 0, nil, err
	}
	all = slices.DeleteFunc(all, func(m mutant) bool {
		known := accepted[m.fingerprint]
		delete(accepted, m.fingerprint)
		return known
	})
	for fingerprint := range accepted {
		path, _, _ := strings.Cut(fingerprint, " | ")
		if slices.ContainsFunc(pkgs, func(p *packages.Package) bool { return p.PkgPath == path }) {
			return nil, 0, nil, fmt.Errorf("%s: there is no such mutant: %s", s.accepted, fingerprint)
		}
	}
	of = len(all)
	random := rand.New(rand.NewPCG(s.seed, 0))
	random.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	byFile := make(map[string][]mutant)
	for _, m := range all {
		if s.sample > 0 && len(picked) == s.sample {
			break
		}
		ok, err := m.compiles(switches)
		if err != nil {
			return nil, 0, nil, err
		}
		if ok {
			picked = append(picked, m)
			byFile[m.path()] = append(byFile[m.path()], m)
		}
	}
	if len(picked) == 0 {
		return nil, 0, nil, errors.New("nothing to break")
	}
	for path, inFile := range byFile {
		slices.SortFunc(inFile, func(a, b mutant) int { return cmp.Compare(a.number, b.number) })
		if overlay[path], err = apply(switches.Path(), inFile); err != nil {
			return nil, 0, nil, err
		}
	}
	return picked, of, overlay, nil
}

func (m mutant) where(module string) string {
	path := m.path()
	if relative, err := filepath.Rel(module, path); err == nil {
		path = relative
	}
	return fmt.Sprintf("%s:%d", path, m.line)
}
