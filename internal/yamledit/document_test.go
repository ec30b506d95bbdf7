package yamledit

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"

	"github.com/openova-io/helm-cnpg-pair/internal/message"
)

// TestParseErrors: what is said of a document that cannot be read, and of which
// line of the stream.
func TestParseErrors(t *testing.T) {
	bomb := "a: &a [x, x, x, x, x, x, x, x, x, x]\n"
	for i := 'b'; i < 'h'; i++ {
		bomb += fmt.Sprintf("%c: &%[1]c [%s]\n", i, strings.Repeat(fmt.Sprintf("*%c, ", i-1), 10))
	}
	for _, tt := range []struct {
		name, stream string
		want         string // "line: message" of the last document
	}{
		{"not YAML", "a: 1\nb: [\n", "2: not YAML: did not find expected node content"},
		{"go-yaml names the block around it", "a:\n  b: 1\n  c: 2\n d: 3\ne: 4\n", "4: not YAML: did not find expected key"},
		{"no line is named", "a: \x01\n", "1: not YAML: control characters are not allowed"},
		{"a late document", "a: 1\n---\n# b\nb: c: d\n", "4: not YAML: mapping values are not allowed in this context"},
		{"half a character in JSON", "{\"a\":\n\"\\/\\ud83d\"}\n", "2: not YAML: found invalid Unicode character escape code"},
		{"half a character in JSON before what looks like the other", "{\"a\": \"\\/\\ud83dxude00\"}\n", "1: not YAML: found invalid Unicode character escape code"},
		{"CR LF", "a: 1\r\n---\r\nb: 1\r\nc: d: e\r\n", "4: not YAML: mapping values are not allowed in this context"},
		{"CR LF, on the first line", "a: b: c\r\nd: 1\r\n", "1: not YAML: mapping values are not allowed in this context"},
		{"a lone CR is no line of the stream", "a: 1\rb: 2\rc: d: e\r", "1: not YAML: mapping values are not allowed in this context"},
		{"NEL, LS and PS are no lines of the stream", "a: b\u0085c: d\u2028e: f\u2029g: 1\nx: y: z\n", "2: not YAML: mapping values are not allowed in this context"},
		{"a byte order mark", "\ufeffa: 1\nb: c: d\n", "2: not YAML: mapping values are not allowed in this context"},
		{"a key twice", "---\na: 1\n---\nb:\n  c: 1\n  c: 2\n", `6: the key "c" appears twice`},
		{"a key twice after a lone CR", "a: 1\rb: 1\nb: 2\n", `2: the key "b" appears twice`},
		{"a key twice, and no final line break", "a: 1\na: 2", `2: the key "a" appears twice`},
		{"a key twice in an item", "- {a: 1, a: 2}\n", `1: the key "a" appears twice`},
		{"a key twice in a key", "? {a: 1, a: 2}\n: b\n", `1: the key "a" appears twice`},
		{"an alias of what it is in", "a: &x\n  b: *x\n", `2: the anchor "x" contains itself`},
		{"an unknown alias", "a: 1\nb: *x\n", `2: not YAML: unknown anchor 'x' referenced`},
		{"a merge of a scalar", "a: 1\nb:\n  <<: 1\n", "3: a merge key (<<) takes a mapping"},
		{"a merge of a List of a scalar", "a: &x 1\nb:\n  <<: [*x]\n", "1: a merge key (<<) takes a mapping"},
		{"too many nodes", "a: 1\n---\n" + bomb, "3: the document grows beyond all bounds when its aliases are resolved"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			stream := []byte(tt.stream)
			pieces := Split(stream)
			_, err := Parse(stream, pieces[len(pieces)-1])
			var located *Error
			var said *message.Message
			if !errors.As(err, &located) || !errors.As(err, &said) {
				t.Fatalf("%v of %T", err, err)
			}
			if diff := cmp.Diff(tt.want, fmt.Sprintf("%d: %v", located.Line, err)); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

// TestParseErrorFarAway: the line is found where go-yaml names one that is
// thousands of lines before it.
func TestParseErrorFarAway(t *testing.T) {
	stream := []byte("a:\n" + strings.Repeat("  - b: 1\n", 5000) + "  c: 1\n" + strings.Repeat("d: 1\n", 100))
	_, err := Parse(stream, Split(stream)[0])
	var located *Error
	if !errors.As(err, &located) || located.Line != 5002 {
		t.Errorf("%+v", located)
	}
}

// TestParse: the tree that a document stands for, as JSON-like text.
func TestParse(t *testing.T) {
	for _, tt := range []struct{ name, text, want string }{
		{"no content", "# nothing\n\n", ""},
		{"no content and no final line break", "# nothing", ""},
		{"nothing", "", ""},
		{"aliases", "a: &x [1]\nb: *x\nc: {d: *x}\n", `{"a": [1], "b": [1], "c": {"d": [1]}}`},
		{"an anchor twice", "a: &x 1\nb: *x\nc: &x 2\nd: *x\n", `{"a": 1, "b": 1, "c": 2, "d": 2}`},
		{"a merge key", "a: &x {b: 1, c: 2}\nd: {<<: *x, b: 3}\n", `{"a": {"b": 1, "c": 2}, "d": {"b": 3, "c": 2}}`},
		{"the first of several merged keys counts", "a: &x {b: 1}\nc: &y {b: 2, d: 3}\ne:\n  <<: [*x, *y]\n", `{"a": {"b": 1}, "c": {"b": 2, "d": 3}, "e": {"b": 1, "d": 3}}`},
		{"merge keys twice", "a: &x {b: 1}\nc:\n  <<: *x\n  <<: {d: 2}\n", `{"a": {"b": 1}, "c": {"b": 1, "d": 2}}`},
		{"a merge key in quotes is a key", "{\"<<\": 1}\n", `{"<<": 1}`},
		{"escapes of JSON that YAML lacks", `{"a": "\/", "b": "\ud83d\ude00", "c": "\\\/\u00e9\n"}`, `{"a": "/", "b": "😀", "c": "\\/é\n"}`},
		{"no final line break", "a: |\n  b", `{"a": "b"}`},
		{"no final line break after blanks that are kept", "a: |+2\n  b\n\n  c", `{"a": "b\n\nc"}`},
		{"no final line break after a scalar in quotes", "a: 'b'", `{"a": "b"}`},
		{"no final line break after a key that has no value", "a: ! off\n? b", `{"a": ! off, "b": null}`},
		{"a tag alone before a tab", "a: !\toff\n", `{"a": ! off}`},
		{"a tag alone on a line", "a: !\n  off\n", `{"a": ! off}`},
		{"a tag alone on a line, with CR LF", "a: !\r\n  off\r\n", `{"a": ! off}`},
		{"a tag alone after an anchor", "a: &x  ! off\nb: &y off\nc: *x\nd: *y\n", `{"a": ! off, "b": off, "c": ! off, "d": off}`},
		{"a tag alone, and nothing else", "a: ! ", `{"a": ! ""}`},
		{"a tag alone, of a mapping", "a: !\n  b: 1\nc: ! off\n", `{"a": {"b": 1}, "c": ! off}`},
		{"a tag alone, and a key without a value at the end", "b: ! off\na:", `{"b": ! off, "a": null}`},
		{"an anchor and a comment that the stream ends with", "a: ! off\nb: &x # ! b", `{"a": ! off, "b": null}`},
		{"a tag alone beside others", "a: [! 1, !!str 1, '! 1', ! '1', !x 1]\n", `{"a": [! 1, !!str 1, "! 1", "1", !x 1]}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := ""
			if d := parse(t, tt.text); d.Tree != nil {
				got = flowText(d.Tree)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

// TestBudget: the trees of a stream that has too many nodes wait elsewhere, and come back
// as they were.
func TestBudget(t *testing.T) {
	stream := []byte("a: [1, 2, 3]\n---\nb: &x [1]\nc: *x\n---\nd: 1\n")
	b := &Budget{aliases: 2, kept: 12, trees: 13} // as many as the first two have
	for i, piece := range Split(stream) {
		d, err := b.Parse(stream, piece)
		if err != nil {
			t.Fatal(err)
		}
		before := Clone(d.Tree)
		for range 2 {
			d.Park()
			if waits := len(d.Tree.Content) == 0; waits != (i == 2) {
				t.Errorf("document %d is gone: %v", i, waits)
			}
			d.Load()
			if !Equal(before, d.Tree) || d.Tree.Content[1].Line != before.Content[1].Line {
				t.Errorf("document %d is another one: %s", i, flowText(d.Tree))
			}
		}
		want := Clone(d.Tree)
		Set(want, "e", String("f"))
		edits, _, err := d.Rewrite(map[*yaml.Node]Change{d.Tree: {InPlace: want}}, "")
		if got := string(Apply(stream, edits)); err != nil || len(got) != len(stream)+len("e: f\n") {
			t.Errorf("%v\n%s", err, got)
		}
	}
}

// TestTooManyNodes: the bound is that of all documents of a stream together.
func TestTooManyNodes(t *testing.T) {
	for more, want := range map[int]bool{moreNodes: true, moreNodes + 1: false} {
		stream := []byte("a: &x [" + strings.Repeat("1,", moreNodes/2-1) + "]\nb: *x\n---\na: &x [" + strings.Repeat("1,", more-moreNodes/2-1) + "]\nb: *x\n")
		b := NewBudget()
		pieces := Split(stream)
		_, first := b.Parse(stream, pieces[0])
		if _, err := b.Parse(stream, pieces[1]); first != nil || (err == nil) != want {
			t.Errorf("%d nodes more: %v, %v", more, first, err)
		}
	}
}

func TestParseLines(t *testing.T) {
	stream := []byte("\ufeffa: 1\n---\n# b\nb:\n- c: 1\n- d\n")
	d, err := Parse(stream, Split(stream)[1])
	if err != nil {
		t.Fatal(err)
	}
	items := Get(d.Tree, "b").Content
	if got := [3]int{d.Tree.Line, items[0].Line, items[1].Line}; got != [3]int{4, 5, 6} {
		t.Errorf("lines %v", got)
	}
}
