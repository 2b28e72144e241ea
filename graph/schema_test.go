package graph_test

import (
	"os"
	"strings"
	"testing"

	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
)

func schema(t *testing.T) *ast.Schema {
	t.Helper()
	text, err := os.ReadFile("../schema.graphqls")
	check(t, err)
	s, err := gqlparser.LoadSchema(&ast.Source{Name: "schema.graphqls", Input: string(text)})
	check(t, err)
	return s
}

func TestEverythingInTheSchemaIsDescribed(t *testing.T) {
	t.Parallel()
	described := func(what, text string) {
		if strings.TrimSpace(text) == "" {
			t.Errorf("%s is not described", what)
		}
	}
	for _, d := range schema(t).Types {
		if d.BuiltIn {
			continue
		}
		described(d.Name, d.Description)
		for _, v := range d.EnumValues {
			described(d.Name+"."+v.Name, v.Description)
		}
		for _, f := range d.Fields {
			if strings.HasPrefix(f.Name, "__") {
				continue
			}
			described(d.Name+"."+f.Name, f.Description)
			for _, a := range f.Arguments {
				described(d.Name+"."+f.Name+"("+a.Name+")", a.Description)
			}
		}
	}
}

func TestMutationsFollowTheirForm(t *testing.T) {
	t.Parallel()
	s := schema(t)
	for _, m := range s.Mutation.Fields {
		name := strings.ToUpper(m.Name[:1]) + m.Name[1:]
		if len(m.Arguments) != 1 || m.Arguments[0].Type.String() != name+"Input!" {
			t.Errorf("%s does not take input: %sInput!", m.Name, name)
		}
		if m.Type.String() != name+"Payload" {
			t.Errorf("%s does not give a nullable %sPayload", m.Name, name)
		}
		if f := s.Types[name+"Payload"].Fields.ForName("userErrors"); f == nil || f.Type.String() != "[UserError!]!" {
			t.Errorf("%sPayload has no userErrors: [UserError!]!", name)
		}
	}
}

func TestPagesFollowRelay(t *testing.T) {
	t.Parallel()
	s := schema(t)
	for _, d := range s.Types {
		if d.Kind != ast.Object || d.Name == "Connection" || !strings.HasSuffix(d.Name, "Connection") {
			continue
		}
		if e := s.Types[strings.TrimSuffix(d.Name, "Connection")+"Edge"]; e == nil || e.Fields.ForName("cursor") == nil || e.Fields.ForName("node") == nil {
			t.Errorf("%s has no edges with cursor and node", d.Name)
		}
		if f := d.Fields.ForName("pageInfo"); f == nil || f.Type.String() != "PageInfo!" {
			t.Errorf("%s has no pageInfo", d.Name)
		}
	}
	for _, d := range s.Types {
		for _, f := range d.Fields {
			if strings.HasSuffix(f.Type.Name(), "Connection") && f.Type.Name() != "Connection" && !strings.HasPrefix(d.Name, "__") {
				for _, a := range []string{"first", "after", "last", "before"} {
					if f.Arguments.ForName(a) == nil {
						t.Errorf("%s.%s does not take %s", d.Name, f.Name, a)
					}
				}
			}
		}
	}
}
