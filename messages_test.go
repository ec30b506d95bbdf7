package main

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestMessagesOfCases looks up in docs/messages.md what people saw in every case.
func TestMessagesOfCases(t *testing.T) {
	page, err := os.ReadFile("docs/messages.md")
	if err != nil {
		t.Fatal(err)
	}
	listed := func(line string) []*regexp.Regexp {
		var all []*regexp.Regexp
		for _, found := range regexp.MustCompile(line).FindAllStringSubmatch(string(page), -1) {
			if found[1] == "cannot be paired: …" {
				continue // it would match all that it introduces
			}
			text := strings.ReplaceAll(regexp.QuoteMeta(found[1]), "…", ".+")
			all = append(all, regexp.MustCompile("^(.+: )?"+text+"(: .+)?$")) // a warning may have its hint on the same line
		}
		return all
	}
	texts, hints := listed("(?m)^- `([^`]*)`:$"), listed("(?m)^  - `hint: ([^`]*)`$")
	files, err := filepath.Glob("testdata/*/stderr")
	if err != nil || len(files) < 30 || len(texts) < 50 || len(hints) < 30 {
		t.Fatalf("only %d cases with messages, %d messages, %d hints: %v", len(files), len(texts), len(hints), err)
	}
	for _, file := range files {
		stderr, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(stderr)) {
			line = strings.TrimRight(line, "\n")
			for prefix, all := range map[string][]*regexp.Regexp{
				"cnpg-pair: error: ": texts, "cnpg-pair: warning: ": texts, "cnpg-pair: hint: ": hints,
			} {
				said, ok := strings.CutPrefix(line, prefix)
				if ok && !slices.ContainsFunc(all, func(p *regexp.Regexp) bool { return p.MatchString(said) }) {
					t.Errorf("%s: not in docs/messages.md: %s", file, line)
				}
			}
		}
	}
}
