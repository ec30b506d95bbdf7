package postrender

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/aymanbagabas/go-udiff"
	"go.yaml.in/yaml/v3"

	"github.com/openova-io/helm-cnpg-pair/internal/manifest"
	"github.com/openova-io/helm-cnpg-pair/internal/yamledit"
)

// contextLines is as many lines as diff -u prints around a change.
const contextLines = 3

// WriteDiff writes what changes in each source as a unified diff, as diff -u
// prints it and patch reads it; nothing where nothing changes.
//
// A diff ends on a terminal or in a log, also by way of a file. So lines of other
// objects are left out, and a line that changes is left out if it has a part of a Secret
// too, as that of a List in JSON on one line. Characters that a terminal obeys instead of
// showing them are written as escapes. A line that begins with "!" says so in their
// place, and patch refuses it.
func (r *Result) WriteDiff(w io.Writer, colour bool) error {
	out := bufio.NewWriter(w)
	for i, source := range r.sources {
		if len(r.edits[i]) == 0 {
			continue
		}
		name := escaped(source.Name)
		text, err := udiff.ToUnified(name, name+"\tpaired", string(source.Data), diffEdits(source.Data, r.edits[i]), contextLines)
		if err != nil {
			return err
		}
		secrets := secretLines(source.Data, yamledit.Apply(source.Data, r.edits[i]))
		for line := range strings.Lines(withoutNeighbours(text, source.Data, r.changed[i], secrets)) {
			end := line[len(strings.TrimRight(line, "\r\n")):]
			content := strings.TrimSuffix(line, end)
			if len(content) > 0 && content[1:] == notShown {
				content = notShown
			}
			if shown := escaped(content); shown != content && !strings.HasPrefix(line, "--- ") && !strings.HasPrefix(line, "+++ ") {
				out.WriteString("! the next line has characters that are written as escapes here\n")
				content = shown
			}
			if colour {
				content = coloured(content)
			}
			out.WriteString(content + end)
		}
	}
	return out.Flush()
}

// lines are some lines of a source, from the first to the last one.
type lines struct{ first, last int }

// secretLines returns the lines of the Secrets in two texts.
func secretLines(texts ...[]byte) (all [][]lines) {
	for _, text := range texts {
		var found []lines
		for _, piece := range yamledit.Split(text) {
			body := text[piece.Body:piece.End]
			if !bytes.Contains(body, []byte("Secret")) {
				continue
			}
			document, err := yamledit.Parse(text, piece)
			if err != nil || document.Tree == nil {
				continue // and so nothing in it changes
			}
			objects := manifest.ObjectsOf(document)
			for i, o := range objects {
				if o.Kind != "Secret" {
					continue
				}
				own := lines{o.Line, document.LastLine()}
				if i+1 < len(objects) {
					own.last = objects[i+1].Line // in flow style both may be in it
					if o.Tree().Style&yaml.FlowStyle == 0 {
						own.last--
					}
				}
				found = append(found, own)
			}
		}
		all = append(all, found)
	}
	return all
}

func inLines(all []lines, line int) bool {
	return slices.ContainsFunc(all, func(l lines) bool { return l.first <= line && line <= l.last })
}

// notShown is in the place of a line with a part of a Secret.
const notShown = "! a line that has a part of a Secret is not shown"

// withoutNeighbours takes lines out of a unified diff of a source: the context that
// belongs to other objects than those that change, and the lines of Secrets, before and
// after. A diff goes into logs.
func withoutNeighbours(diff string, source []byte, changed []lines, secrets [][]lines) string {
	separators := make(map[int]bool)
	number := 0
	for line := range bytes.Lines(source) {
		if number++; len(bytes.TrimRight(line, " \t\r\n")) == 3 && bytes.HasPrefix(line, []byte("---")) {
			separators[number] = true
		}
	}
	shown := func(line int) bool {
		return separators[line] || inLines(changed, line) && !inLines(secrets[0], line)
	}
	var b strings.Builder
	h := hunk{last: number}
	header := regexp.MustCompile(`^@@ -(\d+)(?:,(\d+))? `)
	old, now, grown := 0, 0, 0
	for line := range strings.Lines(diff) {
		if at := header.FindStringSubmatch(line); at != nil {
			h.flush(&b)
			old = hunkStart(at[1], at[2])
			now = old + grown // go-udiff forgets the lines between two edits of a hunk
			continue
		}
		if old+now == 0 { // the names of the files
			b.WriteString(line)
			continue
		}
		switch line[0] {
		case ' ':
			if shown(old) {
				h.add(line, old, now)
			} else {
				h.flush(&b)
			}
			old, now = old+1, now+1
		case '-':
			if inLines(secrets[0], old) {
				line = "-" + notShown + "\n"
			}
			h.add(line, old, now)
			old, grown = old+1, grown-1
		case '+':
			if inLines(secrets[1], now) {
				line = "+" + notShown + "\n"
			}
			h.add(line, old, now)
			now, grown = now+1, grown+1
		default: // "\ No newline at end of file"
			if len(h.lines) > 0 {
				h.lines[len(h.lines)-1] += line
			}
		}
	}
	h.flush(&b)
	return b.String()
}

// hunkStart is the number of the first line of a hunk, or, where it has none, of the
// line before which it is.
func hunkStart(start, count string) int {
	first, _ := strconv.Atoi(start)
	if count == "0" {
		first++
	}
	return first
}

// hunk is a part of a unified diff.
type hunk struct {
	lines    []string
	old, now int // the number of its first line, before and after
	last     int // the number of the last line of the source
}

func (h *hunk) add(line string, old, now int) {
	if len(h.lines) == 0 {
		h.old, h.now = old, now
	}
	h.lines = append(h.lines, line)
}

// flush writes the hunk, if it changes anything, with as much context after it as
// before it: patch takes one with less after it for the end of a file.
func (h *hunk) flush(b *strings.Builder) {
	isContext := func(line string) bool { return line[0] == ' ' }
	begin := slices.IndexFunc(h.lines, func(line string) bool { return !isContext(line) })
	if begin < 0 {
		h.lines = nil
		return
	}
	end := len(h.lines)
	for isContext(h.lines[end-1]) {
		end--
	}
	count := func(sign byte, lines []string) (n int) {
		for _, line := range lines {
			if line[0] == ' ' || line[0] == sign {
				n++
			}
		}
		return n
	}
	after := min(len(h.lines)-end, contextLines)
	atEnd := h.old+count('-', h.lines)-1 >= h.last
	before := min(begin, contextLines)
	if !atEnd {
		before = min(before, after)
	}
	if h.old > 1 || begin > before {
		after = min(after, before)
	}
	skipped := begin - before
	lines := h.lines[skipped : end+after]
	place := func(first int, sign byte) string {
		n := count(sign, lines)
		switch first += skipped; n {
		case 0:
			return fmt.Sprintf("%d,0", first-1)
		case 1:
			return strconv.Itoa(first)
		}
		return fmt.Sprintf("%d,%d", first, n)
	}
	fmt.Fprintf(b, "@@ -%s +%s @@\n", place(h.old, '-'), place(h.now, '+'))
	for _, line := range lines {
		b.WriteString(line)
	}
	h.lines = nil
}

// diffEdits turns edits into those of a diff. One that rewrites a text is
// reduced to what differs in it.
func diffEdits(text []byte, edits []yamledit.Edit) []udiff.Edit {
	var all []udiff.Edit
	for _, e := range edits {
		old := text[e.Start:e.End]
		if bytes.Count(old, []byte("\n")) < 2 {
			all = append(all, udiff.Edit(e))
			continue
		}
		for _, part := range udiff.Strings(string(old), e.New) {
			all = append(all, udiff.Edit{Start: e.Start + part.Start, End: e.Start + part.End, New: part.New})
		}
	}
	return all
}

// escaped returns a line as a terminal may get it. What is invisible and harmless stays,
// for patch.
func escaped(line string) string {
	const zeroWidth = "\u200c\u200d\ufeff"
	var b strings.Builder
	for i, r := range line {
		switch {
		case r == unicode.ReplacementChar && !strings.HasPrefix(line[i:], string(r)):
			fmt.Fprintf(&b, `\x%02x`, line[i])
		case r == '\t' || unicode.IsGraphic(r) || strings.ContainsRune(zeroWidth, r):
			b.WriteRune(r)
		default:
			b.WriteString(strings.Trim(strconv.QuoteRuneToASCII(r), "'"))
		}
	}
	return b.String()
}

// coloured gives a line of a diff the colours that git gives it.
func coloured(line string) string {
	colour := ""
	switch {
	case strings.HasPrefix(line, "--- "), strings.HasPrefix(line, "+++ "):
		colour = "\x1b[1m"
	case strings.HasPrefix(line, "@@"):
		colour = "\x1b[36m"
	case strings.HasPrefix(line, "+"):
		colour = "\x1b[32m"
	case strings.HasPrefix(line, "-"):
		colour = "\x1b[31m"
	default:
		return line
	}
	return colour + line + "\x1b[m"
}
