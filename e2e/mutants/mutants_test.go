package main

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// survivors returns the fingerprints that a run prints.
func survivors(out string) (all []string) {
	for _, found := range regexp.MustCompile(`(?m)^SURVIVED .*\n\t.*\n\t(.*)$`).FindAllStringSubmatch(out, -1) {
		all = append(all, found[1])
	}
	slices.Sort(all)
	return all
}

// TestSample: of everything that can be broken in the sample, the mutants survive that
// no test reaches, and those that change nothing; each other one is noticed, so its
// switch works. There is one of every operator.
func TestSample(t *testing.T) {
	var out strings.Builder
	s := settings{module: "testdata/sample", patterns: []string{".", "./inner"}, jobs: 4}
	if err := run(t.Context(), s, &out); err != nil {
		t.Fatalf("%v\n%s", err, &out)
	}
	want := []string{
		"example.org/sample | largest | boundary moved | most",
		"example.org/sample | open | constant negated | false",
		"example.org/sample | unreached | boundary moved | 1",
		"example.org/sample | unreached | comparison negated | n > 1",
		"example.org/sample | unreached | constant plus one | 1",
		"example.org/sample | unreached | nothing returned | n > 1",
	}
	if diff := cmp.Diff(want, survivors(out.String())); diff != "" {
		t.Errorf("survivors (-want +got):\n%s\n%s", diff, &out)
	}
	if n := strings.Count(out.String(), ", which no test reaches\n"); n != 4 {
		t.Errorf("%d survivors are reached by no test\n%s", n, &out)
	}
	source, err := os.ReadFile("mutate.go")
	if err != nil {
		t.Fatal(err)
	}
	operators := regexp.MustCompile(`w\.(?:wrap|add|call|typed)\("([^"]+)"`).FindAllStringSubmatch(string(source), -1)
	if len(operators) < 15 {
		t.Errorf("only %d operators", len(operators))
	}
	for _, operator := range operators {
		if !strings.Contains(out.String(), ": "+operator[1]+": ") {
			t.Errorf("nothing is broken by the operator %q", operator[1])
		}
	}
}

func TestSettings(t *testing.T) {
	accepted := filepath.Join(t.TempDir(), "accepted")
	sample := settings{module: "testdata/sample", patterns: []string{"./inner"}, jobs: 2}
	for _, c := range []struct {
		name     string
		accepted string
		change   func(*settings)
		want     string
		err      string
	}{
		{name: "all", want: "score 100.0 of 100"},
		{name: "floor", change: func(s *settings) { s.floor = 100.1 }, err: "the score 100.0 is under the floor 100.1"},
		{name: "sample", change: func(s *settings) { s.sample = 3 }, want: "3 mutants, 0 survived"},
		{name: "accepted", accepted: "# a comment\nexample.org/sample/inner | Check | condition always true | name == \"\"\twhy\n", want: "5 mutants, 0 survived"},
		{name: "accepted without a reason", accepted: "example.org/sample/inner | Check | negated | a\n", err: "no reason"},
		{name: "accepted and gone", accepted: "example.org/sample/inner | Check | negated | a\twhy\n", err: "there is no such mutant: example.org/sample/inner | Check | negated | a"},
		{name: "accepted in another package", accepted: "example.org/sample/gone | Check | negated | a\twhy\n", want: "6 mutants, 0 survived"},
		{name: "no package", change: func(s *settings) { s.patterns = []string{"./nothing"} }, err: "nothing"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := sample
			if c.accepted != "" {
				s.accepted = accepted
				if err := os.WriteFile(accepted, []byte(c.accepted), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if c.change != nil {
				c.change(&s)
			}
			var out strings.Builder
			err := run(t.Context(), s, &out)
			if c.err == "" && err != nil || c.err != "" && (err == nil || !strings.Contains(err.Error(), c.err)) {
				t.Errorf("%v, not %q", err, c.err)
			}
			if !strings.Contains(out.String(), c.want) {
				t.Errorf("without %q:\n%s", c.want, &out)
			}
		})
	}
}
