package graph_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/vektah/gqlparser/v2/ast"
	"pgregory.net/rapid"

	"github.com/trellis-ats/trellis/core"
	"github.com/trellis-ats/trellis/core/ats"
	"github.com/trellis-ats/trellis/graph"
)

// tenants are two organizations with data of every kind. All texts of one hold
// its word; those of its jobs that no VIEWER sees hold its secret word too.
type tenants struct {
	*world
	ids    map[string][]string // by whom they belong to: alpha, bravo, secretalpha, secretbravo
	actors []string            // names of tokens: "ADMIN alpha"
}

func newTenants(t *testing.T) *tenants {
	t.Helper()
	w := &tenants{world: newWorld(t), ids: map[string][]string{}}
	w.core.Limits = graph.Limits{Tokens: 1 << 20, Depth: 100, Fields: 1 << 20, Aliases: 1 << 20, Fragments: 1 << 20, Repeats: 1 << 20, Complexity: 1 << 30}
	w.handler = graph.NewServer(w.core)
	for _, word := range []string{"alpha", "bravo"} {
		w.settle(t, word)
	}
	w.number(t)
	w.collect(t)
	return w
}

// settle fills an organization: three assessments of a shared job, one of which
// was for a secret job before, and secret ones of a secret job and of none.
func (w *tenants) settle(t *testing.T, word string) {
	t.Helper()
	ctx, organization := t.Context(), w.organization(t, word+" organization")
	by := core.SystemActor(organization)
	w.ids[word] = append(w.ids[word], string(organization))
	for _, role := range core.TokenRoles() {
		name := string(role) + " " + word
		w.names[name] = w.token(t, organization, name, word+" token", role)
		w.actors = append(w.actors, name)
	}
	made, err := w.core.Connections.Create(ctx, by, core.NewConnection{Adapter: "fake", Name: word + " connection", Settings: map[string]string{"account": word}}, core.Key{})
	check(t, err)
	_, err = w.core.Connections.Check(ctx, by, made.Connection.ID)
	check(t, err)
	shared := w.position(t, by, made.Connection, word, 3)
	w.mapped(t, by, made.Connection.ID, shared.job, word)
	w.hooked(t, made.Connection.ID, core.ID(w.column(t, "SELECT test_id FROM assessments WHERE id = '"+string(shared.assessments[0])+"'")[0]), word)
	secret := w.position(t, by, made.Connection, "secret"+word, 3)
	_, err = w.core.Jobs.Share(ctx, by, shared.job, w.names["VIEWER "+word])
	check(t, err)
	for _, job := range []core.ID{secret.job, shared.job} { // it was for the secret one, for a while
		_, err = w.core.Assessments.AssignJob(ctx, by, shared.assessments[0], job)
		check(t, err)
	}
	_, err = w.core.Assessments.AssignJob(ctx, by, secret.assessments[0], "")
	check(t, err)
}

// mapped keeps what is pushed, where and when. The words come past the use cases.
func (w *tenants) mapped(t *testing.T, by core.Actor, connection, job core.ID, word string) {
	t.Helper()
	_, err := w.core.PushRules.Set(t.Context(), by, core.NewPushRule{ConnectionID: connection, JobID: job, Mode: core.PushManual})
	check(t, err)
	profile := core.DefaultPushProfile(by.OrganizationID, connection)
	profile.ReportOnlyTraits, profile.SourceName, profile.Version = []string{word}, word, 1
	mapping := &core.JobMapping{
		ID: core.NewID(core.PrefixMapping), OrganizationID: by.OrganizationID, ConnectionID: connection, JobID: job,
		ExternalJobID: word, ExternalJobName: word, ExternalStageID: word, ExternalStageName: word,
	}
	profile.UpdatedAt, mapping.CreatedAt, mapping.UpdatedAt = w.clock.Now(), w.clock.Now(), w.clock.Now()
	check(t, w.store.Atomically(t.Context(), func(tx core.Tx) error {
		if err := tx.SavePushProfile(t.Context(), profile); err != nil {
			return err
		}
		return tx.SaveJobMapping(t.Context(), mapping)
	}))
}

type position struct {
	job         core.ID
	assessments []core.ID
}

// position is a job with a test and assessments, of which the first is scored.
func (w *tenants) position(t *testing.T, by core.Actor, c *core.Connection, word string, n int) position {
	t.Helper()
	ctx := t.Context()
	test, err := w.core.Tests.Create(ctx, by, core.Test{Name: word + " test", Description: word, Modality: core.ModalityChat, Traits: []core.Trait{{Key: word, Name: word}}}, core.Key{})
	check(t, err)
	job, err := w.core.Jobs.Create(ctx, by, core.Job{Name: word + " job", ConnectionID: c.ID, ExternalID: word}, core.Key{})
	check(t, err)
	p := position{job: job.ID}
	for i := range n {
		placed, err := w.core.Assessments.Place(ctx, c, &ats.PlaceOrder{
			Items:     []ats.OrderItem{{Key: fmt.Sprint(word, i), TestID: string(test.ID)}},
			Candidate: ats.CandidateRecord{ExternalID: fmt.Sprint(word, i), FirstName: word, LastName: "Example", Email: fmt.Sprintf("c%d@%s.example.com", i, word)},
			OrderedBy: word + "@example.com",
		})
		check(t, err)
		id := core.ID(placed.AssessmentIDs[0])
		_, err = w.core.Assessments.AssignJob(ctx, by, id, job.ID)
		check(t, err)
		w.entry(t, c, id)
		p.assessments = append(p.assessments, id)
	}
	score := 50.0
	_, err = w.core.Assessments.Complete(ctx, by, core.Completion{AssessmentID: p.assessments[0], Score: &score, Traits: []core.TraitCompletion{{Key: word, Score: 1}}, Report: core.Report{Summary: word}})
	check(t, err)
	a, err := w.core.Assessments.Get(ctx, by, p.assessments[0])
	check(t, err)
	w.push(t, a, c.ID, word)
	w.issue(t, a, core.IssueNotScored)
	w.routed(t, a, c.ID, word)
	return p
}

// collect finds the ids of all rows, by whom they belong to. What hangs on a
// secret assessment is secret.
func (w *tenants) collect(t *testing.T) {
	t.Helper()
	for _, word := range []string{"alpha", "bravo"} {
		organization := "'" + w.ids[word][0] + "'"
		secret := "SELECT a.id FROM assessments a JOIN tests t ON t.id = a.test_id WHERE a.organization_id = " + organization + " AND t.name LIKE 'secret%'"
		w.ids["secret"+word] = slices.Concat(
			w.column(t, secret),
			w.column(t, "SELECT candidate_id FROM assessments WHERE id IN ("+secret+")"),
			w.column(t, "SELECT id FROM results WHERE assessment_id IN ("+secret+")"),
			w.column(t, "SELECT id FROM sync_log WHERE assessment_id IN ("+secret+")"),
			w.column(t, "SELECT id FROM pushes WHERE assessment_id IN ("+secret+")"),
			w.column(t, "SELECT id FROM issues WHERE assessment_id IN ("+secret+")"),
			w.column(t, "SELECT id FROM routing_decisions WHERE assessment_id IN ("+secret+")"),
			w.column(t, "SELECT id FROM events WHERE subject_id IN ("+secret+")"),
			w.column(t, "SELECT id FROM jobs WHERE organization_id = "+organization+" AND name LIKE 'secret%'"),
			w.column(t, "SELECT id FROM tests WHERE organization_id = "+organization+" AND name LIKE 'secret%'"),
		)
		for _, table := range []string{"tokens", "connections", "tests", "jobs", "candidates", "assessments", "results", "events", "sync_log", "audit_log", "job_mappings", "pushes", "webhooks", "stage_triggers", "erasures", "issues", "routing_rules", "routing_decisions"} {
			w.ids[word] = append(w.ids[word], w.column(t, "SELECT id FROM "+table+" WHERE organization_id = "+organization)...)
		}
	}
	if len(w.ids["alpha"]) < 50 || len(w.ids["secretalpha"]) < 15 {
		t.Fatalf("%d and %d ids", len(w.ids["alpha"]), len(w.ids["secretalpha"]))
	}
}

// forbidden are the texts that an actor must never be given.
func (w *tenants) forbidden(actor string) []string {
	role, own, _ := strings.Cut(actor, " ")
	other := map[string]string{"alpha": "bravo", "bravo": "alpha"}[own]
	texts := append([]string{other}, w.ids[other]...)
	if role == string(core.RoleViewer) {
		texts = append(append(texts, "secret"+own), w.ids["secret"+own]...)
	}
	return texts
}

// leaks are the forbidden texts in an answer, in plain or within a cursor.
func (w *tenants) leaks(actor, answer string) []string {
	for _, cursor := range regexp.MustCompile(`"[A-Za-z0-9_-]{20,}"`).FindAllString(answer, -1) {
		if plain, err := base64.RawURLEncoding.DecodeString(strings.Trim(cursor, `"`)); err == nil {
			answer += string(plain)
		}
	}
	var found []string
	for _, text := range w.forbidden(actor) {
		if strings.Contains(answer, text) {
			found = append(found, text)
		}
	}
	return found
}

// gen makes random operations out of the schema.
type gen struct {
	*rapid.T
	schema *ast.Schema
	w      *tenants
	fields int
}

func (g *gen) oneOf(label string, of []string) string { return rapid.SampledFrom(of).Draw(g.T, label) }

func (g *gen) chance(percent int) bool { return rapid.IntRange(0, 99).Draw(g.T, "chance") < percent }

// selection is some fields of a type. Each has an alias of its own, so that
// none is in conflict with another.
func (g *gen) selection(typ *ast.Definition, depth int) string {
	if typ.IsAbstractType() {
		var b strings.Builder
		for _, possible := range g.schema.GetPossibleTypes(typ) {
			if g.chance(60) {
				fmt.Fprintf(&b, " ... on %s { %s }", possible.Name, g.selection(possible, depth-1))
			}
		}
		return "__typename" + b.String()
	}
	chosen := []string{"__typename"}
	for _, f := range typ.Fields {
		target := g.schema.Types[f.Type.Name()]
		if strings.HasPrefix(f.Name, "__") || (target.IsCompositeType() && depth == 0) || g.fields > 300 {
			continue
		}
		if structural := slices.Contains([]string{"nodes", "edges", "node", "pageInfo", "cursor"}, f.Name); !structural && !g.chance(45) {
			continue
		}
		g.fields++
		text := fmt.Sprintf("f%d: %s%s", g.fields, f.Name, g.arguments(f.Arguments))
		if target.IsCompositeType() {
			text += " { " + g.selection(target, depth-1) + " }"
		}
		chosen = append(chosen, text)
	}
	return strings.Join(chosen, " ")
}

func (g *gen) arguments(of ast.ArgumentDefinitionList) string {
	var given []string
	paged := ""
	for _, a := range of {
		if slices.Contains([]string{"first", "last"}, a.Name) && (paged != "" || !g.chance(50)) {
			continue
		}
		if !a.Type.NonNull && a.Name != "first" && a.Name != "last" && !g.chance(35) {
			continue
		}
		if a.Name == "first" || a.Name == "last" {
			paged = a.Name
		}
		given = append(given, a.Name+": "+g.value(a.Name, a.Type))
	}
	if len(given) == 0 {
		return ""
	}
	return "(" + strings.Join(given, ", ") + ")"
}

func (g *gen) id() string {
	return g.oneOf("id", g.w.ids[g.oneOf("whose", []string{"alpha", "bravo", "secretalpha", "secretbravo"})])
}

// cursor is one of any list, with any id, mostly one that fits.
func (g *gen) cursor() string {
	id := g.id()
	prefix, _, _ := strings.Cut(id, "_")
	order := g.oneOf("order", []string{"", "", "/SCORE ASC", "/SCORE DESC", "/CANDIDATE_NAME ASC", "/UPDATED_AT DESC", "/ORDERED_AT ASC"})
	return base64.RawURLEncoding.EncodeToString([]byte(prefix + order + ":" + id))
}

func (g *gen) value(name string, of *ast.Type) string {
	if of.Elem != nil {
		return "[" + g.value(name, of.Elem) + ", " + g.value(name, of.Elem) + "]"
	}
	switch d := g.schema.Types[of.Name()]; {
	case d.Kind == ast.Enum:
		var values []string
		for _, v := range d.EnumValues {
			values = append(values, v.Name)
		}
		return g.oneOf("enum", values)
	case d.Kind == ast.InputObject:
		var fields []string
		for _, f := range d.Fields {
			if f.Type.NonNull || g.chance(25) {
				fields = append(fields, f.Name+": "+g.value(f.Name, f.Type))
			}
		}
		return "{" + strings.Join(fields, ", ") + "}"
	case d.Name == "ID":
		return fmt.Sprintf("%q", g.id())
	case name == "after" || name == "before":
		return fmt.Sprintf("%q", g.cursor())
	case d.Name == "Int":
		return fmt.Sprint(rapid.IntRange(1, 6).Draw(g.T, "size"))
	case d.Name == "Boolean":
		return g.oneOf("boolean", []string{"true", "false"})
	case d.Name == "Score":
		return g.oneOf("score", []string{"0", "50", "100"})
	case d.Name == "DateTime":
		return g.oneOf("time", []string{`"2020-01-01T00:00:00Z"`, `"2030-01-01T00:00:00Z"`})
	default:
		return fmt.Sprintf("%q", g.oneOf("text", []string{"alpha", "bravo", "secret", "@", "a", "%", "_", "send-test"}))
	}
}

func TestNobodyIsToldWhatIsAnothers(t *testing.T) {
	t.Parallel()
	w, s := newTenants(t), schema(t)
	told := map[string]int{}
	rapid.Check(t, func(rt *rapid.T) {
		g := &gen{T: rt, schema: s, w: w}
		query := "{ " + g.selection(s.Query, 6) + " }"
		for range 3 {
			actor := g.oneOf("actor", w.actors)
			body := w.ask(t, actor, query, nil)
			encoded, err := json.Marshal(body)
			check(t, err)
			if strings.Contains(string(encoded), "GRAPHQL_") {
				rt.Fatalf("not a valid query: %s\n%s", encoded, query)
			}
			if found := w.leaks(actor, string(encoded)); len(found) > 0 {
				rt.Fatalf("%s is told %v by %s\n%s", actor, found, query, encoded)
			}
			if _, own, _ := strings.Cut(actor, " "); strings.Contains(string(encoded), own) {
				told[actor]++
			}
		}
	})
	for _, actor := range w.actors { // or the test would prove nothing
		if told[actor] == 0 {
			t.Errorf("%s was never told anything of its own", actor)
		}
	}
}

func TestNobodyIsToldOfAnothersEvents(t *testing.T) {
	t.Parallel()
	w := newTenants(t)
	for _, actor := range w.actors {
		if strings.HasPrefix(actor, "ENGINE") {
			continue
		}
		_, word, _ := strings.Cut(actor, " ")
		by := core.Actor{OrganizationID: core.ID(w.ids[word][0]), Role: core.Role(strings.Fields(actor)[0]), Principal: w.names[actor]}
		fed, err := w.core.Feed.After(t.Context(), by, core.EventFilter{}, 0)
		check(t, err)
		if len(fed.Events) == 0 {
			t.Fatalf("%s sees no event", actor)
		}
		messages := w.subscribe(t, actor, w.expand(t, `subscription { events(after: "${zero}") { cursor event { id type subjectId actorId actorName data
			subject { __typename ... on Node { id } ... on Assessment { job { name } candidate { name email } test { name } } } } } }`), len(fed.Events))
		encoded, err := json.Marshal(messages)
		check(t, err)
		if found := w.leaks(actor, string(encoded)); len(found) > 0 {
			t.Errorf("%s is told %v: %s", actor, found, encoded)
		}
	}
}
