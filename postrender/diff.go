package postrender

import (
	"bufio"
	"bytes"
	"io"
	"strings"

	"github.com/aymanbagabas/go-udiff"

	"github.com/openova-io/helm-cnpg-pair/internal/yamledit"
)

// contextLines is as many lines as diff -u prints around a change.
const contextLines = 3

// WriteDiff writes what changes in each source as a unified diff, as diff -u
// prints it and patch reads it; nothing where nothing changes.
func (r *Result) WriteDiff(w io.Writer, colour bool) error {
	out := bufio.NewWriter(w)
	for i, source := range r.sources {
		if len(r.edits[i]) == 0 {
			continue
		}
		text, err := udiff.ToUnified(source.Name, source.Name+"\tpaired", string(source.Data), diffEdits(source.Data, r.edits[i]), contextLines)
		if err != nil {
			return err
		}
		for line := range strings.Lines(text) {
			if colour {
				line = coloured(line)
			}
			out.WriteString(line)
		}
	}
	return out.Flush()
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
	text := strings.TrimRight(line, "\r\n")
	return colour + text + "\x1b[m" + line[len(text):]
}
