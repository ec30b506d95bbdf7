package yamledit

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"go.yaml.in/yaml/v3"
)

// block returns a tree as block YAML, each line indented by so many blanks and ended
// by the line break of the text.
func (l *layout) block(n *yaml.Node, indent int) string {
	text := blockText(n)
	var b strings.Builder
	for line := range strings.Lines(text) {
		if line != "\n" {
			b.WriteString(strings.Repeat(" ", indent))
		}
		b.WriteString(strings.TrimSuffix(line, "\n"))
		b.WriteString(l.eol)
	}
	return b.String()
}

// blockText returns a tree as block YAML. It writes folded scalars literally, because
// go-yaml adds a line break to a folded one that has more-indented lines
// (yaml/go-yaml 337).
func blockText(n *yaml.Node) string {
	var b bytes.Buffer
	encoder := yaml.NewEncoder(&b)
	encoder.SetIndent(2)
	encoder.CompactSeqIndent()
	if err := encoder.Encode(blockStyle(n)); err != nil {
		return "" // which readBack refuses
	}
	encoder.Close()
	return b.String()
}

func blockStyle(n *yaml.Node) *yaml.Node {
	c := *n
	c.Style &^= yaml.FlowStyle
	c.Anchor = ""
	if c.Kind == yaml.ScalarNode && c.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0 {
		c.Style = yaml.LiteralStyle
		if strings.TrimLeft(c.Value, " \t\n") != c.Value || strings.ContainsAny(c.Value, "\r\u0085\u2028\u2029") {
			c.Style = yaml.DoubleQuotedStyle
		}
	}
	if len(n.Content) == 0 && n.Kind != yaml.ScalarNode {
		c.Style |= yaml.FlowStyle
	}
	c.Content = make([]*yaml.Node, len(n.Content))
	for i, child := range n.Content {
		c.Content[i] = blockStyle(child)
		if key := c.Content[i]; n.Kind == yaml.MappingNode && i%2 == 0 && key.Value == "" && IsNull(key) {
			key.Value = "null" // go-yaml writes an empty one as ''
		}
	}
	return &c
}

// flowText returns a tree on one line, as JSON except for tags and for scalars that
// must not be quoted.
func flowText(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "{" + strings.Join(flowEntries(n), ", ") + "}"
	case yaml.SequenceNode:
		items := make([]string, len(n.Content))
		for i, item := range n.Content {
			items[i] = flowText(item)
		}
		return "[" + strings.Join(items, ", ") + "]"
	}
	switch {
	case n.Style&yaml.TaggedStyle != 0:
		return n.Tag + " " + jsonString(n.Value)
	case n.Value == "" && IsNull(n):
		return "null"
	case n.ShortTag() != "!!str", isPlain(n) && !IsSafePlain(n.Value) && plainInFlow(n.Value):
		return n.Value
	}
	return jsonString(n.Value)
}

func flowEntries(m *yaml.Node) []string {
	var entries []string
	for i := 0; i+1 < len(m.Content); i += 2 {
		entries = append(entries, flowText(m.Content[i])+": "+flowText(m.Content[i+1]))
	}
	return entries
}

// plainInFlow is true for a text that may be a plain scalar in flow context. It stays
// one, because a reader of YAML 1.1 may see another type than a string in it, as in
// 12:30.
func plainInFlow(s string) bool {
	for i := range len(s) {
		if !alphanumeric(s[i]) && !strings.ContainsRune("-_./+:", rune(s[i])) {
			return false
		}
	}
	return s != "" && alphanumeric(s[0]) && s[len(s)-1] != ':'
}

func jsonString(s string) string {
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
