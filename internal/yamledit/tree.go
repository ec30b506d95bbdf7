package yamledit

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/openova-io/helm-cnpg-pair/internal/message"
)

// moreNodes is by how many nodes the documents of a stream may grow when their
// aliases are resolved.
const moreNodes = 20_000

type resolver struct {
	budget int          // how many nodes there may be
	open   []*yaml.Node // the anchored nodes that are being resolved
	line   func(int) int
}

// resolve returns the plain tree of a parsed node.
func resolve(n *yaml.Node) (*yaml.Node, error) {
	more := moreNodes
	return resolveWithin(n, func(line int) int { return line }, &more)
}

// resolveWithin is resolve for a document of a stream. line turns the lines of the
// nodes into those of the stream; more is by how many nodes the tree may still grow.
func resolveWithin(n *yaml.Node, line func(int) int, more *int) (*yaml.Node, error) {
	own := Count(n)
	r := &resolver{budget: own + *more, line: line}
	tree, err := r.node(n)
	*more = min(*more, max(r.budget, 0))
	return tree, err
}

// fail makes an [*Error] at a parsed node.
func (r *resolver) fail(n *yaml.Node, id message.ID, values ...string) error {
	return &Error{Line: r.line(n.Line), Err: message.New(id, values...)}
}

// Count returns how many nodes a tree has.
func Count(n *yaml.Node) int {
	count := 1
	for _, child := range n.Content {
		count += Count(child)
	}
	return count
}

func (r *resolver) node(n *yaml.Node) (*yaml.Node, error) {
	if r.budget--; r.budget < 0 {
		return nil, r.fail(n, message.TooManyNodes)
	}
	if n.Kind == yaml.AliasNode {
		if slices.Contains(r.open, n.Alias) {
			return nil, r.fail(n, message.AnchorInItself, "anchor", n.Value)
		}
		r.open = append(r.open, n.Alias)
		defer func() { r.open = r.open[:len(r.open)-1] }()
		return r.node(n.Alias)
	}
	plain := &yaml.Node{Kind: n.Kind, Style: n.Style, Tag: n.Tag, Value: n.Value, Line: r.line(n.Line)}
	if n.Kind == yaml.MappingNode {
		if err := r.entries(n, plain); err != nil {
			return nil, err
		}
		return plain, nil
	}
	for _, child := range n.Content {
		c, err := r.node(child)
		if err != nil {
			return nil, err
		}
		plain.Content = append(plain.Content, c)
	}
	return plain, nil
}

// entries fills a plain mapping with the entries of a parsed one: first its own, then
// those that its merge keys bring in.
func (r *resolver) entries(n, plain *yaml.Node) error {
	seen := make(map[string]bool, len(n.Content)/2)
	var merges []*yaml.Node
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, err := r.node(n.Content[i])
		if err != nil {
			return err
		}
		value, err := r.node(n.Content[i+1])
		if err != nil {
			return err
		}
		if isMerge(n.Content[i]) {
			merges = append(merges, value)
			continue
		}
		if key.Kind == yaml.ScalarNode && seen[key.Value] {
			return &Error{Line: key.Line, Err: message.New(message.KeyTwice, "key", key.Value)}
		}
		seen[key.Value] = true
		plain.Content = append(plain.Content, key, value)
	}
	for _, merge := range merges {
		sources := []*yaml.Node{merge}
		if merge.Kind == yaml.SequenceNode {
			sources = merge.Content
		}
		for _, source := range sources {
			if source.Kind != yaml.MappingNode {
				return &Error{Line: source.Line, Err: message.New(message.MergeNoMapping)}
			}
			for i := 0; i+1 < len(source.Content); i += 2 {
				if key := source.Content[i].Value; !seen[key] {
					seen[key] = true
					plain.Content = append(plain.Content, source.Content[i], source.Content[i+1])
				}
			}
		}
	}
	return nil
}

func isMerge(key *yaml.Node) bool { return key.Kind == yaml.ScalarNode && key.Tag == "!!merge" }

// Clone copies a tree.
func Clone(n *yaml.Node) *yaml.Node {
	c := *n
	c.Content = make([]*yaml.Node, len(n.Content))
	for i, child := range n.Content {
		c.Content[i] = Clone(child)
	}
	return &c
}

// Equal tells whether two trees have the same value for every YAML reader, of YAML
// 1.1 (Helm's) and of 1.2. The order of keys does not count.
func Equal(a, b *yaml.Node) bool {
	if a.Kind != b.Kind || len(a.Content) != len(b.Content) {
		return false
	}
	switch a.Kind {
	case yaml.ScalarNode:
		return IsNull(a) && IsNull(b) && (a.Tag == "!") == (b.Tag == "!") || a.Value == b.Value && a.ShortTag() == b.ShortTag() &&
			(isResolved(a) == isResolved(b) || readsAsString(a.Value))
	case yaml.MappingNode:
		others := make(map[string]int, len(b.Content)/2)
		for i := 0; i+1 < len(b.Content); i += 2 {
			others[nameOf(b.Content[i])] = i
		}
		for i := 0; i+1 < len(a.Content); i += 2 {
			j, ok := others[nameOf(a.Content[i])]
			if !ok || !Equal(a.Content[i], b.Content[j]) || !Equal(a.Content[i+1], b.Content[j+1]) {
				return false
			}
		}
	default:
		for i, child := range a.Content {
			if !Equal(child, b.Content[i]) {
				return false
			}
		}
	}
	return true
}

// nameOf returns a text that tells a key from the others, which may be collections.
func nameOf(key *yaml.Node) string {
	if len(key.Content) > 0 {
		return flowText(key)
	}
	return key.Value
}

func isPlain(n *yaml.Node) bool {
	return n.Style&(yaml.DoubleQuotedStyle|yaml.SingleQuotedStyle|yaml.LiteralStyle|yaml.FoldedStyle) == 0
}

// isResolved is true for a scalar whose type a reader finds out from its text.
func isResolved(n *yaml.Node) bool { return isPlain(n) && n.Style&yaml.TaggedStyle == 0 }

// readsAsString is true for a text that every YAML reader takes for a string: no
// number, date, null, merge key, or boolean of YAML 1.1.
func readsAsString(s string) bool {
	switch {
	case strings.Contains(s, "\n"), strings.HasSuffix(s, ":"), s == "...", s == "---":
		return true
	case s == "", strings.IndexByte("0123456789+-.~<=", s[0]) >= 0:
		return false
	}
	switch strings.ToLower(s) {
	case "y", "n", "yes", "no", "on", "off", "true", "false", "null":
		return false
	}
	return true
}

// IsSafePlain is true for a string that every YAML reader takes for a string when
// it is not quoted: it has no indicators, and is no number, date, or boolean of
// YAML 1.1.
func IsSafePlain(s string) bool {
	if !readsAsString(s) || !alphanumeric(s[0]) {
		return false
	}
	for i := range len(s) {
		if !alphanumeric(s[i]) && !strings.ContainsRune("-_./", rune(s[i])) {
			return false
		}
	}
	return true
}

// Get returns the value of a key of a mapping, nil where there is no such key or m
// is not a mapping.
func Get(m *yaml.Node, key string) *yaml.Node {
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

// index returns the values of a mapping by their keys.
func index(m *yaml.Node) map[string]*yaml.Node {
	values := make(map[string]*yaml.Node, len(m.Content)/2)
	for i := 0; i+1 < len(m.Content); i += 2 {
		values[m.Content[i].Value] = m.Content[i+1]
	}
	return values
}

// Scalar returns the text of the scalar that is the value of a key of a mapping, ""
// for anything else.
func Scalar(m *yaml.Node, key string) string {
	if n := Get(m, key); n != nil {
		return n.Value // a collection has none
	}
	return ""
}

// Set gives a key of a mapping a value. A new key comes last.
func Set(m *yaml.Node, key string, value *yaml.Node) {
	for i := 0; i+1 < len(m.Content); i += 2 {
		if m.Content[i].Value == key {
			m.Content[i+1] = value
			return
		}
	}
	m.Content = append(m.Content, String(key), value)
}

// Remove takes a key, if it is there, out of a mapping.
func Remove(m *yaml.Node, key string) {
	for i := 0; i+1 < len(m.Content); i += 2 {
		if m.Content[i].Value == key {
			m.Content = slices.Delete(m.Content, i, i+2)
			return
		}
	}
}

// IsNull is true for a null and for no node at all.
func IsNull(n *yaml.Node) bool {
	return n == nil || n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null"
}

// At returns the node at a dotted path, nil where any part of it is absent or null.
// Its error is an [*Error], for a part on the way that is not a mapping.
func At(root *yaml.Node, path string) (*yaml.Node, error) {
	n, walked := root, ""
	for key := range strings.SplitSeq(path, ".") {
		if IsNull(n) {
			return nil, nil
		}
		if n.Kind != yaml.MappingNode {
			return nil, &Error{walked, n.Line, expectedMapping}
		}
		n = Get(n, key)
		walked = strings.TrimPrefix(walked+"."+key, ".")
	}
	if IsNull(n) {
		return nil, nil
	}
	return n, nil
}

var (
	expectedMapping  = message.New(message.ExpectedMapping)
	expectedSequence = message.New(message.ExpectedSequence)
	expectedString   = message.New(message.ExpectedString)
	expectedInteger  = message.New(message.ExpectedInteger)
)

// kindAt is At for a node that must be of a kind; expected is the error where it is
// not.
func kindAt(root *yaml.Node, path string, kind yaml.Kind, expected *message.Message) (*yaml.Node, error) {
	n, err := At(root, path)
	if err == nil && n != nil && n.Kind != kind {
		err = &Error{path, n.Line, expected}
	}
	if err != nil {
		return nil, err
	}
	return n, nil
}

// MappingAt is [At] for a mapping; its error may be that there is something else.
func MappingAt(root *yaml.Node, path string) (*yaml.Node, error) {
	return kindAt(root, path, yaml.MappingNode, expectedMapping)
}

// SequenceAt is [At] for a sequence; its error may be that there is something else.
func SequenceAt(root *yaml.Node, path string) (*yaml.Node, error) {
	return kindAt(root, path, yaml.SequenceNode, expectedSequence)
}

// StringAt is [At] for the text of a scalar, "" where it is absent or null; its error
// may be that there is something else.
func StringAt(root *yaml.Node, path string) (string, error) {
	n, err := kindAt(root, path, yaml.ScalarNode, expectedString)
	if n == nil {
		return "", err
	}
	return n.Value, nil
}

// IntAt is [At] for an integer, fallback where it is absent or null; its error may be
// that there is something else.
func IntAt(root *yaml.Node, path string, fallback int) (int, error) {
	n, err := kindAt(root, path, yaml.ScalarNode, expectedInteger)
	if n == nil {
		return fallback, err
	}
	var i int
	if n.ShortTag() != "!!int" || n.Decode(&i) != nil {
		return 0, &Error{path, n.Line, expectedInteger}
	}
	return i, nil
}

// MappingsAt is [At] for the items of a sequence of mappings; its error may be that
// there is something else.
func MappingsAt(root *yaml.Node, path string) ([]*yaml.Node, error) {
	n, err := SequenceAt(root, path)
	if n == nil {
		return nil, err
	}
	for i, item := range n.Content {
		if item.Kind != yaml.MappingNode {
			return nil, &Error{fmt.Sprintf("%s[%d]", path, i), item.Line, expectedMapping}
		}
	}
	return n.Content, nil
}

// InItem puts the path of item i of a list before the path of an error that was made
// in this item. It returns an error that is not an [*Error] as it is.
func InItem(err error, list string, i int) error {
	if e, ok := err.(*Error); ok {
		return &Error{strings.TrimSuffix(fmt.Sprintf("%s[%d].%s", list, i, e.Path), "."), e.Line, e.Err}
	}
	return err
}

// MakeMapping returns the mapping at path. It makes it, and the mappings on the way,
// where they are absent or null; nothing else may be there, which [MappingAt] tells.
func MakeMapping(root *yaml.Node, path string) *yaml.Node {
	for key := range strings.SplitSeq(path, ".") {
		child := Get(root, key)
		if IsNull(child) {
			child = Map()
			Set(root, key, child)
		}
		root = child
	}
	return root
}

// Append adds items to the sequence at path. It makes it, and the mappings on the
// way, where they are absent or null; nothing else may be there, which [SequenceAt]
// tells.
func Append(root *yaml.Node, path string, items ...*yaml.Node) {
	key := path
	if i := strings.LastIndexByte(path, '.'); i >= 0 {
		root, key = MakeMapping(root, path[:i]), path[i+1:]
	}
	sequence := Get(root, key)
	if IsNull(sequence) {
		sequence = List()
		Set(root, key, sequence)
	}
	sequence.Content = append(sequence.Content, items...)
}

// IsTrue reads a boolean as Helm does, by YAML 1.1.
func IsTrue(n *yaml.Node) bool { return isOneOf(n, "true", "yes", "on", "y") }

// IsFalse reads a boolean as Helm does, by YAML 1.1.
func IsFalse(n *yaml.Node) bool { return isOneOf(n, "false", "no", "off", "n") }

func isOneOf(n *yaml.Node, words ...string) bool {
	return !IsNull(n) && n.Kind == yaml.ScalarNode && isPlain(n) && slices.Contains(words, strings.ToLower(n.Value))
}

// String makes a string, in quotes where a reader might take it for something else.
func String(s string) *yaml.Node {
	n := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: s}
	if !IsSafePlain(s) {
		n.Style = yaml.DoubleQuotedStyle
	}
	return n
}

// Bool makes a boolean.
func Bool(b bool) *yaml.Node {
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!bool", Value: fmt.Sprint(b)}
}

// Int makes an integer.
func Int(i int) *yaml.Node {
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!int", Value: strconv.Itoa(i)}
}

// Map makes a mapping of keys, which are strings, and values, which are strings or
// nodes, in turn.
func Map(pairs ...any) *yaml.Node {
	m := &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map"}
	for i := 0; i < len(pairs); i += 2 {
		value, ok := pairs[i+1].(*yaml.Node)
		if !ok {
			value = String(pairs[i+1].(string))
		}
		m.Content = append(m.Content, String(pairs[i].(string)), value)
	}
	return m
}

// List makes a sequence.
func List(items ...*yaml.Node) *yaml.Node {
	return &yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq", Content: items}
}

func alphanumeric(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
}
