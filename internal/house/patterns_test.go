package house

import (
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// Every start of beanpole would pay for what a package variable compiles, and
// one run uses few of them. What is compiled late must still be known to be
// valid early.
func TestPatternsOfPackagesAreCompiledLateAndValid(t *testing.T) {
	words, patterns := map[string]map[string]ast.Expr{}, map[string][]ast.Expr{}
	goFiles(t, func(pkg, path string) {
		if strings.HasSuffix(path, "_test.go") || pkg == "lazyregexp" {
			return
		}
		f, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
		if err != nil {
			t.Error(err)
			return
		}
		if words[pkg] == nil {
			words[pkg] = map[string]ast.Expr{}
		}
		for _, d := range f.Decls {
			g, ok := d.(*ast.GenDecl)
			if ok && g.Tok == token.CONST {
				maps.Copy(words[pkg], constants(g))
			}
			if !ok || g.Tok != token.VAR {
				continue
			}
			for call, name := range calls(g) {
				switch name {
				case "regexp.MustCompile":
					t.Errorf("%s: a package variable compiles %s at every start; use lazyregexp.New", path, value(call.Args[0], words[pkg]))
				case "lazyregexp.New":
					patterns[pkg] = append(patterns[pkg], call.Args[0])
				}
			}
		}
	})
	n := 0
	for pkg, all := range patterns {
		for _, p := range all {
			n++
			if text := value(p, words[pkg]); text == "" {
				t.Errorf("package %s: a pattern is not made of constants of its package, so that nobody knows whether it is valid", pkg)
			} else if _, err := regexp.Compile(text); err != nil {
				t.Errorf("package %s: %v", pkg, err)
			}
		}
	}
	if n == 0 {
		t.Error("no pattern was found")
	}
}

// constants are the values of a declaration, by name.
func constants(g *ast.GenDecl) map[string]ast.Expr {
	out := map[string]ast.Expr{}
	for _, s := range g.Specs {
		v := s.(*ast.ValueSpec)
		for i, name := range v.Names {
			if i < len(v.Values) {
				out[name.Name] = v.Values[i]
			}
		}
	}
	return out
}

// calls are the calls that a declaration makes when the program starts, and
// what they call.
func calls(g *ast.GenDecl) map[*ast.CallExpr]string {
	out := map[*ast.CallExpr]string{}
	ast.Inspect(g, func(n ast.Node) bool {
		if call, ok := n.(*ast.CallExpr); ok {
			if f, ok := call.Fun.(*ast.SelectorExpr); ok {
				if p, ok := f.X.(*ast.Ident); ok {
					out[call] = p.Name + "." + f.Sel.Name
				}
			}
		}
		_, later := n.(*ast.FuncLit)
		return !later
	})
	return out
}

// value is the text of a constant expression, "" when it is none.
func value(e ast.Expr, words map[string]ast.Expr) string {
	switch e := e.(type) {
	case *ast.BasicLit:
		text, _ := strconv.Unquote(e.Value)
		return text
	case *ast.Ident:
		if v := words[e.Name]; v != nil {
			return value(v, words)
		}
	case *ast.BinaryExpr:
		a, b := value(e.X, words), value(e.Y, words)
		if a != "" && b != "" {
			return a + b
		}
	}
	return ""
}
