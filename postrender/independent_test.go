package postrender_test

import (
	"go/ast"
	"go/parser"
	gotoken "go/token"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestIndependent: what says a second time what a right result is shares no code with
// what it judges. The judge of this package knows the renderer's settings and decisions,
// by their names, and calls it only to get the result that it judges. The other tests
// know nothing of this repository's code.
func TestIndependent(t *testing.T) {
	const module = "github.com/openova-io/helm-cnpg-pair"
	known := []string{
		"Config", "Side", "Replication", "Active", "Failover", // settings
		"Decision", "Paired", "Error", "Source", // results
		"Renderer", "New", // the code that is judged
	}
	files, err := filepath.Glob("judge*_test.go")
	if err != nil || len(files) < 7 {
		t.Fatalf("only %d files of the judge: %v", len(files), err)
	}
	files = append(files, "generate_test.go", "../e2e/policy_test.go", "../e2e/clustermesh_test.go", "../e2e/guard_test.go", "../e2e/guard_release_test.go", "../e2e/build/policy/main.go")
	for _, file := range files {
		syntax, err := parser.ParseFile(gotoken.NewFileSet(), file, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, spec := range syntax.Imports {
			path := strings.Trim(spec.Path.Value, `"`)
			judge := !strings.HasPrefix(file, "..") && path == module+"/postrender" && spec.Name == nil
			if path != module && !strings.HasPrefix(path, module+"/") || judge {
				continue
			}
			t.Errorf("%s must not import %s", file, path)
		}
		ast.Inspect(syntax, func(n ast.Node) bool {
			if selector, ok := n.(*ast.SelectorExpr); ok {
				if pkg, ok := selector.X.(*ast.Ident); ok && pkg.Name == "postrender" && !slices.Contains(known, selector.Sel.Name) {
					t.Errorf("%s must not use postrender.%s", file, selector.Sel.Name)
				}
			}
			return true
		})
	}
}
