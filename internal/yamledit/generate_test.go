package yamledit

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// generator writes random streams in the styles of YAML that people and programs
// use: block and flow, indented or compact sequences, plain, quoted, literal and
// folded scalars on one line or more, comments above and after, blank lines,
// "? key", tags, anchors, aliases and merge keys, characters of several bytes,
// JSON, CR LF, a byte order mark, and streams without a final line break.
type generator struct {
	*rand.Rand
	strings.Builder
	eol     string
	anchors []string // those of scalars and sequences
	bases   []string // those of mappings
	shared  bool     // this document has anchors and aliases
	odd     bool     // this document has what is legal and rare
	said    int      // how many comments there are
}

func newGenerator(seed uint64) *generator {
	return &generator{Rand: rand.New(rand.NewPCG(seed, 11)), eol: "\n"}
}

func (g *generator) chance(percent int) bool { return g.IntN(100) < percent }

func pick[T any](g *generator, from ...T) T { return from[g.IntN(len(from))] }

// stream writes some documents.
func (g *generator) stream() string {
	if g.chance(5) {
		g.WriteString(string(ByteOrderMark))
	}
	if g.chance(15) {
		g.eol = "\r\n"
	}
	for i := range 1 + g.IntN(3) {
		if i > 0 || g.chance(50) {
			g.WriteString(pick(g, "---", "--- # remark", "---  ") + g.eol)
		}
		g.document()
	}
	text := g.String()
	if g.chance(15) {
		text = strings.TrimSuffix(text, g.eol)
	} else if g.chance(10) {
		text += pick(g, " ", "  ", "       ")
	}
	return text
}

func (g *generator) document() {
	g.anchors, g.bases = nil, nil
	g.shared, g.odd = g.chance(25), g.chance(20)
	if g.chance(30) {
		g.WriteString("# at the top" + g.eol)
	}
	switch {
	case g.chance(8):
		g.WriteString(g.flow(3) + g.eol)
	case g.chance(5):
		g.WriteString(g.json(3) + g.eol)
	case g.chance(8):
		g.sequence(0, "", 3)
	default:
		g.mapping(0, "", 4)
	}
	if g.chance(10) {
		g.WriteString("# at the end" + g.eol)
	}
}

var keys = []string{"a", "y", "010", "name", "spec", "labels", "app.kubernetes.io/name", "x-y", "long key", "items", "ö", "data", "z", "metadata"}

func (g *generator) key(used map[string]bool) string {
	key := pick(g, keys...)
	if key == "010" && g.shared {
		key = "010a" // the decoder of go-yaml 3 takes a number as a key for a string where there is a merge key
	}
	for used[key] {
		key += fmt.Sprint(g.IntN(10))
	}
	used[key] = true
	switch g.IntN(14) {
	case 0:
		return `"` + key + `"`
	case 1:
		return "'" + key + "'"
	}
	return key
}

// remark makes a comment that is there once.
func (g *generator) remark(texts ...string) string {
	g.said++
	return fmt.Sprintf("%s <%d>", pick(g, texts...), g.said)
}

// tail is what may follow a value on its line.
func (g *generator) tail() string {
	if g.chance(8) {
		return g.remark(" # because", "  # é: {", " #")
	}
	if g.chance(3) {
		return "  "
	}
	return ""
}

// between is what may stand above an entry.
func (g *generator) between(indent int) {
	if g.chance(8) {
		g.WriteString(strings.Repeat(" ", indent) + g.remark("# comment", "# key: value", "#- item 'é") + g.eol)
	}
	if g.chance(5) {
		g.WriteString(g.eol)
	}
}

// mapping writes entries of a block mapping. first is what stands before the first
// key on its line instead of the indentation.
func (g *generator) mapping(indent int, first string, depth int) {
	used := make(map[string]bool)
	if len(g.bases) > 0 && g.chance(30) {
		g.WriteString(cmp.Or(first, strings.Repeat(" ", indent)))
		g.WriteString("<<: " + pick(g, "*"+pick(g, g.bases...), "[*"+pick(g, g.bases...)+"]") + g.eol)
		first = ""
		used["<<"] = true
	}
	for i := range 1 + g.IntN(4) {
		if i > 0 || first == "" && len(used) == 0 {
			g.between(indent)
		}
		g.WriteString(cmp.Or(first, strings.Repeat(" ", indent)))
		first = ""
		if g.odd && g.chance(10) {
			g.WriteString("? " + g.key(used) + g.tail() + g.eol)
			switch g.IntN(5) {
			case 0: // nothing more
				continue
			case 1:
				g.WriteString(strings.Repeat(" ", indent) + ":" + g.tail() + g.eol)
				continue
			case 2:
				g.mapping(indent+2, strings.Repeat(" ", indent)+": ", depth-1)
				continue
			}
			g.WriteString(strings.Repeat(" ", indent) + ":")
		} else {
			g.WriteString(g.key(used) + ":")
		}
		g.value(indent, depth-1, false)
	}
}

// sequence is mapping for items.
func (g *generator) sequence(indent int, first string, depth int) {
	for i := range 1 + g.IntN(4) {
		if i > 0 || first == "" {
			g.between(indent)
		}
		g.WriteString(cmp.Or(first, strings.Repeat(" ", indent)))
		first = ""
		wide := 1 + 2*g.IntN(2)
		dash := "-" + strings.Repeat(" ", wide)
		switch {
		case depth > 0 && g.chance(40):
			g.mapping(indent+1+wide, dash, depth-1)
		case depth > 0 && g.chance(10):
			g.sequence(indent+1+wide, dash, depth-1)
		default:
			g.WriteString("-")
			g.value(indent, depth-1, true)
		}
	}
}

// value writes what follows "key:" or "-" of an entry at an indentation.
func (g *generator) value(indent, depth int, item bool) {
	space := pick(g, " ", " ", " ", "  ")
	switch {
	case g.shared && g.chance(12) && len(g.anchors)+len(g.bases) > 0:
		if g.chance(15) {
			g.WriteString(g.tail() + g.eol)
			g.between(indent + 1)
			space = strings.Repeat(" ", indent+1+g.IntN(3))
		}
		g.WriteString(space + "*" + pick(g, append(slices.Clone(g.anchors), g.bases...)...) + g.tail() + g.eol)
		return
	case depth > 0 && g.chance(35):
		name := g.anchor(space)
		g.WriteString(g.tail() + g.eol)
		g.mapping(indent+pick(g, 1, 2, 2, 2, 4), "", depth)
		if name != "" {
			g.bases = append(g.bases, name)
		}
		return
	case depth > 0 && g.chance(35):
		name := g.anchor(space)
		g.WriteString(g.tail() + g.eol)
		deeper := pick(g, 0, 2, 2, 3)
		if item && deeper == 0 {
			deeper = 1
		}
		g.sequence(indent+deeper, "", depth)
		g.define(name)
		return
	case g.chance(4):
		g.WriteString(g.tail() + g.eol) // null
		return
	}
	name := g.anchor(space)
	if name != "" {
		space = " "
	}
	defer g.define(name)
	switch {
	case name != "" && g.chance(8):
		g.WriteString(g.tail() + g.eol) // null
	case name != "" && g.chance(12):
		g.WriteString(g.tail() + g.eol + strings.Repeat(" ", indent+1+g.IntN(3)) + g.flow(2) + g.tail() + g.eol)
	case g.chance(12):
		g.WriteString(space + g.flow(2) + g.tail() + g.eol)
	case g.chance(5):
		g.flowLines(indent, space)
	case g.chance(20):
		g.block(indent, space)
	default:
		g.WriteString(space + g.scalar(indent) + g.tail() + g.eol)
	}
}

// anchor writes an anchor, perhaps, and returns its name.
func (g *generator) anchor(space string) string {
	if !g.shared || !g.chance(25) {
		return ""
	}
	name := fmt.Sprintf("n%d", len(g.anchors)+10*len(g.bases))
	g.WriteString(space + "&" + name)
	return name
}

func (g *generator) define(name string) {
	if name != "" {
		g.anchors = append(g.anchors, name)
	}
}

var plains = []string{
	"word", "two words", "1", "1.10", "0644", "on", "y", "12:30", "true", "~", "null", "1e3", "2001-01-01", "0x1F",
	"it's", "a,b", "é😀", "a:b", "a#b", "http://x/y?z=1", "-1", ".5", "a - b", "12345678901234567",
	"...", "😀", "---x", "a 😀", "010", "=", "<<a", "1_000", "yes", "0b11", "0o7", "+1", "1:20:30", ".inf", ".",
}

func (g *generator) scalar(indent int) string {
	deeper := g.eol + strings.Repeat(" ", indent+1+g.IntN(3))
	switch {
	case g.odd && g.chance(10):
		return pick(g, "!!str off", "!!str 1", "!!int \"3\"", "! x", "!custom v", "! off", "! 1", "!!str 010", "! \"y\"", "!!float 1")
	case g.chance(3):
		return "plain text" + deeper + "on two lines"
	case g.chance(3):
		return `"quoted \` + deeper + `text"`
	case g.chance(3):
		return `'it''s` + deeper + deeper + `# more'`
	case g.chance(20):
		return fmt.Sprintf("%q", pick(g, plains...)+pick(g, "", "\t", " #", "\"", ": ", "\\", "\n"))
	case g.chance(15):
		return "'" + strings.ReplaceAll(pick(g, plains...)+pick(g, "", " #", "\"", ": ", "\\"), "'", "''") + "'"
	}
	return pick(g, plains...)
}

var blockScalars = [][]string{
	{"|", "DO $$", "  text", "", "END"},
	{"|-", "#!/bin/sh", "# ---", "echo é"},
	{"|+", "kept", "", ""},
	{">", "folded text", "goes on", "", "  more indented", "and back"},
	{">-", "one", "two"},
	{">+", "one", "", "    deep", ""},
	{"|2", "  begins deeper", "than it goes on"},
	{"| # remark", "text"},
	{"|", "key: value", "- item", "---"},
	{">", "", "begins with an empty line"},
	{"|-", "blanks:  ", "   "},
	{"|", "   ", " "},
	{"|+", "  ", "", ""},
	{">-", "", " "},
	{">", "😀 folded", "...", "# no comment"},
}

func (g *generator) block(indent int, space string) {
	lines := pick(g, blockScalars...)
	deeper := indent + 1 + g.IntN(4)
	if strings.Contains(lines[0], "2") {
		deeper = indent + 2
	}
	g.WriteString(space + lines[0] + g.eol)
	for _, line := range lines[1:] {
		if line != "" {
			line = strings.Repeat(" ", deeper) + line
		}
		g.WriteString(line + g.eol)
	}
}

// flow returns a flow collection or a scalar on one line.
func (g *generator) flow(depth int) string {
	used := make(map[string]bool)
	var parts []string
	var brackets string
	switch {
	case depth > 0 && g.chance(60):
		brackets = pick(g, "{}", "{}", "{}", "{  }")
		for range g.IntN(4) {
			entry := g.key(used) + ": " + g.flow(depth-1)
			if g.odd && g.chance(10) {
				entry = g.key(used) + pick(g, ":", "")
			}
			parts = append(parts, entry)
		}
	case depth > 0 && g.chance(70):
		brackets = pick(g, "[]", "[]", "[ ]")
		for range g.IntN(4) {
			parts = append(parts, g.flow(depth-1))
		}
	default:
		for {
			s := g.scalar(0)
			quoted := s[0] == '"' || s[0] == '\''
			if !strings.Contains(s, "\n") && (quoted || !strings.ContainsAny(s, ",")) {
				return s
			}
		}
	}
	if len(parts) == 0 {
		return brackets
	}
	text := strings.Join(parts, pick(g, ", ", ",", " , "))
	if g.chance(10) {
		text += ","
	}
	return brackets[:1] + pick(g, "", " ") + text + pick(g, "", " ") + brackets[len(brackets)-1:]
}

// flowLines writes a flow collection over several lines.
func (g *generator) flowLines(indent int, space string) {
	deeper := strings.Repeat(" ", indent+2)
	open, end := "{", "}"
	used := make(map[string]bool)
	list := g.chance(50)
	if list {
		open, end = "[", "]"
	}
	remark := func(percent int) string {
		if g.chance(percent) {
			return g.remark(" # because, {", " # remark")
		}
		return ""
	}
	g.WriteString(space + open + remark(50) + g.eol)
	count := g.IntN(4)
	for i := range count {
		g.WriteString(deeper)
		switch {
		case list && g.odd && g.chance(20):
			g.WriteString("plain text" + g.eol + deeper + "on two lines")
		case list:
			g.WriteString(g.flow(1))
		case g.odd && g.chance(30):
			g.WriteString(g.key(used) + pick(g, "", ": ", ":", ": plain"+g.eol+deeper+"text"))
		default:
			g.WriteString(g.key(used) + ": " + g.flow(1))
		}
		if i+1 < count || g.chance(30) {
			if g.odd {
				g.WriteString(pick(g, "", " ", remark(100)+g.eol+deeper))
			}
			g.WriteString(",")
		}
		g.WriteString(remark(30) + g.eol)
	}
	g.WriteString(strings.Repeat(" ", indent+1) + end + g.eol)
}

// json returns a JSON object.
func (g *generator) json(depth int) string {
	used := make(map[string]bool)
	var parts []string
	for range g.IntN(4) {
		value := pick(g, `"text"`, `"a\/b"`, `"\ud83d\ude00 \u00e9"`, "1", "true", "null", "[1, 2]", "{}", "[]")
		if depth > 0 && g.chance(40) {
			value = g.json(depth - 1)
		}
		parts = append(parts, `"`+strings.Trim(g.key(used), `"'`)+`": `+value)
	}
	return "{" + strings.Join(parts, pick(g, ",", ", ")) + "}"
}

// tree returns a random tree of the kind that programs add.
func (g *generator) tree(depth int) *yaml.Node {
	switch {
	case depth > 0 && g.chance(35):
		m := Map()
		for range g.IntN(4) {
			Set(m, pick(g, append(keys, "on", "010", "", "a: b")...), g.tree(depth-1))
		}
		return m
	case depth > 0 && g.chance(30):
		l := List()
		for range g.IntN(4) {
			l.Content = append(l.Content, g.tree(depth-1))
		}
		return l
	}
	switch g.IntN(8) {
	case 0:
		return Int(g.IntN(5000))
	case 1:
		return Bool(g.chance(50))
	case 2:
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!null", Value: "null"}
	case 3:
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: "two\n  lines\n", Style: yaml.LiteralStyle}
	}
	return String(pick(g, "word", "on", "", " x", "a: b", "é😀", "#", "- a", "1", "two\nlines", "tab\t", "it's", "\"", "...", "---", "{", "*a", "a\u2028b", "\u0085", "a/b.c-d", "0x1"))
}

// changed makes some changes to a tree, which it may share nodes with.
func (g *generator) changed(n *yaml.Node) *yaml.Node {
	c := *n
	c.Content = slices.Clone(n.Content)
	step := 1 // from one value in Content to the next
	if n.Kind == yaml.MappingNode {
		step = 2
	}
	if len(c.Content) == 0 || n.Kind == yaml.ScalarNode {
		if n.Kind == yaml.ScalarNode || g.chance(50) {
			return g.tree(2)
		}
	}
	at := g.IntN(len(c.Content)/step+1) * step // of an entry, or after the last
	switch {
	case at < len(c.Content) && g.chance(55):
		value := at + step - 1
		c.Content[value] = g.changed(c.Content[value])
	case at < len(c.Content) && g.chance(40):
		c.Content = slices.Delete(c.Content, at, at+step)
	case at < len(c.Content) && g.chance(40):
		c.Content[at+step-1] = g.tree(2)
	case n.Kind == yaml.MappingNode:
		Set(&c, pick(g, append(keys, "new", "on", "010", "a: b")...), g.tree(2))
	default:
		if g.chance(60) {
			at = len(c.Content)
		}
		c.Content = slices.Insert(c.Content, at, g.tree(2))
	}
	return &c
}

// grown is changed for a tree in which nothing goes: a mapping or a sequence gets an
// entry more, or a null or an empty collection another value.
func (g *generator) grown(n *yaml.Node) *yaml.Node {
	c := *n
	c.Content = slices.Clone(n.Content)
	step := 1
	if n.Kind == yaml.MappingNode {
		step = 2
	}
	var deeper []int // the values that can grow
	for i := step - 1; i < len(c.Content); i += step {
		if child := c.Content[i]; child.Kind != yaml.ScalarNode || isImplicitNull(child) || child.Value == "null" && isResolved(child) {
			deeper = append(deeper, i)
		}
	}
	switch {
	case n.Kind == yaml.ScalarNode:
		return Map("new", g.tree(2), "other", "value")
	case len(deeper) > 0 && g.chance(70):
		i := pick(g, deeper...)
		c.Content[i] = g.grown(c.Content[i])
	case n.Kind == yaml.MappingNode:
		key := pick(g, "new", "more", "on", "a: b")
		for Get(n, key) != nil {
			key += "x"
		}
		Set(&c, key, g.tree(2))
	default:
		c.Content = append(c.Content, g.tree(2))
	}
	return &c
}
