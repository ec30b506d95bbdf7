package yamledit

import (
	"bytes"
	"slices"

	"go.yaml.in/yaml/v3"
)

// span is a part of a text.
type span struct{ from, to int }

func (s span) has(offset int) bool { return s.from <= offset && offset < s.to }

// comments returns where the comments of a text are, in order.
func (l *layout) comments() []span {
	within := l.scalars(l.root, -1, nil)
	var all []span
	for i := 0; i < len(l.text); i++ {
		for len(within) > 0 && within[0].to <= i {
			within = within[1:]
		}
		if len(within) > 0 && within[0].has(i) {
			i = within[0].to - 1
			continue
		}
		if l.text[i] == '#' && (i == 0 || isSpace(l.text[i-1])) {
			end := l.lineEnd(l.lineOf(i))
			all = append(all, span{i, i + len(bytes.TrimRight(l.text[i:end], " \t\r\n"))})
			i = end - 1
		}
	}
	return all
}

// scalars returns where in a node a "#" begins no comment: in quotes and in block
// scalars.
func (l *layout) scalars(n *yaml.Node, parent int, all []span) []span {
	switch {
	case n.Style&(yaml.DoubleQuotedStyle|yaml.SingleQuotedStyle) != 0:
		start := l.skipProperties(l.offset(n))
		return append(all, span{start, l.quoteEnd(start) + 1})
	case n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0:
		last := l.lastLineOfBlockScalar(n, parent)
		header := l.lineEnd(l.blockScalarLine(n))
		return append(all, span{header, max(header, l.lineEnd(last))})
	}
	for i, child := range n.Content {
		column := parent
		switch {
		case n.Style&yaml.FlowStyle != 0:
		case n.Kind == yaml.MappingNode:
			column = l.column(n.Content[i&^1])
		default:
			_, column = l.dash(child)
		}
		all = l.scalars(child, column, all)
	}
	return all
}

// lost returns the comments in a part of the text, as offsets, that are not in
// another text any more, although what they speak of is: all that n, which a tree has
// taken the place of, has in common with it.
func (l *layout) lost(part span, n, want *yaml.Node, after *layout) []int {
	stays := make(map[string]int)
	for _, c := range after.comments() {
		stays[string(after.text[c.from:c.to])]++
	}
	gone := l.gone(n, want, part, nil)
	var lost []int
	for _, c := range l.comments() {
		text := string(l.text[c.from:c.to])
		switch {
		case !part.has(c.from):
		case stays[text] > 0:
			stays[text]--
		case !slices.ContainsFunc(gone, func(s span) bool { return s.has(c.from) }):
			lost = append(lost, c.from)
		}
	}
	return lost
}

// gone returns the parts of a node for which there is nothing in a tree, with the
// comments right above them.
func (l *layout) gone(n, want *yaml.Node, part span, all []span) []span {
	flow := n.Style&yaml.FlowStyle != 0
	switch {
	case len(n.Content) == 0: // there is nothing in it
	case n.Kind != want.Kind:
		return append(all, part)
	case n.Kind == yaml.MappingNode:
		values, common := index(want), false
		for i := 0; i+1 < len(n.Content); i += 2 {
			common = common || isMerge(n.Content[i]) || values[n.Content[i].Value] != nil
		}
		if !common {
			return append(all, part)
		}
		from := func(i int) int {
			if i == len(n.Content) {
				return part.to
			}
			return l.entryStart(n.Content[i].Line-1, l.offset(n.Content[i]), flow)
		}
		for i := 0; i+1 < len(n.Content); i += 2 {
			if isMerge(n.Content[i]) {
				continue
			}
			entry := span{from(i), from(i + 2)}
			if value := values[n.Content[i].Value]; value == nil {
				all = append(all, entry)
			} else {
				all = l.gone(n.Content[i+1], value, entry, all)
			}
		}
	default:
		from := func(i int) int {
			if i == len(n.Content) {
				return part.to
			}
			line := n.Content[i].Line - 1
			if !flow {
				line, _ = l.dash(n.Content[i])
			}
			return l.entryStart(line, l.offset(n.Content[i]), flow)
		}
		for i := range n.Content {
			item := span{from(i), from(i + 1)}
			if i >= len(want.Content) {
				all = append(all, item)
			} else {
				all = l.gone(n.Content[i], want.Content[i], item, all)
			}
		}
	}
	return all
}

// entryStart is where an entry or an item on a line, or at an offset of flow style,
// begins, with the comments right above it.
func (l *layout) entryStart(line, offset int, flow bool) int {
	if flow {
		return offset
	}
	for line > 0 && bytes.HasPrefix(bytes.TrimLeft(l.line(line-1), " \t"), []byte("#")) {
		line--
	}
	return l.lines[line]
}

// removesComment is true where an edit may take a comment away.
func removesComment(text []byte, edits []Edit) bool {
	return slices.ContainsFunc(edits, func(e Edit) bool { return bytes.IndexByte(text[e.Start:e.End], '#') >= 0 })
}
