package main

import (
	"errors"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/openova-io/helm-cnpg-pair/postrender"
)

// docs/messages.md is compared with the sources, both ways, and with what the
// cases have on their screens.

// entry is a message of the list.
type entry struct {
	text  string
	cures []string
	pflag bool // in the words of pflag, which parses the command line
}

var (
	entryLine = regexp.MustCompile("^- `([^`]*)`( \\(pflag\\))?:$")
	cureLine  = regexp.MustCompile("^  - `hint: ([^`]*)`$")
)

func readEntries(t *testing.T) []entry {
	t.Helper()
	text, err := os.ReadFile("docs/messages.md")
	if err != nil {
		t.Fatal(err)
	}
	var all []entry
	for line := range strings.Lines(string(text)) {
		line = strings.TrimRight(line, "\n")
		if m := entryLine.FindStringSubmatch(line); m != nil {
			all = append(all, entry{text: m[1], pflag: m[2] != ""})
		} else if m := cureLine.FindStringSubmatch(line); m != nil && len(all) > 0 {
			last := &all[len(all)-1]
			last.cures = append(last.cures, m[1])
		}
	}
	return all
}

func TestMessagesAreThoseOfTheCode(t *testing.T) {
	s := scan(t)
	listed := make(map[string]entry)
	curesListed := make(map[string]bool)
	for _, e := range readEntries(t) {
		if _, twice := listed[e.text]; twice {
			t.Errorf("twice in the list: %s", e.text)
		}
		listed[e.text] = e
		for _, cure := range e.cures {
			curesListed[cure] = true
		}
	}
	cures := make(map[string][]string) // by text, where the code has both in one place
	anywhere := make(map[string]bool)  // cures that go with more than one text
	said := make(map[string]bool)
	for _, m := range s.sorted() {
		where := s.found[m]
		said[m.text] = true
		if _, ok := listed[m.text]; m.text != "" && !ok {
			t.Errorf("%s: not in the list: %s", where, m.text)
		}
		if m.cure != "" && !curesListed[m.cure] {
			t.Errorf("%s: not in the list: hint: %s", where, m.cure)
		}
		if m.text == "" {
			anywhere[m.cure] = true
		} else if m.hasCure {
			cures[m.text] = append(cures[m.text], m.cure)
		}
	}
	for text, e := range listed {
		if !e.pflag && !said[text] {
			t.Errorf("in the list, but not in the code: %s", text)
		}
		for _, cure := range e.cures {
			if !anywhere[cure] && !slices.Contains(cures[text], cure) {
				t.Errorf("in the list, but not in the code: %s: hint: %s", text, cure)
			}
		}
		if only := cures[text]; len(only) == 1 && only[0] != "" && !slices.Contains(e.cures, only[0]) {
			t.Errorf("in the code, but not in the list: %s: hint: %s", text, only[0])
		}
	}
	for where, text := range s.unreached() {
		t.Errorf("%s: reads like a message, and is made in a way that this test does not know: %s", where, text)
	}
}

// pattern matches a text of the list on a screen.
func pattern(text string) string {
	parts := strings.Split(text, hole)
	for i := range parts {
		parts[i] = regexp.QuoteMeta(parts[i])
	}
	return strings.Join(parts, ".+")
}

// TestMessagesOfCases looks up what people saw in every case, and what pflag says.
func TestMessagesOfCases(t *testing.T) {
	var message, hint, ofPflag []*regexp.Regexp
	for _, e := range readEntries(t) {
		if strings.TrimSuffix(e.text, ": "+hole) == string(postrender.CannotBePaired) {
			continue // it would match what it only introduces
		}
		behind := "" // the cure, of a trio
		for _, cure := range e.cures {
			hint = append(hint, regexp.MustCompile("^"+pattern(cure)+"$"))
			behind += "|: " + pattern(cure)
		}
		p := regexp.MustCompile("^(.+: )?" + pattern(e.text) + "(" + behind + ")$")
		message = append(message, p)
		if e.pflag {
			ofPflag = append(ofPflag, p)
		}
	}
	matches := func(all []*regexp.Regexp, text string) bool {
		return slices.ContainsFunc(all, func(p *regexp.Regexp) bool { return p.MatchString(text) })
	}
	files, err := filepath.Glob("testdata/*/stderr")
	if err != nil || len(files) < 30 {
		t.Fatalf("only %d cases with messages: %v", len(files), err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			line = strings.TrimRight(line, "\n")
			for prefix, listed := range map[string][]*regexp.Regexp{
				"cnpg-pair: error: ": message, "cnpg-pair: warning: ": message, "cnpg-pair: hint: ": hint,
			} {
				if said, ok := strings.CutPrefix(line, prefix); ok && !matches(listed, said) {
					t.Errorf("%s: not in the list: %s", file, line)
				}
			}
		}
	}
	unset := func(string) string { return "" }
	said := make(map[*regexp.Regexp]bool)
	for _, args := range [][]string{{"--foo"}, {"-x"}, {"---x"}, {"--=x"}, {"--side"}, {"--check=maybe"}, {"--side=both", "--side=primary"}} {
		_, err := parseOptions(args, unset)
		if err == nil {
			t.Errorf("no error for %q", args)
			continue
		}
		i := slices.IndexFunc(ofPflag, func(p *regexp.Regexp) bool { return p.MatchString(err.Error()) })
		if i < 0 {
			t.Errorf("not in the list: %v", err)
			continue
		}
		said[ofPflag[i]] = true
		var misused *usageError
		if !errors.As(err, &misused) {
			t.Errorf("not a usage error: %v", err)
		}
	}
	for _, p := range ofPflag {
		if !said[p] {
			t.Errorf("in the list, but pflag does not say it: %s", p)
		}
	}
}

func (s *scanner) sorted() []message {
	return slices.SortedFunc(maps.Keys(s.found), func(a, b message) int {
		return strings.Compare(s.found[a]+a.text+a.cure, s.found[b]+b.text+b.cure)
	})
}
