package yamledit

import (
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"
)

// TestEqual: two scalars are equal only if every reader sees the same type.
func TestEqual(t *testing.T) {
	for _, tt := range []struct {
		a, b string
		want bool
	}{
		{"a: word", "a: 'word'", true},
		{"a: two words", `a: "two words"`, true},
		{"a: é😀", `a: "é😀"`, true},
		{"a: /path", `a: "/path"`, true},
		{"a: |-\n  word", "a: word", true},
		{"a: 1\n\n  2", `a: "1\n2"`, true},
		{"a: ...", "a: '...'", true},
		{"a: on", "a: 'on'", false},
		{"a: Y", "a: 'Y'", false},
		{"a: 12:30", `a: "12:30"`, false},
		{"a: 1.10", "a: '1.10'", false},
		{"a: 1.10", "a: 1.1", false},
		{"a: 1", "a: '1'", false},
		{"a: 0644", "a: 0644", true},
		{"a: !!str off", "a: 'off'", true},
		{"a: !!str off", "a: off", false},
		{"a: !!int '3'", "a: !!int 3", true},
		{"a: !x b", "a: b", false},
		{"a: 1\nb: 2", "b: 2\na: 1", true},
		{"a: 1\nb: 2", "a: 1\nc: 2", false},
		{"a: 1", "a: 1\nb: 2", false},
		{"word: 1", "'word': 1", true},
		{"on: 1", "'on': 1", false},
		{"1: 1", "'1': 1", false},
		{"a: [1, 2]", "a: [2, 1]", false},
		{"a: [1, 2]", "a:\n- 1\n- 2", true},
		{"a: ~", "a: null", true},
		{"a: ~", "a:", true},
		{"a:", "a: ''", false},
		{"a: {}", "a: []", false},
		{"a: {}", "a:", false},
		{"a: ! ~", "a: ! null", true},
		{"a: ! ~", "a: ~", false},
		{"a: ! x", "a: x", true},
		{"? [a]\n: 1\n? [b]\n: 2", "? [b]\n: 2\n? [a]\n: 1", true},
		{"? [a]\n: 1\n? [b]\n: 2", "? [a]\n: 1\n? [c]\n: 2", false},
		{"? [a]\n: 1", "? a\n: 1", false},
	} {
		a, b := parse(t, tt.a).Tree, parse(t, tt.b).Tree
		if Equal(a, b) != tt.want || Equal(b, a) != tt.want {
			t.Errorf("%q and %q: %t", tt.a, tt.b, !tt.want)
		}
	}
}

func TestIsSafePlain(t *testing.T) {
	for s, want := range map[string]bool{
		"word": true, "a/b.c-d_e": true, "x1": true, "a": true, "z": true, "A": true, "Z": true, "b09az": true, "bAZ": true,
		"a`": false, "a{": false, "a@": false, "a[": false, "a:b": false, "/a": false,
		"": false, "1x": false, "on": false, "Yes": false, "N": false, "null": false, "a b": false, "a:": false,
		"é": false, "-a": false, "~": false, ".inf": false, "a#b": false, "=": false,
	} {
		if got := IsSafePlain(s); got != want {
			t.Errorf("%q: %t", s, got)
		}
	}
}

func TestBooleans(t *testing.T) {
	for text, want := range map[string][2]bool{
		"true": {true, false}, "Yes": {true, false}, "on": {true, false}, "y": {true, false},
		"false": {false, true}, "NO": {false, true}, "off": {false, true}, "n": {false, true},
		"'true'": {}, "1": {}, "{}": {}, "~": {},
	} {
		n := parse(t, text).Tree
		if got := [2]bool{IsTrue(n), IsFalse(n)}; got != want {
			t.Errorf("%s: %v", text, got)
		}
	}
	if IsTrue(nil) || IsFalse(nil) {
		t.Error("no node is true or false")
	}
}

// TestPaths: what is found at a path, and the error where something else is there.
func TestPaths(t *testing.T) {
	tree := parse(t, "map: {a: word, none: ~, list: [{x: 1},\n  2]}\nlist:\n- {y: 1}\nnumber: 5\n").Tree
	text := func(n *yaml.Node, err error) string {
		var located *Error
		switch {
		case errors.As(err, &located):
			return fmt.Sprintf("line %d: %v", located.Line, err)
		case n == nil:
			return "nothing"
		}
		return flowText(n)
	}
	one := func(read func(*yaml.Node, string) (*yaml.Node, error), path string) string {
		return text(read(tree, path))
	}
	for _, tt := range []struct{ name, got, want string }{
		{"At", one(At, "map.a"), `"word"`},
		{"At a null", one(At, "map.none"), "nothing"},
		{"At beyond a null", one(At, "map.none.x"), "nothing"},
		{"At nothing", one(At, "x.y"), "nothing"},
		{"At in a scalar", one(At, "map.a.b"), "line 1: map.a: expected a mapping"},
		{"At in a sequence", one(At, "list.a.b"), "line 4: list: expected a mapping"},
		{"MappingAt", one(MappingAt, "list"), "line 4: list: expected a mapping"},
		{"MappingAt nothing", one(MappingAt, "map.none"), "nothing"},
		{"SequenceAt", one(SequenceAt, "map.list"), `[{"x": 1}, 2]`},
		{"SequenceAt a mapping", one(SequenceAt, "map"), "line 1: map: expected a sequence"},
		{"SequenceAt in a scalar", one(SequenceAt, "number.a"), "line 5: number: expected a mapping"},
	} {
		if diff := cmp.Diff(tt.want, tt.got); diff != "" {
			t.Errorf("%s: -want +got:\n%s", tt.name, diff)
		}
	}
	if s, err := StringAt(tree, "number"); s != "5" || err != nil {
		t.Errorf("StringAt: %q, %v", s, err)
	}
	if s, err := StringAt(tree, "map.none"); s != "" || err != nil {
		t.Errorf("StringAt a null: %q, %v", s, err)
	}
	if s, err := StringAt(tree, "map"); s != "" || text(nil, err) != "line 1: map: expected a string" {
		t.Errorf("StringAt a mapping: %q, %v", s, err)
	}
	if items, err := MappingsAt(tree, "list"); len(items) != 1 || err != nil {
		t.Errorf("MappingsAt: %v, %v", items, err)
	}
	if items, err := MappingsAt(tree, "x"); len(items) != 0 || err != nil {
		t.Errorf("MappingsAt nothing: %v, %v", items, err)
	}
	_, err := MappingsAt(tree, "map.list")
	if got, want := text(nil, err), "line 2: map.list[1]: expected a mapping"; got != want {
		t.Errorf("MappingsAt a scalar: %s, want %s", got, want)
	}
	_, err = StringAt(tree, "map.list.x")
	if got, want := text(nil, InItem(err, "items", 2)), "line 1: items[2].map.list: expected a mapping"; got != want {
		t.Errorf("InItem: %s, want %s", got, want)
	}
	_, err = At(List(), "x")
	if got, want := text(nil, InItem(err, "items", 2)), "line 0: items[2]: expected a mapping"; got != want {
		t.Errorf("InItem of the item as a whole: %s, want %s", got, want)
	}
	for path, want := range map[string]string{
		"number": "5, nothing", "map.none": "7, nothing", "x": "7, nothing", "map": "7, line 1: map: expected an integer",
		"map.a": "0, line 1: map.a: expected an integer",
	} {
		i, err := IntAt(tree, path, 7)
		if got := fmt.Sprintf("%d, %s", i, text(nil, err)); got != want {
			t.Errorf("IntAt %s: %s, want %s", path, got, want)
		}
	}
	if n := Get(List(String("x"), String("y")), "x"); n != nil {
		t.Errorf("Get of a sequence: %q", n.Value)
	}
	if err := errors.New("another"); InItem(err, "items", 2) != err {
		t.Error("InItem changes another error")
	}
	if got := Scalar(tree, "map") + Scalar(tree, "number") + Scalar(nil, "x") + Scalar(List(), "x"); got != "5" {
		t.Errorf("Scalar: %q", got)
	}
}

func TestBuild(t *testing.T) {
	tree := Map("a", "on", "b", Map("c", Int(1), "d", Bool(true)), "n", &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!null"})
	before := Clone(tree)
	Set(tree, "a", String("x"))
	Set(MakeMapping(tree, "n.m"), "e", List(Int(2)))
	Set(MakeMapping(tree, "b"), "f", String(""))
	Append(tree, "n.m.e", Int(3), Int(4))
	Append(tree, "list", Map())
	Append(tree, "b.g.h", String("i"))
	Remove(MakeMapping(tree, "b"), "c")
	Remove(tree, "none")
	if diff := cmp.Diff(`{"a": "on", "b": {"c": 1, "d": true}, "n": null}`, flowText(before)); diff != "" {
		t.Errorf("the clone: -want +got:\n%s", diff)
	}
	const want = `{"a": "x", "b": {"d": true, "f": "", "g": {"h": ["i"]}}, "n": {"m": {"e": [2, 3, 4]}}, "list": [{}]}`
	if diff := cmp.Diff(want, flowText(tree)); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}
