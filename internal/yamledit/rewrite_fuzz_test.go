package yamledit

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	goccy "github.com/goccy/go-yaml"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	yamlv2 "go.yaml.in/yaml/v2"
	"go.yaml.in/yaml/v3"

	"github.com/openova-io/helm-cnpg-pair/internal/message"
)

// FuzzRewrite: a random tree in the place of that of a random document. The result
// reads as the trees that were wanted, for the parser of this package, for the
// decoder of go-yaml 3 and for a reader of YAML 1.1; the lines of entries that did
// not change are still there, in order; no byte outside the document has changed.
// Or the error is [message.NotWritten].
//
// A stream without text is generated from the seed.
func FuzzRewrite(f *testing.F) {
	for seed := range uint64(100) {
		f.Add("", seed)
		f.Add(newGenerator(seed).stream(), seed)
	}
	f.Fuzz(func(t *testing.T, text string, seed uint64) {
		if text == "" {
			text = newGenerator(seed).stream()
		}
		judgeRewrite(t, text, seed, false)
	})
}

// TestRewriteGenerated is FuzzRewrite with generated streams only, and with a reader more.
// Nearly all of them can be written, and nearly all block mappings with a key that stays
// are edited in place.
func TestRewriteGenerated(t *testing.T) {
	count := make(map[outcome]int)
	all := *generated
	for i := range all {
		seed := *first + uint64(i)
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			result := judgeRewrite(t, newGenerator(seed).stream(), seed, true)
			if count[result]++; result == notWritten || result == fromTreeWithKey {
				t.Logf("seed %d: not in place, written: %v", seed, result != notWritten)
			}
		})
	}
	t.Logf("%d in place, %d not written, %d whole (%d mappings with a key that stays), %d without content",
		count[inPlace], count[notWritten], count[fromTree]+count[fromTreeWithKey], count[fromTreeWithKey], count[notRead])
	if count[notWritten] > all/5000 || count[fromTreeWithKey] > 3+all/1000 {
		t.Error("fewer documents are edited in place than before")
	}
}

var (
	generated = flag.Int("generated", 2000, "how many generated documents are edited, and how many grow")
	first     = flag.Uint64("first", 0, "the seed of the first of them")
)

// TestReadElsewhere: the reader that shares no code with the others reads a good part of
// what the generator writes, so that it judges something.
func TestReadElsewhere(t *testing.T) {
	all, read := 0, 0
	for i := range *generated {
		stream := []byte(newGenerator(*first + uint64(i)).stream())
		for _, piece := range Split(stream) {
			if d, err := Parse(stream, piece); err == nil && d.Tree != nil {
				all++
				if readsElsewhere(stream[piece.Body:piece.End], d.Tree) {
					read++
				}
			}
		}
	}
	t.Logf("%d of %d documents", read, all)
	if read < all/3 {
		t.Error("too few")
	}
}

// TestGrows: where a document only grows, as that of a primary does, every comment
// stays, in order, or, which is very rare, its line is named.
func TestGrows(t *testing.T) {
	changed, missed := 0, 0
	var documents []uint64 // the seeds of those that miss some
	for i := range *generated {
		seed := *first + uint64(i)
		stream, g := []byte(newGenerator(seed).stream()), newGenerator(seed^0x9705)
		pieces := Split(stream)
		piece := pieces[g.IntN(len(pieces))]
		d, err := Parse(stream, piece)
		if err != nil || d.Tree == nil || d.Tree.Kind == yaml.ScalarNode {
			continue
		}
		want := d.Tree
		for range 1 + g.IntN(3) {
			want = g.grown(want)
		}
		changes := map[*yaml.Node]Change{d.Tree: {InPlace: want}}
		if d.Tree.Kind == yaml.SequenceNode && g.chance(70) {
			i := g.IntN(len(d.Tree.Content) + 1)
			if i < len(d.Tree.Content) && d.Tree.Content[i].Kind != yaml.ScalarNode {
				item := d.Tree.Content[i]
				changes = map[*yaml.Node]Change{item: {InPlace: g.grown(item), Added: []Added{{Tree: g.grown(item), Copy: true}}}}
			}
		}
		edits, lost, err := d.Rewrite(changes, "")
		if err != nil {
			t.Fatalf("seed %d: %v\n%s", seed, err, d.text)
		}
		out := string(Apply(stream, edits))
		rest := out
		for _, comment := range numbered.FindAllString(string(stream), -1) {
			_, after, found := strings.Cut(rest, comment)
			if line := 1 + strings.Count(string(stream[:bytes.Index(stream, []byte(comment))]), "\n"); !found && slices.Contains(lost, line) {
				if missed++; len(documents) == 0 || documents[len(documents)-1] != seed {
					documents = append(documents, seed)
				}
				continue
			}
			if !found {
				t.Errorf("seed %d: the comment %s is lost, or not in order\n--- in:\n%s\n--- out:\n%s", seed, comment, stream, out)
				break
			}
			rest = after
		}
		changed++
	}
	t.Logf("%d documents; %d comments missed, of the seeds %d", changed, missed, documents)
	if len(documents) > *generated/20000 {
		t.Error("more comments are missed than before")
	}
}

var numbered = regexp.MustCompile(`<[0-9]+>`)

type outcome int

const (
	notRead outcome = iota
	inPlace
	fromTree        // written whole, where there was nothing to keep but its own comments
	fromTreeWithKey // written whole, although it is a block mapping with a key that stays
	notWritten
)

// judgeRewrite makes random changes to one document of a stream. The reader that shares
// no code with the others judges only what the generator writes: it has errors too many
// for anything else.
func judgeRewrite(t *testing.T, text string, seed uint64, elsewhere bool) outcome {
	stream, g := []byte(text), newGenerator(seed^0xfeed)
	pieces := Split(stream)
	at := g.IntN(len(pieces))
	piece := pieces[at]
	d, err := Parse(stream, piece)
	if err != nil {
		var located *Error
		last := piece.Line + bytes.Count(stream[piece.Body:piece.End], []byte("\n"))
		if !errors.As(err, &located) || located.Line < piece.Line || located.Line > last {
			t.Fatalf("%v of %T, which is not in lines %d to %d of\n%s", err, err, piece.Line, last, text)
		}
		return notRead
	}
	if d.Tree == nil {
		return notRead
	}
	changes, want := randomChanges(g, d.Tree)
	edits, lost, err := d.Rewrite(changes, "# at the top")
	var said *message.Message
	if errors.As(err, &said) && said.ID == message.NotWritten {
		return notWritten
	}
	if err != nil {
		t.Fatal(err)
	}

	out := Apply(stream, edits)
	fail := func(format string, values ...any) {
		t.Helper()
		t.Fatalf("seed %d: %s\n--- in:\n%s\n--- out:\n%s", seed, fmt.Sprintf(format, values...), text, out)
	}
	before, after := stream[:piece.Body], stream[piece.End:]
	if !bytes.HasPrefix(out, before) || !bytes.HasSuffix(out, after) || len(out) < len(before)+len(after) {
		fail("a byte outside the document has changed")
	}
	results := Split(out)
	if got := len(results) - len(pieces) + 1; got != len(want) {
		fail("%d documents, want %d", got, len(want))
	}
	reads12 := yaml.Unmarshal(stream[piece.Body:piece.End], new(any)) == nil // not an alias of a List as a merge key, and the like
	reads11 := readsAs11(stream[piece.Body:piece.End], d.Tree)
	readsElse := elsewhere && readsElsewhere(stream[piece.Body:piece.End], d.Tree)
	for i, want := range want {
		result := results[at+i]
		body := out[result.Body:result.End]
		again, err := Parse(out, result)
		if err != nil || again.Tree == nil || !Equal(again.Tree, want) {
			fail("document %d is another one: %v\n%s", i, err, blockText(want))
		}
		if v, err := decode(want); err == nil && reads12 {
			var got any
			if err := yaml.Unmarshal(body, &got); err != nil {
				fail("document %d: %v", i, err)
			}
			if diff := cmp.Diff(v, got, cmpopts.EquateNaNs()); diff != "" {
				fail("document %d by YAML 1.2: -want +got:\n%s", i, diff)
			}
		}
		if reads11 && !readsAs11(body, want) {
			fail("document %d reads otherwise by YAML 1.1", i)
		}
		if readsElse && !misread.Match(body) && !readsElsewhere(body, want) {
			fail("document %d reads otherwise by goccy/go-yaml", i)
		}
	}

	w := &writer{layout: newLayout(d.text, d.root), changes: changes}
	_, document := changes[d.Tree]
	tried := want[0]
	if !document {
		tried = w.changed(d.Tree, false)
	}
	for _, line := range untouched(d, tried) {
		comment := numbered.Find(line)
		at := bytes.Index(stream, comment)
		if len(comment) > 0 && document && !bytes.Contains(out, comment) && !slices.Contains(lost, 1+bytes.Count(stream[:at], []byte("\n"))) {
			fail("the comment %s is lost, and nobody knows", comment)
		}
	}
	if done := w.editsInPlace(tried); !decodesTo(apply(d.text, 0, len(d.text), done), tried) {
		for i := 0; d.root.Style&yaml.FlowStyle == 0 && d.Tree.Kind == yaml.MappingNode && i < len(d.Tree.Content); i += 2 {
			if Get(tried, d.Tree.Content[i].Value) != nil {
				return fromTreeWithKey
			}
		}
		return fromTree
	}
	if !document && len(edits) == 1 && !d.altered && edits[0].End-edits[0].Start > len(d.text)/2 {
		return fromTree
	}
	if lines := untouched(d, tried); document {
		rest := bytes.SplitAfter(out[results[at].Body:results[at].End], []byte("\n"))
		for _, line := range lines {
			if d.padded && !bytes.Contains(stream, slices.Concat([]byte("\n"), line)) {
				continue // the indicator "-" was added, and has been taken away again
			}
			i := slices.IndexFunc(rest, func(l []byte) bool { return bytes.Equal(bytes.TrimRight(l, "\r\n"), line) })
			if i < 0 {
				fail("the line %q is lost, or not in order", line)
			}
			rest = rest[i+1:]
		}
	}
	return inPlace
}

// randomChanges returns changes to a tree and the documents that they must give.
func randomChanges(g *generator, tree *yaml.Node) (map[*yaml.Node]Change, []*yaml.Node) {
	some := func(tree *yaml.Node) Change {
		c := Change{InPlace: tree}
		for range 1 + g.IntN(2) {
			c.InPlace = g.changed(c.InPlace)
		}
		for range g.IntN(3) {
			if g.chance(50) {
				c.Added = append(c.Added, Added{Tree: g.changed(tree), Copy: true})
			} else {
				c.Added = append(c.Added, Added{Tree: Map("a", "b", "c", g.tree(2))})
			}
		}
		return c
	}
	changes := make(map[*yaml.Node]Change)
	var find func(n *yaml.Node) *yaml.Node // changes items, and returns what becomes of a node
	find = func(n *yaml.Node) *yaml.Node {
		c := *n
		c.Content = nil
		for _, child := range n.Content {
			if n.Kind == yaml.SequenceNode && g.chance(40) {
				change := some(child)
				changes[child] = change
				c.Content = append(c.Content, change.InPlace)
				for _, added := range change.Added {
					c.Content = append(c.Content, added.Tree)
				}
				continue
			}
			c.Content = append(c.Content, find(child))
		}
		return &c
	}
	if g.chance(30) {
		if want := find(tree); len(changes) > 0 {
			return changes, []*yaml.Node{want}
		}
	}
	c := some(tree)
	want := []*yaml.Node{c.InPlace}
	for _, added := range c.Added {
		want = append(want, added.Tree)
	}
	return map[*yaml.Node]Change{tree: c}, want
}

// decode returns the value of a tree as go-yaml 3 sees it.
func decode(n *yaml.Node) (v any, err error) {
	n = Clone(n)
	var forget func(n *yaml.Node)
	forget = func(n *yaml.Node) {
		if n.Tag == "!" { // which it forgets when it reads a text
			n.Tag, n.Style = "", 0
		}
		for _, child := range n.Content {
			forget(child)
		}
	}
	forget(n)
	err = n.Decode(&v)
	return v, err
}

// readsAs11 tells whether a text reads as a tree by YAML 1.1.
func readsAs11(text []byte, tree *yaml.Node) bool {
	var got any
	if err := yamlv2.Unmarshal(text, &got); err != nil {
		return false
	}
	return cmp.Equal(value11(tree), got, cmpopts.EquateNaNs())
}

// value11 is the value of a tree by YAML 1.1, where the text of a plain scalar
// tells its type; nan, which equals no text, for what cannot be told.
func value11(n *yaml.Node) any {
	switch n.Kind {
	case yaml.MappingNode:
		m := make(map[any]any)
		for i := 0; i+1 < len(n.Content); i += 2 {
			key := value11(n.Content[i])
			switch key.(type) {
			case map[any]any, []any:
				return math.NaN()
			}
			m[key] = value11(n.Content[i+1])
		}
		return m
	case yaml.SequenceNode:
		l := []any{}
		for _, item := range n.Content {
			l = append(l, value11(item))
		}
		return l
	}
	if n.Style&^yaml.FlowStyle != 0 && n.Style&yaml.TaggedStyle == 0 || strings.Contains(n.Value, "\n") {
		return n.Value
	}
	text := n.Value
	if n.Style&yaml.TaggedStyle != 0 {
		text = n.Tag + " " + jsonString(n.Value)
	}
	var v any
	if err := yamlv2.Unmarshal([]byte(text), &v); err != nil {
		return n.Value
	}
	return v
}

// readsElsewhere tells whether a text reads as a tree by a reader that shares no code
// with any go-yaml. It has errors of its own (a block scalar that ends in a line of
// blanks and an entry in quotes after it, a null in a compact sequence, some commas), and reads some
// numbers as strings.
func readsElsewhere(text []byte, tree *yaml.Node) (is bool) {
	if misread.Match(text) {
		return false
	}
	defer func() {
		if recover() != nil {
			is = false
		}
	}()
	var got any
	if err := goccy.Unmarshal(bytes.TrimPrefix(text, []byte(ByteOrderMark)), &got); err != nil {
		return false
	}
	return isElsewhere(tree, got)
}

// misread finds a line of blanks, a dash without a value, and a comma behind a comment.
var misread = regexp.MustCompile(`(?m)^([ \t]+|[ \t]*(- +)*-[ \t]*(#.*)?)\r?$|#.*\n[ \t]*,`)

func isElsewhere(n *yaml.Node, v any) bool {
	switch n.Kind {
	case yaml.MappingNode:
		m, ok := v.(map[string]any)
		if !ok || len(m) != len(n.Content)/2 {
			return false
		}
		for i := 0; i+1 < len(n.Content); i += 2 {
			key := n.Content[i].Value
			if number, err := strconv.ParseInt(key, 0, 64); err == nil && n.Content[i].Tag == "!!int" {
				key = fmt.Sprint(number)
			}
			value, ok := m[key]
			if !ok || !isElsewhere(n.Content[i+1], value) {
				return false
			}
		}
		return true
	case yaml.SequenceNode:
		l, ok := v.([]any)
		if !ok || len(l) != len(n.Content) {
			return false
		}
		for i, item := range n.Content {
			if !isElsewhere(item, l[i]) {
				return false
			}
		}
		return true
	}
	switch v := v.(type) {
	case string:
		return v == n.Value && n.Tag != "!!null" && n.Tag != "!!bool"
	case nil:
		return n.Tag == "!!null"
	case bool:
		return n.Tag == "!!bool"
	}
	return n.Tag == "!!int" || n.Tag == "!!float"
}

// untouched returns the lines of entries, of block mappings in block mappings, that
// are the same in another tree, with the comment above each. It leaves out what an
// edit elsewhere may change: aliases and what they stand for.
func untouched(d *Document, want *yaml.Node) (lines [][]byte) {
	if bytes.ContainsAny(d.text, "&*?\u0085\u2028\u2029") || bytes.Contains(d.text, []byte("<<")) ||
		bytes.Count(d.text, []byte("\r")) != bytes.Count(d.text, []byte("\r\n")) {
		return nil
	}
	l := newLayout(d.text, d.root)
	var find func(n, want *yaml.Node, limit int)
	find = func(n, want *yaml.Node, limit int) {
		for i := 0; i+1 < len(n.Content); i += 2 {
			key, value := n.Content[i], n.Content[i+1]
			first, next := key.Line-1, limit
			if i+2 < len(n.Content) {
				next = n.Content[i+2].Line - 1
			}
			for next-1 > first && blankOrComment(l.line(next-1)) {
				next--
			}
			other := Get(want, key.Value)
			resolved, err := resolve(value)
			switch {
			case err != nil || other == nil || key.Tag != "!!str":
			case Equal(resolved, other):
				if i == 0 || n.Content[i-1].Style&yaml.FlowStyle == 0 {
					for first > 0 && bytes.HasPrefix(bytes.TrimLeft(l.line(first-1), " "), []byte("#")) && indentation(l.line(first-1)) == key.Column-1 {
						first--
					}
				}
				for line := first; line < next; line++ {
					lines = append(lines, l.line(line))
				}
			case value.Kind == yaml.MappingNode && other.Kind == yaml.MappingNode && value.Style&yaml.FlowStyle == 0 && len(value.Content) > 0 &&
				slices.ContainsFunc(other.Content, func(k *yaml.Node) bool { return Get(value, k.Value) != nil }):
				find(value, other, next)
			}
		}
	}
	if d.root.Kind == yaml.MappingNode && d.root.Style&yaml.FlowStyle == 0 {
		find(d.root, want, len(l.lines))
	}
	return lines
}
