// Package archtest holds the arrows of the house: which package may import
// which. A new arrow is a decision; it belongs in docs/adr first.
package archtest

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/trellis-ats/trellis"

// rule says what a package, and those below it, may import: of ours, and from
// outside the standard library if closed is set.
type rule struct {
	pkg    string   // below the module; "core" covers core/...
	ours   []string // allowed imports of ours, each covering those below it
	closed bool     // no package from outside the standard library except outside
	out    []string
	no     []string // forbidden packages of the standard library
}

func rules() []rule {
	return []rule{
		{pkg: "core/fault", closed: true, no: []string{"net", "net/http", "database/sql", "os"}},
		{pkg: "core/ats", ours: []string{"core/fault"}, closed: true, no: []string{"net", "net/http", "database/sql", "os"}},
		{pkg: "core/coretest", ours: []string{"core"}, closed: true},
		{pkg: "core", ours: []string{"core/fault", "core/ats"}, closed: true, out: []string{"github.com/google/uuid"}, no: []string{"net/http", "database/sql", "os"}},
		{pkg: "plugins/proto", ours: nil},
		{pkg: "plugins/internal/wire", ours: []string{"core/ats", "core/fault", "plugins/proto"}},
		{pkg: "plugins/sdk", ours: []string{"core/ats", "core/fault", "plugins"}},
		{pkg: "plugins/host", ours: []string{"core/ats", "core/fault", "plugins"}},
		{pkg: "adapters", ours: []string{"core/ats", "core/fault", "plugins/sdk"}},
		{pkg: "graph", ours: []string{"core", "graph", "internal/bus", "internal/ratelimit"}},
		{pkg: "internal/config"},
		{pkg: "internal/store", ours: []string{"core", "internal/store"}},
		{pkg: "internal/tasks", ours: []string{"core", "internal/store"}},
		{pkg: "internal/bus"},
		{pkg: "internal/ratelimit", ours: []string{"core/fault"}},
		{pkg: "internal/session", ours: []string{"core", "internal/httpd", "internal/ratelimit"}},
		{pkg: "internal/rest", ours: []string{"core", "internal/ratelimit"}},
		{pkg: "internal/connect", ours: []string{"core", "internal/httpd"}},
		{pkg: "internal/httpd", ours: []string{"core/fault", "internal/httpd"}},
		{pkg: "internal/mail", ours: []string{"core", "internal/httpd"}},
		{pkg: "internal/report", ours: []string{"core", "internal/httpd"}},
		{pkg: "internal/sandbox"},
		{pkg: "internal/archtest"},
		{pkg: "internal/app", ours: []string{""}},
		{pkg: "cmd", ours: []string{"adapters", "core", "internal/app", "internal/config", "internal/sandbox", "plugins/sdk"}},
		{pkg: "bench", ours: []string{""}},
	}
}

// listed is what "go list" tells of a package.
type listed struct {
	ImportPath string
	Standard   bool
	Imports    []string
}

func TestArrows(t *testing.T) {
	t.Parallel()
	std := standard(t)
	for _, p := range list(t, "../../...") {
		name := strings.TrimPrefix(p.ImportPath, module+"/")
		r, ok := ruleFor(name)
		if !ok {
			t.Errorf("%s has no rule: add one here and say in docs/adr why the package is needed", name)
			continue
		}
		for _, imported := range p.Imports {
			if why := r.forbids(imported, std); why != "" {
				t.Errorf("%s must not import %s: %s", name, imported, why)
			}
		}
	}
}

// ruleFor returns the rule with the longest name that covers the package.
func ruleFor(name string) (rule, bool) {
	var best rule
	found := false
	for _, r := range rules() {
		if covers(r.pkg, name) && len(r.pkg) >= len(best.pkg) {
			best, found = r, true
		}
	}
	return best, found
}

func covers(root, name string) bool {
	return root == "" || name == root || strings.HasPrefix(name, root+"/")
}

func (r rule) forbids(imported string, std map[string]bool) string {
	if inside, ours := strings.CutPrefix(imported, module+"/"); ours {
		allowed := func(root string) bool { return covers(root, inside) }
		if covers(r.pkg, inside) || slices.ContainsFunc(r.ours, allowed) {
			return ""
		}
		return "the arrow is not on the map"
	}
	if std[imported] {
		if slices.Contains(r.no, imported) {
			return "it does no input or output"
		}
		return ""
	}
	if r.closed && !slices.Contains(r.out, imported) {
		return "it imports the standard library only"
	}
	return ""
}

func standard(t *testing.T) map[string]bool {
	t.Helper()
	std := map[string]bool{}
	for _, p := range list(t, "std") {
		std[p.ImportPath] = true
	}
	return std
}

func list(t *testing.T, pattern string) []listed {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", "list", "-json=ImportPath,Standard,Imports", pattern).Output()
	if err != nil {
		t.Fatalf("go list %s: %v", pattern, err)
	}
	var packages []listed
	d := json.NewDecoder(strings.NewReader(string(out)))
	for {
		var p listed
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			return packages
		} else if err != nil {
			t.Fatal(err)
		}
		packages = append(packages, p)
	}
}
