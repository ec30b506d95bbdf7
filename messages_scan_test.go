package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// The messages in the sources: format strings that become an error, a warning or
// a reason, with a hole where words come in at run time, and cures, which are
// printed behind "hint:". They are found by the ways in which errors are made
// here (sink), through constants, variables, parameters and the results of
// functions. What reads like prose and is reached by none of them fails as well,
// so that a new way cannot pass by unseen.

const hole = "…"

// scanned are the packages whose messages people meet.
var scanned = map[string]string{"main": ".", "postrender": "postrender", "flux": "flux"}

// makers make the errors of what they are given: it is their calls that count.
var makers = []string{"misuse", "cannot", "leave", "fail"}

// notMessages are the files, functions and constants whose prose is none of an
// error, and what it is instead.
var notMessages = map[string]string{
	"usage.go":              "--help",
	"postrender/effects.go": "what explain tells of a living release",
	"postrender/explain.go": "the heads of explain's tables",
	"postrender/plan.go":    "explain's plan of the pair",
	"version":               "--version",
	"exitStatus.Error":      "of another program, which has said why",
	"report":                "what stands before a message",
	"refusal":               "a document for Helm 4",
	"expand":                "explain's reasons, in a hole",
	"addCluster":            "what holds a name, in a hole",
	"behind":                "the name of a source, before a message",
	"knobCases":             "when, in a hole of inside Flux",
	"readKnob":              "the title of a patch",
	"dropKnob":              "the title of a patch",
	"clones":                "titles of patches",
	"patches":               "titles of patches",
	"mark":                  "the beginning of a title",
	"LeftAlone":             "explain's column of decisions",
}

// message is what one place in the code says.
type message struct {
	text, cure string
	hasCure    bool // the place holds both, though the cure may be empty
}

type scanner struct {
	fset      *token.FileSet
	files     map[string][]*ast.File                // by package
	values    map[string]map[string]ast.Expr        // constants and variables, by package and name
	functions map[string]map[string]*ast.FuncDecl   // by package and name
	calls     map[string]map[string][]*ast.CallExpr // by package and callee
	inside    map[*ast.CallExpr]*ast.FuncDecl
	reached   map[token.Pos]bool // string literals
	found     map[message]string // and where
	open      []ast.Node         // what is being followed, against circles
}

// scope is where an expression stands: in a function, or, without one, at the top
// of a file.
type scope struct {
	pkg string
	fun *ast.FuncDecl
}

func scan(t *testing.T) *scanner {
	t.Helper()
	s := &scanner{
		fset:      token.NewFileSet(),
		files:     make(map[string][]*ast.File),
		values:    make(map[string]map[string]ast.Expr),
		functions: make(map[string]map[string]*ast.FuncDecl),
		calls:     make(map[string]map[string][]*ast.CallExpr),
		inside:    make(map[*ast.CallExpr]*ast.FuncDecl),
		reached:   make(map[token.Pos]bool),
		found:     make(map[message]string),
	}
	for pkg, folder := range scanned {
		s.values[pkg] = make(map[string]ast.Expr)
		s.functions[pkg] = make(map[string]*ast.FuncDecl)
		s.calls[pkg] = make(map[string][]*ast.CallExpr)
		names, err := filepath.Glob(filepath.Join(folder, "*.go"))
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			if strings.HasSuffix(name, "_test.go") {
				continue
			}
			file, err := parser.ParseFile(s.fset, name, nil, parser.SkipObjectResolution)
			if err != nil {
				t.Fatal(err)
			}
			s.files[pkg] = append(s.files[pkg], file)
			s.index(pkg, file)
		}
	}
	s.eachNode(func(in scope, n ast.Node) {
		if texts, cures := s.sink(in, n); texts != nil || cures != nil {
			s.note(n, texts, cures)
		}
	})
	if len(s.found) < 100 {
		t.Fatalf("only %d messages in the code", len(s.found))
	}
	return s
}

func (s *scanner) index(pkg string, file *ast.File) {
	for _, decl := range file.Decls {
		switch d := decl.(type) {
		case *ast.FuncDecl:
			s.functions[pkg][d.Name.Name] = d
			ast.Inspect(d, func(n ast.Node) bool {
				if call, ok := n.(*ast.CallExpr); ok {
					s.calls[pkg][callee(call)] = append(s.calls[pkg][callee(call)], call)
					s.inside[call] = d
				}
				return true
			})
		case *ast.GenDecl:
			for _, spec := range d.Specs {
				v, ok := spec.(*ast.ValueSpec)
				for i := 0; ok && i < len(v.Values); i++ {
					s.values[pkg][v.Names[i].Name] = v.Values[i]
				}
			}
		}
	}
}

func (s *scanner) eachNode(visit func(scope, ast.Node)) {
	for pkg, files := range s.files {
		for _, file := range files {
			for _, decl := range file.Decls {
				fun, _ := decl.(*ast.FuncDecl)
				ast.Inspect(decl, func(n ast.Node) bool {
					if n != nil {
						visit(scope{pkg, fun}, n)
					}
					return true
				})
			}
		}
	}
}

// sink returns what a node says, if it is one of the ways in which messages are
// made here: texts without cures, cures without texts, or both.
func (s *scanner) sink(in scope, n ast.Node) (texts, cures []string) {
	maker := in.fun != nil && slices.Contains(makers, in.fun.Name.Name)
	switch n := n.(type) {
	case *ast.CallExpr:
		switch name := callee(n); {
		case maker:
		case name == "misuse" || name == "cannot":
			return s.format(in, n.Args[1], n.Args[2:]), s.texts(in, n.Args[0])
		case name == "leave":
			return s.format(in, n.Args[0], n.Args[1:]), nil
		case name == "fail" && len(n.Args) == 2: // of a HelmRelease
			return s.texts(in, n.Args[0]), s.texts(in, n.Args[1])
		case isError(n):
			return s.texts(in, n), nil
		}
	case *ast.CompositeLit:
		if text, cure := errorFields(n); !maker && text != nil {
			if cure == nil {
				return s.texts(in, text), nil
			}
			return s.texts(in, text), s.texts(in, cure)
		}
	case *ast.AssignStmt:
		for i, left := range n.Lhs {
			field, _ := left.(*ast.SelectorExpr)
			switch {
			case field == nil || len(n.Lhs) != len(n.Rhs):
			case field.Sel.Name == "Cure":
				return nil, s.texts(in, n.Rhs[i])
			case field.Sel.Name == "Reason":
				return s.texts(in, n.Rhs[i]), nil
			}
		}
	}
	return nil, nil
}

// errorFields returns what is wrong, and the cure, in a literal of an error.
func errorFields(lit *ast.CompositeLit) (text, cure ast.Expr) {
	name, _ := lit.Type.(*ast.Ident)
	if sel, ok := lit.Type.(*ast.SelectorExpr); ok {
		name = sel.Sel
	}
	if name == nil {
		return nil, nil
	}
	fields, ok := map[string][2]string{
		"Error": {"Err", "Cure"}, "TrioError": {"Cause", "Cure"}, "SettingError": {"Cause", "Cure"},
		"fieldError": {"err", "cure"}, "usageError": {"0", "1"}, "verdict": {"1", "2"},
	}[name.Name]
	if !ok {
		return nil, nil
	}
	for i, element := range lit.Elts {
		field := strconv.Itoa(i)
		if kv, ok := element.(*ast.KeyValueExpr); ok {
			field, element = kv.Key.(*ast.Ident).Name, kv.Value
		}
		switch field {
		case fields[0]:
			text = element
		case fields[1]:
			cure = element
		}
	}
	return text, cure
}

func isError(call *ast.CallExpr) bool {
	sel, ok := call.Fun.(*ast.SelectorExpr)
	if !ok {
		return false
	}
	pkg, _ := sel.X.(*ast.Ident)
	return pkg != nil && (pkg.Name == "errors" && sel.Sel.Name == "New" || pkg.Name == "fmt" && sel.Sel.Name == "Errorf")
}

func callee(call *ast.CallExpr) string {
	switch f := call.Fun.(type) {
	case *ast.Ident:
		return f.Name
	case *ast.SelectorExpr:
		return f.Sel.Name
	}
	return ""
}

func (s *scanner) note(at ast.Node, texts, cures []string) {
	hasCure := cures != nil
	if texts == nil {
		texts = []string{""}
	}
	if !hasCure {
		cures = []string{""}
	}
	for _, text := range texts {
		for _, cure := range cures {
			if m := (message{plain(text), plain(cure), hasCure}); m.text != "" || m.cure != "" {
				s.found[m] = s.fset.Position(at.Pos()).String()
			}
		}
	}
}

// plain is a text as the list has it, or nothing where it has no words.
func plain(text string) string {
	text = regexp.MustCompile(`(`+hole+`)+`).ReplaceAllString(strings.Join(strings.Fields(text), " "), hole)
	if !regexp.MustCompile(`[A-Za-z]{2}`).MatchString(text) {
		return ""
	}
	return text
}

// texts returns what an expression may say, with holes for what run time tells.
func (s *scanner) texts(in scope, e ast.Expr) []string {
	if slices.Contains(s.open, ast.Node(e)) {
		return nil
	}
	s.open = append(s.open, e)
	defer func() { s.open = s.open[:len(s.open)-1] }()
	switch e := e.(type) {
	case *ast.UnaryExpr:
		return s.texts(in, e.X)
	case *ast.CompositeLit:
		if text, _ := errorFields(e); text != nil {
			return s.texts(in, text)
		}
	case *ast.BasicLit:
		if text, err := strconv.Unquote(e.Value); err == nil && e.Kind == token.STRING {
			s.reached[e.Pos()] = true
			return []string{text}
		}
	case *ast.BinaryExpr:
		return product(s.texts(in, e.X), s.texts(in, e.Y))
	case *ast.SelectorExpr:
		if pkg, ok := e.X.(*ast.Ident); ok && s.values[pkg.Name][e.Sel.Name] != nil {
			return s.texts(scope{pkg: pkg.Name}, s.values[pkg.Name][e.Sel.Name])
		}
	case *ast.Ident:
		return s.named(in, e.Name)
	case *ast.CallExpr:
		switch {
		case isError(e) || callee(e) == "Sprintf":
			return s.format(in, e.Args[0], e.Args[1:])
		case s.functions[in.pkg][callee(e)] != nil:
			return s.results(scope{in.pkg, s.functions[in.pkg][callee(e)]})
		}
	}
	return []string{hole}
}

// named returns what a constant, a variable or a parameter may say.
func (s *scanner) named(in scope, name string) []string {
	var all []string
	if in.fun != nil {
		if at := parameter(in.fun, name); at >= 0 {
			for _, call := range s.calls[in.pkg][in.fun.Name.Name] {
				if at < len(call.Args) {
					all = append(all, s.texts(scope{in.pkg, s.inside[call]}, call.Args[at])...)
				}
			}
		}
		ast.Inspect(in.fun, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.AssignStmt:
				for i, left := range n.Lhs {
					if l, ok := left.(*ast.Ident); ok && l.Name == name && len(n.Lhs) == len(n.Rhs) {
						all = append(all, s.texts(in, n.Rhs[i])...)
					}
				}
			case *ast.ValueSpec:
				for i := range n.Values {
					if n.Names[i].Name == name {
						all = append(all, s.texts(in, n.Values[i])...)
					}
				}
			}
			return true
		})
	}
	if value := s.values[in.pkg][name]; len(all) == 0 && value != nil {
		all = s.texts(scope{pkg: in.pkg}, value)
	}
	if len(all) == 0 || slices.Contains(all, hole) {
		return []string{hole}
	}
	return all
}

// parameter returns the index of a function's parameter, or -1.
func parameter(f *ast.FuncDecl, name string) int {
	i := 0
	for _, field := range f.Type.Params.List {
		for _, n := range field.Names {
			if n.Name == name {
				return i
			}
			i++
		}
	}
	return -1
}

var prose = regexp.MustCompile(`[A-Za-z]{2,}[,:;]? ([A-Za-z]{2,}|%)`)

// results returns what a function may return, if it speaks in more than one word.
func (s *scanner) results(of scope) []string {
	if of.fun.Type.Results == nil {
		return []string{hole}
	}
	if typ, ok := of.fun.Type.Results.List[0].Type.(*ast.Ident); !ok || typ.Name != "string" {
		return []string{hole}
	}
	var all []string
	ast.Inspect(of.fun, func(n ast.Node) bool {
		if _, ok := n.(*ast.FuncLit); ok {
			return false
		}
		if ret, ok := n.(*ast.ReturnStmt); ok && len(ret.Results) > 0 {
			all = append(all, s.texts(of, ret.Results[0])...)
		}
		return true
	})
	all = slices.DeleteFunc(all, func(text string) bool { return text == "" }) // nothing to say
	if !slices.ContainsFunc(all, prose.MatchString) {
		return []string{hole}
	}
	return all
}

func product(a, b []string) []string {
	var all []string
	for _, x := range a {
		for _, y := range b {
			all = append(all, x+y)
		}
	}
	return all
}

// format returns what a format string says with its arguments.
func (s *scanner) format(in scope, format ast.Expr, args []ast.Expr) []string {
	verb := regexp.MustCompile(`%[a-z]`)
	var all []string
	for _, rest := range s.texts(in, format) {
		made := []string{""}
		for i := 0; ; i++ {
			at := verb.FindStringIndex(rest)
			if at == nil {
				break
			}
			arg := []string{hole}
			if i < len(args) {
				arg = s.texts(in, args[i])
			}
			if rest[at[0]:at[1]] == "%q" {
				arg = product(product([]string{`"`}, arg), []string{`"`})
			}
			made = product(product(made, []string{rest[:at[0]]}), arg)
			rest = rest[at[1]:]
		}
		all = append(all, product(made, []string{rest})...)
	}
	return all
}

// unreached returns the prose that no message was made of, by where it stands.
func (s *scanner) unreached() map[string]string {
	all := make(map[string]string)
	s.eachNode(func(in scope, n ast.Node) {
		lit, ok := n.(*ast.BasicLit)
		if !ok || lit.Kind != token.STRING || s.reached[lit.Pos()] || !prose.MatchString(lit.Value) {
			return
		}
		position := s.fset.Position(lit.Pos())
		names := []string{filepath.ToSlash(position.Filename)}
		if in.fun != nil {
			name := in.fun.Name.Name
			if in.fun.Recv != nil {
				if typ, ok := in.fun.Recv.List[0].Type.(*ast.Ident); ok {
					names = append(names, typ.Name+"."+name)
				}
			}
			names = append(names, name)
		}
		for name, value := range s.values[in.pkg] {
			if value == ast.Expr(lit) {
				names = append(names, name)
			}
		}
		if !slices.ContainsFunc(names, func(name string) bool { return notMessages[name] != "" }) {
			all[position.String()] = lit.Value
		}
	})
	return all
}
