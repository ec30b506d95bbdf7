package message

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// names are those of lists.
var names = []string{"commandLine", "settings", "streams", "selection", "shapes", "policies", "reasons", "flux", "library"}

var value = regexp.MustCompile(`{([A-Za-z]+)}`)

// shown is how the page shows a text.
func shown(text string) string {
	return regexp.MustCompile("…+").ReplaceAllString(value.ReplaceAllString(text, "…"), "…")
}

// TestPage holds docs/messages.md against the list: all messages and their hints,
// and no others.
func TestPage(t *testing.T) {
	page, err := os.ReadFile("../../docs/messages.md")
	if err != nil {
		t.Fatal(err)
	}
	hints := make(map[string][]string) // of each message of the page
	var last string
	for _, line := range regexp.MustCompile("(?m)^(- |  - )`(hint: )?([^`]*)`:?$").FindAllStringSubmatch(string(page), -1) {
		if line[1] == "- " {
			last = line[3]
			if _, twice := hints[last]; twice {
				t.Errorf("twice on the page: %s", last)
			}
			hints[last] = nil
		} else {
			hints[last] = append(hints[last], line[3])
		}
	}
	listed := make(map[string][]string)
	for i, list := range lists {
		t.Run(names[i], func(t *testing.T) {
			for _, e := range list {
				text, hint := shown(e.text), shown(e.hint)
				listed[text] = append(listed[text], hint)
				if text == "" {
					continue // a hint that goes with several messages
				}
				onPage, ok := hints[text]
				if !ok {
					t.Errorf("not on the page: %s", text)
				}
				if hint != "" && !slices.Contains(onPage, hint) {
					t.Errorf("not on the page: %s: hint: %s", text, hint)
				}
			}
		})
	}
	t.Run("page", func(t *testing.T) {
		for _, text := range slices.Sorted(maps.Keys(hints)) {
			if listed[text] == nil {
				t.Errorf("not in the list: %s", text)
			}
			for _, hint := range hints[text] {
				if !slices.Contains(slices.Concat(listed[text], listed[""]), hint) {
					t.Errorf("not in the list: %s: hint: %s", text, hint)
				}
			}
		}
	})
}

// TestCalls looks at every message that the sources make: it has just the values
// of its text and its hint; and at every message of the list: something uses it.
func TestCalls(t *testing.T) {
	files := token.NewFileSet()
	ids := make(map[string]ID) // by the names of their constants
	used := make(map[string]bool)
	var calls []*ast.CallExpr
	err := filepath.WalkDir("../..", func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && strings.HasPrefix(entry.Name(), ".") && !strings.HasPrefix(entry.Name(), ".."),
			entry.IsDir() && entry.Name() == "e2e":
			return fs.SkipDir
		case !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go"):
			return nil
		}
		file, err := parser.ParseFile(files, path, nil, 0)
		if err != nil {
			return err
		}
		ast.Inspect(file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.ValueSpec:
				if kind, ok := n.Type.(*ast.Ident); ok && kind.Name == "ID" && file.Name.Name == "message" {
					ids[n.Names[0].Name] = ID(unquote(n.Values[0]))
				}
			case *ast.SelectorExpr:
				used[ofMessage(n)] = true
			case *ast.CallExpr:
				if made := ofMessage(n.Fun); made == "New" || made == "Wrap" {
					calls = append(calls, n)
				}
			}
			return true
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, call := range calls {
		at := files.Position(call.Pos())
		id, ok := ids[ofMessage(call.Args[0])]
		if !ok && call.Ellipsis.IsValid() {
			continue // it was taken apart, and is put together again
		}
		if !ok {
			t.Errorf("%s: not a message of the list by its name", at)
			continue
		}
		values := call.Args[1:]
		want := make(map[string]bool)
		for _, found := range value.FindAllStringSubmatch(find(id).text+find(id).hint, -1) {
			want[found[1]] = true
		}
		if ofMessage(call.Fun) == "Wrap" {
			if !want["cause"] {
				t.Errorf("%s: %s has no {cause}", at, id)
			}
			delete(want, "cause")
			values = values[1:]
		}
		for i := 0; i < len(values); i += 2 {
			name := unquote(values[i])
			if !want[name] {
				t.Errorf("%s: %s has no {%s}", at, id, name)
			}
			delete(want, name)
		}
		if len(values)%2 != 0 || len(want) > 0 {
			t.Errorf("%s: %s lacks %v", at, id, slices.Sorted(maps.Keys(want)))
		}
	}
	makes := make(map[ID]bool)
	for name, id := range ids {
		makes[id] = used[name]
	}
	for i, list := range lists {
		t.Run(names[i], func(t *testing.T) {
			for _, e := range list {
				if !makes[e.id] {
					t.Errorf("nothing uses %s", e.id)
				}
			}
		})
	}
}

// ofMessage returns the name of what an expression takes from this package.
func ofMessage(e ast.Expr) string {
	if selector, ok := e.(*ast.SelectorExpr); ok {
		if pkg, ok := selector.X.(*ast.Ident); ok && pkg.Name == "message" {
			return selector.Sel.Name
		}
	}
	return ""
}

func unquote(e ast.Expr) string {
	if literal, ok := e.(*ast.BasicLit); ok {
		text, _ := strconv.Unquote(literal.Value)
		return text
	}
	return ""
}
