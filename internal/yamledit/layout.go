package yamledit

import (
	"bytes"
	"slices"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// layout is the text of a document, the nodes that it was parsed into, and where in
// the text they are.
type layout struct {
	text  []byte
	root  *yaml.Node
	lines []int              // the offset at which each line begins, as the parser counts lines
	eol   string             // the line break of the text
	limit map[*yaml.Node]int // the line at which the next key or item begins

	anchors bool // the text has some
	ascii   bool // all characters are bytes, and so are columns

	columns map[int][]int // by line: the offset of each columnStep-th character; for lines that were asked for
}

const columnStep = 64

// newLayout takes a text and the tree that it was parsed into.
func newLayout(text []byte, root *yaml.Node) *layout {
	l := &layout{
		text:  text,
		root:  root,
		lines: lineStarts(text),
		eol:   lineBreak(text),
		limit: make(map[*yaml.Node]int),
		ascii: !bytes.ContainsFunc(text, func(r rune) bool { return r >= utf8.RuneSelf }),
	}
	last := len(l.lines)
	if l.lines[last-1] == len(text) {
		last-- // after the final line break there is no line
	}
	l.setLimits(root, last)
	return l
}

// lineStarts finds the lines as the YAML parser counts them, which also ends a
// line at a lone CR, NEL, LS and PS.
func lineStarts(text []byte) []int {
	starts := []int{0}
	for i := 0; i < len(text); {
		r, width := rune(text[i]), 1
		if r >= utf8.RuneSelf {
			r, width = utf8.DecodeRune(text[i:])
		}
		i += width
		switch r {
		case '\r':
			if bytes.HasPrefix(text[i:], []byte("\n")) {
				continue // they are one break
			}
		case '\n', '\u0085', '\u2028', '\u2029':
		default:
			continue
		}
		starts = append(starts, i)
	}
	return starts
}

// lineBreak returns the first line break of a text, "\n" if it has none.
func lineBreak(text []byte) string {
	if i := bytes.IndexByte(text, '\n'); i > 0 && text[i-1] == '\r' {
		return "\r\n"
	}
	return "\n"
}

func (l *layout) setLimits(n *yaml.Node, limit int) {
	l.limit[n] = limit
	l.anchors = l.anchors || n.Anchor != ""
	switch {
	case n.Style&yaml.FlowStyle != 0:
		for _, child := range n.Content {
			l.setLimits(child, limit)
		}
	case n.Kind == yaml.MappingNode:
		for i := 0; i+1 < len(n.Content); i += 2 {
			next := limit
			if i+2 < len(n.Content) {
				next = n.Content[i+2].Line - 1
			}
			l.setLimits(n.Content[i], next)
			l.setLimits(n.Content[i+1], next)
		}
	default:
		for i, item := range n.Content {
			next := limit
			if i+1 < len(n.Content) {
				next, _ = l.dash(n.Content[i+1])
			}
			l.setLimits(item, next)
		}
	}
}

// line returns the text of a line, counted from 0, without its break.
func (l *layout) line(i int) []byte {
	return bytes.TrimRight(l.text[l.lines[i]:l.lineEnd(i)], "\r\n")
}

// lineEnd is the offset after a line and its break.
func (l *layout) lineEnd(i int) int {
	if i+1 < len(l.lines) {
		return l.lines[i+1]
	}
	return len(l.text)
}

// lineOf returns the line, counted from 0, in which an offset lies.
func (l *layout) lineOf(offset int) int {
	i, found := slices.BinarySearch(l.lines, offset)
	if !found {
		i--
	}
	return i
}

// offset is where a node begins, its anchor and tag included.
func (l *layout) offset(n *yaml.Node) int {
	if n.Line > len(l.lines) {
		return len(l.text) // the null of a "? key" that ends the text
	}
	at := l.lines[n.Line-1]
	if l.ascii { // a List may be one line of megabytes
		return at + n.Column - 1
	}
	marks := l.marks(n.Line - 1)
	mark := min((n.Column-1)/columnStep, len(marks)-1)
	at = marks[mark]
	for range n.Column - 1 - mark*columnStep { // columns are characters
		_, width := utf8.DecodeRune(l.text[at:])
		at += width
	}
	return at
}

// marks returns the offset of each columnStep-th character of a line.
func (l *layout) marks(line int) []int {
	marks, known := l.columns[line]
	if !known {
		end := l.lineEnd(line)
		for at, column := l.lines[line], 0; at < end || column == 0; column++ {
			if column%columnStep == 0 {
				marks = append(marks, at)
			}
			_, width := utf8.DecodeRune(l.text[at:])
			at += max(width, 1)
		}
		if l.columns == nil {
			l.columns = make(map[int][]int)
		}
		l.columns[line] = marks
	}
	return marks
}

// dash finds the dash of an item of a block sequence, on the line of the item or
// above it. Line and column are counted from 0.
func (l *layout) dash(item *yaml.Node) (line, column int) {
	line = item.Line - 1
	before := l.text[l.lines[line]:l.offset(item)]
	for {
		if i := bytes.LastIndexByte(before, '-'); i >= 0 {
			return line, i
		}
		if line == 0 {
			return 0, 0
		}
		line--
		before, _, _ = bytes.Cut(l.line(line), []byte("#"))
	}
}

func blankOrComment(line []byte) bool {
	line = bytes.TrimSpace(line)
	return len(line) == 0 || line[0] == '#'
}

func indentation(line []byte) int {
	return len(line) - len(bytes.TrimLeft(line, " "))
}

// isImplicitNull is true for a null that is not written: "key:" and nothing after it.
func isImplicitNull(n *yaml.Node) bool {
	return n.Kind == yaml.ScalarNode && n.Value == "" && isPlain(n) && n.Anchor == "" && n.Tag == "!!null"
}

// isEmptyFlow is true for {} and [].
func isEmptyFlow(n *yaml.Node) bool {
	return n.Style&yaml.FlowStyle != 0 && len(n.Content) == 0
}

// lastLine returns the last line of a node in block context, whose key or dash is on
// the line keyLine and begins, with its "?", at the column parent.
func (l *layout) lastLine(n *yaml.Node, keyLine, parent int) int {
	switch {
	case isImplicitNull(n):
		if n.Line-1 > keyLine && l.limit[n] > n.Line-1 && bytes.HasPrefix(bytes.TrimLeft(l.line(n.Line-1), " "), []byte(":")) {
			return n.Line - 1 // the ":" of "? key"
		}
		return keyLine
	case n.Kind == yaml.AliasNode:
		return n.Line - 1
	case n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0:
		return l.lastLineOfBlockScalar(n, parent)
	case n.Kind == yaml.ScalarNode && isPlain(n):
		last := l.limit[n] - 1
		for last > n.Line-1 && blankOrComment(l.line(last)) {
			last--
		}
		return last
	case n.Kind == yaml.ScalarNode || n.Style&yaml.FlowStyle != 0:
		return l.lineOf(l.flowEnd(l.offset(n)) - 1)
	case n.Kind == yaml.MappingNode:
		key, value := n.Content[len(n.Content)-2], n.Content[len(n.Content)-1]
		last := l.lastLine(value, key.Line-1, l.column(key))
		if isImplicitNull(value) && l.entryOffset(key) < l.offset(key) { // "? key", perhaps of several lines
			last = max(last, l.lastLine(key, key.Line-1, l.column(key)))
		}
		return last
	default:
		item := n.Content[len(n.Content)-1]
		line, column := l.dash(item)
		return l.lastLine(item, line, column)
	}
}

func (l *layout) lastLineOfBlockScalar(n *yaml.Node, parent int) int {
	header := l.blockScalarLine(n)
	last, indent := header, -1
	style, _ := blockScalarHeader(l.line(header))
	if i := strings.IndexAny(style, "123456789"); i >= 0 {
		indent = max(parent, 0) + int(style[i]-'0')
	}
	for i := header + 1; i < l.limit[n]; i++ {
		line := l.line(i)
		if len(bytes.TrimLeft(line, " \t")) == 0 {
			if indent >= 0 && len(line) > indent {
				last = i // blanks beyond the indentation are content, and so is the break before them
			}
			continue
		}
		if indentation(line) <= parent {
			break
		}
		if indent < 0 {
			indent = indentation(line)
		}
		last = i
	}
	if indent < 0 || strings.Contains(style, "+") { // it has nothing but blanks, or keeps them
		for last+1 < l.limit[n] && len(bytes.TrimSpace(l.line(last+1))) == 0 {
			last++
		}
	}
	return last
}

// blockScalarLine returns the line with the header of a block scalar: an anchor or a
// tag may be on a line before it.
func (l *layout) blockScalarLine(n *yaml.Node) int {
	header := n.Line - 1
	for ; header < l.limit[n]-1; header++ {
		if _, ok := blockScalarHeader(l.line(header)); ok {
			break
		}
	}
	return header
}

// blockScalarHeader returns the header of a block scalar at the end of a line, as
// in "|+2".
func blockScalarHeader(line []byte) (header string, ok bool) {
	if i := bytes.Index(line, []byte(" #")); i >= 0 {
		line = line[:i]
	}
	line = bytes.TrimRight(line, " \t")
	start := bytes.LastIndexAny(line, "|>")
	if start < 0 || len(bytes.Trim(line[start+1:], "+-0123456789")) > 0 {
		return "", false
	}
	return string(line[start:]), true
}

// flowEnd returns the offset after what begins at start: a flow collection, a quoted
// scalar, or, in flow context, an alias or a plain scalar.
func (l *layout) flowEnd(start int) int {
	begin := l.skipProperties(start)
	depth, i := 0, begin
scan:
	for ; i < len(l.text); i++ {
		switch c := l.text[i]; {
		case c == '{' || c == '[':
			depth++
		case c == ',':
			if depth == 0 {
				break scan
			}
		case c == '}' || c == ']':
			if depth == 0 {
				break scan
			}
			if depth--; depth == 0 {
				return i + 1
			}
		case (c == '"' || c == '\'') && (i == begin || opensQuotes(l.text[i-1])):
			i = l.quoteEnd(i)
			if depth == 0 {
				return i + 1
			}
		case c == '#' && isSpace(l.text[i-1]):
			if depth == 0 {
				break scan
			}
			for i+1 < len(l.text) && l.text[i+1] != '\n' {
				i++
			}
		}
	}
	return begin + len(bytes.TrimRight(l.text[begin:i], " \t\r\n")) // after a plain scalar
}

// skipProperties returns the offset after the anchor and the tag at an offset.
func (l *layout) skipProperties(i int) int {
	for i < len(l.text) && (l.text[i] == '&' || l.text[i] == '!') {
		for i < len(l.text) && !isSpace(l.text[i]) && l.text[i] != ',' {
			i++
		}
		i = l.skip(i)
	}
	return i
}

// skip returns the offset after the blanks, line breaks and comments at an offset, which
// is not the first.
func (l *layout) skip(i int) int {
	for ; i < len(l.text); i++ {
		if l.text[i] == '#' && isSpace(l.text[i-1]) {
			for i+1 < len(l.text) && l.text[i+1] != '\n' {
				i++
			}
		} else if !isSpace(l.text[i]) {
			break
		}
	}
	return i
}

// keyEnd returns the offset after the text of a key, or false where the text tells
// no simple way.
func (l *layout) keyEnd(key *yaml.Node) (int, bool) {
	start := l.skipProperties(l.offset(key))
	switch {
	case key.Kind == yaml.AliasNode:
		return start + len("*"+key.Value), true
	case key.Kind != yaml.ScalarNode:
		return l.flowEnd(start), key.Style&yaml.FlowStyle != 0
	case key.Style&(yaml.DoubleQuotedStyle|yaml.SingleQuotedStyle) != 0:
		return l.quoteEnd(start) + 1, true
	}
	return start + len(key.Value), isPlain(key) && bytes.HasPrefix(l.text[start:], []byte(key.Value))
}

// colon returns the offset after the ":" of a key; false where it has none, as in
// "? key" and "{key}".
func (l *layout) colon(key *yaml.Node) (int, bool) {
	end, ok := l.keyEnd(key)
	if !ok {
		return 0, false
	}
	if end = l.skip(end); end < len(l.text) && l.text[end] == ':' {
		return end + 1, true
	}
	return 0, false
}

func isSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\r' || c == '\n' }

// opensQuotes is true for a byte after which a quote begins a scalar; elsewhere it
// is a character of a plain one.
func opensQuotes(c byte) bool {
	return isSpace(c) || strings.IndexByte(",:[]{}", c) >= 0
}

// quoteEnd returns the offset of the quote that closes the one at start.
func (l *layout) quoteEnd(start int) int {
	quote := l.text[start]
	for i := start + 1; i < len(l.text); i++ {
		switch {
		case quote == '"' && l.text[i] == '\\':
			i++
		case quote == '\'' && bytes.HasPrefix(l.text[i:], []byte("''")):
			i++
		case l.text[i] == quote:
			return i
		}
	}
	return len(l.text) - 1
}

// entryOffset is where an entry of a block mapping begins: at its key, or at the "?"
// before it.
func (l *layout) entryOffset(key *yaml.Node) int {
	start := l.offset(key)
	if before := bytes.TrimRight(l.text[:start], " \t"); bytes.HasSuffix(before, []byte("?")) {
		return len(before) - 1
	}
	return start
}

// column is where, from 0, an entry of a block mapping begins: at its key, or at
// the "?" before it.
func (l *layout) column(key *yaml.Node) int {
	before := bytes.TrimRight(l.text[l.lines[key.Line-1]:l.offset(key)], " \t")
	if bytes.HasSuffix(before, []byte("?")) {
		return len(before) - 1
	}
	return key.Column - 1
}

// startsLine is true where an entry of a block mapping has only blanks before it on
// its line.
func (l *layout) startsLine(key *yaml.Node) bool {
	start := l.lines[key.Line-1]
	return len(bytes.TrimLeft(l.text[start:start+l.column(key)], " ")) == 0
}

// entryEnd returns the offset after entry i of a flow mapping.
func (l *layout) entryEnd(n *yaml.Node, i int) int {
	if isImplicitNull(n.Content[i+1]) {
		return l.flowEnd(l.offset(n.Content[i]))
	}
	return l.flowEnd(l.offset(n.Content[i+1]))
}
