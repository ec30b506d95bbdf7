package yamledit

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"

	"github.com/openova-io/helm-cnpg-pair/internal/message"
)

// parse returns the only document of a text.
func parse(t *testing.T, text string) *Document {
	t.Helper()
	d, err := Parse([]byte(text), Split([]byte(text))[0])
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// diffLines compares texts line by line.
func diffLines(want, got string) string {
	return cmp.Diff(strings.SplitAfter(want, "\n"), strings.SplitAfter(got, "\n"))
}

// TestRewrite: the text that comes out where a document must read as another one.
func TestRewrite(t *testing.T) {
	long, wide := strings.Repeat("k", longestKey), strings.Repeat("é", 200)
	for _, tt := range []struct{ name, in, to, want string }{
		{"nothing", "# a\na:   1 # b\n\n", "a: 1", "# a\na:   1 # b\n\n"},
		{"the order of keys is no change", "b: 1\na: 2\n", "a: 2\nb: 1", "b: 1\na: 2\n"},

		{"a scalar", "a: 1 # one\nb: 2\n", "a: 3\nb: 2", "a: 3 # one\nb: 2\n"},
		{"a scalar in single quotes", "a: 'x' # one\n", "a: it's", "a: 'it''s' # one\n"},
		{"a scalar in single quotes gets a line break", "a: 'x' # one\n", `a: "b\nc"`, "a: \"b\\nc\" # one\n"},
		{"a scalar in single quotes becomes a boolean of YAML 1.1", "a: 'x' # one\n", "a: y", "a: y # one\n"},
		{"a scalar in double quotes", "a: \"x\\\"y\" # one\n", `a: "é\t"`, "a: \"é\\t\" # one\n"},
		{"a string that looks like a boolean", "a: x\n", `a: "on"`, "a: \"on\"\n"},
		{"a scalar over lines", "a: b\n  c\n# d\ne: 1\n", "a: x\ne: 1", "a: x\n# d\ne: 1\n"},
		{"a literal scalar", "a: |\n  b\n  # no comment\n\n# c\nd: 1\n", "a: x\nd: 1", "a: x\n\n# c\nd: 1\n"},
		{"a literal scalar with a remark and blanks that it keeps", "a: |+ # b\n  c\n\nd: 1\n", "a: x\nd: 1", "a: x\nd: 1\n"},
		{"a folded scalar with more-indented lines stays", "a: >\n  b\n    c\n\n  d\ne: 1\n", "a: \"b\\n  c\\n\\nd\\n\"\ne: 2", "a: >\n  b\n    c\n\n  d\ne: 2\n"},
		{"a folded scalar moves into a copy", "a:\n- >\n  b\n    c\n- x\n", "a:\n- y: 1\n- >\n  b\n    c\n", "a:\n- y: 1\n- \"b\\n  c\\n\"\n"},
		{"a literal scalar after an anchor on a line of its own", "a: &x\n  |\n  b\n# c\nd: 1\n", "a: x\nd: 1", "a: x\n# c\nd: 1\n"},
		{"a blank line that the indicator of a block scalar makes a part of it", "a: |1-\n   x\n  y\n  \n# b\n", "a: \"  x\\n y\\n \"\nc: 1", "a: |1-\n   x\n  y\n  \nc: 1\n# b\n"},
		{"a value that keeps its blank lines, before others", "a: &x {b: \"c\\n\\n\"}\nd: # d\n  *x\n\ne: 1\n", "a: {b: \"c\\n\\n\"}\nd: {b: \"c\\n\\n\", f: 1}\ne: 1", "a: &x {b: \"c\\n\\n\"}\nd: # d\n  b: \"c\\n\\n\"\n  f: 1\n\ne: 1\n"},
		{"a merge key on the line of a dash goes", "a: &x {b: 1}\nc:\n- <<: *x # x\n  # d\n  d: 1 # e\n", "a: {b: 1, e: 1}\nc: [{b: 1, d: 1}]", "a: &x {b: 1, \"e\": 1}\nc:\n-\n  # d\n  d: 1 # e\n  b: 1\n"},
		{"a merge key brings in a string that is a boolean beside it by YAML 1.1", "a: &x {b: 1}\nc:\n  <<: *x\n  y: 2\n", "a: {b: 1, \"y\": 3}\nc: {b: 1, y: 2}", "a: &x {b: 1, \"y\": 3}\nc:\n  y: 2\n  b: 1\n"},
		{"blanks in a block scalar that the stream ends with", "a: |+\n  x\n  ", "a: \"x\\n\"\nb: 1", "a: |+\n  x\nb: 1\n"},
		{"a key alone", "a: 1\n? b # b\n# c\n", "a: 1\nb: {c: 1}", "a: 1\n? b # b\n:\n  c: 1\n# c\n"},
		{"a key alone, and its colon", "? b # b\n# c\n: # d\na: 1\n", "b: [1]\na: 1", "? b # b\n# c\n: # d\n  - 1\na: 1\n"},
		{"a key of a mapping on the line of the colon", "? b # b\n: c: 1 # c\na: 1\n", "b: {c: 1, d: 2}\na: 1", "? b # b\n: c: 1 # c\n  d: 2\na: 1\n"},
		{"a null after a comment in a flow mapping", "a: {b: 1, # b\n c: # c\n }\n", "a: {b: 1, c: {d: 1}}", "a: {b: 1, # b\n c: {\"d\": 1} # c\n }\n"},
		{"an anchor and no value", "a: &x # a\nb: *x # b\n", "a: {c: 1}\nb: ~", "a: &x # a\n  c: 1\nb: ~ # b\n"},
		{"an anchored mapping on a line of its own", "a: &x # a\n  {} # b\n", "a: {c: 1}", "a: &x # a\n  {\"c\": 1} # b\n"},
		{"an alias on a line of its own", "a: &x {b: 1}\nc: # c\n  # d\n  *x # e\n", "a: {b: 1}\nc: {b: 1, d: 1}", "a: &x {b: 1}\nc: # c\n  # d\n  # e\n  b: 1\n  d: 1\n"},
		{"an alias alone on a line", "a: &x {b: 1}\nc: # c\n  *x\n", "a: {b: 1}\nc: [1]", "a: &x {b: 1}\nc: # c\n  - 1\n"},
		{"an alias in a sequence", "a: &x {b: 1}\nc:\n- *x # c\n- 1 # d\n", "a: {b: 1}\nc: [{b: 2}, 1]", "a: &x {b: 1}\nc:\n- # c\n  b: 2\n- 1 # d\n"},
		{"an item changes its kind", "a:\n- b: 1 # b\n# c\n- d # d\n", "a: [1, d]", "a:\n- 1\n# c\n- d # d\n"},
		{"a tag that go-yaml forgets", "a: &x ! off\nb:\n- *x\n", "a: 1\nb: [! off]", "a: &x 1\nb:\n- ! off\n"},
		{"keys and scalars that no library would write so", "a: x\n", "a: {y: ---x, 010: \"😀\", ? [b] : 1, 'c d': '...'}", "a:\n  y: ---x\n  010: \"😀\"\n  ? [\"b\"]\n  : 1\n  'c d': '...'\n"},
		{"a tagged scalar", "a: !!str off # b\nc: 1\n", `a: "no"`, "a: \"no\" # b\n"},
		{"a tagged scalar in flow style stays tagged", "{a: [!!str off, {b: 1}]}\n", "a: [!!str off]", "{a: [!!str off]}\n"},
		{"keys that end in a colon, in flow style that is written new", "[a, {010:,b: 1}]\n", "[{010:,b: 1}, '#']", "[{\"010:\": null, \"b\": 1}, \"#\"]\n"},
		{"keys of YAML 1.1 in flow style stay", "a: {}\n", "a: {y: 1, 010: 2, ~: 3}", "a:\n  y: 1\n  010: 2\n  ~: 3\n"},
		{"columns count characters", "é: {ü: 'ö', x: 1} # ß\n", "é: {ü: ä, x: 2}", "é: {ü: 'ä', x: 2} # ß\n"},
		{"control characters are escaped in flow style", "a: {b: 1}\n", `a: {b: "\u0085\u007f\ufeff"}`, "a: {b: \"\\u0085\\u007f\\ufeff\"}\n"},

		{"a key more", "a:\n  b: 1 # one\n# end\n", "a: {b: 1, c: {d: 2}}", "a:\n  b: 1 # one\n  c:\n    d: 2\n# end\n"},
		{"a key more after a literal scalar", "a:\n    b: |\n      c\n\nd: 1\n", "a: {b: \"c\\n\", e: 2}\nd: 1", "a:\n    b: |\n      c\n    e: 2\n\nd: 1\n"},
		{"a key more with CR LF", "a:\r\n  b: 1\r\n", "a: {b: 1, c: [x]}", "a:\r\n  b: 1\r\n  c:\r\n  - x\r\n"},
		{"a key more without a final line break", "a: 1", "a: 1\nb: 2", "a: 1\nb: 2"},
		{"a block scalar at the end without a final line break", "a: |\n  x", "a: x\nb: 1", "a: |-\n  x\nb: 1"},
		{"a block scalar comes to the end without a final line break", "a: 1", "a: 1\nb: |\n  x\n", "a: 1\nb: |\n  x\n"},
		{"a key less, with its comment", "# a\n\n# b\nb: 1\n# c\nc:\n- 2\n# d\nd: 3\n", "b: 1\nd: 3", "# a\n\n# b\nb: 1\n# d\nd: 3\n"},
		{"the first key of an item less", "- a: 1\n  b: 2 # b\n", "- b: 2", "-\n  b: 2 # b\n"},
		{"all keys change", "a: 1 # a\n", "b: 1", "b: 1\n"},
		{"another kind", "a: {b: 1} # a\nc: 1\n", "a: [2]\nc: 1", "a:\n- 2\nc: 1\n"},
		{"the mapping is empty then", "a:\n  b: 1\nc: 1\n", "a: {}\nc: 1", "a: {}\nc: 1\n"},
		{"an empty mapping grows", "a:   {} # a\nc: 1\n", "a: {b: 1}\nc: 1", "a: # a\n  b: 1\nc: 1\n"},
		{"an empty mapping over lines grows", "a: { # a\n  }\nc: 1\n", "a: {b: 1}\nc: 1", "a: { # a\n  \"b\": 1}\nc: 1\n"},
		{"an empty mapping over lines becomes a sequence", "a: { # a\n  }\nc: 1\n", "a: [b]\nc: 1", "a: [\"b\"]\nc: 1\n"},
		{"a null grows", "a: # a\nc: ~ # c\nd:\n", "a: {b: 1}\nc: [2]\nd: x", "a: # a\n  b: 1\nc: # c\n  - 2\nd: x\n"},
		{"nulls are equal", "a: ~\nb: null\nc:\nd: 1\n", "a: null\nb:\nc: ~\nd: 2", "a: ~\nb: null\nc:\nd: 2\n"},

		{"question marks", "? a\n: 1\n? b\n:\n", "a: 1\nb:\nc: 2", "? a\n: 1\n? b\n:\nc: 2\n"},
		{"question marks around a literal scalar", "a:\n  ? b\n  : |\n   c\nd: 1\n", "a: {b: \"c\\n\", e: 2}\nd: 1", "a:\n  ? b\n  : |\n   c\n  e: 2\nd: 1\n"},
		{"a question mark whose value changes", "? a\n: x # a\nb: 1 # b\n", "a: {c: 1}\nb: 1", "a:\n  c: 1\nb: 1 # b\n"},
		{"a question mark goes", "a: 1 # a\n# b\n? b\n: - x\n? c\n? d\n: 1 # d\n", "a: 1\nd: 1", "a: 1 # a\n? d\n: 1 # d\n"},
		{"a question mark in an item goes", "- ? a\n  : 1\n  b: 1 # b\n", "- b: 1", "-\n  b: 1 # b\n"},

		{"an item more", "a:\n- 1 # one\n# end\nb: 1\n", "a: [1, {c: 2}]\nb: 1", "a:\n- 1 # one\n- c: 2\n# end\nb: 1\n"},
		{"an item more in a nested sequence", "- - 1\n  - 2\n- 3\n", "- [1, 2, 4]\n- 3", "- - 1\n  - 2\n  - 4\n- 3\n"},
		{"an item more after a dash on a line of its own", "-\n  a: 1\n- # b\n  - c\n", "- a: 1\n- [c]\n- d", "-\n  a: 1\n- # b\n  - c\n- d\n"},
		{"items less", "a:\n- 1\n# two\n- 2 # two\n- 3\nb: 1\n", "a: [1]\nb: 1", "a:\n- 1\n# two\nb: 1\n"},
		{"no items then", "a:\n- 1\nb: 1\n", "a: []\nb: 1", "a: []\nb: 1\n"},
		{"an empty item grows", "- {} # a\n- [ ]\n", "- {b: 1}\n- [2]", "- {\"b\": 1} # a\n- [ 2]\n"},

		{"a flow mapping", "{a: 1, b: 'x', c: [1]} # d\n", "{a: 1, b: z, d: 2}", "{a: 1, b: 'z', \"d\": 2} # d\n"},
		{"the first of a flow mapping goes", "{a: 1, \"b\": {c: 2}}\n", "b: {c: 2}", "{\"b\": {c: 2}}\n"},
		{"the first two of a flow mapping go", "{a: 1, b: 2, c: 3} # d\n", "c: 3", "{c: 3} # d\n"},
		{"all of a flow mapping changes", "a: {b: 1} # a\n", "a: {c: 1}", "a:\n  c: 1\n"},
		{"a value in a flow mapping changes its kind", "{a: [1, '}', \"]\"], b: 2}\n", "{a: x, b: 2}", "{a: \"x\", b: 2}\n"},
		{"a flow mapping over lines", "a: {\n  b: 1, # }\n  c: 2, # c\n}\n", "a: {b: 1, c: 2, d: 3}", "a: {\n  b: 1, # }\n  c: 2,\n  \"d\": 3, # c\n}\n"},
		{"empty values in a flow mapping", "{a: , \"b\":, c: }\n", "{a: 1, b: , c: , d: 2}", "{a: 1, \"b\":, c: , \"d\": 2}\n"},
		{"a key without a value in a flow mapping", "{a, b}\n", "{a: 1, b: , d: 2}", "{a: 1, b, \"d\": 2}\n"},
		{"an entry after an empty value goes", "{a, b: 1, c: 2}\n", "{a: , c: 2}", "{a, c: 2}\n"},
		{"a flow mapping without braces", "[a: b, c]\n", "[{a: b, d: 1}, c]", "[{\"a\": \"b\", \"d\": 1}, c]\n"},
		{"a flow sequence", "[a, 'b'] # c\n", "[a, c, 1, {d: e}]", "[a, 'c', 1, {\"d\": \"e\"}] # c\n"},
		{"a flow sequence shrinks", "a: [1, 2] # c\n", "a: [1]", "a:\n- 1\n"},
		{"a flow sequence over lines", "a: [\n  1,\n  2\n  ]\n", "a: [1, 2, 3]", "a: [\n  1,\n  2,\n  3\n  ]\n"},
		{"JSON", `{"a":"b\/c","d":"\ud83d\ude00"}`, `{"a": "b/c", "d": "😀", "e": [{}]}`, `{"a":"b/c","d":"😀", "e": [{}]}`},

		{"the anchor stays where its scalar changes", "a: &x 1\nb: *x\nc: *x\n", "a: 2\nb: 2\nc: 1", "a: &x 2\nb: *x\nc: 1\n"},
		{"the anchored scalar in quotes", "a: &x  'b'\nc: 1\n", "a: d\nc: 1", "a: &x  'd'\nc: 1\n"},
		{"the anchor goes", "a: &x {b: 1}\nc: *x\nd: *x\n", "c: {b: 1}", "c:\n  b: 1\n"},
		{"an anchored mapping grows, and its alias does not", "a: &x\n  b: 1\nc: *x # c\n", "a: {b: 1, d: 2}\nc: {b: 1}", "a: &x\n  b: 1\n  d: 2\nc: # c\n  b: 1\n"},
		{"an alias becomes a scalar", "a: &x 1\nb: *x # b\n", "a: 1\nb: y z", "a: &x 1\nb: y z # b\n"},
		{"an anchored empty mapping grows", "a: &x {} # a\nb: *x # b\n", "a: {c: 1}\nb: {}", "a: &x {\"c\": 1} # a\nb: {} # b\n"},
		{"an anchored key", "&k a: 1\nb: *k\n", "a: {c: 1}\nb: a", "a:\n  c: 1\nb: a\n"},
		{"a merge key stays", "a: &x {b: 1}\nc:\n  <<: *x\n  d: 2\n", "a: {b: 1}\nc: {b: 1, d: 3}", "a: &x {b: 1}\nc:\n  <<: *x\n  d: 3\n"},
		{"a merged key goes", "a: &x {b: 1, e: 1}\nc:\n  <<: *x\n  d: 2\n", "a: {b: 1, e: 1}\nc: {b: 1, d: 2}", "a: &x {b: 1, e: 1}\nc:\n  d: 2\n  b: 1\n"},
		{"a merged key changes", "a: &x {b: 1}\nc:\n  <<: [*x]\n", "a: {b: 1}\nc: {b: 2}", "a: &x {b: 1}\nc:\n  <<: [*x]\n  b: 2\n"},
		{"what is merged goes", "a: &x {b: 1}\nc:\n  <<: *x\n  d: 2\n", "c: {b: 1, d: 2}", "c:\n  d: 2\n  b: 1\n"},
		{"an inline merge", "c:\n  <<: {b: 1}\n  d: 2\n", "c: {b: 1, d: 3}", "c:\n  <<: {b: 1}\n  d: 3\n"},
		{"a separator right before a key that goes", "---a: 1\n1b: 2 # b\n", "1b: 2", "---\n1b: 2 # b\n"},
		{"a separator right before a key that stays", "---a: 1\n1b: 2 # b\n", "a: 1", "---a: 1\n"},
		{"a separator right before JSON", `---{"a": "\/"}`, "[x]", "---\n[\"x\"]"},
		{"another kind of document", "# a\na: 1\n# b\n", "[1]", "# a\n- 1\n# b\n"},

		{"anchors in what goes, deep and not the first, are written out", "a:\n- 1\n- b: [&x 2, &y 3]\nc: *x # c\nd: *y # d\ne:   2 # e\n", "c: 2\nd: 3\ne: 2", "c: 2 # c\nd: 3 # d\ne:   2 # e\n"},
		{"an anchored mapping goes, and the rest stays as it is", "a: &x {b: 1}\nc: *x # c\nd:   2 # d\n", "c: {b: 1}\nd: 2", "c: # c\n  b: 1\nd:   2 # d\n"},
		{"an empty scalar in single quotes", "a: ''  # a\n", "a: x", "a: 'x'  # a\n"},
		{"a scalar in single quotes with two of them in it", "a: 'it''s # one' # a\n", "a: x", "a: 'x' # a\n"},
		{"a tagged scalar in single quotes", "a: !!str 'x' # a\n", "a: y z", "a: \"y z\" # a\n"},
		{"a tagged scalar in single quotes, and so is the other", "a: !!str 'x' # a\n", "a: !!str y z", "a: !!str y z # a\n"},
		{"blanks before a brace", "{b: 1, a:   }\n", "{b: 1, a: 2}", "{b: 1, a: 2}\n"},
		{"a merge key in quotes is brought in", "a: &x {\"<<\": 1, c: 1}\nb:\n  <<: *x # x\n  d: 1 # d\n", "a: {\"<<\": 1, c: 1}\nb: {\"<<\": 1, c: 1, d: 2}", "a: &x {\"<<\": 1, c: 1}\nb:\n  <<: *x # x\n  d: 2 # d\n"},
		{"a merge key that comes last", "a: &x {b: 1}\nc:\n  d: 2 # d\n  <<: *x # x\n", "a: {b: 1}\nc: {b: 1, d: 3}", "a: &x {b: 1}\nc:\n  d: 3 # d\n  <<: *x # x\n"},
		{"merge keys of a List", "a: &x {b: 1}\nc: &y {d: 1}\ne:\n  <<: [*x, *y] # x\n  f: 1 # f\n", "a: {b: 1}\nc: {d: 1}\ne: {b: 1, d: 1, f: 2}", "a: &x {b: 1}\nc: &y {d: 1}\ne:\n  <<: [*x, *y] # x\n  f: 2 # f\n"},
		{"a long key", "a: 1\n", "a: 1\n" + long + ": 1", "a: 1\n" + long + ": 1\n"},
		{"a longer key", "a: 1\n", "a: 1\nb: {? " + long + "k\n: 1}", "a: 1\nb:\n  ? " + long + "k\n  : 1\n"},
		{"keys of a flow mapping", "{a: 1}\n", "{a: 1, ? [b] : 2, " + long[2:] + ": 3, ? " + long[1:] + " : 4}", "{a: 1, ? [\"b\"] : 2, \"" + long[2:] + "\": 3, ? \"" + long[1:] + "\" : 4}\n"},
		{"tags in flow style", "[a]\n", "- a\n- !!str word\n- ! b,c\n- !x word\n- !!str\n- !x b:\n- !x d?e\n- !!map {f: 1}\n- !!seq [g]\n", "[a, !!str word, ! \"b,c\", !x word, !!str \"\", {!x b: null}, !x \"d?e\", !!map {\"f\": 1}, !!seq [\"g\"]]\n"},
		{"tags in block style", "a: 1\n", "a: 1\nb:\n- !!str word\n- ! b,c\n- !!str\n- !x b:\n- !!map {f: 1}\n- !!seq [g]\n- !!str 'x'\n", "a: 1\nb:\n- !!str word\n- ! b,c\n- !!str \"\"\n- !x b:\n- !!map\n  f: 1\n- !!seq\n  - g\n- !!str 'x'\n"},
		{"characters that have to be escaped", "a: 1\n", "a: [\"\\x7f\", \"\\x80\", \"\\x9f\", \"\\xa0\", \"\\ufffd\", \"\\ufffe\", \"\\uffff\", \"\\ufeff\", \"\\x1f\", \"\\\"\", \"\\\\\", ' !#[]~']", "a:\n- \"\\u007f\"\n- \"\\u0080\"\n- \"\\u009f\"\n- \"\u00a0\"\n- \"�\"\n- \"\\ufffe\"\n- \"\\uffff\"\n- \"\\ufeff\"\n- \"\\u001f\"\n- \"\\\"\"\n- \"\\\\\"\n- ' !#[]~'\n"},
		{"blank lines in a block scalar that has nothing else", "a: |\n\n\nb: 1\n", "a: x\nb: 1", "a: x\nb: 1\n"},
		{"a blank line as long as the indentation of the block scalar before it", "a: |\n  b\n  \nc: 1\n", "a: x\nc: 1", "a: x\n  \nc: 1\n"},
		{"a longer one belongs to it", "a: |\n  b\n   \nc: 1\n", "a: x\nc: 1", "a: x\nc: 1\n"},
		{"blanks after the header of a block scalar", "a: |  \n  b\nc: 1\n", "a: x\nc: 1", "a: x\nc: 1\n"},
		{"a tag like the header of a block scalar", "a: !<tag:yaml.org,2002:str>\n  |\n  b\n# c\nd: 1 # d\n", "a: x\nd: 1", "a: x\n# c\nd: 1 # d\n"},
		{"an anchor with a dash before quotes", "{a: &x-y 'b,c', d: *x-y}\n", "{a: [1], d: 1}", "{a: [1], d: 1}\n"},
		{"an anchor with nothing behind it in flow style", "{a: &x, b: 1, c: *x}\n", "{a: 2, b: 2, c: ~}", "{a: 2, b: 2, c: ~}\n"},
		{"comments without a blank", "? b #b\n: ~ #c\nd : ~ #d\n", "b: [1]\nd: [1]", "? b #b\n: #c\n  - 1\nd : #d\n  - 1\n"},
		{"a blank before the colon", "a : ~ # a\nb  : # b\n", "a: [1]\nb: {c: 1}", "a : # a\n  - 1\nb  : # b\n  c: 1\n"},
		{"an alias for a key", "a: &x k\n*x : ~ # c\nd: 1 # d\n", "a: k\nk: [1]\nd: 1", "a: &x k\nd: 1 # d\nk:\n- 1\n"},
		{"a collection for a key", "[a]: ~ # c\nb: 1 # b\n", "[a]: {c: 1}\nb: 1", "[a]: # c\n  c: 1\nb: 1 # b\n"},
		{"collections for keys", "[a]: ~ # c\n[b]: ~ # b\nc: 1 # c\n", "[a]: ~\n[b]: ~\nc: 2", "[a]: ~ # c\n[b]: ~ # b\nc: 2 # c\n"},
		{"a key over lines", "? a\n  b\n: ~ # c\nd: 1 # d\n", "a b: [1]\nd: 1", "a b:\n- 1\nd: 1 # d\n"},
		{"growth behind a key over lines, and no value", "a:\n  ? b\n    'c'\n# d\n", "a: {\"b 'c'\": }\nd: 1", "a:\n  ? b\n    'c'\nd: 1\n# d\n"},
		{"a key over lines, and no value", "? a\n  b\nd: 1 # d\n", "a b: [1]\nd: 1", "a b:\n- 1\nd: 1\n"},
		{"a tagged sequence", "a: !!seq # a\n- b # b\n- c # c\nd: 1\n", "a: [x, c, y]\nd: 1", "a: !!seq # a\n- x # b\n- c # c\n- y\nd: 1\n"},
		{"a tagged sequence shrinks", "a: !!seq # a\n- b # b\n- c # c\nd: 1\n", "a: [b]\nd: 1", "a: !!seq # a\n- b # b\nd: 1\n"},
		{"a tagged mapping", "a: !!map # a\n  b: 1 # b\n  c: 1 # c\nd: 1 # d\n", "a: {b: 2, e: 1}\nd: 1", "a: !!map # a\n  b: 2 # b\n  e: 1\nd: 1 # d\n"},
		{"literals in a tagged sequence", "a: !!seq\n  - |\n    b\n\n  - c # c\nd: 1\n", "a: [x, c]\nd: 1", "a: !!seq\n  - x\n\n  - c # c\nd: 1\n"},
		{"a tagged scalar becomes a collection", "a: !!str x # c\nb: 1 # b\n", "a: [1]\nb: 1", "a:\n- 1\nb: 1 # b\n"},
		{"a tagged null becomes a collection", "a: !!null ~ # c\nb: 1 # b\n", "a: [1]\nb: 1", "a:\n- 1\nb: 1 # b\n"},
		{"a tagged and empty null becomes a collection", "a: !!null # c\nb: 1 # b\n", "a: [1]\nb: 1", "a: !!null # c\n  - 1\nb: 1 # b\n"},
		{"an anchored null becomes a collection", "a: &x ~ # c\nb: 1 # b\n", "a: [1]\nb: 1", "a: &x # c\n  - 1\nb: 1 # b\n"},
		{"a tagged and empty mapping", "a: !!map {} # c\nb: 1 # b\n", "a: {c: 1}\nb: 1", "a: !!map {\"c\": 1} # c\nb: 1 # b\n"},
		{"an anchored and empty sequence", "a: &x [] # c\nb: 1 # b\n", "a: [1]\nb: 1", "a: &x [1] # c\nb: 1 # b\n"},
		{"a tag before the anchor", "a: !!str &x y # a\nb: *x # b\n", "a: !!str z\nb: !!str y", "a: !!str z\nb: !!str y # b\n"},
		{"line breaks of all kinds", "a: \"x\u2028 y\u2029 z\u0085 w\" # a\nb: 1 # b\nc: \"‰\" # c\nd: ¥ # d\n", "a: \"x\\L y\\P z\\N w\"\nb: 2\nc: x\nd: y", "a: \"x\\u2028 y\\u2029 z\\u0085 w\" # a\nb: 2 # b\nc: \"x\" # c\nd: y # d\n"},
		{"a long line of characters of several bytes", "{é: " + wide + ", b: 1, c: " + wide[:2*62] + ", d: 1, e: é, f: 1}\n", "{é: " + wide + ", b: 2, c: " + wide[:2*62] + ", d: 2, e: é, f: 2}", "{é: " + wide + ", b: 2, c: " + wide[:2*62] + ", d: 2, e: é, f: 2}\n"},
		{"the comment on the first line goes with the key", "# a\na: 1\nb: 1\n", "b: 1", "b: 1\n"},
		{"a comment that is indented otherwise stays where the key goes", "a: 1\n  # b\nb: 1\nc: 1\n", "a: 1\nc: 1", "a: 1\n  # b\nc: 1\n"},
		{"an anchor beside what is written new goes with it", "a:\n- c: &x 1\n  &k b: |-\n    d\ne: *x # e\nf:   1 # f\n", "a: [{c: 1, b: z}]\ne: 1\nf: 1", "a:\n- c: 1\n  b: z\ne: 1 # e\nf:   1 # f\n"},
		{"what is merged is written new", "a:\n- c: &x {b: 1}\n  &k b: |-\n    d\nc:\n  <<: *x # x\n  d: 1 # d\n", "a: [{c: {b: 1}, b: z}]\nc: {b: 1, d: 1}", "a:\n- c:\n    b: 1\n  b: z\nc:\n  d: 1 # d\n  b: 1\n"},
		{"a scalar in single quotes becomes a tagged one", "a: 'x' # a\n", "a: !!str y z", "a: !!str y z # a\n"},
		{"a plain scalar gets a line break", "a: x # a\n", "a: b\n\n  c", "a: \"b\\nc\" # a\n"},
		{"a tagged mapping whose value changes its kind", "a: !!map\n  b: x # b\n  c: 1 # c\nd: 1\n", "a: {b: [1], c: 1}\nd: 1", "a: !!map\n  b:\n  - 1\n  c: 1 # c\nd: 1\n"},
		{"a tagged sequence whose item changes its kind", "a: !!seq\n- x # b\n- 1 # c\nd: 1\n", "a: [[y], 1]\nd: 1", "a: !!seq\n- - y\n- 1 # c\nd: 1\n"},
		{"a header alone on the line after its anchor", "a: &x\n  |\nb: 1 # b\n", "a: y\nb: 1", "a: y\nb: 1 # b\n"},
		{"a header after an anchor and a tag like one", "a: !<tag:yaml.org,2002:str> &y\n  |\n  b\n# c\nd: 1 # d\n", "a: x\nd: 1", "a: x\n# c\nd: 1 # d\n"},
		{"a header on the line after its anchor that keeps blank lines", "a: &x\n  |+\n  b\n\n# c\nc: 1 # c\n", "a: x\nc: 1", "a: x\n# c\nc: 1 # c\n"},
		{"a header on the line after its anchor, with an indentation", "a: &x\n  |1-\n   b\n  \nc: 1 # c\n", "a: x\nc: 1", "a: x\nc: 1 # c\n"},
		{"brackets in comments without a blank", "a: {\n  b: [1, #]\n   2], #}\n  c: 2, #\"c\n} # d\n", "a: {b: 1, c: 3}", "a: {\n  b: 1, #}\n  c: 3, #\"c\n} # d\n"},
		{"tags before colons and semicolons", "[a]\n", "[!x b:, !x c;, d;]", "[!x \"b:\", !x c;, \"d;\"]\n"},
		{"a literal at the top", "--- |\n x\n\n", "y", "--- y\n\n"},
		{"a scalar at the top", "# a\nx # b\n# c\n", "y", "# a\ny # b\n# c\n"},
		{"an empty mapping at the top", "# a\n{} # b\n# c\n", "{a: 1}", "# a\n{\"a\": 1}\n# c\n"},
		{"a mapping in an item with a question mark", "- ? a\n  : 1 # a\n  ? b\n  : 2 # b\n", "- b: 2", "-\n  ? b\n  : 2 # b\n"},
		{"lone carriage returns", "a: 1\rb: 2\rc: 3\n", "a: 1\nb: 3\nc: 3", "a: 1\rb: 3\rc: 3\n"},
		{"two in a row of a flow mapping go", "{a: 1, b: 2, c: 3, d: 4} # d\n", "a: 1\nd: 4", "{a: 1, d: 4} # d\n"},
		{"an anchored key stays", "&k a: 1 # a\nb: *k # b\nc: 1\n", "a: 1\nb: a\nc: 2", "&k a: 1 # a\nb: *k # b\nc: 2\n"},
		{"an alias for a key of its own name", "a: &k k\n*k : ~ # c\nd: 1 # d\n", "a: k\nk: [1]\nd: 1", "a: &k k\n*k : # c\n  - 1\nd: 1 # d\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d := parse(t, tt.in)
			edits, _, err := d.Rewrite(map[*yaml.Node]Change{d.Tree: {InPlace: parse(t, tt.to).Tree}}, "")
			if err != nil {
				t.Fatal(err)
			}
			if diff := diffLines(tt.want, string(Apply([]byte(tt.in), edits))); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

// TestRewriteAdds: documents that follow another, and items that follow others.
func TestRewriteAdds(t *testing.T) {
	type added struct {
		text string
		copy bool
	}
	for _, tt := range []struct {
		name, in string
		at       string // the sequence whose first item changes; empty for the document
		to       string
		added    []added
		want     string
	}{
		{
			"documents", "# Source: x\n# other\na: 'b' # c\nd: 1\n# end\n", "",
			"a: e\nd: 1", []added{{"a: f\nd: 1", true}, {"a: h", false}}, // another object, in which no comment is missed
			"# Source: x\n# other\na: 'e' # c\nd: 1\n# end\n---\n# Source: x\na: 'f' # c\nd: 1\n---\n# Source: x\na: h\n",
		},
		{
			"a document in flow style without a final line break", "{a: 'b'}", "",
			"a: b", []added{{"a: c", true}, {"d: [e]", false}},
			"{a: 'b'}\n---\n{a: 'c'}\n---\n{\"d\": [\"e\"]}",
		},
		{
			"items", "items:\n  - a: 'b' # c\n  # end\nx: 1\n", "items",
			"a: e", []added{{"a: f", true}, {"g: h", false}},
			"items:\n  - a: 'e' # c\n  - a: 'f' # c\n  - g: h\n  # end\nx: 1\n",
		},
		{
			"items in flow style", "{items: [{a: 'b'}, {c: 1}]}\n", "items",
			"a: e", []added{{"a: f", true}, {"g: h", false}},
			"{items: [{a: 'e'}, {a: 'f'}, {\"g\": \"h\"}, {c: 1}]}\n",
		},
		{
			"items in flow style, one a line", "items: [\n  {a: 'b'},\n  {c: 1}\n]\n", "items",
			"a: b", []added{{"g: h", false}},
			"items: [\n  {a: 'b'},\n  {\"g\": \"h\"},\n  {c: 1}\n]\n",
		},
		{
			"items where there are anchors", "items:\n- a: &x 'b' # c\n- *x\n", "items",
			"a: b", []added{{"a: f", true}},
			"items:\n- a: &x 'b' # c\n- a: 'f' # c\n- *x\n",
		},
		{
			"items in a nested sequence", "- a:\n  - items:\n    - 1\n    - 2\n", "0.a.0.items",
			"1", []added{{"3", false}, {"4", false}},
			"- a:\n  - items:\n    - 1\n    - 3\n    - 4\n    - 2\n",
		},
		{
			"comments at the top only", "# Source: x\n\n# other\na: 1\n# Source: y\nb: 2\n", "",
			"a: 1\nb: 2", []added{{"a: h", false}},
			"# Source: x\n\n# other\na: 1\n# Source: y\nb: 2\n---\n# Source: x\na: h\n",
		},
		{
			"items with a merge key of their own", "items:\n- a: &x {b: 1}\n  c:\n    <<: *x # x\n    d: 1 # d\n", "items",
			"a: {b: 1}\nc: {b: 1, d: 1}", []added{{"a: {b: 1}\nc: {b: 1, d: 2}", true}},
			"items:\n- a: &x {b: 1}\n  c:\n    <<: *x # x\n    d: 1 # d\n- a: {b: 1}\n  c:\n    d: 2 # d\n    b: 1\n",
		},
		{
			"items with an alias of their own", "items:\n- a: &x 'b' # b\n  c: *x # c\n- *x\n", "items",
			"a: b\nc: b", []added{{"a: f\nc: f", true}, {"a: b\nc: b", true}},
			"items:\n- a: &x 'b' # b\n  c: *x # c\n- a: 'f' # b\n  c: f # c\n- a: 'b' # b\n  c: b # c\n- *x\n",
		},
		{
			"items in flow style with an anchor", "items:\n- {a: &x 'b'} # b\n- *x\n", "items",
			"a: b", []added{{"a: f", true}},
			"items:\n- {a: &x 'b'} # b\n- {a: 'f'} # b\n- *x\n",
		},
		{
			"items with an alias of what comes before", "a: &x 'b'\ny: &y {z: 1}\nitems:\n- c: *x # c\n  <<: *y # y\n- 1\n", "items",
			"c: b\nz: 1", []added{{"c: b\nz: 1\nd: 1", true}},
			"a: &x 'b'\ny: &y {z: 1}\nitems:\n- c: *x # c\n  <<: *y # y\n- c: *x # c\n  <<: *y # y\n  d: 1\n- 1\n",
		},
		{
			"items with anchors on lines of their own", "items:\n- a: &x # a\n    b: 1 # b\n  c: !!str &y d # c\n  e: &z f # e\n- *x\n- *y\n- *z\n", "items",
			"a: {b: 1}\nc: !!str d\ne: f", []added{{"a: {b: 2}\nc: !!str d\ne: f", true}},
			"items:\n- a: &x # a\n    b: 1 # b\n  c: !!str &y d # c\n  e: &z f # e\n- a: # a\n    b: 2 # b\n  c: !!str d # c\n  e: f # e\n- *x\n- *y\n- *z\n",
		},
		{
			"items of a tagged sequence", "items: !!seq\n  - a: 'b' # c\n  - x # x\n", "items",
			"a: b", []added{{"a: f", true}, {"g: h", false}},
			"items: !!seq\n  - a: 'b' # c\n  - a: 'f' # c\n  - g: h\n  - x # x\n",
		},
		{
			"items beside a merge key", "x: &x {m: [1]}\ny:\n  <<: *x # x\n  items:\n  - 1 # one\n  z: 3\n", "y.items",
			"1", []added{{"2", false}},
			"x: &x {m: [1]}\ny:\n  <<: *x # x\n  items:\n  - 1 # one\n  - 2\n  z: 3\n",
		},
		{
			"items beside keys that are collections", "? [a]\n: [1, 2, 3]\n? [b]\n: [1]\nitems:\n- 1\n", "items",
			"1", []added{{"2", false}},
			"? [\"a\"]\n:\n- 1\n- 2\n- 3\n? [\"b\"]\n:\n- 1\nitems:\n- 1\n- 2\n",
		},
		{
			"items in flow style on the line of the bracket", "items: [a,\n  b] # b\n", "items",
			"a", []added{{"c", true}, {"d", false}},
			"items: [a, c, \"d\",\n  b] # b\n",
		},
		{
			"items of an alias are written out", "a: &x\n- 1\nb: *x\n", "b",
			"1", []added{{"2", false}},
			"a:\n- 1\nb:\n- 1\n- 2\n",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d := parse(t, tt.in)
			c := Change{InPlace: parse(t, tt.to).Tree}
			for _, a := range tt.added {
				c.Added = append(c.Added, Added{parse(t, a.text).Tree, a.copy})
			}
			changed := d.Tree
			if tt.at != "" {
				for key := range strings.SplitSeq(tt.at, ".") {
					if changed.Kind == yaml.SequenceNode {
						changed = changed.Content[0]
					} else {
						changed = Get(changed, key)
					}
				}
				changed = changed.Content[0]
			}
			edits, lost, err := d.Rewrite(map[*yaml.Node]Change{changed: c}, "# Source: ")
			if err != nil || len(lost) > 0 {
				t.Fatalf("lost the comments of the lines %d; %v", lost, err)
			}
			if diff := diffLines(tt.want, string(Apply([]byte(tt.in), edits))); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

// TestApply: edits in any order, which stay as they are.
func TestApply(t *testing.T) {
	edits := []Edit{{4, 5, "e"}, {0, 1, "a"}, {4, 4, "+"}, {2, 2, "-"}}
	before := slices.Clone(edits)
	if got := string(Apply([]byte("12345"), edits)); got != "a2-34+e" || !slices.Equal(edits, before) {
		t.Errorf("%s, %v", got, edits)
	}
}

// TestRewriteRepeatsNothing: no comment is written above a document that is added, where
// none is to be repeated.
func TestRewriteRepeatsNothing(t *testing.T) {
	d := parse(t, "# a\n\na: 1\n")
	edits, _, err := d.Rewrite(map[*yaml.Node]Change{d.Tree: {InPlace: d.Tree, Added: []Added{{d.Tree, true}}}}, "")
	if got := string(Apply(d.stream, edits)); err != nil || got != "# a\n\na: 1\n---\na: 1\n" {
		t.Errorf("%v\n%s", err, got)
	}
}

// TestRewriteNotWritten: what cannot be read back is not returned.
func TestRewriteNotWritten(t *testing.T) {
	odd := &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map", Content: []*yaml.Node{String("a"), String("b"), String("a"), String("c")}}
	notUTF8 := Map("a", &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!binary", Value: "\xff"})
	d := parse(t, "a: b\n")
	for name, c := range map[string]Change{
		"a key twice":                 {InPlace: odd},
		"not UTF-8":                   {InPlace: notUTF8},
		"a key twice in another":      {InPlace: d.Tree, Added: []Added{{Tree: odd}}},
		"a key twice in a copy of it": {InPlace: d.Tree, Added: []Added{{Tree: odd, Copy: true}}},
	} {
		edits, _, err := d.Rewrite(map[*yaml.Node]Change{d.Tree: c}, "")
		var said *message.Message
		if !errors.As(err, &said) || said.ID != message.NotWritten || len(edits) > 0 {
			t.Errorf("%s: %v, %v", name, edits, err)
		}
	}
	if edits, _, err := parse(t, "# nothing\n").Rewrite(map[*yaml.Node]Change{nil: {InPlace: Map()}}, ""); err == nil {
		t.Errorf("a document without content: %v", edits)
	}
}

// TestSetInDocument: Set changes one document of a stream, and keeps the rest.
func TestSetInDocument(t *testing.T) {
	const stream = `# above
apiVersion: v1
metadata: {name: a} # here
---
metadata:
  name: b   # b
spec:
  list:
    # one
    - a: 1
    # two
    - b: |
        text
      c: 3
    # three
    - d: 4
  none: ~
  after: yes # stays
---
`
	for _, tt := range []struct {
		name, path string
		value      any
		from, to   string // what is replaced by what
	}{
		{"a scalar", "spec.after", "no", "after: yes #", "after: \"no\" #"},
		{"a new path", "spec.some.where", 1, "# stays\n", "# stays\n  some:\n    where: 1\n"},
		{"a new key at the top", "kind", "X", "# stays\n", "# stays\nkind: X\n"},
		{"nothing", "spec.list", nil, stream[strings.Index(stream, "  list:"):strings.Index(stream, "  none:")], ""},
		{"nothing where there is nothing", "spec.some.where", nil, "", ""},
		{"nothing where there is a null", "spec.none", nil, "  none: ~\n", ""},
		{"nothing at the top", "metadata", nil, stream[strings.LastIndex(stream, "metadata:"):strings.Index(stream, "spec:")], ""},
		{
			"the last items go", "spec.list", []any{map[string]any{"a": 1}},
			"    # two\n    - b: |\n        text\n      c: 3\n    # three\n    - d: 4\n", "    # two\n",
		},
		{
			"an item more", "spec.list",
			[]any{map[string]any{"a": 1}, map[string]any{"b": "text\n", "c": 3}, map[string]any{"d": 4}, "x"},
			"- d: 4\n", "- d: 4\n    - x\n",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d, err := Parse([]byte(stream), Split([]byte(stream))[1])
			if err != nil {
				t.Fatal(err)
			}
			edits, err := d.Set(tt.path, tt.value)
			if err != nil {
				t.Fatal(err)
			}
			want := strings.Replace(stream, tt.from, tt.to, 1)
			if diff := diffLines(want, string(Apply([]byte(stream), edits))); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
	d, err := Parse([]byte(stream), Split([]byte(stream))[1])
	if err != nil {
		t.Fatal(err)
	}
	var located *Error
	if _, err := d.Set("spec.list.deeper.still", 1); !errors.As(err, &located) || located.Path != "spec.list" || located.Line != 10 {
		t.Errorf("through a sequence: %v", err)
	}
	if edits, err := d.Set("spec.x", failing{}); err == nil {
		t.Errorf("a value that is not encoded: %v", edits)
	}
	if edits, err := parse(t, "# nothing\n").Set("a", 1); err == nil {
		t.Errorf("a document without content: %v", edits)
	}
}

type failing struct{}

func (failing) MarshalYAML() (any, error) { return nil, errors.New("it fails") }

// TestRewriteLoses: the lines whose comments are lost where a part is written from
// its tree; not those of what goes.
func TestRewriteLoses(t *testing.T) {
	for _, tt := range []struct {
		name, in, to string
		copied       bool
		want         []int
	}{
		{"nothing", "a: 1 # a\nb: 2 # b\n", "a: 1\nb: 3", false, nil},
		{"what goes", "# a\na: 1 # a\n# b\nb: # b\n  c: 1 # c\nd: 1\n", "a: 1\nd: 1", false, nil},
		{"a mapping in the place of another", "a:\n  b: 1 # b\nc: 1\n", "a: {d: 1}\nc: 1", false, nil},
		{"a literal scalar changes", "x: 1\na: |- # a\n  b # c\nc: 1\n", "x: 1\na: d\nc: 1", false, []int{2}},
		{"an item in flow style goes", "a: [1, # 1\n 2, # 2\n 3]\n", "a: [2, 3]", false, []int{1, 2}},
		{"a copy of an anchored key", "items:\n- &k a: |- # a\n    x\n  b: *k # b\n", "a: y\nb: a", true, []int{2, 4}},
		{"in quotes", "a: 'b # c' # d\ne: \"\n # f\n\" # g\n", "a: x\ne: [1]", false, []int{4}},
		{"items that go, and what is right above them", "x:\n- - |- # 1\n    a\n  - b # 2\n# 3\n- c # 4\n# 5\n  # 6\n- d # 7\n# 8\n- e # 9\n# 10\ny: 1 # 11\n", "x: [[z, b], c]\ny: 1", false, []int{2, 4}},
		{"entries that go, and what is right above them", "x:\n- - |- # 1\n    a\n  - b: 1 # 2\n    # 3\n    # 4\n    c: 1 # 5\n    d: 1 # 6\n    # 7\n    e: {f: 1, # 8\n     g: 1} # 9\n", "x: [[z, {b: 1, d: 1, e: {g: 1}}]]", false, []int{2, 4, 8, 9, 11}},
		{"entries and items of flow style that go", "x:\n- - |- # 1\n    a\n  - {b: 1, # 2\n     c: 1, # 3\n     d: 1} # 4\n  - [1, # 5\n     [2], # 6\n     3] # 7\n  - [1, # 8\n   2] # 9\n", "x: [[z, {b: 1, d: 1}, [1, [2]], [1, 2]]]", false, []int{2, 4, 6, 7, 8, 10, 11}},
		{"beside merge keys and aliases", "b: &x {c: 1}\nx:\n- - |- # 1\n    a\n  - <<: *x # 2\n    d: 1 # 3\n  - *x # 4\n", "b: {c: 1}\nx: [[z, {c: 1}, {c: 1}]]", false, []int{3, 5, 7}},
		{"another kind", "x:\n- - |- # 1\n    a\n  - b: 1 # 2\n  - - 1 # 3\n  - c # 4\n  - {d: e} # 5\n", "x: [[z, [1], {b: 1}, [c], f]]", false, []int{2, 6}},
		{"all keys change", "x:\n- - |- # 1\n    a\n  - b: 1 # 2\n    c: 1 # 3\n  - d # 4\n", "x: [[z, {e: 1, f: 1}, d]]", false, []int{2, 6}},
		{"what looks like a comment", "x:\n- - |- # 1\n    a # a\n  - 'b # b' # 2\n  - \"c # \\\" # c\" # 3\n  - d# 4\n  - !!str efe # 5\n  - !!seq # 6\n    - f # 7\n  - >-\n    g # g\n    h\n  # 8\n  - i # 9\n  - !!map # 10\n    j: |\n      k # k\n  - {l: '# l', \"# m\": n} # 11\n  - \"\" # 12\n  - '' # 13\n  - o: # 14\n    - |\n     # p\n    # 15\n", "x: [[z, 'b # b', 'c # \" # c', 'd# 4', !!str efe, !!seq [f], 'g # g h', i, !!map {j: \"k # k\\n\"}, {l: '# l', '# m': n}, '', '', {o: [\"# p\\n\"]}]]", false, []int{2, 4, 5, 7, 8, 9, 13, 14, 15, 18, 19, 20, 21}},
		{"at the top", "# 1\nx:\n# 2\n- - |- # 3\n    a\n  - b\n", "x: [[z, b]]", false, []int{4}},
		{"at the top, of a sequence", "# 1\n- - |- # 2\n    a\n  - b # 3\n", "[[z, b]]", false, []int{2, 4}},
		{"the first goes, and what is above it", "# 1\n# 2\na: 1 # 3\nx:\n- - |- # 4\n    a\n  - b\n", "x: [[z, b]]", false, []int{5}},
		{"with CR LF", "x:\r\n- - |- # 1 \r\n    a\r\n  - b # 2\t\r\n# 3", "x: [[z, b]]", false, []int{2, 4}},
		{"two that say the same, of which one stays", "y: 1 # x\nx:\n- - |- # x\n    a\n  - b #\n", "x: [[z, b]]\ny: 1", false, []int{3, 5}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d := parse(t, tt.in)
			change := map[*yaml.Node]Change{d.Tree: {InPlace: parse(t, tt.to).Tree}}
			if tt.copied {
				item := Get(d.Tree, "items").Content[0]
				change = map[*yaml.Node]Change{item: {InPlace: item, Added: []Added{{parse(t, tt.to).Tree, true}}}}
			}
			edits, lost, err := d.Rewrite(change, "")
			if diff := cmp.Diff(tt.want, lost); err != nil || diff != "" {
				t.Errorf("%v, -want +got:\n%s%s", err, diff, Apply([]byte(tt.in), edits))
			}
		})
	}
}

// TestRewriteItems: what precedes an item goes before its comments, and a scalar that is
// spelt keeps its style; where the spelling does not give the value, it is written whole.
func TestRewriteItems(t *testing.T) {
	spell := func(from, to string) func([]byte) []Edit {
		return func(written []byte) []Edit {
			var edits []Edit
			for at := 0; ; {
				i := bytes.Index(written[at:], []byte(from))
				if i < 0 {
					return edits
				}
				at += i + len(from)
				edits = append(edits, Edit{at - len(from), at, to})
			}
		}
	}
	for _, tt := range []struct{ name, in, value, want string }{
		{"a literal", "a:\n- |\n  x # y\n\n  y\n# y\n", "x # z\n\nz\n", "a:\n- b: c\n- |\n  x # z\n\n  z\n# y\n"},
		{"a folded one", "a:\n  - >-\n    y\n    y\n\n      y\n  # y\n  - y\n", "z z\n\n  z", "a:\n  - b: c\n  - >-\n    z\n    z\n\n      z\n  # y\n  - y\n"},
		{"quotes", "a:\n# y\n- \"y\\u0079\" # y\n", "zy", "a:\n- b: c\n# y\n- \"z\\u0079\" # y\n"},
		{"an escape", "a:\n- \"\\u0079\" # y\n", "z", "a:\n- b: c\n- \"z\" # y\n"},
		{"plain, in a flow sequence", "a: [y, y] # y\n", "z", "a: [{\"b\": \"c\"}, z, y] # y\n"},
		{"in a tagged sequence", "a: !!seq # y\n- y # y\n", "z", "a: !!seq # y\n- b: c\n- z # y\n"},
		{"plain, on two lines", "a:\n- x\n  y\n- y\n", "x z", "a:\n- b: c\n- x z\n- y\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d := parse(t, tt.in)
			item := Get(d.Tree, "a").Content[0]
			want := *item
			want.Value = tt.value
			edits, lost, err := d.Rewrite(map[*yaml.Node]Change{item: {
				InPlace: &want, Before: []*yaml.Node{Map("b", "c")}, Spell: spell("y", "z"),
			}}, "")
			if err != nil || len(lost) > 0 {
				t.Fatal(err, lost)
			}
			if diff := diffLines(tt.want, string(Apply([]byte(tt.in), edits))); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

// TestRewriteSpelled: two scalars that are spelt, of which one has to be written whole,
// and copies of both where that is so.
func TestRewriteSpelled(t *testing.T) {
	spell := func(written []byte) (edits []Edit) {
		for i, c := range written {
			if c == 'y' {
				edits = append(edits, Edit{i, i + 1, "z"})
			}
		}
		return edits
	}
	for _, tt := range []struct {
		name, in string
		values   []string
		want     string
	}{
		{"plain, and a literal", "y: # y\n- y # y\n- |\n  y\n  # y\n", []string{"z", "z\n# z\n"}, "y: # y\n- z # y\n- z # y\n- |\n  z\n  # z\n- |\n  z\n  # z\n"},
		{"tagged", "y:\n- !!str |\n  y\n  y\n- !!str \"y\\u0079 y\" # y\n", []string{"z\nz\n", "zy z"}, "y:\n- !!str |\n  z\n  z\n- !!str |\n  z\n  z\n- !!str \"z\\u0079 z\" # y\n- !!str \"zy z\" # y\n"},
		{"one that gets another value", "y:\n- |\n  y\n\n  y\n- 'y' # y\n", []string{"z\n\nz\n", "x"}, "y:\n- |\n  z\n\n  z\n- |\n  z\n\n  z\n- 'x' # y\n- 'x' # y\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d := parse(t, tt.in)
			changes := make(map[*yaml.Node]Change)
			for i, item := range Get(d.Tree, "y").Content {
				want := *item
				want.Value = tt.values[i]
				changes[item] = Change{InPlace: &want, Added: []Added{{&want, true}}, Spell: spell}
			}
			edits, _, err := d.Rewrite(changes, "")
			if err != nil {
				t.Fatal(err)
			}
			if diff := diffLines(tt.want, string(Apply([]byte(tt.in), edits))); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

// TestBlockText: scalars are written from their tree as they were written, with a tag
// where they had one.
func TestBlockText(t *testing.T) {
	for _, text := range []string{
		"a: |\n  x\n  y\n", "a: |-\n  x\n\n  y\n", "a: !!str |\n  x\n", "a: !!str |-\n  x\n",
		"- |\n  x\n- plain\n- 'single'\n- \"double\\n\"\n- !!str 1\n- !!str '1'\n", "a:\n- b: |\n    x\n  c: 1\n",
	} {
		if got := blockText(parse(t, text).Tree); got != text {
			t.Errorf("got\n%s\nwant\n%s", got, text)
		}
	}
}
