package yamledit

import (
	"bytes"
	"encoding/json"
	"errors"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"github.com/openova-io/helm-cnpg-pair/internal/message"
)

// Document is a document of a stream.
type Document struct {
	Piece
	Tree *yaml.Node // the plain tree; nil for a document without content

	stream  []byte
	text    []byte     // of the document; a line break is added where the stream ends without one
	padded  bool       // a line break was added
	altered bool       // the text is not, byte for byte, a part of the stream
	root    *yaml.Node // as parsed, with positions in text; nil where it is not kept
	crowded bool       // the stream has so many nodes that those of this document should not wait in memory
	parked  bool       // Tree has no content now
}

// Budget is what the documents of a stream may take together, however small they are.
type Budget struct {
	aliases int // by how many nodes they may grow when their aliases are resolved
	kept    int // how many nodes may be kept beside the plain trees; more are parsed again when they are needed
	trees   int // how many nodes of plain trees may wait in memory; more are parsed again, too
}

// NewBudget returns the budget of one stream.
func NewBudget() *Budget { return &Budget{moreNodes, 50_000, 100_000} }

// Parse is [Budget.Parse] for a document of its own.
func Parse(stream []byte, p Piece) (*Document, error) { return NewBudget().Parse(stream, p) }

// Parse reads the document in a piece of a stream. Its errors are [*Error]: the
// document is not YAML, has a key twice, or has aliases or merge keys that stand for
// nothing or, with the documents before it, for too much.
func (b *Budget) Parse(stream []byte, p Piece) (*Document, error) {
	d := &Document{Piece: p, stream: stream, text: stream[p.Body:p.End]}
	err := d.parse(b)
	if err != nil && json.Valid(d.text) {
		d.text, d.altered = plainJSON(d.text), true
		err = d.parse(b)
	}
	if err == nil && len(d.text) > 0 && d.text[len(d.text)-1] != '\n' && d.root != nil {
		err = d.pad()
	}
	if err != nil {
		return nil, d.located(err)
	}
	if d.root != nil {
		if b.kept -= Count(d.root); b.kept < 0 {
			d.root = nil
		}
		b.trees -= Count(d.Tree)
		d.crowded = b.trees < 0
	}
	return d, nil
}

func (d *Document) parse(b *Budget) (err error) {
	d.root, err = parseText(d.text)
	if err == nil && d.root != nil {
		d.Tree, err = resolveWithin(d.root, d.streamLines(), &b.aliases)
	}
	return err
}

// LastLine returns the last line of the document in the stream.
func (d *Document) LastLine() int {
	text := d.stream[d.Body:d.End]
	return d.Line + bytes.Count(bytes.TrimSuffix(text, []byte("\n")), []byte("\n"))
}

// Park lets go of the tree of a document until [Document.Load], where the stream has
// too many: whoever holds a node of it, but for Tree, must not use that any more.
func (d *Document) Park() {
	if d.crowded {
		d.root, d.Tree.Content, d.parked = nil, nil, true
	}
}

// Load gets the tree of a document back, if it has been let go.
func (d *Document) Load() {
	if !d.parked {
		return
	}
	d.root, _ = parseText(d.text) // as it could be read before
	more := moreNodes
	tree, _ := resolveWithin(d.root, d.streamLines(), &more)
	d.Tree.Content, d.parked = tree.Content, false
}

// Release lets go of what the document holds. Its tree is empty from then on.
func (d *Document) Release() { d.root, d.Tree.Content, d.text = nil, nil, nil }

// located makes an [*Error] of an error of the parser.
func (d *Document) located(err error) error {
	var at *Error
	if errors.As(err, &at) {
		return at
	}
	line, cause := yamlErrorLine(err)
	lines := d.streamLines()
	return &Error{Line: lines(d.brokenLine(line)), Err: message.New(message.NotYAML, "cause", cause)}
}

// plainJSON writes the escapes of JSON strings that go-yaml refuses as the
// characters that they stand for: "\/", and characters in two halves of UTF-16.
func plainJSON(text []byte) []byte {
	var out []byte
	unit := func(at int) rune { // of the escape at an offset
		if at+6 > len(text) || text[at] != '\\' || text[at+1] != 'u' {
			return utf8.RuneError
		}
		code, _ := strconv.ParseUint(string(text[at+2:at+6]), 16, 16) // four digits, as it is JSON
		return rune(code)
	}
	for i := 0; i < len(text); i++ {
		if text[i] != '\\' {
			out = append(out, text[i])
			continue
		}
		if r := utf16.DecodeRune(unit(i), unit(i+6)); r != utf8.RuneError {
			out = utf8.AppendRune(out, r)
			i += 11
			continue
		}
		if text[i+1] != '/' {
			out = append(out, '\\')
		}
		i++
		out = append(out, text[i])
	}
	return out
}

// parseText parses a text of one document, nil for one without content.
func parseText(text []byte) (*yaml.Node, error) {
	var n yaml.Node
	if err := yaml.Unmarshal(text, &n); err != nil {
		return nil, err
	}
	if n.Kind != yaml.DocumentNode {
		return nil, nil
	}
	keepTags(text, n.Content[0])
	return n.Content[0], nil
}

// keepTags marks the plain scalars that have the tag "!", which go-yaml forgets: a
// reader of YAML 1.1 sees a string in "! off", but not in "off".
func keepTags(text []byte, root *yaml.Node) {
	if !bytes.Contains(text, []byte("! ")) && !bytes.Contains(text, []byte("!\t")) && !bytes.Contains(text, []byte("!\n")) &&
		!bytes.Contains(text, []byte("!\r")) {
		return
	}
	l := newLayout(text, root)
	var mark func(n *yaml.Node)
	mark = func(n *yaml.Node) {
		if n.Kind == yaml.ScalarNode && n.Style == 0 {
			start := l.offset(n)
			if bytes.HasPrefix(l.text[start:], []byte("&")) {
				start = l.skip(start + len("&"+n.Anchor))
			}
			if rest := l.text[min(start, len(l.text)):]; len(rest) > 1 && rest[0] == '!' && isSpace(rest[1]) {
				n.Style, n.Tag = yaml.TaggedStyle, "!"
			}
		}
		for _, child := range n.Content {
			mark(child)
		}
	}
	mark(root)
}

// treeOf returns the plain tree of a text, nil for one without content and for one
// that cannot be read.
func treeOf(text []byte) *yaml.Node {
	root, _ := parseText(text)
	if root == nil {
		return nil
	}
	tree, _ := resolve(root)
	return tree
}

// decodesTo tells whether a text reads as a tree.
func decodesTo(text []byte, want *yaml.Node) bool {
	root, _ := parseText(text)
	return root != nil && equalAsParsed(root, want)
}

// equalAsParsed is Equal for a parsed node, which is resolved only where it must be.
func equalAsParsed(root, want *yaml.Node) bool {
	if !isShared(root) {
		return Equal(want, root) // in this order: want has each key once
	}
	tree, err := resolve(root)
	return err == nil && Equal(tree, want)
}

// isShared is true for a parsed node that has aliases or merge keys.
func isShared(n *yaml.Node) bool {
	return n.Kind == yaml.AliasNode || isMerge(n) || slices.ContainsFunc(n.Content, isShared)
}

// pad ends the document with a line break, so that a line can follow it: where its
// last line is blank, by leaving that out, else by adding a break. Where it then ends with a block scalar, that gets the indicator "-", because the break is not a
// part of its value.
func (d *Document) pad() error {
	if short := bytes.TrimRight(d.text, " \t"); bytes.HasSuffix(short, []byte("\n")) && decodesTo(short, d.Tree) {
		d.text, d.altered = short, true
		d.root, _ = parseText(short)
		return nil
	}
	text := append(bytes.Clone(d.text), lineBreak(d.text)...)
	if !decodesTo(text, d.Tree) {
		if root, _ := parseText(text); root != nil {
			text = withStripped(text, newLayout(text, root))
		}
	}
	if !decodesTo(text, d.Tree) {
		return &Error{Line: d.Line, Err: message.New(message.NoLineEnd)}
	}
	d.text, d.padded, d.altered = text, true, true
	d.root, _ = parseText(text)
	return nil
}

// withStripped gives the block scalar at the end of a text the indicator "-".
func withStripped(text []byte, l *layout) []byte {
	leaf := l.root
	for len(leaf.Content) > 0 {
		leaf = leaf.Content[len(leaf.Content)-1]
	}
	line := leaf.Line - 1
	header, _ := blockScalarHeader(l.line(line))
	start := l.lines[line] + bytes.LastIndex(l.line(line), []byte(header))
	stripped := strings.Replace(header, "+", "", 1) + "-"
	return append(append(bytes.Clone(text[:start]), stripped...), text[start+len(header):]...)
}

// streamLines returns a function that turns a line of the text, as the parser
// counts them, into one of the stream.
func (d *Document) streamLines() func(int) int {
	if !bytes.ContainsAny(d.text, "\r\u0085\u2028\u2029") {
		last := bytes.Count(d.text, []byte("\n"))
		return func(line int) int { return d.Line + min(max(line, 1)-1, last) }
	}
	var lines []int
	number, counted := d.Line, d.Body
	for _, start := range lineStarts(d.text) {
		at := min(d.Body+start, d.End)
		number += bytes.Count(d.stream[counted:at], []byte("\n"))
		lines, counted = append(lines, number), at
	}
	return func(line int) int { return lines[min(max(line, 1), len(lines))-1] }
}

// brokenLine finds the line in which a document stops being YAML. go-yaml often
// names the beginning of the block around it. From there on, it is the line after
// the longest beginning of the document that parses. The search goes line by line,
// because a beginning may end within quotes and not parse for that reason; where the
// line is far away, by bisection.
func (d *Document) brokenLine(named int) int {
	far := min(200, 16<<20/(len(d.text)+1)) // lines, so that a large document takes no time
	starts := append(lineStarts(d.text), len(d.text))
	parses := func(lines int) bool {
		var n yaml.Node
		return yaml.Unmarshal(d.text[:starts[lines]], &n) == nil
	}
	broken, last := named, len(starts)-1
	for line := max(named-1, 1); line < min(named+far, last); line++ {
		if parses(line) {
			broken = line + 1
		}
	}
	if broken == named+far && len(d.text) < 2<<20 {
		for end := last; end-broken > 0; {
			if middle := (broken + end) / 2; parses(middle) {
				broken = middle + 1
			} else {
				end = middle
			}
		}
	}
	return broken
}

// yamlErrorLine takes go-yaml's message apart: "yaml: line 7: did not find ...".
func yamlErrorLine(err error) (line int, cause string) {
	cause = strings.TrimPrefix(err.Error(), "yaml: ")
	if rest, found := strings.CutPrefix(cause, "line "); found {
		number, after, _ := strings.Cut(rest, ": ")
		if line, err := strconv.Atoi(number); err == nil {
			return line, after
		}
	}
	return 1, cause
}
