package postrender

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// The expansion works on plain trees: yaml nodes without aliases, merge keys
// or comments, in which every mapping has each key once. resolve makes one;
// the functions below read and change it by dotted paths, "spec.affinity".

// fieldError is a field that does not have the shape that it must have.
type fieldError struct {
	path string // as in "spec.affinity"
	line int    // in the parsed text
	err  error
	cure string // none: how to see what shape CNPG asks for
}

func (e *fieldError) Error() string {
	if e.path == "" {
		return e.err.Error()
	}
	return e.path + ": " + e.err.Error()
}

// moreNodes bounds by how many nodes aliases may multiply a document.
const moreNodes = 50_000

var errTooManyNodes = errors.New("the document grows beyond all bounds when its aliases are resolved")

type resolver struct {
	budget int          // how many nodes there may be
	open   []*yaml.Node // the anchored nodes that are being resolved
}

// resolve returns the plain tree of a parsed node.
func resolve(n *yaml.Node) (*yaml.Node, error) {
	return (&resolver{budget: countNodes(n) + moreNodes}).node(n)
}

func countNodes(n *yaml.Node) int {
	count := 1
	for _, child := range n.Content {
		count += countNodes(child)
	}
	return count
}

func (r *resolver) node(n *yaml.Node) (*yaml.Node, error) {
	if r.budget--; r.budget < 0 {
		return nil, &fieldError{line: n.Line, err: errTooManyNodes, cure: "write the values out instead of nesting aliases"}
	}
	if n.Kind == yaml.AliasNode {
		if slices.Contains(r.open, n.Alias) {
			return nil, &fieldError{line: n.Line, err: fmt.Errorf("anchor %q contains itself", n.Value), cure: "write the value out"}
		}
		r.open = append(r.open, n.Alias)
		defer func() { r.open = r.open[:len(r.open)-1] }()
		return r.node(n.Alias)
	}
	plain := &yaml.Node{Kind: n.Kind, Style: n.Style, Tag: n.Tag, Value: n.Value, Line: n.Line, Column: n.Column}
	if n.Kind != yaml.MappingNode {
		for _, child := range n.Content {
			c, err := r.node(child)
			if err != nil {
				return nil, err
			}
			plain.Content = append(plain.Content, c)
		}
		return plain, nil
	}
	seen := make(map[string]bool, len(n.Content)/2)
	var merges []*yaml.Node
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, err := r.node(n.Content[i])
		if err != nil {
			return nil, err
		}
		value, err := r.node(n.Content[i+1])
		if err != nil {
			return nil, err
		}
		if isMerge(n.Content[i]) {
			merges = append(merges, value)
			continue
		}
		if key.Kind == yaml.ScalarNode {
			if seen[key.Value] {
				return nil, &fieldError{line: key.Line, err: fmt.Errorf("key %q is there twice", key.Value), cure: "keep one of the two"}
			}
			seen[key.Value] = true
		}
		plain.Content = append(plain.Content, key, value)
	}
	for _, merge := range merges {
		sources := []*yaml.Node{merge}
		if merge.Kind == yaml.SequenceNode {
			sources = merge.Content
		}
		for _, source := range sources {
			if source.Kind != yaml.MappingNode {
				return nil, &fieldError{line: source.Line, err: errors.New("a merge key (<<) takes a mapping"), cure: "write the keys out"}
			}
			for i := 0; i+1 < len(source.Content); i += 2 {
				if get(plain, source.Content[i].Value) == nil {
					plain.Content = append(plain.Content, source.Content[i], source.Content[i+1])
				}
			}
		}
	}
	return plain, nil
}

func isMerge(key *yaml.Node) bool { return key.Kind == yaml.ScalarNode && key.Tag == "!!merge" }

// clone copies a plain tree.
func clone(n *yaml.Node) *yaml.Node {
	c := *n
	c.Content = make([]*yaml.Node, len(n.Content))
	for i, child := range n.Content {
		c.Content[i] = clone(child)
	}
	return &c
}

// same tells whether two plain trees hold the same value for every YAML
// reader, one of YAML 1.1 (Helm's) among them. The order of keys does not
// count.
func same(a, b *yaml.Node) bool {
	if a.Kind != b.Kind || len(a.Content) != len(b.Content) {
		return false
	}
	switch a.Kind {
	case yaml.ScalarNode:
		return a.Value == b.Value && a.ShortTag() == b.ShortTag() &&
			(isPlain(a) == isPlain(b) || safePlain(a.Value))
	case yaml.MappingNode:
		others := index(b)
		for i := 0; i+1 < len(a.Content); i += 2 {
			other := others[a.Content[i].Value]
			if other == nil || !same(a.Content[i+1], other) {
				return false
			}
		}
	default:
		for i, child := range a.Content {
			if !same(child, b.Content[i]) {
				return false
			}
		}
	}
	return true
}

func isPlain(n *yaml.Node) bool {
	return n.Style&(yaml.DoubleQuotedStyle|yaml.SingleQuotedStyle|yaml.LiteralStyle|yaml.FoldedStyle) == 0
}

// safePlain is true for a string that every YAML reader takes for a string
// when it stands unquoted: no number, date, boolean of YAML 1.1, or indicator.
func safePlain(s string) bool {
	if s == "" || !(s[0] >= 'a' && s[0] <= 'z' || s[0] >= 'A' && s[0] <= 'Z') || strings.HasSuffix(s, ":") {
		return false
	}
	for i := range len(s) {
		if !alphanumeric(s[i]) && !strings.ContainsRune("-_./", rune(s[i])) {
			return false
		}
	}
	switch strings.ToLower(s) {
	case "y", "n", "yes", "no", "on", "off", "true", "false", "null":
		return false
	}
	return true
}

func get(m *yaml.Node, key string) *yaml.Node {
	if m == nil || m.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(m.Content); i += 2 {
		if m.Content[i].Value == key {
			return m.Content[i+1]
		}
	}
	return nil
}

// index is get for many keys.
func index(m *yaml.Node) map[string]*yaml.Node {
	values := make(map[string]*yaml.Node, len(m.Content)/2)
	for i := 0; i+1 < len(m.Content); i += 2 {
		values[m.Content[i].Value] = m.Content[i+1]
	}
	return values
}

func set(m *yaml.Node, key string, value *yaml.Node) {
	for i := 0; i+1 < len(m.Content); i += 2 {
		if m.Content[i].Value == key {
			m.Content[i+1] = value
			return
		}
	}
	m.Content = append(m.Content, str(key), value)
}

func remove(m *yaml.Node, key string) {
	for i := 0; i+1 < len(m.Content); i += 2 {
		if m.Content[i].Value == key {
			m.Content = slices.Delete(m.Content, i, i+2)
			return
		}
	}
}

func isNull(n *yaml.Node) bool {
	return n == nil || n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null"
}

// at walks a dotted path of mappings and returns the node at its end, nil if
// any part is absent or null.
func at(root *yaml.Node, path string) (*yaml.Node, error) {
	n, walked := root, ""
	for key := range strings.SplitSeq(path, ".") {
		if isNull(n) {
			return nil, nil
		}
		if n.Kind != yaml.MappingNode {
			return nil, &fieldError{path: walked, line: n.Line, err: errors.New("expected a mapping")}
		}
		n = get(n, key)
		walked = strings.TrimPrefix(walked+"."+key, ".")
	}
	if isNull(n) {
		return nil, nil
	}
	return n, nil
}

func ofKind(root *yaml.Node, path string, kind yaml.Kind, name string) (*yaml.Node, error) {
	n, err := at(root, path)
	if err == nil && n != nil && n.Kind != kind {
		err = &fieldError{path: path, line: n.Line, err: errors.New("expected " + name)}
	}
	if err != nil {
		return nil, err
	}
	return n, nil
}

// mappingAt returns the mapping at path, nil if it is absent or null.
func mappingAt(root *yaml.Node, path string) (*yaml.Node, error) {
	return ofKind(root, path, yaml.MappingNode, "a mapping")
}

// stringAt returns the scalar at path, "" if it is absent or null.
func stringAt(root *yaml.Node, path string) (string, error) {
	n, err := ofKind(root, path, yaml.ScalarNode, "a string")
	if n == nil {
		return "", err
	}
	return n.Value, nil
}

// mappingsAt returns the items of the sequence of mappings at path.
func mappingsAt(root *yaml.Node, path string) ([]*yaml.Node, error) {
	n, err := ofKind(root, path, yaml.SequenceNode, "a sequence")
	if n == nil {
		return nil, err
	}
	for i, item := range n.Content {
		if item.Kind != yaml.MappingNode {
			return nil, &fieldError{path: fmt.Sprintf("%s[%d]", path, i), line: item.Line, err: errors.New("expected a mapping")}
		}
	}
	return n.Content, nil
}

// makeAt returns the node of that kind at path, which it makes, with its
// parents, where it is absent or null.
func makeAt(root *yaml.Node, path string, kind yaml.Kind) *yaml.Node {
	n := root
	keys := strings.Split(path, ".")
	for i, key := range keys {
		child := get(n, key)
		if isNull(child) {
			child = &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map"}
			if i == len(keys)-1 && kind == yaml.SequenceNode {
				child = list()
			}
			set(n, key, child)
		}
		n = child
	}
	return n
}

// isTrue reads a boolean as Helm does, by YAML 1.1.
func isTrue(n *yaml.Node) bool {
	return !isNull(n) && n.Kind == yaml.ScalarNode && isPlain(n) && (Truthy(n.Value) || n.Value == "y" || n.Value == "Y") && n.Value != "1"
}

// isFalse reads a boolean as Helm does, by YAML 1.1.
func isFalse(n *yaml.Node) bool {
	if isNull(n) || n.Kind != yaml.ScalarNode || !isPlain(n) {
		return false
	}
	switch strings.ToLower(n.Value) {
	case "false", "no", "off", "n":
		return true
	}
	return false
}

func str(s string) *yaml.Node {
	n := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: s}
	if !safePlain(s) {
		n.Style = yaml.DoubleQuotedStyle
	}
	return n
}

func boolean(b bool) *yaml.Node {
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!bool", Value: fmt.Sprint(b)}
}

// dict makes a mapping of keys and values in turn; a value is a string or a
// node.
func dict(pairs ...any) *yaml.Node {
	m := &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map"}
	for i := 0; i < len(pairs); i += 2 {
		value, ok := pairs[i+1].(*yaml.Node)
		if !ok {
			value = str(pairs[i+1].(string))
		}
		m.Content = append(m.Content, str(pairs[i].(string)), value)
	}
	return m
}

func list(items ...*yaml.Node) *yaml.Node {
	return &yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq", Content: items}
}
