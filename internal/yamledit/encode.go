package yamledit

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"strings"
	"unicode"

	"go.yaml.in/yaml/v3"
)

// block returns a tree as block YAML, each line indented by so many blanks and ended
// by the line break of the text.
func (l *layout) block(n *yaml.Node, indent int) string {
	w := &blockWriter{eol: l.eol}
	w.node(n, indent, indent)
	return w.String()
}

// blockText returns a tree as block YAML.
func blockText(n *yaml.Node) string { return (&layout{eol: "\n"}).block(n, 0) }

// blockWriter writes block YAML. The encoder of go-yaml is not used, because it
// writes plain scalars in quotes, tags and keys otherwise than they were, and adds a
// line break to a folded scalar that has more-indented lines (yaml/go-yaml 337).
type blockWriter struct {
	strings.Builder
	eol string
}

func (w *blockWriter) line(indent int, text string) {
	w.WriteString(strings.Repeat(" ", indent) + text + w.eol)
}

// node writes a node on lines of its own; the first of them is indented less, where
// it begins behind a dash.
func (w *blockWriter) node(n *yaml.Node, first, indent int) {
	switch {
	case len(n.Content) == 0: // the whole document
		w.value(n, indent, "")
	case n.Kind == yaml.MappingNode:
		for i := 0; i+1 < len(n.Content); i += 2 {
			w.WriteString(strings.Repeat(" ", first))
			w.key(n.Content[i], indent)
			w.value(n.Content[i+1], indent, " ")
			first = indent
		}
	default:
		for _, item := range n.Content {
			w.WriteString(strings.Repeat(" ", first) + "-")
			first = indent
			switch {
			case len(item.Content) > 0 && item.Style&yaml.TaggedStyle == 0:
				w.WriteString(" ")
				w.node(item, 0, indent+2)
			case item.Kind == yaml.SequenceNode: // indented, or its items would be those of n
				w.value(item, indent+2, " ")
			default:
				w.value(item, indent, " ")
			}
		}
	}
}

// longestKey is how many bytes a key may have on the line of its value.
const longestKey = 120

func (w *blockWriter) key(key *yaml.Node, indent int) {
	var text string
	if key.Kind == yaml.ScalarNode {
		text = cmp.Or(scalarInBlock(key), "null")
	} else {
		text = flowText(key)
	}
	if key.Kind == yaml.ScalarNode && len(text) <= longestKey {
		w.WriteString(text + ":")
	} else {
		w.WriteString("? " + text + w.eol + strings.Repeat(" ", indent) + ":")
	}
}

// value writes what follows a key or a dash at an indentation, and ends the line.
func (w *blockWriter) value(n *yaml.Node, indent int, space string) {
	switch {
	case len(n.Content) > 0:
		if n.Style&yaml.TaggedStyle != 0 {
			w.WriteString(space + n.Tag)
		}
		w.WriteString(w.eol)
		if n.Kind == yaml.MappingNode {
			indent += 2
		}
		w.node(n, indent, indent)
	case n.Kind == yaml.ScalarNode && isLiteral(n):
		w.WriteString(space)
		if n.Style&yaml.TaggedStyle != 0 {
			w.WriteString(n.Tag + " ")
		}
		w.WriteString("|")
		body, ends := strings.CutSuffix(n.Value, "\n")
		if !ends {
			w.WriteString("-")
		}
		w.WriteString(w.eol)
		for line := range strings.SplitSeq(body, "\n") {
			if line == "" {
				w.WriteString(w.eol)
			} else {
				w.line(indent+2, line)
			}
		}
	default:
		text := flowText(n)
		if n.Kind == yaml.ScalarNode {
			text = scalarInBlock(n)
		}
		if text != "" {
			w.WriteString(space + text)
		}
		w.WriteString(w.eol)
	}
}

// isLiteral is true for a string that is written as a literal block scalar: it was
// one, or a folded one, and reads back without an indicator of its indentation. One
// that keeps blank lines at its end would take in those that follow it.
func isLiteral(n *yaml.Node) bool {
	if n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) == 0 || n.Value == "" || strings.ContainsRune(" \t\n", rune(n.Value[0])) ||
		strings.ContainsAny(n.Value, "\r\u0085\u2028\u2029\ufeff") || strings.HasSuffix(n.Value, "\n\n") {
		return false
	}
	for line := range strings.SplitSeq(n.Value, "\n") {
		if line != "" && strings.Trim(line, " \t") == "" {
			return false
		}
	}
	return true
}

// scalarInBlock returns a scalar on one line of block YAML: as it is written in its
// own text, where that is possible; nothing for a null that is not written.
func scalarInBlock(n *yaml.Node) string {
	var text string
	switch {
	case isPlain(n) && n.Value != "" && !strings.ContainsAny(n.Value, breaks), isPlain(n) && n.Value == "" && n.Style&yaml.TaggedStyle == 0:
		text = n.Value
	case n.Style&yaml.SingleQuotedStyle != 0 && fitsSingleQuotes(n):
		text = singleQuoted(n.Value)
	default:
		text = jsonString(n.Value)
	}
	if n.Style&yaml.TaggedStyle != 0 {
		text = n.Tag + " " + text
	}
	return text
}

const breaks = "\r\n\u0085\u2028\u2029"

func singleQuoted(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }

// fitsSingleQuotes is true for a string that stays one in quotes without escapes.
func fitsSingleQuotes(n *yaml.Node) bool {
	return n.ShortTag() == "!!str" && (!isResolved(n) || readsAsString(n.Value)) &&
		!strings.ContainsFunc(n.Value, func(r rune) bool { return !unicode.IsPrint(r) })
}

// flowText returns a tree on one line, as JSON except for tags and for scalars that
// must not be quoted.
func flowText(n *yaml.Node) string {
	tag := ""
	if n.Style&yaml.TaggedStyle != 0 {
		tag = n.Tag + " "
	}
	switch {
	case n.Kind == yaml.MappingNode:
		return tag + "{" + strings.Join(flowEntries(n), ", ") + "}"
	case n.Kind == yaml.SequenceNode:
		items := make([]string, len(n.Content))
		for i, item := range n.Content {
			items[i] = flowText(item)
		}
		return tag + "[" + strings.Join(items, ", ") + "]"
	case n.Value == "" && tag == "" && IsNull(n):
		return "null"
	case isPlain(n) && (tag != "" || !readsAsString(n.Value)) && plainInFlow(n.Value):
		return tag + n.Value
	}
	return tag + jsonString(n.Value)
}

func flowEntries(m *yaml.Node) []string {
	var entries []string
	for i := 0; i+1 < len(m.Content); i += 2 {
		key := flowText(m.Content[i])
		if m.Content[i].Kind != yaml.ScalarNode || len(key) > longestKey {
			key = "? " + key + " "
		}
		entries = append(entries, key+": "+flowText(m.Content[i+1]))
	}
	return entries
}

// plainInFlow is true for a plain scalar of block context that may be one in flow
// context, too. It stays one, because a reader of YAML 1.1 may see another type than
// a string in it, as in 12:30.
func plainInFlow(s string) bool {
	return s != "" && !strings.ContainsAny(s, ",[]{}?"+breaks) && s[len(s)-1] != ':'
}

func jsonString(s string) string {
	if !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r > '~' || r == '"' || r == '\\' }) {
		return `"` + s + `"`
	}
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	encoder.Encode(s) // strings always encode
	var out strings.Builder
	for _, r := range strings.TrimSuffix(b.String(), "\n") {
		if r >= 0x7f && r < 0xa0 || r == 0xfeff || r == 0xfffe || r == 0xffff { // JSON allows them, YAML does not
			fmt.Fprintf(&out, "\\u%04x", r)
		} else {
			out.WriteRune(r)
		}
	}
	return out.String()
}
