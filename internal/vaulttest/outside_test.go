package vaulttest_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// fromOutside names the functions that bring in what the rest of the tree gets
// as arguments. Programs, tests and their support call them.
var fromOutside = map[string][]string{
	"context": {"Background", "TODO"},
	"os":      {"Getenv", "LookupEnv", "Environ"},
	"time":    {"Now", "Since", "Until"},
}

// TestNothingFromOutside finds calls that read the clock or the environment, or
// start a context, where these are arguments.
func TestNothingFromOutside(t *testing.T) {
	for _, p := range packages(t) {
		if strings.HasPrefix(p.name(), "cmd/") || slices.Contains(testSupport, p.name()) {
			continue
		}
		for _, name := range p.GoFiles {
			file := filepath.Join(p.Dir, name)
			set := token.NewFileSet()
			parsed, err := parser.ParseFile(set, file, nil, parser.SkipObjectResolution)
			if err != nil {
				t.Fatal(err)
			}
			for at, call := range callsOutside(parsed) {
				t.Errorf("%s: %s", set.Position(at), call)
			}
		}
	}
}

// TestOutsideIsFound holds what the test above relies on to a file that has it all.
func TestOutsideIsFound(t *testing.T) {
	parsed, err := parser.ParseFile(token.NewFileSet(), "it.go", `package it
import (
	"context"
	clock "time"
	"os"
)
var (
	_ = context.Background
	_ = context.TODO()
	_ = clock.Now().Add(clock.Until(clock.Time{})) // and Now of another package is nobody's business
	_ = os.Args
	_ = func() string { return os.Getenv("IT") }
	_ = it.Now()
)`, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	if found := callsOutside(parsed); len(found) != 5 {
		t.Errorf("found %v, want two of context, two of time and one of os", found)
	}
}

// callsOutside returns where file mentions a function that it may not.
func callsOutside(file *ast.File) map[token.Pos]string {
	imported := map[string]string{} // by the name they have in file
	for _, spec := range file.Imports {
		path, _ := strconv.Unquote(spec.Path.Value) // it parsed
		name := filepath.Base(path)
		if spec.Name != nil {
			name = spec.Name.Name
		}
		imported[name] = path
	}
	found := map[token.Pos]string{}
	ast.Inspect(file, func(n ast.Node) bool {
		if s, ok := n.(*ast.SelectorExpr); ok {
			if x, ok := s.X.(*ast.Ident); ok && slices.Contains(fromOutside[imported[x.Name]], s.Sel.Name) {
				found[n.Pos()] = x.Name + "." + s.Sel.Name
			}
		}
		return true
	})
	return found
}
