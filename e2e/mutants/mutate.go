package main

import (
	"cmp"
	"fmt"
	"go/ast"
	"go/constant"
	"go/parser"
	"go/token"
	"go/types"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/tools/go/packages"
)

// mutant is a change of the code that a test ought to notice. It is made by text that
// is only put in, behind a switch, so that all mutants fit into one build.
type mutant struct {
	number      int
	pkg         *packages.Package
	file        int // of the package's CompiledGoFiles
	line        int
	source      string // the line
	operator    string
	fingerprint string // does not change when other lines or other files do
	inserts     []insert
}

type insert struct {
	at      int // bytes
	text    string
	closing bool // it belongs to what ends here, not to what begins here
}

// switchName is the import's name in the mutated code; no code uses it otherwise.
const switchName = "mutantSwitch"

// walker finds the mutants of one file.
type walker struct {
	pkg   *packages.Package
	file  int
	tok   *token.File
	text  []byte
	stack []ast.Node // around the node that is visited
	found *[]mutant
	seen  map[string]int    // fingerprints
	moot  map[ast.Expr]bool // constants that are returned beside an error
}

// mutants finds all mutants of packages. Some of them do not compile: see compiles.
func mutants(pkgs []*packages.Package) (all []mutant, err error) {
	seen := make(map[string]int)
	for _, pkg := range pkgs {
		for i, syntax := range pkg.Syntax {
			text, err := os.ReadFile(pkg.CompiledGoFiles[i])
			if err != nil {
				return nil, err
			}
			w := &walker{pkg: pkg, file: i, tok: pkg.Fset.File(syntax.FileStart), text: text, found: &all, seen: seen, moot: make(map[ast.Expr]bool)}
			ast.PreorderStack(syntax, nil, func(n ast.Node, stack []ast.Node) bool {
				w.stack = stack
				return w.visit(n)
			})
		}
	}
	return all, nil
}

// on is true in the next mutant.
func (w *walker) on() string {
	return fmt.Sprintf("%s.On(%d)", switchName, len(*w.found)+1)
}

// add notes a mutant of a node: the texts go before from and behind to.
func (w *walker) add(operator string, node ast.Node, from, to token.Pos, before, after string) {
	m := mutant{number: len(*w.found) + 1, pkg: w.pkg, file: w.file, operator: operator}
	position := w.tok.Position(node.Pos())
	m.line = position.Line
	m.source = strings.TrimSpace(strings.SplitN(string(w.text[w.tok.Offset(w.tok.LineStart(m.line)):]), "\n", 2)[0])
	if before != "" {
		m.inserts = append(m.inserts, insert{w.tok.Offset(from), before, false})
	}
	if after != "" {
		m.inserts = append(m.inserts, insert{w.tok.Offset(to), after, true})
	}
	expression := strings.Join(strings.Fields(string(w.text[w.tok.Offset(node.Pos()):w.tok.Offset(node.End())])), " ")
	m.fingerprint = strings.Join([]string{w.pkg.PkgPath, w.function(), operator, expression}, " | ")
	w.seen[m.fingerprint]++
	if n := w.seen[m.fingerprint]; n > 1 {
		m.fingerprint += fmt.Sprintf(" | %d", n)
	}
	*w.found = append(*w.found, m)
}

// wrap notes a mutant that puts text around a node.
func (w *walker) wrap(operator string, node ast.Node, before, after string) {
	w.add(operator, node, node.Pos(), node.End(), before, after)
}

// function is the name of the function that the walk is in.
func (w *walker) function() string {
	for _, n := range w.stack {
		if decl, ok := n.(*ast.FuncDecl); ok {
			if decl.Recv != nil {
				return types.ExprString(decl.Recv.List[0].Type) + "." + decl.Name.Name
			}
			return decl.Name.Name
		}
	}
	return "(package)"
}

func (w *walker) visit(n ast.Node) bool {
	switch n := n.(type) {
	case *ast.ImportSpec:
		return false
	case *ast.GenDecl:
		return n.Tok == token.VAR
	case *ast.IfStmt:
		w.condition(n.Cond)
	case *ast.CaseClause:
		if parent, ok := w.stack[len(w.stack)-2].(*ast.SwitchStmt); ok && parent.Tag == nil {
			for _, cond := range n.List {
				w.condition(cond)
			}
		}
		w.statements(n.Body)
	case *ast.CommClause:
		w.statements(n.Body)
	case *ast.BlockStmt:
		if parent, ok := w.stack[len(w.stack)-1].(*ast.IfStmt); !ok || len(n.List) > 1 || parent.Else != nil {
			w.statements(n.List) // of a single one, the condition is false then
		}
	case *ast.ForStmt:
		w.loop(n, n.Body)
	case *ast.RangeStmt:
		w.loop(n, n.Body)
	case *ast.ReturnStmt:
		w.results(n)
	case *ast.AssignStmt:
		if (n.Tok == token.ADD_ASSIGN || n.Tok == token.SUB_ASSIGN) && w.is(n.Lhs[0], types.IsInteger) {
			w.typed("operator swapped", n.Rhs[0], "Neg")
		}
	case *ast.KeyValueExpr:
		if value := w.pkg.TypesInfo.Types[n.Value]; value.IsValue() && value.Value == nil && !value.IsNil() {
			w.call("value left out", n.Value, "Zero")
		}
	case ast.Expr:
		return w.expression(n)
	}
	return true
}

// condition makes a branch that is always taken, and one that never is.
func (w *walker) condition(cond ast.Expr) {
	if w.is(cond, types.IsBoolean) {
		w.wrap("condition always true", cond, "((", ") || "+w.on()+")")
		w.wrap("condition always false", cond, "((", ") && !"+w.on()+")")
	}
}

// statements leaves out one statement after the other.
func (w *walker) statements(list []ast.Stmt) {
	for _, s := range list {
		switch s := s.(type) {
		case *ast.ExprStmt:
			if reserves(s.X) {
				continue
			}
		case *ast.IncDecStmt, *ast.SendStmt, *ast.DeferStmt, *ast.GoStmt, *ast.ReturnStmt:
		case *ast.BranchStmt:
			if s.Tok == token.FALLTHROUGH {
				continue
			}
		case *ast.AssignStmt:
			if s.Tok == token.DEFINE {
				continue
			}
		default:
			continue
		}
		w.wrap("statement left out", s, "if !"+w.on()+" { ", " }")
	}
}

// loop makes a loop that ends before or after its first pass.
func (w *walker) loop(loop ast.Node, body *ast.BlockStmt) {
	if len(body.List) == 0 {
		return
	}
	w.add("loop left out", loop, body.Lbrace+1, 0, "if "+w.on()+" { break }; ", "")
	w.add("loop ends after one pass", loop, 0, body.Rbrace, "", "; if "+w.on()+" { break }")
}

// results makes a function return nothing in the place of something.
func (w *walker) results(s *ast.ReturnStmt) {
	var signature *types.Signature
	for _, n := range slices.Backward(w.stack) {
		switch n := n.(type) {
		case *ast.FuncLit:
			signature, _ = w.pkg.TypesInfo.TypeOf(n).(*types.Signature)
		case *ast.FuncDecl:
			signature, _ = w.pkg.TypesInfo.ObjectOf(n.Name).Type().(*types.Signature)
		}
		if signature != nil {
			break
		}
	}
	if signature == nil || len(s.Results) == 0 || signature.Results().Len() != len(s.Results) {
		return
	}
	last := s.Results[len(s.Results)-1]
	_, called := last.(*ast.CallExpr) // which may return none
	failed := types.Identical(signature.Results().At(len(s.Results)-1).Type(), types.Universe.Lookup("error").Type()) && !w.pkg.TypesInfo.Types[last].IsNil()
	for i, result := range s.Results {
		value := w.pkg.TypesInfo.Types[result]
		switch {
		case value.Value != nil:
			w.moot[result] = failed && !called
		case value.IsNil():
		case failed && result == last:
			w.call("no error returned", result, "NoError")
		case types.Identical(value.Type, signature.Results().At(i).Type()):
			w.call("nothing returned", result, "Zero")
		}
	}
}

func (w *walker) expression(e ast.Expr) bool {
	if value := w.pkg.TypesInfo.Types[e]; value.Value != nil {
		if !w.moot[e] {
			w.constant(e, value.Value)
		}
		return false
	}
	if reserves(e) {
		return false
	}
	switch e := e.(type) {
	case *ast.UnaryExpr:
		if e.Op == token.NOT {
			w.wrap("negated", e, "((", ") != "+w.on()+")")
		}
	case *ast.BinaryExpr:
		w.binary(e)
	}
	return true
}

// reserves reports whether a call only asks for memory in advance.
func reserves(e ast.Expr) bool {
	call, ok := e.(*ast.CallExpr)
	if !ok {
		return false
	}
	function := types.ExprString(call.Fun)
	return function == "make" && len(call.Args) == 3 || strings.HasSuffix(function, ".Grow")
}

// constant changes a constant by one, or empties it, or fills it.
func (w *walker) constant(e ast.Expr, value constant.Value) {
	switch {
	case value.Kind() == constant.Bool:
		w.wrap("constant negated", e, "(", " != "+w.on()+")")
	case value.Kind() == constant.String && constant.StringVal(value) == "":
		w.typed("constant changed", e, "Text")
	case value.Kind() == constant.String:
		w.typed("constant emptied", e, "Zero")
	case w.is(e, types.IsInteger):
		w.typed("constant plus one", e, "Inc")
	}
}

func (w *walker) binary(e *ast.BinaryExpr) {
	switch e.Op {
	case token.LAND, token.LOR:
		// a || b is !(!a && !b): three switches make one operator of the other, and the
		// right operand is only computed where it ought to be
		on := w.on()
		w.wrap("operator swapped", e, "((", ") != "+on+")")
		swapped := &(*w.found)[len(*w.found)-1]
		for _, operand := range []ast.Expr{e.X, e.Y} {
			swapped.inserts = append(swapped.inserts,
				insert{w.tok.Offset(operand.Pos()), "((", false}, insert{w.tok.Offset(operand.End()), ") != " + on + ")", true})
		}
		for _, operand := range []ast.Expr{e.X, e.Y} {
			if e.Op == token.LAND {
				w.wrap("operand left out", operand, "((", ") || "+w.on()+")")
			} else {
				w.wrap("operand left out", operand, "((", ") && !"+w.on()+")")
			}
		}
	case token.EQL, token.NEQ:
		w.wrap("comparison negated", e, "((", ") != "+w.on()+")")
	case token.LSS, token.GEQ:
		w.wrap("comparison negated", e, "((", ") != "+w.on()+")")
		if w.pkg.TypesInfo.Types[e.Y].Value == nil { // a constant gets one more anyway
			w.typed("boundary moved", e.Y, "Inc")
		}
	case token.GTR, token.LEQ:
		w.wrap("comparison negated", e, "((", ") != "+w.on()+")")
		w.typed("boundary moved", e.Y, "Dec")
	case token.ADD, token.SUB:
		if w.is(e, types.IsString) {
			w.typed("operand left out", e.X, "Zero")
			w.typed("operand left out", e.Y, "Zero")
		} else {
			w.typed("operator swapped", e.Y, "Neg")
		}
	case token.MUL, token.QUO, token.REM, token.SHL, token.SHR:
		w.typed("operand changed", e.Y, "Inc")
	case token.OR, token.AND, token.XOR, token.AND_NOT:
		w.typed("operand left out", e.Y, "Zero")
	}
}

// call hands an expression to a function of the switches' package.
func (w *walker) call(operator string, e ast.Expr, function string) {
	w.wrap(operator, e, fmt.Sprintf("%s.%s(%d, ", switchName, function, len(*w.found)+1), ")")
}

// typed is call with the type spelled out, which a constant may have from its surroundings.
func (w *walker) typed(operator string, e ast.Expr, function string) {
	t := types.TypeString(types.Default(w.pkg.TypesInfo.TypeOf(e)), func(p *types.Package) string {
		if p == w.pkg.Types {
			return ""
		}
		return p.Name()
	})
	w.call(operator, e, function+"["+t+"]")
}

func (w *walker) is(e ast.Expr, kind types.BasicInfo) bool {
	basic, ok := w.pkg.TypesInfo.TypeOf(e).Underlying().(*types.Basic)
	return ok && basic.Info()&kind != 0
}

// apply returns the text of a file with the switches of its mutants.
func apply(switches string, picked []mutant) (string, error) {
	file := picked[0].pkg.Syntax[picked[0].file]
	text, err := os.ReadFile(picked[0].path())
	if err != nil {
		return "", err
	}
	offset := picked[0].pkg.Fset.File(file.FileStart).Offset(file.Name.End())
	opening := []insert{{offset, fmt.Sprintf("; import %s %q", switchName, switches), false}}
	// the later something was put around a node, the closer it is to it
	var closing []insert
	for _, m := range picked {
		for _, i := range m.inserts {
			if i.closing {
				closing = append(closing, i)
			} else {
				opening = append(opening, i)
			}
		}
	}
	slices.Reverse(closing)
	inserts := slices.Concat(closing, opening)
	slices.SortStableFunc(inserts, func(a, b insert) int { return cmp.Compare(a.at, b.at) })
	var out strings.Builder
	last := 0
	for _, i := range inserts {
		out.Write(text[last:i.at])
		out.WriteString(i.text)
		last = i.at
	}
	out.Write(text[last:])
	return out.String(), nil
}

// path is the mutant's file.
func (m mutant) path() string { return m.pkg.CompiledGoFiles[m.file] }

// compiles reports whether the type checker takes a mutant: not every expression can
// be replaced by a call.
func (m mutant) compiles(switches *types.Package) (bool, error) {
	text, err := apply(switches.Path(), []mutant{m})
	if err != nil {
		return false, err
	}
	syntax, err := parser.ParseFile(m.pkg.Fset, filepath.Base(m.path()), text, parser.SkipObjectResolution)
	if err != nil {
		return false, nil
	}
	files := slices.Clone(m.pkg.Syntax)
	files[m.file] = syntax
	config := types.Config{Importer: importer{m.pkg.Types, switches}}
	_, err = config.Check(m.pkg.PkgPath, m.pkg.Fset, files, nil)
	return err == nil, nil
}

// importer finds what a package imports already, and the switches.
type importer struct{ pkg, switches *types.Package }

func (i importer) Import(path string) (*types.Package, error) {
	for _, p := range append(i.pkg.Imports(), i.switches, types.Unsafe) {
		if p.Path() == path {
			return p, nil
		}
	}
	return nil, fmt.Errorf("%s is not imported", path)
}
