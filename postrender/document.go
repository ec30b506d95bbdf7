package postrender

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

const apiGroup = "postgresql.cnpg.io"

// Source is one input: a name for messages ("stdin", a file's name) and the
// rendered manifests.
type Source struct {
	Name string
	Data []byte
}

// document is a document of a source that was parsed, because it may hold a
// Cluster or an object whose name a pair needs.
type document struct {
	source *Source
	piece
	text    []byte     // the document; a line break is added where the stream ends without one
	padded  bool       // that was so
	altered bool       // the text is not, byte for byte, that of the source
	lines   []int      // the line in the source of each line of text, once one was asked for
	root    *yaml.Node // as parsed, with positions in text
	tree    *yaml.Node // the plain tree
}

func scalar(m *yaml.Node, key string) string {
	if n := get(m, key); n != nil && n.Kind == yaml.ScalarNode {
		return n.Value
	}
	return ""
}

// mayHoldCluster is the cheap and generous filter: true for every document that
// holds a Cluster, and for some that do not.
func mayHoldCluster(text []byte) bool {
	if !bytes.Contains(text, []byte(apiGroup)) && !escapedAPIVersion(text) {
		return false
	}
	h := readHead(text)
	return !h.sure || h.isList() || h.isCluster()
}

// escapedAPIVersion is true where an apiVersion is a double-quoted string with
// an escape, which may hide the group from a search.
func escapedAPIVersion(text []byte) bool {
	for {
		_, rest, found := bytes.Cut(text, []byte("apiVersion"))
		if !found {
			return false
		}
		text = rest
		value := bytes.TrimLeft(rest, "\"': \t\r\n")
		if at := len(rest) - len(value); at == 0 || rest[at-1] != '"' {
			continue
		}
		if end := bytes.IndexByte(value, '"'); end > 0 && bytes.IndexByte(value[:end], '\\') >= 0 {
			return true
		}
	}
}

// head is what the lines at column 0 say of a document.
type head struct {
	apiVersion, kind string
	sure             bool // both stand there, once, plainly
}

func (h head) isList() bool { return strings.HasSuffix(h.kind, "List") }

func (h head) isCluster() bool {
	return strings.HasPrefix(h.apiVersion, apiGroup+"/") && h.kind == "Cluster"
}

// readHead reads the top-level apiVersion and kind of a document in block
// style, without parsing it.
func readHead(text []byte) head {
	h := head{sure: true}
	for line := range bytes.Lines(text) {
		switch c := line[0]; {
		case c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z':
			key, value, found := bytes.Cut(line, []byte(":"))
			field := &h.apiVersion
			switch string(key) {
			case "apiVersion":
			case "kind":
				field = &h.kind
			default:
				continue
			}
			value, _, _ = bytes.Cut(value, []byte(" #"))
			value = bytes.TrimSpace(value)
			h.sure = h.sure && found && *field == "" && safePlain(string(value))
			*field = string(value)
		case c == ' ' || c == '#' || c == '\n' || c == '\r' || c == '-':
		default:
			h.sure = false
		}
	}
	h.sure = h.sure && h.apiVersion != "" && h.kind != ""
	return h
}

// claimsCluster judges a document that does not parse: true when it is meant
// to be, or to hold, a Cluster, so that its error is ours to report.
func claimsCluster(text []byte) bool {
	// the expressions are compiled here, because package variables would cost every start
	const (
		key     = `["']?%s["']?[ \t]*:[ \t]*["']?`
		group   = `postgresql\.cnpg\.io\\?/`
		anyKind = `([A-Za-z]*)`
	)
	find := func(anchor, name, value string) [][]byte {
		return regexp.MustCompile(anchor + fmt.Sprintf(key, name) + value).FindSubmatch(text)
	}
	if find(`(?m)^`, "apiVersion", group) != nil {
		kind := find(`(?m)^`, "kind", anyKind)
		return kind == nil || string(kind[1]) == "Cluster"
	}
	begin := bytes.TrimLeft(text, " \t\r\n")
	kind := find(`(?m)^`, "kind", anyKind)
	if len(begin) > 0 && (begin[0] == '{' || begin[0] == '[') || kind != nil && bytes.HasSuffix(kind[1], []byte("List")) {
		return find("", "apiVersion", group) != nil && find("", "kind", `Cluster\b`) != nil
	}
	return false
}

// parse reads the document in a piece of a source. Its errors are [*Error].
func parse(source *Source, p piece) (*document, error) {
	d := &document{source: source, piece: p, text: source.Data[p.body:p.end]}
	var err error
	d.root, d.tree, err = parseText(d.text)
	if err != nil && json.Valid(d.text) {
		d.text, d.altered = plainJSON(d.text), true
		d.root, d.tree, err = parseText(d.text)
	}
	if err != nil {
		e := d.locate(err)
		e.Object = d.claimedTitle()
		return nil, e
	}
	if len(d.text) > 0 && d.text[len(d.text)-1] != '\n' && d.root != nil {
		if err := d.pad(); err != nil {
			return nil, err
		}
	}
	return d, nil
}

// plainJSON writes the escapes of JSON strings that go-yaml refuses as what they
// stand for: "\/", and characters in two halves of UTF-16.
func plainJSON(text []byte) []byte {
	var out []byte
	unit := func(at int) rune { // of the escape at an offset
		if at+6 > len(text) || text[at] != '\\' || text[at+1] != 'u' {
			return utf8.RuneError
		}
		code, err := strconv.ParseUint(string(text[at+2:at+6]), 16, 16)
		if err != nil {
			return utf8.RuneError
		}
		return rune(code)
	}
	for i := 0; i < len(text); i++ {
		if text[i] != '\\' || i+1 == len(text) {
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

// claimedTitle names the Cluster in a document that cannot be read, as well as
// it can be told.
func (d *document) claimedTitle() string {
	name := regexp.MustCompile(`(?m)^["']?metadata["']?:[ \t]*\r?\n(?:[ \t]+.*\n)*?[ \t]+["']?name["']?:[ \t]*["']?([^\s"'#]+)`).FindSubmatch(d.text)
	if name == nil {
		return "Cluster"
	}
	return "Cluster " + string(name[1])
}

// parseText parses one document: nil trees for one that holds nothing.
func parseText(text []byte) (root, tree *yaml.Node, err error) {
	var n yaml.Node
	if err := yaml.Unmarshal(text, &n); err != nil {
		return nil, nil, err
	}
	if n.Kind != yaml.DocumentNode || len(n.Content) == 0 {
		return nil, nil, nil
	}
	tree, err = resolve(n.Content[0])
	return n.Content[0], tree, err
}

// pad ends the document with a line break, so that a line can follow it. A
// block scalar at its end is told to strip that break, which is none of its
// value.
func (d *document) pad() error {
	d.padded, d.altered = true, true
	eol := lineBreak(d.text)
	text := append(bytes.Clone(d.text), eol...)
	root, tree, err := parseText(text)
	if err == nil && tree != nil && !same(tree, d.tree) {
		l := newLayout(text, root)
		leaf := root
		for len(leaf.Content) > 0 {
			leaf = leaf.Content[len(leaf.Content)-1]
		}
		line := leaf.Line - 1
		header, _ := blockScalarHeader(l.line(line))
		start := l.lines[line] + bytes.LastIndex(l.line(line), []byte(header))
		strip := strings.Replace(header, "+", "", 1) + "-"
		text = append(append(bytes.Clone(text[:start]), strip...), text[start+len(header):]...)
		root, tree, err = parseText(text)
	}
	if err != nil || tree == nil || !same(tree, d.tree) {
		e := d.locate(errors.New("the stream ends in the middle of a line"))
		e.Cure = "end it with a line break"
		return e
	}
	d.text, d.lines, d.root, d.tree = text, nil, root, tree
	return nil
}

// objects returns the objects of a document: the document itself, or the items
// of a List, of Lists in it too.
func (d *document) objects() []*yaml.Node {
	if d.tree == nil {
		return nil
	}
	return objectsIn(d.tree)
}

func objectsIn(tree *yaml.Node) []*yaml.Node {
	items := listItems(tree)
	if items == nil {
		return []*yaml.Node{tree}
	}
	var all []*yaml.Node
	for _, item := range items.Content {
		all = append(all, objectsIn(item)...)
	}
	return all
}

// listItems returns the items of a List, nil for anything else.
func listItems(tree *yaml.Node) *yaml.Node {
	items := get(tree, "items")
	if items == nil || items.Kind != yaml.SequenceNode || !strings.HasSuffix(scalar(tree, "kind"), "List") {
		return nil
	}
	return items
}

// streamLine turns a line of the parsed text into one of the source. The lines of
// a document are counted once: a List may ask for each of thousands of objects.
func (d *document) streamLine(line int) int {
	if d.lines == nil {
		number, counted := d.line, d.body
		for _, start := range lineStarts(d.text) {
			at := min(d.body+start, d.end)
			number += bytes.Count(d.source.Data[counted:at], []byte("\n"))
			d.lines, counted = append(d.lines, number), at
		}
	}
	return d.lines[min(max(line, 1), len(d.lines))-1]
}

// locate makes an [*Error] of what went wrong in the document.
func (d *document) locate(err error) *Error {
	located := &Error{Source: d.source.Name, Line: d.line, Err: err}
	var field *fieldError
	if errors.As(err, &field) {
		located.Line = d.streamLine(field.line)
		located.Cure = field.cure
		if field.cure == "" {
			located.Cure = "kubectl explain cluster." + regexp.MustCompile(`\[\d+\]`).ReplaceAllString(field.path, "") + " --api-version=postgresql.cnpg.io/v1 shows its shape"
		}
	} else if line, message, ok := yamlErrorLine(err); ok {
		located.Line = d.streamLine(d.brokenLine(line))
		located.Err = fmt.Errorf("not YAML: %s", message)
		located.Cure = "mend that line of the rendered manifest, or the template that it comes from"
	}
	return located
}

// brokenLine finds the line at which a document stops to be YAML. go-yaml often
// names the beginning of the block around it, so from there on it is the line
// behind the longest beginning of the document that parses: searched for line by
// line, because a beginning may also end within quotes, and in halves where it is
// far away.
func (d *document) brokenLine(named int) int {
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
		for behind := last; behind-broken > 0; {
			if middle := (broken + behind) / 2; parses(middle) {
				broken = middle + 1
			} else {
				behind = middle
			}
		}
	}
	return broken
}

// yamlErrorLine takes apart what go-yaml says: "yaml: line 7: did not find ...".
func yamlErrorLine(err error) (line int, message string, ok bool) {
	text, ok := strings.CutPrefix(err.Error(), "yaml: ")
	if !ok {
		return 0, "", false
	}
	if rest, found := strings.CutPrefix(text, "line "); found {
		number, message, _ := strings.Cut(rest, ": ")
		if line, err := strconv.Atoi(number); err == nil {
			return line, message, true
		}
	}
	return 1, text, true
}
