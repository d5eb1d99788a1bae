package domain_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/quantaseal/quantaseal/domain"
)

// Every type in the source that is a fact can be read back: one that was
// forgotten would be written and never read.
func TestEveryFactIsDecoded(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	declared := map[domain.EventType]string{}
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, decl := range file.Decls {
			f, ok := decl.(*ast.FuncDecl)
			if !ok || f.Name.Name != "EventType" {
				continue
			}
			eventType := literalType(t, f)
			if before, twice := declared[eventType]; twice {
				t.Errorf("%v is declared in %s and %s", eventType, before, name)
			}
			declared[eventType] = name
		}
	}
	for _, eventType := range domain.EventTypes() {
		if _, ok := declared[eventType]; !ok {
			t.Errorf("%v is decoded but declared nowhere", eventType)
		}
		delete(declared, eventType)
	}
	for eventType, file := range declared {
		t.Errorf("%v of %s has no decoder", eventType, file)
	}
}

// literalType reads what an EventType method returns.
func literalType(t *testing.T, f *ast.FuncDecl) domain.EventType {
	t.Helper()
	for _, stmt := range f.Body.List {
		ret, ok := stmt.(*ast.ReturnStmt)
		if !ok {
			continue
		}
		if lit, ok := ret.Results[0].(*ast.CompositeLit); ok && len(lit.Elts) == 2 {
			name, nameErr := strconv.Unquote(lit.Elts[0].(*ast.BasicLit).Value)
			version, versionErr := strconv.ParseUint(lit.Elts[1].(*ast.BasicLit).Value, 10, 16)
			if nameErr == nil && versionErr == nil {
				return domain.EventType{Name: name, Version: uint16(version)}
			}
		}
	}
	t.Fatalf("an EventType method is no literal at offset %d", f.Pos())
	return domain.EventType{}
}
