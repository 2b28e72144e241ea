package graph_test

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"
)

// TestScripts runs testdata/*.txtar, each on a world of its own. A script is a
// list of steps: role, query, variables (optional), want. In want, "<any>"
// stands for anything but null, and "<any:name>" remembers it; ${name} in
// later parts is what was remembered. The world's own names are in newWorld.
// The parts ats and run are steps too: from the first on, the ATS takes
// candidates; the second carries out the pushes that were asked for.
func TestScripts(t *testing.T) {
	t.Parallel()
	scripts, err := filepath.Glob("testdata/*.txtar")
	check(t, err)
	if len(scripts) == 0 {
		t.Fatal("no scripts")
	}
	for _, path := range scripts {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) {
			t.Parallel()
			archive, err := txtar.ParseFile(path)
			check(t, err)
			runScript(t, newWorld(t), archive)
		})
	}
}

func runScript(t *testing.T, w *world, script *txtar.Archive) {
	t.Helper()
	parts := map[string]string{}
	steps := 0
	for _, f := range script.Files {
		parts[f.Name] = w.expand(t, string(f.Data))
		switch f.Name {
		case "ats":
			w.adapters.Whole = w.ats
			continue
		case "run":
			w.runPushes(t)
			continue
		case "want":
		default:
			continue
		}
		steps++
		w.step(t, steps, parts)
		delete(parts, "variables")
	}
	if steps == 0 {
		t.Fatal("no steps")
	}
}

func (w *world) step(t *testing.T, number int, parts map[string]string) {
	t.Helper()
	var variables, want any
	if text := parts["variables"]; text != "" {
		d := json.NewDecoder(strings.NewReader(text))
		d.UseNumber() // numbers go out as they are written
		check(t, d.Decode(&variables))
	}
	if err := json.Unmarshal([]byte(parts["want"]), &want); err != nil {
		t.Fatalf("step %d: want: %v", number, err)
	}
	got := any(w.ask(t, strings.TrimSpace(parts["role"]), parts["query"], variables))
	if diff := cmp.Diff(w.match(want, got), got); diff != "" {
		t.Fatalf("step %d (-want +got):\n%s", number, diff)
	}
}

// match replaces what want leaves open by what was got.
func (w *world) match(want, got any) any {
	switch want := want.(type) {
	case map[string]any:
		g, _ := got.(map[string]any)
		for name := range want {
			want[name] = w.match(want[name], g[name])
		}
	case []any:
		g, _ := got.([]any)
		for i := range min(len(want), len(g)) {
			want[i] = w.match(want[i], g[i])
		}
	case string:
		name, open := strings.CutPrefix(strings.TrimSuffix(want, ">"), "<any")
		if !open || got == nil {
			return want
		}
		if name = strings.TrimPrefix(name, ":"); name != "" {
			w.names[name] = fmt.Sprint(got)
		}
		return got
	}
	return want
}

func (w *world) expand(t *testing.T, text string) string {
	t.Helper()
	return regexp.MustCompile(`\$\{\w+\}`).ReplaceAllStringFunc(text, func(name string) string {
		value, ok := w.names[name[2:len(name)-1]]
		if !ok {
			t.Fatalf("%s is not known", name)
		}
		return value
	})
}
