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
	approvers = "APPROVER"
)

// access is who may use a root field, and an operation that does.
type access struct{ who, operation string }

// queries, mutations and subscriptions are the table of who may. Every root
// field of the schema is in it.
func queries() map[string]access {
	return map[string]access{
		"feedCursor":    {everyone, `{ feedCursor }`},
		"viewer":        {everyone, `{ viewer { name } }`},
		"organization":  {everyone, `{ organization { name } }`},
		"node":          {everyone, `{ node(id: "${organization}") { id } }`},
		"nodes":         {everyone, `{ nodes(ids: ["${organization}"]) { id } }`},
		"tests":         {insiders, `{ tests { nodes { id } } }`},
		"test":          {insiders, `{ test(id: "${test}") { id } }`},
		"jobs":          {readers, `{ jobs { nodes { id } } }`},
		"job":           {readers, `{ job(id: "${job}") { id } }`},
		"candidates":    {readers, `{ candidates { nodes { id } } }`},
		"candidate":     {readers, `{ candidate(id: "${candidate}") { id } }`},
		"assessments":   {readers, `{ assessments { nodes { id } } }`},
		"assessment":    {readers, `{ assessment(id: "${ordered}") { id } }`},
		"pipeline":      {readers, `{ pipeline { total } }`},
		"referenceData": {insiders, `{ referenceData(connectionId: "con_00000000000000000000000000", kind: JOBS) { total } }`},
		"connections":   {insiders, `{ connections { id } }`},
		"connection":    {insiders, `{ connection(id: "${connection}") { id } }`},
		"adapters":      {insiders, `{ adapters { name } }`},
		"syncLog":       {insiders, `{ syncLog { nodes { id } } }`},
		"apiTokens":     {admins, `{ apiTokens { nodes { id } } }`},
		"auditLog":      {auditors, `{ auditLog { nodes { id } } }`},
		"issues":        {insiders, `{ issues { nodes { id } } }`},
		"webhooks":      {insiders, `{ webhooks { nodes { id } } }`},
		"stageTriggers": {insiders, `{ stageTriggers { id } }`},
		"erasures":      {auditors, `{ erasures { nodes { id } } }`},

		"jobMappings":      {insiders, `{ jobMappings { nodes { id } } }`},
		"pushRules":        {insiders, `{ pushRules(connectionId: "${connection}") { mode } }`},
		"pushProfile":      {insiders, `{ pushProfile(connectionId: "${connection}") { version warnings } }`},
		"scorecardMapping": {insiders, `{ scorecardMapping(connectionId: "${connection}") { reportOnlyTraits } }`},
		"scorecardPreview": {insiders, `{ scorecardPreview(connectionId: "${connection}", score: 50) { sent } }`},
		"routingRules":     {insiders, `{ routingRules(connectionId: "${connection}") { id } }`},
		"routingSwitches":  {insiders, `{ routingSwitches(connectionId: "${connection}") { off } }`},
		"reviewQueue":      {insiders, `{ reviewQueue { nodes { id } } }`},
		"decisions":        {insiders, `{ decisions { nodes { id } } }`},
		"pushes":           {readers, `{ pushes { nodes { id } } }`},
		"push":             {readers, `{ push(id: "${push}") { id } }`},
		"pushPreview":      {insiders, `{ pushPreview(assessmentId: "${ordered}", connectionId: "${connection}") { revision } }`},
		"pushEstimate":     {orderers, `{ pushEstimate(assessmentIds: ["${ordered}"], connectionId: "con_00000000000000000000000000") { requests } }`},
	}
}

func mutations() map[string]access {
	const none = `assessmentId: "asm_00000000000000000000000000"`
	about := func(name, input string) string {
		return "mutation { " + name + "(input: {" + input + "}) { userErrors { code } } }"
	}
	table := map[string]access{
		"createTest":                   {admins, `name: "T", modality: CHAT`},
		"createAssessment":             {orderers, `testId: "${test}", candidate: {firstName: "A", email: "a@example.com"}`},
		"startAssessment":              {reporters, none},
		"completeAssessment":           {reporters, none},
		"cancelAssessment":             {orderers, none},
		"createConnection":             {admins, `adapter: "fake", name: "C", settings: [{name: "account", value: "a"}]`},
		"updateConnection":             {admins, `connectionId: "con_00000000000000000000000000", name: "C"`},
		"connectCredentials":           {admins, `connectionId: "${connection}", clientId: "c", clientSecret: "s"`},
		"connectGreenhouseCredentials": {admins, `connectionId: "${connection}", clientId: "c", clientSecret: "s"`},
		"beginAuthorization":           {admins, `connectionId: "${connection}"`},
		"beginGreenhouseAuthorization": {admins, `connectionId: "${connection}"`},
		"disconnectConnection":         {admins, `connectionId: "${connection}"`},
		"checkConnection":              {insiders, `connectionId: "${connection}"`},
		"rotatePartnerKey":             {admins, `connectionId: "con_00000000000000000000000000"`},
		"setWebhookSync":               {admins, `connectionId: "${connection}", enabled: false`},
		"rotateWebhookSecret":          {admins, `connectionId: "con_00000000000000000000000000"`},
		"retryWebhook":                 {admins, `webhookId: "whk_00000000000000000000000000"`},
		"dismissWebhook":               {admins, `webhookId: "whk_00000000000000000000000000", reason: "x"`},
		"runReconciliation":            {orderers, `connectionId: "${connection}"`},
		"actOnIssue":                   {orderers, `issueId: "iss_00000000000000000000000000"`},
		"createStageTrigger":           {admins, `connectionId: "${connection}", externalJobId: "job-1", stageId: "job-1-stage-1", testId: "${test}"`},
		"deleteStageTrigger":           {admins, `stageTriggerId: "trg_00000000000000000000000000"`},
		"updateCandidate":              {orderers, `candidateId: "cnd_00000000000000000000000000", candidate: {lastName: "x"}`},
		"eraseCandidate":               {admins, `candidateId: "cnd_00000000000000000000000000"`},
		"createJob":                    {admins, `name: "J"`},
		"shareJob":                     {admins, `jobId: "${job}", with: "m@example.com"`},
		"unshareJob":                   {admins, `jobId: "${job}", with: "m@example.com"`},
		"assignJob":                    {orderers, none},
		"resendInvitation":             {orderers, none},
		"retryDelivery":                {orderers, none},
		"revokeReportLink":             {orderers, none},
		"createApiToken":               {admins, `name: "T", role: VIEWER`},
		"rotateApiToken":               {admins, `tokenId: "tok_00000000000000000000000000"`},
		"revokeApiToken":               {admins, `tokenId: "tok_00000000000000000000000000"`},

		"mapJob":                 {admins, `connectionId: "${connection}", jobId: "${job}", externalJobId: "job-1"`},
		"unmapJob":               {admins, `connectionId: "${connection}", jobId: "${job}"`},
		"setPushRule":            {admins, `connectionId: "${connection}", mode: ON_COMPLETE`},
		"deletePushRule":         {admins, `connectionId: "${connection}"`},
		"updateScorecardMapping": {admins, `connectionId: "${connection}"`},
		"updatePushDestinations": {admins, `connectionId: "${connection}"`},
		"updatePushPolicies":     {admins, `connectionId: "${connection}"`},
		"proposeRoutingRule":     {admins, `connectionId: "${connection}", advance: 75, review: 0`},
		"approveRoutingRule":     {approvers, `ruleId: "rul_00000000000000000000000000"`},
		"pauseRoutingRule":       {auditors, `ruleId: "rul_00000000000000000000000000"`},
		"resumeRoutingRule":      {auditors, `ruleId: "rul_00000000000000000000000000"`},
		"retireRoutingRule":      {auditors, `ruleId: "rul_00000000000000000000000000"`},
		"setRoutingSwitch":       {auditors, `connectionId: "${connection}", off: false`},
		"decideAssessments":      {insiders, `decisionIds: ["dec_00000000000000000000000000"], action: KEEP`},
		"undoDecisions":          {insiders, `decisionIds: ["dec_00000000000000000000000000"]`},

		"setActingUser": {admins, `connectionId: "${connection}", userId: "user-1"`},

		"pushAssessment":  {orderers, none},
		"pushAssessments": {orderers, `assessmentIds: ["asm_00000000000000000000000000"]`},
		"retryPush":       {orderers, `pushId: "${push}"`},
		"cancelPush":      {orderers, `pushId: "${push}"`},
		"resolvePush":     {orderers, `pushId: "${push}", resolution: {createNew: true}`},
		"retrySync":       {orderers, `syncEntryId: "${entry}"`},
	}
	for name, a := range table {
		table[name] = access{a.who, about(name, a.operation)}
	}
	return table
}

func subscriptions() map[string]access {
	return map[string]access{
		"events":                  {everyone, `subscription { events(after: "${zero}") { event { type } } }`},
		"assessmentChanged":       {readers, `subscription { assessmentChanged(after: "${zero}") { assessment { id } } }`},
		"syncLogAppended":         {insiders, `subscription { syncLogAppended(after: "${zero}") { entry { id } } }`},
		"pipelineChanged":         {readers, `subscription { pipelineChanged(after: "${zero}") { pipeline { total } } }`},
		"connectionHealthChanged": {insiders, `subscription { connectionHealthChanged(after: "${zero}") { connection { id } } }`},
	}
}

// byID is who may read a type of Node by its id.
func byID() map[string]access {
	return map[string]access{
		"Organization":    {everyone, "organization"},
		"Test":            {insiders, "test"},
		"Job":             {readers, "job"},
		"Candidate":       {readers, "candidate"},
		"Assessment":      {readers, "ordered"},
		"Connection":      {insiders, "connection"},
		"SyncEntry":       {insiders, "entry"},
		"Push":            {readers, "push"},
		"Issue":           {insiders, "issue"},
		"ApiToken":        {admins, "token_VIEWER"},
		"RoutingDecision": {insiders, "decision"},
	}
}

// objectFields are all fields of objects. A group of fields that not everyone
// may read who reaches the object has, after a colon, who may.
func objectFields() map[string][]string {
	page := []string{"edges nodes pageInfo"}
	table := map[string][]string{
		"PageInfo":                            {"hasNextPage hasPreviousPage startCursor endCursor"},
		"UserError":                           {"code reason field message"},
		"Viewer":                              {"organization role scopes permissions name tokenId principal"},
		"Organization":                        {"id name createdAt"},
		"Test":                                {"id name description modality durationMinutes traits archived createdAt"},
		"Trait":                               {"key name"},
		"Job":                                 {"id name externalId createdAt", "connection:" + insiders, "sharedWith:" + admins},
		"Candidate":                           {"id name firstName lastName preferredName email phone externalId profileUrl createdAt updatedAt erasedAt", "connection:" + insiders},
		"Delivery":                            {"state note deliveredRevision deliveredAt"},
		"Assessment":                          {"id status delivery decision atsOutcome test candidate job result reportUrl orderedBy orderedAt invitedAt consentedAt startedAt completedAt scoredAt closedAt expiresAt updatedAt erasedAt events lastPush pushes", "connection lastSyncEntry syncLog applications decisions:" + insiders},
		"Result":                              {"id revision score rawScore rawMaximum traits report benchmark createdAt"},
		"TraitScore":                          {"key name score"},
		"Report":                              {"summary analysis transcript coachingNotes moments"},
		"TranscriptTurn":                      {"speaker text at"},
		"ReportMoment":                        {"at trait impact quote comment"},
		"Event":                               {"id type subjectId subject at actorRole actorId actorName data"},
		"Connection":                          {"id adapter name settings disabled status health capabilities authorization webhookUrl webhookSync openIssues createdAt"},
		"WebhookSync":                         {"enabled scope enabledAt previousSecretUntil pingedAt waiting silentSince seen strangers strangerAt"},
		"WebhookCount":                        {"action count firstAt lastAt"},
		"Webhook":                             {"id connection eventId action state deliveries message receivedAt appliedAt"},
		"Issue":                               {"id connection kind assessment pushId push applicationExternalId cause action automatic advice foundAt ageSeconds seenAt repairedAt closedAt"},
		"ActOnIssuePayload":                   {"issue userErrors"},
		"StageTrigger":                        {"id connection externalJobId externalJobName stageId stageName test retakeDays createdAt"},
		"Erasure":                             {"id connectionId candidateId webhookId cause actorName rows at"},
		"Application":                         {"connection externalId externalJobId origin state stageId stageName profileUrl changedAt stagedAt"},
		"RotateWebhookSecretPayload":          {"connection webhookSecret userErrors"},
		"RetryWebhookPayload":                 {"webhook userErrors"},
		"DismissWebhookPayload":               {"webhook userErrors"},
		"UpdateCandidatePayload":              {"candidate userErrors"},
		"EraseCandidatePayload":               {"candidate userErrors"},
		"ConnectionSetting":                   {"name value"},
		"Authorization":                       {"state reason mode account accountName subject scopes expiresAt refreshExpiresAt refreshedAt connectedAt"},
		"ReferenceList":                       {"items total fetchedAt ageSeconds stale error truncated"},
		"ReferenceItem":                       {"id name parentId active details"},
		"ReferenceDetail":                     {"name value"},
		"BeginAuthorizationPayload":           {"authorizationUrl expiresAt userErrors"},
		"BeginGreenhouseAuthorizationPayload": {"authorizationUrl expiresAt userErrors"},
		"ConnectionHealth":                    {"status checkedAt identity account missingPermissions checks message"},
		"HealthCheck":                         {"name ok message"},
		"Capability":                          {"name available reasons constraints"},
		"Constraint":                          {"name value"},
		"Adapter":                             {"name process manifest"},
		"AdapterProcess":                      {"status since version pid restarts lastError"},
		"AdapterManifest":                     {"title version settings routes capabilities"},
		"AdapterSetting":                      {"name label description type default required secret options"},
		"AdapterRoute":                        {"name method path"},
		"SyncEntry":                           {"id direction operation outcome faultCode message advice attempt adapter connectionId connection assessmentId assessment pushId push steps requestId exchanges startedAt durationMs"},
		"HTTPExchange":                        {"method url requestBody status responseBody responseHeaders startedAt durationMs error"},
		"HTTPHeader":                          {"name value"},
		"ApiToken":                            {"id name role scopes createdAt expiresAt revokedAt lastUsedAt previousSecretUntil"},
		"AuditEntry":                          {"id action subjectId subject actorRole actorId actorName at before after"},
		"Pipeline":                            {"total statuses deliveries decisions"},
		"StatusCount":                         {"status count"},
		"DeliveryCount":                       {"state count"},
		"DecisionCount":                       {"decision count"},
		"EventMessage":                        {"cursor event"},
		"AssessmentMessage":                   {"cursor event assessment"},
		"SyncLogMessage":                      {"cursor entry"},
		"PipelineMessage":                     {"cursor pipeline"},
		"ConnectionHealthMessage":             {"cursor event connection"},
		"CreateConnectionPayload":             {"connection partnerKey webhookUrl webhookSecret userErrors"},
		"RotatePartnerKeyPayload":             {"connection partnerKey userErrors"},
		"CreateTestPayload":                   {"test userErrors"},
		"JobMapping":                          {"id connection job externalJobId externalJobName externalStageId externalStageName createdAt updatedAt"},
		"PushRule":                            {"connectionId job mode minimum updatedAt"},
		"RecommendationBand":                  {"recommendation from below"},
		"ScorecardMapping":                    {"bands reportOnlyTraits"},
		"PushDestination":                     {"datum trait to fieldKey owner tagName"},
		"PushPolicies":                        {"severalMatches closedApplication closedJob"},
		"PushProfile":                         {"connectionId scorecard destinations policies sourceId sourceName version updatedAt warnings"},
		"ScorecardPreview":                    {"score recommendation sent reasons traits"},
		"SetActingUserPayload":                {"connection userErrors"},
		"Push":                                {"id state connectionId assessmentId assessment candidate revision trigger requestedBy attempts faultCode message advice question steps candidateExternalId applicationExternalId profileUrl requestedAt startedAt finishedAt dueAt updatedAt", "connection:" + insiders},
		"RoutingRule":                         {"id connectionId job test version state advance review pilot advanceToStageId rejection proposedBy proposedAt approvedBy approvedAt effectiveFrom changedBy changedAt note"},
		"RoutingRejection":                    {"reasonId emailTemplateId holdHours dailyCap jumpOf jumpPercent"},
		"RoutingSwitch":                       {"connectionId jobId off note changedBy changedAt"},
		"SetRoutingSwitchPayload":             {"routingSwitch userErrors"},
		"RoutingDecision":                     {"id connection assessment revision ruleId ruleVersion advance review score integrityFlags missingTraits accommodation suggestion indicator state action hold note reason decidedBy automatic stageId toStageId faultCode dueAt doneAt createdAt updatedAt steps"},
		"DecisionStep":                        {"from to action hold note reason ruleVersion actorRole actorName at"},
		"DecisionOutcome":                     {"decisionId decision userErrors"},
		"DecideAssessmentsPayload":            {"outcomes userErrors"},
		"UndoDecisionsPayload":                {"outcomes userErrors"},
		"PushStep":                            {"kind state reference existed attempts sentAt doneAt faultCode message"},
		"PushQuestion":                        {"kind choices"},
		"PushChoice":                          {"candidateExternalId applicationExternalId profileUrl"},
		"PushPreview":                         {"problems connection revision recommendation steps"},
		"PushPreviewStep":                     {"kind off writes"},
		"PushPreviewWrite":                    {"name value"},
		"PushEstimate":                        {"connection pushable refused requests durationSeconds"},
		"PushRefusal":                         {"assessmentId userErrors"},
		"PushOutcome":                         {"assessmentId push userErrors"},
		"PushAssessmentsPayload":              {"outcomes userErrors"},
		"RetrySyncPayload":                    {"push assessment userErrors"},
	}
	for _, noun := range []string{"Test", "Job", "Candidate", "Assessment", "SyncEntry", "Event", "ApiToken", "AuditEntry", "JobMapping", "Push", "Webhook", "Erasure", "Issue", "RoutingDecision"} {
		table[noun+"Connection"], table[noun+"Edge"] = page, []string{"cursor node"}
	}
	for _, verb := range []string{"CreateAssessment", "StartAssessment", "CompleteAssessment", "CancelAssessment", "AssignJob", "ResendInvitation", "RetryDelivery", "RevokeReportLink"} {
		table[verb+"Payload"] = []string{"assessment userErrors"}
	}
	for _, verb := range []string{"UpdateConnection", "CheckConnection", "ConnectCredentials", "ConnectGreenhouseCredentials", "DisconnectConnection", "SetWebhookSync", "RunReconciliation"} {
		table[verb+"Payload"] = []string{"connection userErrors"}
	}
	for _, verb := range []string{"PushAssessment", "RetryPush", "CancelPush", "ResolvePush"} {
		table[verb+"Payload"] = []string{"push userErrors"}
	}
	for _, verb := range []string{"Propose", "Approve", "Pause", "Resume", "Retire"} {
		table[verb+"RoutingRulePayload"] = []string{"routingRule userErrors"}
	}
	for _, verb := range []string{"MapJob", "UnmapJob"} {
		table[verb+"Payload"] = []string{"jobMapping userErrors"}
	}
	for _, verb := range []string{"CreateStageTrigger", "DeleteStageTrigger"} {
		table[verb+"Payload"] = []string{"stageTrigger userErrors"}
	}
	for _, verb := range []string{"SetPushRule", "DeletePushRule"} {
		table[verb+"Payload"] = []string{"pushRule userErrors"}
	}
	for _, verb := range []string{"UpdateScorecardMapping", "UpdatePushDestinations", "UpdatePushPolicies"} {
		table[verb+"Payload"] = []string{"pushProfile userErrors"}
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
		"Viewer":          {everyone, `{ viewer { %s } }`},
		"Test":            {readers, `{ assessment(id: "${ordered}") { test { %s } } }`},
		"Job":             {readers, `{ job(id: "${job}") { %s } }`},
		"Candidate":       {readers, `{ candidate(id: "${candidate}") { %s } }`},
		"Assessment":      {readers, `{ assessment(id: "${ordered}") { %s } }`},
		"Result":          {readers, `{ assessment(id: "${ordered}") { result { %s } } }`},
		"Event":           {readers, `{ assessment(id: "${ordered}") { events { nodes { %s } } } }`},
		"Pipeline":        {readers, `{ pipeline { %s } }`},
		"Connection":      {insiders, `{ connection(id: "${connection}") { %s } }`},
		"Adapter":         {insiders, `{ adapters { %s } }`},
		"SyncEntry":       {insiders, `{ node(id: "${entry}") { ... on SyncEntry { %s } } }`},
		"Push":            {readers, `{ push(id: "${push}") { %s } }`},
		"JobMapping":      {insiders, `{ jobMappings { nodes { %s } } }`},
		"PushRule":        {insiders, `{ pushRules(connectionId: "${connection}") { %s } }`},
		"Webhook":         {insiders, `{ webhooks { nodes { %s } } }`},
		"Issue":           {insiders, `{ issues { nodes { %s } } }`},
		"StageTrigger":    {insiders, `{ stageTriggers { %s } }`},
		"Erasure":         {auditors, `{ erasures { nodes { %s } } }`},
		"Application":     {insiders, `{ assessment(id: "${ordered}") { applications { %s } } }`},
		"AuditEntry":      {auditors, `{ auditLog { nodes { %s } } }`},
		"ApiToken":        {admins, `{ apiTokens { nodes { %s } } }`},
		"RoutingRule":     {insiders, `{ routingRules(connectionId: "${connection}") { %s } }`},
		"RoutingDecision": {insiders, `{ decisions { nodes { %s } } }`},
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
	w.hooked(t, core.ID(w.names["connection"]), core.ID(w.names["test"]), "rich")
	a, err := w.core.Assessments.Get(t.Context(), core.SystemActor(core.ID(w.names["organization"])), core.ID(w.names["ordered"]))
	check(t, err)
	w.names["candidate"] = string(a.CandidateID)
	_, err = w.core.Connections.Check(t.Context(), core.SystemActor(a.OrganizationID), a.ConnectionID)
	check(t, err)
	w.names["push"] = string(w.push(t, a, a.ConnectionID, "said"))
	w.routed(t, a, a.ConnectionID, "said")
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
	_, err := w.core.Erasures.EraseCandidate(t.Context(), core.SystemActor(core.ID(w.names["organization"])), core.ID(w.erasable(t))) // an engine is told
	check(t, err)
	w.number(t)
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

// Whom a push's question is about is told to those who see the ATS, on every
// way to it; what is asked, to all who see the push.
func TestWhoMaySeeTheChoicesOfAPush(t *testing.T) {
	t.Parallel()
	w := rich(t)
	w.token(t, core.ID(w.names["organization"]), "NARROW", "narrow", core.RoleAdmin, core.PermitRead)
	const asked = `question { kind choices { candidateExternalId } }`
	for role, choices := range map[string]string{
		"ADMIN": "[map[candidateExternalId:said]]", "APPROVER": "[map[candidateExternalId:said]]", "RECRUITER": "[map[candidateExternalId:said]]",
		"VIEWER": "[]", "NARROW": "[]",
	} {
		for _, way := range []string{`push(id: "${push}") {`, `pushes { nodes {`, `assessment(id: "${ordered}") { lastPush {`, `assessment(id: "${ordered}") { pushes { nodes {`} {
			query := "{ " + way + asked + strings.Repeat("}", strings.Count(way, "{")-strings.Count(way, "${")) + " }"
			got := fmt.Sprint(w.ask(t, role, w.expand(t, query), nil))
			if want := "question:map[choices:" + choices + " kind:SEVERAL_MATCHES]"; !strings.Contains(got, want) {
				t.Errorf("%s by %s: %s, want %s", query, role, got, want)
			}
		}
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
