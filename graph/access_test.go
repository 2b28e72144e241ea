package graph_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/vektah/gqlparser/v2/ast"

	"github.com/trellis-ats/trellis/core"
)

// Who there is. NOBODY has no token.
const (
	everyone  = "ADMIN APPROVER RECRUITER VIEWER ENGINE"
	readers   = "ADMIN APPROVER RECRUITER VIEWER"
	insiders  = "ADMIN APPROVER RECRUITER"
	orderers  = "ADMIN RECRUITER"
	auditors  = "ADMIN APPROVER"
	reporters = "ADMIN ENGINE"
	admins    = "ADMIN"
)

// access is who may use a root field, and an operation that does.
type access struct{ who, operation string }

// queries, mutations and subscriptions are the table of who may. Every root
// field of the schema is in it.
func queries() map[string]access {
	return map[string]access{
		"feedCursor":   {readers, `{ feedCursor }`},
		"viewer":       {everyone, `{ viewer { name } }`},
		"organization": {everyone, `{ organization { name } }`},
		"node":         {everyone, `{ node(id: "${organization}") { id } }`},
		"nodes":        {everyone, `{ nodes(ids: ["${organization}"]) { id } }`},
		"tests":        {insiders, `{ tests { nodes { id } } }`},
		"test":         {insiders, `{ test(id: "${test}") { id } }`},
		"jobs":         {readers, `{ jobs { nodes { id } } }`},
		"job":          {readers, `{ job(id: "${job}") { id } }`},
		"candidates":   {readers, `{ candidates { nodes { id } } }`},
		"candidate":    {readers, `{ candidate(id: "${candidate}") { id } }`},
		"assessments":  {readers, `{ assessments { nodes { id } } }`},
		"assessment":   {readers, `{ assessment(id: "${ordered}") { id } }`},
		"pipeline":     {readers, `{ pipeline { total } }`},
		"connections":  {insiders, `{ connections { id } }`},
		"connection":   {insiders, `{ connection(id: "${connection}") { id } }`},
		"adapters":     {insiders, `{ adapters { name } }`},
		"syncLog":      {insiders, `{ syncLog { nodes { id } } }`},
		"apiTokens":    {admins, `{ apiTokens { nodes { id } } }`},
		"auditLog":     {auditors, `{ auditLog { nodes { id } } }`},
	}
}

func mutations() map[string]access {
	const none = `assessmentId: "asm_00000000000000000000000000"`
	about := func(name, input string) string {
		return "mutation { " + name + "(input: {" + input + "}) { userErrors { code } } }"
	}
	table := map[string]access{
		"createTest":         {admins, `name: "T", modality: CHAT`},
		"createAssessment":   {orderers, `testId: "${test}", candidate: {firstName: "A", email: "a@example.com"}`},
		"startAssessment":    {reporters, none},
		"completeAssessment": {reporters, none},
		"cancelAssessment":   {orderers, none},
		"createConnection":   {admins, `adapter: "fake", name: "C", settings: [{name: "account", value: "a"}]`},
		"updateConnection":   {admins, `connectionId: "con_00000000000000000000000000", name: "C"`},
		"checkConnection":    {insiders, `connectionId: "${connection}"`},
		"rotatePartnerKey":   {admins, `connectionId: "con_00000000000000000000000000"`},
		"createJob":          {admins, `name: "J"`},
		"shareJob":           {admins, `jobId: "${job}", with: "m@example.com"`},
		"unshareJob":         {admins, `jobId: "${job}", with: "m@example.com"`},
		"assignJob":          {orderers, none},
		"resendInvitation":   {orderers, none},
		"retryDelivery":      {orderers, none},
		"revokeReportLink":   {orderers, none},
		"createApiToken":     {admins, `name: "T", role: VIEWER`},
		"rotateApiToken":     {admins, `tokenId: "tok_00000000000000000000000000"`},
		"revokeApiToken":     {admins, `tokenId: "tok_00000000000000000000000000"`},
	}
	for name, a := range table {
		table[name] = access{a.who, about(name, a.operation)}
	}
	return table
}

func subscriptions() map[string]access {
	return map[string]access{
		"events":                  {readers, `subscription { events(after: "${zero}") { event { type } } }`},
		"assessmentChanged":       {readers, `subscription { assessmentChanged(after: "${zero}") { assessment { id } } }`},
		"syncLogAppended":         {insiders, `subscription { syncLogAppended(after: "${zero}") { entry { id } } }`},
		"pipelineChanged":         {readers, `subscription { pipelineChanged(after: "${zero}") { pipeline { total } } }`},
		"connectionHealthChanged": {insiders, `subscription { connectionHealthChanged(after: "${zero}") { connection { id } } }`},
	}
}

// byID is who may read a type of Node by its id.
func byID() map[string]access {
	return map[string]access{
		"Organization": {everyone, "organization"},
		"Test":         {insiders, "test"},
		"Job":          {readers, "job"},
		"Candidate":    {readers, "candidate"},
		"Assessment":   {readers, "ordered"},
		"Connection":   {insiders, "connection"},
		"SyncEntry":    {insiders, "entry"},
		"ApiToken":     {admins, "token_VIEWER"},
	}
}

// objectFields are all fields of objects. A group of fields that not everyone
// may read who reaches the object has, after a colon, who may.
func objectFields() map[string][]string {
	page := []string{"edges nodes pageInfo"}
	table := map[string][]string{
		"PageInfo":                {"hasNextPage hasPreviousPage startCursor endCursor"},
		"UserError":               {"code reason field message"},
		"Viewer":                  {"organization role scopes permissions name tokenId principal"},
		"Organization":            {"id name createdAt"},
		"Test":                    {"id name description modality durationMinutes traits archived createdAt"},
		"Trait":                   {"key name"},
		"Job":                     {"id name externalId createdAt", "connection:" + insiders, "sharedWith:" + admins},
		"Candidate":               {"id name firstName lastName preferredName email phone externalId profileUrl createdAt updatedAt", "connection:" + insiders},
		"Delivery":                {"state note deliveredRevision deliveredAt"},
		"Assessment":              {"id status delivery decision atsOutcome test candidate job result reportUrl orderedBy orderedAt invitedAt consentedAt startedAt completedAt scoredAt closedAt expiresAt updatedAt events", "connection lastSyncEntry syncLog:" + insiders},
		"Result":                  {"id revision score rawScore rawMaximum traits report benchmark createdAt"},
		"TraitScore":              {"key name score"},
		"Report":                  {"summary analysis transcript coachingNotes moments"},
		"TranscriptTurn":          {"speaker text at"},
		"ReportMoment":            {"at trait impact quote comment"},
		"Event":                   {"id type subjectId subject at actorRole actorId actorName data"},
		"Connection":              {"id adapter name settings disabled status health capabilities webhookUrl createdAt"},
		"ConnectionSetting":       {"name value"},
		"ConnectionHealth":        {"status checkedAt identity account missingPermissions checks message"},
		"HealthCheck":             {"name ok message"},
		"Capability":              {"name available reasons constraints"},
		"Constraint":              {"name value"},
		"Adapter":                 {"name process manifest"},
		"AdapterProcess":          {"status since version pid restarts lastError"},
		"AdapterManifest":         {"title version settings routes capabilities"},
		"AdapterSetting":          {"name label description type default required secret options"},
		"AdapterRoute":            {"name method path"},
		"SyncEntry":               {"id direction operation outcome faultCode message attempt adapter connectionId connection assessmentId assessment requestId exchanges startedAt durationMs"},
		"HTTPExchange":            {"method url requestBody status responseBody responseHeaders startedAt durationMs error"},
		"HTTPHeader":              {"name value"},
		"ApiToken":                {"id name role scopes createdAt expiresAt revokedAt lastUsedAt previousSecretUntil"},
		"AuditEntry":              {"id action subjectId subject actorRole actorId actorName at before after"},
		"Pipeline":                {"total statuses deliveries decisions"},
		"StatusCount":             {"status count"},
		"DeliveryCount":           {"state count"},
		"DecisionCount":           {"decision count"},
		"EventMessage":            {"cursor event"},
		"AssessmentMessage":       {"cursor event assessment"},
		"SyncLogMessage":          {"cursor entry"},
		"PipelineMessage":         {"cursor pipeline"},
		"ConnectionHealthMessage": {"cursor event connection"},
		"CreateConnectionPayload": {"connection partnerKey webhookUrl webhookSecret userErrors"},
		"RotatePartnerKeyPayload": {"connection partnerKey userErrors"},
		"CreateTestPayload":       {"test userErrors"},
	}
	for _, noun := range []string{"Test", "Job", "Candidate", "Assessment", "SyncEntry", "Event", "ApiToken", "AuditEntry"} {
		table[noun+"Connection"], table[noun+"Edge"] = page, []string{"cursor node"}
	}
	for _, verb := range []string{"CreateAssessment", "StartAssessment", "CompleteAssessment", "CancelAssessment", "AssignJob", "ResendInvitation", "RetryDelivery", "RevokeReportLink"} {
		table[verb+"Payload"] = []string{"assessment userErrors"}
	}
	for _, verb := range []string{"UpdateConnection", "CheckConnection"} {
		table[verb+"Payload"] = []string{"connection userErrors"}
	}
	for _, verb := range []string{"CreateJob", "ShareJob", "UnshareJob"} {
		table[verb+"Payload"] = []string{"job userErrors"}
	}
	for verb, fields := range map[string]string{"Create": "apiToken secret userErrors", "Rotate": "apiToken secret userErrors", "Revoke": "apiToken userErrors"} {
		table[verb+"ApiTokenPayload"] = []string{fields}
	}
	return table
}

// ways lead to an object, of those that have fields with reads of their own.
func ways() map[string]access {
	return map[string]access{
		"Viewer":     {everyone, `{ viewer { %s } }`},
		"Test":       {readers, `{ assessment(id: "${ordered}") { test { %s } } }`},
		"Job":        {readers, `{ job(id: "${job}") { %s } }`},
		"Candidate":  {readers, `{ candidate(id: "${candidate}") { %s } }`},
		"Assessment": {readers, `{ assessment(id: "${ordered}") { %s } }`},
		"Result":     {readers, `{ assessment(id: "${ordered}") { result { %s } } }`},
		"Event":      {readers, `{ assessment(id: "${ordered}") { events { nodes { %s } } } }`},
		"Pipeline":   {readers, `{ pipeline { %s } }`},
		"Connection": {insiders, `{ connection(id: "${connection}") { %s } }`},
		"Adapter":    {insiders, `{ adapters { %s } }`},
		"SyncEntry":  {insiders, `{ node(id: "${entry}") { ... on SyncEntry { %s } } }`},
		"AuditEntry": {auditors, `{ auditLog { nodes { %s } } }`},
		"ApiToken":   {admins, `{ apiTokens { nodes { %s } } }`},
	}
}

func TestEveryFieldIsInTheTableOfWhoMay(t *testing.T) {
	t.Parallel()
	s := schema(t)
	for root, table := range map[*ast.Definition]map[string]access{s.Query: queries(), s.Mutation: mutations(), s.Subscription: subscriptions()} {
		var listed []string
		for name := range table {
			listed = append(listed, name)
		}
		sameFields(t, root, listed)
	}
	table := objectFields()
	for _, d := range s.Types {
		if d.Kind != ast.Object || d.BuiltIn || d == s.Query || d == s.Mutation || d == s.Subscription {
			continue
		}
		var listed []string
		for _, group := range table[d.Name] {
			names, _, _ := strings.Cut(group, ":")
			listed = append(listed, strings.Fields(names)...)
		}
		sameFields(t, d, listed)
		delete(table, d.Name)
		if _, known := byID()[d.Name]; slices.Contains(d.Interfaces, "Node") != known {
			t.Errorf("%s: is a Node and not in the table, or the other way round", d.Name)
		}
	}
	for name := range table {
		t.Errorf("%s is in the table and not in the schema", name)
	}
}

func sameFields(t *testing.T, d *ast.Definition, listed []string) {
	t.Helper()
	var have []string
	for _, f := range d.Fields {
		if !strings.HasPrefix(f.Name, "__") {
			have = append(have, f.Name)
		}
	}
	slices.Sort(have)
	slices.Sort(listed)
	for _, name := range have {
		if !slices.Contains(listed, name) {
			t.Errorf("%s.%s is new: say in the table who may, and try it", d.Name, name)
		}
	}
	for _, name := range listed {
		if !slices.Contains(have, name) {
			t.Errorf("%s.%s is in the table and not in the schema", d.Name, name)
		}
	}
}

// rich is a world in which everything can be reached by all who may.
func rich(t *testing.T) *world {
	t.Helper()
	w := newWorld(t)
	w.share(t)
	w.completed(t, core.ID(w.names["ordered"]), 80)
	a, err := w.core.Assessments.Get(t.Context(), core.SystemActor(core.ID(w.names["organization"])), core.ID(w.names["ordered"]))
	check(t, err)
	w.names["candidate"] = string(a.CandidateID)
	_, err = w.core.Connections.Check(t.Context(), core.SystemActor(a.OrganizationID), a.ConnectionID)
	check(t, err)
	w.number(t)
	return w
}

func allRoles() []string { return append(strings.Fields(everyone), "NOBODY") }

// verdict is the code of the refusal, "" if there was none.
func verdict(body map[string]any) string {
	errs, _ := body["errors"].([]any)
	for _, e := range errs {
		switch code := e.(map[string]any)["extensions"].(map[string]any)["code"].(string); code {
		case "FORBIDDEN", "UNAUTHENTICATED":
			return code
		default:
			return "unexpected: " + fmt.Sprint(e)
		}
	}
	return ""
}

// expected is the verdict on a role by who may.
func expected(role, who string) string {
	switch {
	case role == "NOBODY":
		return "UNAUTHENTICATED"
	case slices.Contains(strings.Fields(who), role):
		return ""
	default:
		return "FORBIDDEN"
	}
}

func TestWhoMayQueryAndChange(t *testing.T) {
	t.Parallel()
	w := rich(t)
	for kind, table := range map[string]map[string]access{"query": queries(), "mutation": mutations()} {
		for name, a := range table {
			operation := w.expand(t, a.operation)
			for _, role := range allRoles() {
				body := w.ask(t, role, operation, nil)
				if got, want := verdict(body), expected(role, a.who); got != want {
					t.Errorf("%s %s by %s: %q, want %q", kind, name, role, got, want)
				}
				if data, _ := body["data"].(map[string]any); expected(role, a.who) != "" && data[name] != nil {
					t.Errorf("%s %s by %s gives %v", kind, name, role, data)
				}
			}
		}
	}
}

func TestWhoMayReadByID(t *testing.T) {
	t.Parallel()
	w := rich(t)
	for name, a := range byID() {
		for _, role := range allRoles() {
			body := w.ask(t, role, fmt.Sprintf(`{ node(id: %q) { __typename id } }`, w.names[a.operation]), nil)
			if got, want := verdict(body), expected(role, a.who); got != want {
				t.Errorf("%s by %s: %q, want %q", name, role, got, want)
			}
			if want := expected(role, a.who); want == "" && fmt.Sprint(body["data"]) != fmt.Sprintf("map[node:map[__typename:%s id:%s]]", name, w.names[a.operation]) {
				t.Errorf("%s by %s: %v", name, role, body)
			}
		}
	}
}

func TestWhoMaySubscribe(t *testing.T) {
	t.Parallel()
	w := rich(t)
	for name, a := range subscriptions() {
		operation := w.expand(t, a.operation)
		for _, role := range allRoles() {
			body := w.subscribe(t, role, operation, 1)[0]
			if got, want := verdict(body), expected(role, a.who); got != want {
				t.Errorf("%s by %s: %q, want %q", name, role, got, want)
			}
			data, _ := body["data"].(map[string]any)
			if told := data[name] != nil; told != (expected(role, a.who) == "") {
				t.Errorf("%s tells %s %v", name, role, body)
			}
		}
	}
}

func TestWhoMayReadFields(t *testing.T) {
	t.Parallel()
	w, s := rich(t), schema(t)
	for name, way := range ways() {
		for _, group := range objectFields()[name] {
			fields, who, limited := strings.Cut(group, ":")
			if !limited {
				who = way.who
			}
			for _, field := range strings.Fields(fields) {
				operation := w.expand(t, fmt.Sprintf(way.operation, selected(s, s.Types[name].Fields.ForName(field))))
				for _, role := range strings.Fields(way.who) {
					if got, want := verdict(w.ask(t, role, operation, nil)), expected(role, who); got != want {
						t.Errorf("%s.%s by %s: %q, want %q", name, field, role, got, want)
					}
				}
			}
		}
	}
}

// selected is a field with the least selection that it can have.
func selected(s *ast.Schema, f *ast.FieldDefinition) string {
	if d := s.Types[f.Type.Name()]; d.IsCompositeType() {
		return f.Name + " { __typename }"
	}
	return f.Name
}

func TestAViewerSeesSharedJobsOnly(t *testing.T) {
	t.Parallel()
	w := rich(t)
	hidden := w.scored(t, 1)
	w.number(t)
	all := `{
		assessments { nodes { id job { id } } } candidates { nodes { id } } jobs { nodes { id } } pipeline { total }
		assessment(id: %q) { id } node(id: %q) { id }
	}`
	got := fmt.Sprint(w.ask(t, "VIEWER", fmt.Sprintf(all, hidden, hidden), nil))
	want := w.expand(t, "map[data:map[assessment:<nil> assessments:map[nodes:[map[id:${ordered} job:map[id:${job}]]]]"+
		" candidates:map[nodes:[map[id:${candidate}]]] jobs:map[nodes:[map[id:${job}]]] node:<nil> pipeline:map[total:1]]]")
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	for _, body := range w.subscribe(t, "VIEWER", w.expand(t, `subscription { events(after: "${zero}") { event { subjectId } } }`), 3) {
		if text := fmt.Sprint(body); !strings.Contains(text, w.names["ordered"]) {
			t.Errorf("a VIEWER is told %s", text)
		}
	}
	w.ask(t, "ADMIN", w.expand(t, `mutation { unshareJob(input: {jobId: "${job}", with: "${token_VIEWER}"}) { userErrors { code } } }`), nil)
	if got := fmt.Sprint(w.ask(t, "VIEWER", `{ assessments { nodes { id } } jobs { nodes { id } } }`, nil)); got != "map[data:map[assessments:map[nodes:[]] jobs:map[nodes:[]]]]" {
		t.Errorf("after the sharing ended: %s", got)
	}
}

func TestScopesNarrow(t *testing.T) {
	t.Parallel()
	w := rich(t)
	w.token(t, core.ID(w.names["organization"]), "NARROW", "narrow", core.RoleAdmin, core.PermitRead)
	got := w.ask(t, "NARROW", `{ viewer { role scopes permissions } assessments { nodes { test { name } } } }`, nil)
	if text := fmt.Sprint(got); !strings.Contains(text, "permissions:[READ] role:ADMIN scopes:[READ]") || !strings.Contains(text, "Cold Call") {
		t.Errorf("got %s", text)
	}
	for _, query := range []string{`{ tests { nodes { id } } }`, `{ connections { id } }`, `{ apiTokens { nodes { id } } }`, `mutation { createJob(input: {name: "J"}) { job { id } } }`} {
		if got := verdict(w.ask(t, "NARROW", query, nil)); got != "FORBIDDEN" {
			t.Errorf("%s: %q", query, got)
		}
	}
}
