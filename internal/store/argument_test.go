package store_test

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/trellis-ats/trellis/core"
	"github.com/trellis-ats/trellis/internal/store"
)

func TestArgumentsThatDatabasesTreatDifferentlyAreRefused(t *testing.T) {
	t.Parallel()
	now := time.Now()
	for _, bad := range []any{now, &now, json.RawMessage("{}"), "a\x00", core.ID("\xff")} {
		if err := store.CheckArguments("fine", bad); err == nil {
			t.Errorf("%T %v was let through", bad, bad)
		}
	}
	if err := store.CheckArguments(store.Time{Time: now}, core.ID("asm_1"), 1, true, nil, []byte{0, 255}); err != nil {
		t.Error(err)
	}
}

// TestOneWayToTheDatabase keeps queries from going round the check above.
func TestOneWayToTheDatabase(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	checked := 0
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") || file == "tx.go" || file == "migrate.go" { // migrate.go locks, without arguments
			continue
		}
		checked++
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(parsed, func(n ast.Node) bool {
			if s, ok := n.(*ast.SelectorExpr); ok && queries(s.Sel.Name) {
				t.Errorf("%s calls %s: only querier may", file, s.Sel.Name)
			}
			return true
		})
	}
	if checked < 10 {
		t.Errorf("looked at %d files only", checked)
	}
}

func queries(method string) bool {
	for _, verb := range []string{"Exec", "Queryx", "QueryRow", "Select", "Named", "Prepare", "Preparex"} {
		if method == verb || method == verb+"Context" {
			return true
		}
	}
	return method == "GetContext" || method == "QueryContext" // url.URL has a Query
}
