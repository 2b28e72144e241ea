package graph_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/trellis-ats/trellis/core"
	"github.com/trellis-ats/trellis/core/coretest"
)

// bad is an operation that must be refused, and how: "CODE field" of each user
// error, or of an error's fields, or of its path.
type bad struct{ operation, want string }

func badMutations() map[string]bad {
	const noAssessment, noToken = "asm_00000000000000000000000000", "tok_00000000000000000000000000"
	in := func(name, input string) string {
		return "mutation { " + name + "(input: {" + input + "}) { userErrors { code reason field message } } }"
	}
	table := map[string]bad{
		"assignJob: unknown job":             {in("assignJob", `assessmentId: "${ordered}", jobId: "job_00000000000000000000000000"`), "NOT_FOUND jobId"},
		"assignJob: another's job":           {in("assignJob", `assessmentId: "${ordered}", jobId: "${outsideJob}"`), "NOT_FOUND jobId"},
		"assignJob: id of another type":      {in("assignJob", `assessmentId: "${ordered}", jobId: "${test}"`), "NOT_FOUND jobId"},
		"createAssessment: unknown test":     {in("createAssessment", `testId: "tst_00000000000000000000000000", candidate: {firstName: "A", email: "a@example.com"}`), "NOT_FOUND testId"},
		"createAssessment: another's test":   {in("createAssessment", `testId: "${outsideTest}", candidate: {firstName: "A", email: "a@example.com"}`), "NOT_FOUND testId"},
		"createAssessment: id of a job":      {in("createAssessment", `testId: "${job}", candidate: {firstName: "A", email: "a@example.com"}`), "NOT_FOUND testId"},
		"createAssessment: another's job":    {in("createAssessment", `testId: "${test}", jobId: "${outsideJob}", candidate: {firstName: "A", email: "a@example.com"}`), "NOT_FOUND jobId"},
		"createAssessment: no name":          {in("createAssessment", `testId: "${test}", candidate: {firstName: "", email: "a@example.com"}`), "INVALID candidate.firstName"},
		"createAssessment: no address":       {in("createAssessment", `testId: "${test}", candidate: {firstName: "A", email: "a, b@example.com"}`), "INVALID candidate.email"},
		"createAssessment: relative page":    {in("createAssessment", `testId: "${test}", candidate: {firstName: "A", email: "a@example.com", profileUrl: "/people"}`), "INVALID createAssessment.input.candidate.profileUrl"},
		"createAssessment: long key":         {in("createAssessment", `testId: "${test}", candidate: {firstName: "A", email: "a@example.com"}, idempotencyKey: "`+strings.Repeat("k", 201)+`"`), "INVALID idempotencyKey"},
		"createTest: blank name":             {in("createTest", `name: "  ", modality: CHAT`), "INVALID name"},
		"createTest: empty trait key":        {in("createTest", `name: "T", modality: CHAT, traits: [{key: "", name: "N"}]`), "INVALID traits.key"},
		"createTest: a trait twice":          {in("createTest", `name: "T", modality: CHAT, traits: [{key: "k", name: "N"}, {key: "k", name: "M"}]`), "INVALID traits.key"},
		"createTest: a day and a minute":     {in("createTest", `name: "T", modality: CHAT, durationMinutes: 1441`), "INVALID durationMinutes"},
		"createTest: a line break":           {in("createTest", `name: "T\nU", modality: CHAT`), "INVALID name"},
		"createTest: U+0000":                 {in("createTest", `name: "T\u0000", modality: CHAT`), "INVALID createTest.input.name"},
		"createTest: unknown modality":       {in("createTest", `name: "T", modality: SMELL`), "GRAPHQL_VALIDATION_FAILED "},
		"complete: score 101":                {in("completeAssessment", `assessmentId: "${ordered}", score: 101`), "INVALID score"},
		"complete: score -1":                 {in("completeAssessment", `assessmentId: "${ordered}", score: -1`), "INVALID score"},
		"complete: a text as score":          {in("completeAssessment", `assessmentId: "${ordered}", score: "NaN"`), "GRAPHQL_VALIDATION_FAILED "},
		"complete: maximum 0 below":          {in("completeAssessment", `assessmentId: "${ordered}", score: 1, maxScore: -5`), "INVALID maxScore"},
		"complete: empty trait key":          {in("completeAssessment", `assessmentId: "${ordered}", score: 1, traits: [{key: "", score: 1}]`), "INVALID traits.0.key"},
		"complete: trait score 101":          {in("completeAssessment", `assessmentId: "${ordered}", score: 1, traits: [{key: "a", score: 1}, {key: "b", score: 101}]`), "INVALID traits.1.score"},
		"complete: a trait twice":            {in("completeAssessment", `assessmentId: "${ordered}", score: 1, traits: [{key: "a", score: 1}, {key: "a", score: 1}]`), "INVALID traits.1.key"},
		"complete: traits without score":     {in("completeAssessment", `assessmentId: "${ordered}", traits: [{key: "a", score: 1}]`), "INVALID score"},
		"complete: before the start":         {in("completeAssessment", `assessmentId: "${ordered}", score: 1, report: {transcript: [{speaker: "A", text: "B", at: -1}]}`), "INVALID report.transcript.0.at"},
		"complete: a cancelled one":          {in("completeAssessment", `assessmentId: "${cancelled}", score: 1`), "CONFLICT assessmentId"},
		"start: a scored one":                {in("startAssessment", `assessmentId: "${scored}"`), "CONFLICT assessmentId"},
		"start: a forged token":              {in("startAssessment", `assessmentId: "${ordered}", launchToken: "x.y.z"`), "INVALID launchToken"},
		"cancel: a scored one":               {in("cancelAssessment", `assessmentId: "${scored}"`), "CONFLICT assessmentId"},
		"cancel: twice":                      {in("cancelAssessment", `assessmentId: "${cancelled}"`), "CONFLICT assessmentId"},
		"cancel: a long reason":              {in("cancelAssessment", `assessmentId: "${ordered}", reason: "`+strings.Repeat("r", 501)+`"`), "INVALID reason"},
		"resend: a scored one":               {in("resendInvitation", `assessmentId: "${scored}"`), "CONFLICT assessmentId"},
		"retry: without a result":            {in("retryDelivery", `assessmentId: "${ordered}"`), "CONFLICT assessmentId"},
		"createConnection: unknown adapter":  {in("createConnection", `adapter: "none", name: "C"`), "INVALID adapter"},
		"createConnection: setting missing":  {in("createConnection", `adapter: "fake", name: "C"`), "INVALID settings.account"},
		"createConnection: unknown setting":  {in("createConnection", `adapter: "fake", name: "C", settings: [{name: "account", value: "a"}, {name: "none", value: "x"}]`), "INVALID settings.none"},
		"createConnection: a setting twice":  {in("createConnection", `adapter: "fake", name: "C", settings: [{name: "account", value: "a"}, {name: "account", value: "b"}]`), "INVALID settings.account"},
		"createConnection: not an address":   {in("createConnection", `adapter: "fake", name: "C", settings: [{name: "account", value: "a"}, {name: "base_url", value: "ftp://x"}]`), "INVALID settings.base_url"},
		"updateConnection: blank name":       {in("updateConnection", `connectionId: "${connection}", name: " "`), "INVALID name"},
		"updateConnection: required removed": {in("updateConnection", `connectionId: "${connection}", settings: [{name: "account", value: ""}]`), "INVALID settings.account"},
		"updateConnection: not a number":     {in("updateConnection", `connectionId: "${connection}", settings: [{name: "retries", value: "many"}]`), "INVALID settings.retries"},
		"createJob: blank name":              {in("createJob", `name: ""`), "INVALID name"},
		"createJob: another's connection":    {in("createJob", `name: "J", connectionId: "${outsideConnection}"`), "NOT_FOUND connectionId"},
		"createJob: taken":                   {in("createJob", `name: "J", connectionId: "${connection}", externalId: "4711"`), "CONFLICT externalId"},
		"shareJob: with nobody":              {in("shareJob", `jobId: "${job}", with: "nobody"`), "INVALID with"},
		"shareJob: with another's token":     {in("shareJob", `jobId: "${job}", with: "${outsideToken}"`), "INVALID with"},
		"createApiToken: blank name":         {in("createApiToken", `name: "", role: ADMIN`), "INVALID name"},
		"createApiToken: a role of ours":     {in("createApiToken", `name: "T", role: SYSTEM`), "INVALID role"},
		"createApiToken: more than the role": {in("createApiToken", `name: "T", role: VIEWER, scopes: [CONFIGURE]`), "INVALID scopes"},
		"createApiToken: in the past":        {in("createApiToken", `name: "T", role: VIEWER, expiresAt: "2020-01-01T00:00:00Z"`), "INVALID expiresAt"},
		"createApiToken: no zone":            {in("createApiToken", `name: "T", role: VIEWER, expiresAt: "2030-01-01T00:00:00"`), "INVALID createApiToken.input.expiresAt"},
		"revokeApiToken: twice":              {in("revokeApiToken", `tokenId: "${revoked}"`), "CONFLICT tokenId"},
		"rotateApiToken: a revoked one":      {in("rotateApiToken", `tokenId: "${revoked}"`), "CONFLICT tokenId"},
	}
	maps.Copy(table, badMappings(in))
	maps.Copy(table, badAuthorizations(in))
	maps.Copy(table, badPushes(in))
	maps.Copy(table, badRoutings(in))
	maps.Copy(table, badHooks(in))
	for field, mutations := range map[string][]string{
		"assessmentId": {"startAssessment", "completeAssessment", "cancelAssessment", "assignJob", "resendInvitation", "retryDelivery", "revokeReportLink"},
		"connectionId": {"updateConnection", "checkConnection", "rotatePartnerKey"},
		"tokenId":      {"rotateApiToken", "revokeApiToken"},
		"jobId":        {"shareJob", "unshareJob"},
	} {
		ids := map[string]string{"nothing": "nothing", "empty": "", "another type": "${test}", "unknown": noAssessment}
		switch field {
		case "assessmentId":
			ids["another's"] = "${outsideAssessment}"
		case "connectionId":
			ids["another's"] = "${outsideConnection}"
		case "tokenId":
			ids["another's"], ids["unknown"] = "${outsideToken}", noToken
		case "jobId":
			ids["another's"] = "${outsideJob}"
		}
		for _, m := range mutations {
			for kind, id := range ids {
				rest := map[string]string{"jobId": `, with: "m@example.com"`}[field]
				table[m+": "+kind] = bad{in(m, fmt.Sprintf("%s: %q%s", field, id, rest)), "NOT_FOUND " + field}
			}
		}
	}
	return table
}

// badPushes are those of pushing; wrongs has more.
func badPushes(in func(name, input string) string) map[string]bad {
	table := map[string]bad{
		"push: a job not mapped":      {in("pushAssessment", `assessmentId: "${scored}"`), "CONFLICT assessmentId"},
		"push: a long key":            {in("pushAssessment", `assessmentId: "${scored}", idempotencyKey: "`+strings.Repeat("k", 201)+`"`), "INVALID idempotencyKey"},
		"push several: too many":      {in("pushAssessments", `assessmentIds: [`+strings.Repeat(`"${scored}" `, 201)+`]`), "INVALID assessmentIds"},
		"resolve: a long id":          {in("resolvePush", `pushId: "${push}", resolution: {candidateExternalId: "`+strings.Repeat("9", 201)+`"}`), "INVALID resolution.candidateExternalId"},
		"actOnIssue: for a person":    {in("actOnIssue", `issueId: "${issue}"`), "CONFLICT issueId"},
		"retrySync: nothing to retry": {in("retrySync", `syncEntryId: "${entry}"`), "CONFLICT syncEntryId"},
	}
	for kind, id := range map[string]string{"nothing": "nothing", "another type": "${test}", "another's": "${outsideConnection}"} {
		for name, rest := range map[string]string{"pushAssessment": `assessmentId: "${scored}"`, "pushAssessments": `assessmentIds: ["${scored}"]`} {
			table[name+": connection: "+kind] = bad{in(name, fmt.Sprintf("connectionId: %q, %s", id, rest)), "NOT_FOUND connectionId"}
		}
	}
	for kind, id := range map[string]string{"nothing": "nothing", "empty": "", "another type": "${test}", "another's": "${outsidePush}"} {
		for name, rest := range map[string]string{"retryPush": "", "cancelPush": "", "resolvePush": ", resolution: {createNew: true}"} {
			table[name+": "+kind] = bad{in(name, fmt.Sprintf("pushId: %q%s", id, rest)), "NOT_FOUND pushId"}
		}
	}
	for kind, id := range map[string]string{"nothing": "nothing", "empty": "", "another type": "${test}", "another's": "${outsideEntry}"} {
		table["retrySync: "+kind] = bad{in("retrySync", fmt.Sprintf("syncEntryId: %q", id)), "NOT_FOUND syncEntryId"}
	}
	for kind, id := range map[string]string{"nothing": "nothing", "empty": "", "another type": "${test}", "another's": "${outsideIssue}"} {
		table["actOnIssue: "+kind] = bad{in("actOnIssue", fmt.Sprintf("issueId: %q", id)), "NOT_FOUND issueId"}
	}
	for kind, id := range map[string]string{"nothing": "nothing", "empty": "", "another type": "${test}", "another's": "${outsideConnection}"} {
		table["runReconciliation: "+kind] = bad{in("runReconciliation", fmt.Sprintf("connectionId: %q", id)), "NOT_FOUND connectionId"}
	}
	return table
}

// badAuthorizations are those of connecting.
func badAuthorizations(in func(name, input string) string) map[string]bad {
	const credential = `connectionId: "${connection}", clientId: "c", clientSecret: "s"`
	table := map[string]bad{
		"connect: no client id":        {in("connectCredentials", `connectionId: "${connection}", clientId: " ", clientSecret: "s"`), "INVALID clientId"},
		"connect: no client secret":    {in("connectCredentials", `connectionId: "${connection}", clientId: "c", clientSecret: ""`), "INVALID clientSecret"},
		"connect: not an ATS of those": {in("connectCredentials", credential), "UNSUPPORTED connectionId"},
		"connect: not Greenhouse":      {in("connectGreenhouseCredentials", credential), "CONFLICT connectionId"},
		"begin: not Greenhouse":        {in("beginGreenhouseAuthorization", `connectionId: "${connection}"`), "CONFLICT connectionId"},
		"disconnect: not connected":    {in("disconnectConnection", `connectionId: "${connection}"`), "CONFLICT connectionId"},
	}
	for name, rest := range map[string]string{
		"connectCredentials": `, clientId: "c", clientSecret: "s"`, "connectGreenhouseCredentials": `, clientId: "c", clientSecret: "s"`,
		"beginAuthorization": "", "beginGreenhouseAuthorization": "", "disconnectConnection": "",
	} {
		for kind, id := range map[string]string{"nothing": "nothing", "empty": "", "another type": "${test}", "another's": "${outsideConnection}"} {
			table[name+": connection: "+kind] = bad{in(name, fmt.Sprintf("connectionId: %q%s", id, rest)), "NOT_FOUND connectionId"}
		}
	}
	return table
}

// badMappings are those of what is pushed, where and when.
func badMappings(in func(name, input string) string) map[string]bad {
	table := map[string]bad{
		"mapJob: unknown job of the ATS":  {in("mapJob", `connectionId: "${connection}", jobId: "${job}", externalJobId: "job-9"`), "INVALID externalJobId"},
		"mapJob: no job of the ATS":       {in("mapJob", `connectionId: "${connection}", jobId: "${job}", externalJobId: ""`), "INVALID externalJobId"},
		"mapJob: stage of another job":    {in("mapJob", `connectionId: "${connection}", jobId: "${job}", externalJobId: "job-1", externalStageId: "job-2-stage-1"`), "INVALID externalStageId"},
		"mapJob: another's job":           {in("mapJob", `connectionId: "${connection}", jobId: "${outsideJob}", externalJobId: "job-1"`), "NOT_FOUND jobId"},
		"unmapJob: not mapped":            {in("unmapJob", `connectionId: "${connection}", jobId: "${job}"`), "NOT_FOUND jobId"},
		"setPushRule: threshold 101":      {in("setPushRule", `connectionId: "${connection}", mode: ON_THRESHOLD, minimum: 101`), "INVALID minimum"},
		"setPushRule: no threshold":       {in("setPushRule", `connectionId: "${connection}", mode: ON_THRESHOLD`), "INVALID minimum"},
		"setPushRule: another's job":      {in("setPushRule", `connectionId: "${connection}", jobId: "${outsideJob}", mode: MANUAL`), "NOT_FOUND jobId"},
		"setPushRule: unknown mode":       {in("setPushRule", `connectionId: "${connection}", mode: DAILY`), "GRAPHQL_VALIDATION_FAILED "},
		"deletePushRule: there is none":   {in("deletePushRule", `connectionId: "${connection}"`), "NOT_FOUND jobId"},
		"scorecard: overlapping bands":    {in("updateScorecardMapping", `connectionId: "${connection}", bands: {strongYes: 80, yes: 80, mixed: 40, no: 20}`), "INVALID bands.yes"},
		"scorecard: band over 100":        {in("updateScorecardMapping", `connectionId: "${connection}", bands: {strongYes: 100.5, yes: 80, mixed: 40, no: 20}`), "INVALID bands.strongYes"},
		"scorecard: empty trait":          {in("updateScorecardMapping", `connectionId: "${connection}", reportOnlyTraits: [""]`), "INVALID reportOnlyTraits.0"},
		"destinations: unknown field":     {in("updatePushDestinations", `connectionId: "${connection}", destinations: [{datum: SCORE, to: FIELD, fieldKey: "none", owner: APPLICATION}]`), "INVALID destinations.0.fieldKey"},
		"destinations: no owner":          {in("updatePushDestinations", `connectionId: "${connection}", destinations: [{datum: SCORE, to: FIELD, fieldKey: "score"}]`), "INVALID destinations.0.owner"},
		"destinations: a PDF in the note": {in("updatePushDestinations", `connectionId: "${connection}", destinations: [{datum: REPORT_PDF, to: NOTE}]`), "INVALID destinations.0.to"},
		"destinations: unknown source":    {in("updatePushDestinations", `connectionId: "${connection}", sourceId: "none"`), "INVALID sourceId"},
		"policies: unknown":               {in("updatePushPolicies", `connectionId: "${connection}", closedJob: SHRUG`), "GRAPHQL_VALIDATION_FAILED "},
		"setActingUser: no such user":     {in("setActingUser", `connectionId: "${connection}", userId: "user-9"`), "INVALID userId"},
		"setActingUser: no site admin":    {in("setActingUser", `connectionId: "${connection}", userId: "user-2"`), "INVALID userId"},
	}
	for name, rest := range map[string]string{
		"mapJob": `, jobId: "${job}", externalJobId: "job-1"`, "unmapJob": `, jobId: "${job}"`, "setPushRule": `, mode: MANUAL`, "deletePushRule": "",
		"updateScorecardMapping": "", "updatePushDestinations": "", "updatePushPolicies": "", "setActingUser": `, userId: "user-1"`,
	} {
		for kind, id := range map[string]string{"nothing": "nothing", "empty": "", "another type": "${test}", "another's": "${outsideConnection}"} {
			table[name+": connection: "+kind] = bad{in(name, fmt.Sprintf("connectionId: %q%s", id, rest)), "NOT_FOUND connectionId"}
		}
	}
	return table
}

func badQueries() map[string]bad {
	table := map[string]bad{
		"score 101":               {`{ assessments(filter: {minScore: 101}) { nodes { id } } }`, "INVALID assessments.filter.minScore"},
		"score below 0":           {`{ assessments(filter: {maxScore: -0.01}) { nodes { id } } }`, "INVALID assessments.filter.maxScore"},
		"no time":                 {`{ assessments(filter: {orderedFrom: "yesterday"}) { nodes { id } } }`, "INVALID assessments.filter.orderedFrom"},
		"long search":             {`{ assessments(filter: {search: "` + strings.Repeat("s", 201) + `"}) { nodes { id } } }`, "INVALID filter.search"},
		"long candidate search":   {`{ candidates(filter: {search: "` + strings.Repeat("s", 201) + `"}) { nodes { id } } }`, "INVALID filter.search"},
		"unknown status":          {`{ assessments(filter: {statuses: [LOST]}) { nodes { id } } }`, "GRAPHQL_VALIDATION_FAILED "},
		"unknown order":           {`{ assessments(orderBy: {field: LUCK}) { nodes { id } } }`, "GRAPHQL_VALIDATION_FAILED "},
		"cursor of other order":   {`{ assessments(orderBy: {field: SCORE}, after: "${assessmentCursor}") { nodes { id } } }`, "INVALID after"},
		"cursor, other way":       {`{ assessments(orderBy: {field: SCORE, direction: ASC}, after: "${scoreCursor}") { nodes { id } } }`, "INVALID after"},
		"preview of score 101":    {`{ scorecardPreview(connectionId: "${connection}", score: 101) { sent } }`, "INVALID scorecardPreview.score"},
		"reference: unknown kind": {`{ referenceData(connectionId: "${connection}", kind: PETS) { total } }`, "GRAPHQL_VALIDATION_FAILED "},
		"reference: no parent":    {`{ referenceData(connectionId: "${connection}", kind: STAGES) { total } }`, "INVALID parentId"},
		"reference: a parent":     {`{ referenceData(connectionId: "${connection}", kind: JOBS, parentId: "1") { total } }`, "INVALID parentId"},
		"reference: long search":  {`{ referenceData(connectionId: "${connection}", kind: JOBS, search: "` + strings.Repeat("s", 201) + `") { total } }`, "INVALID search"},
		"reference: too many":     {`{ referenceData(connectionId: "${connection}", kind: JOBS, first: 101) { total } }`, "INVALID first"},
		"web hooks: long action":  {`{ webhooks(filter: {action: "` + strings.Repeat("a", 201) + `"}) { nodes { id } } }`, "INVALID filter.action"},
		"web hooks: state":        {`{ webhooks(filter: {states: [LOST]}) { nodes { id } } }`, "GRAPHQL_VALIDATION_FAILED "},
		"issues: unknown kind":    {`{ issues(filter: {kinds: [BOREDOM]}) { nodes { id } } }`, "GRAPHQL_VALIDATION_FAILED "},
		"pushes: unknown state":   {`{ pushes(filter: {states: [LOST]}) { nodes { id } } }`, "GRAPHQL_VALIDATION_FAILED "},
		"its pushes":              {`{ assessment(id: "${ordered}") { pushes(after: "${assessmentCursor}") { nodes { id } } } }`, "INVALID after"},
		"estimate: of nothing":    {`{ pushEstimate(assessmentIds: []) { requests } }`, "INVALID assessmentIds"},
		"too many ids":            {`{ nodes(ids: [` + strings.Repeat(`"x" `, 101) + `]) { id } }`, "INVALID ids"},
		"events of an assessment": {`{ assessment(id: "${ordered}") { events(first: 0) { nodes { id } } } }`, "INVALID first"},
		"its sync log":            {`{ assessment(id: "${ordered}") { syncLog(after: "${assessmentCursor}") { nodes { id } } } }`, "INVALID after"},
	}
	for _, list := range []string{"tests", "jobs", "candidates", "assessments", "syncLog", "apiTokens", "auditLog", "jobMappings", "pushes", "webhooks", "erasures", "issues"} {
		foreign := "${assessmentCursor}"
		if list == "assessments" {
			foreign = "${testCursor}"
		}
		for arguments, field := range map[string]string{
			`first: 0`: "first", `first: 10000`: "first", `first: -1`: "first", `last: 0`: "last", `last: 101`: "last", `first: 1, last: 1`: "last",
			fmt.Sprintf(`after: %q`, foreign): "after", fmt.Sprintf(`before: %q`, foreign): "before", `after: ""`: "after", `before: "x"`: "before",
			`after: "${feedCursor}"`: "after",
		} {
			table[list+" "+arguments] = bad{"{ " + list + "(" + arguments + ") { nodes { id } } }", "INVALID " + field}
		}
	}
	return table
}

func TestBadInputIsRefusedAndChangesNothing(t *testing.T) {
	t.Parallel()
	w := rich(t)
	w.badWorld(t)
	w.adapters.Whole = unasked{coretest.NewATS(w.clock)}
	_, err := w.core.StageTriggers.Create(t.Context(), core.SystemActor(core.ID(w.names["organization"])), core.NewStageTrigger{
		ConnectionID: core.ID(w.names["connection"]), ExternalJobID: "job-1", StageID: "job-1-stage-3", TestID: core.ID(w.names["test"]),
	})
	check(t, err)
	before := w.dump(t)
	for _, table := range []map[string]bad{badMutations(), badQueries()} {
		for name, c := range table {
			body := w.ask(t, "ADMIN", w.expand(t, c.operation), nil)
			if got := refusal(body); got != c.want {
				t.Errorf("%s: got %q, want %q: %v", name, got, c.want, body)
			}
		}
	}
	if diff := cmp.Diff(before, w.dump(t)); diff != "" {
		t.Errorf("something was changed (-before +after):\n%s", diff)
	}
}

// refusal is how an operation was refused: "CODE field".
func refusal(body map[string]any) string {
	if errs, _ := body["errors"].([]any); len(errs) > 0 {
		first := errs[0].(map[string]any)
		extensions := first["extensions"].(map[string]any)
		code := extensions["code"].(string)
		if fields, ok := extensions["fields"].([]any); ok {
			return code + " " + fields[0].(map[string]any)["path"].(string)
		}
		if code == "GRAPHQL_VALIDATION_FAILED" {
			return code + " " // its message and place say where
		}
		path, _ := first["path"].([]any)
		return code + " " + strings.ReplaceAll(strings.Trim(fmt.Sprint(path), "[]"), " ", ".")
	}
	for _, payload := range body["data"].(map[string]any) {
		if p, ok := payload.(map[string]any); ok {
			for _, e := range p["userErrors"].([]any) {
				return fmt.Sprint(e.(map[string]any)["code"], " ", e.(map[string]any)["field"])
			}
		}
	}
	return ""
}

// badWorld adds what bad input needs: states that are over, and another
// organization's things.
func (w *world) badWorld(t *testing.T) {
	t.Helper()
	ctx, by, outside := t.Context(), core.SystemActor(core.ID(w.names["organization"])), core.SystemActor(core.ID(w.names["outside"]))
	w.names["scored"] = w.names["ordered"]
	order := func(by core.Actor, test string) string {
		a, err := w.core.Assessments.Create(ctx, by, core.NewOrder{TestID: core.ID(test), Candidate: core.Candidate{FirstName: "Eve", Email: "eve@example.com"}}, core.Key{})
		check(t, err)
		return string(a.ID)
	}
	w.names["ordered"], w.names["cancelled"] = order(by, w.names["test"]), order(by, w.names["test"])
	_, err := w.core.Assessments.Cancel(ctx, by, core.ID(w.names["cancelled"]), "")
	check(t, err)
	w.names["revoked"] = w.token(t, by.OrganizationID, "REVOKED", "revoked", core.RoleAdmin)
	_, err = w.core.Tokens.Revoke(ctx, by, core.ID(w.names["revoked"]))
	check(t, err)

	test, err := w.core.Tests.Create(ctx, outside, core.Test{Name: "Theirs", Modality: core.ModalityChat}, core.Key{})
	check(t, err)
	job, err := w.core.Jobs.Create(ctx, outside, core.Job{Name: "Theirs"}, core.Key{})
	check(t, err)
	made, err := w.core.Connections.Create(ctx, outside, core.NewConnection{Adapter: "fake", Name: "Theirs", Settings: map[string]string{"account": "theirs"}}, core.Key{})
	check(t, err)
	w.hooked(t, made.Connection.ID, test.ID, "theirs")
	w.names["outsideHook"], w.names["outsideTrigger"] = w.names["hook"], w.names["trigger"]
	w.names["appliedHook"] = w.hookThat(t, core.WebhookApplied)
	w.names["outsideTest"], w.names["outsideJob"], w.names["outsideConnection"] = string(test.ID), string(job.ID), string(made.Connection.ID)
	w.names["outsideToken"], w.names["outsideAssessment"] = w.token(t, outside.OrganizationID, "THEIRS", "theirs", core.RoleViewer), order(outside, string(test.ID))
	own := w.names["pushEntry"]
	theirs, err := w.core.Assessments.Get(ctx, outside, core.ID(w.names["outsideAssessment"]))
	check(t, err)
	w.names["outsideIssue"] = w.issue(t, theirs, core.IssueNotOpened)
	w.names["outsidePush"] = string(w.push(t, theirs, made.Connection.ID, "theirs"))
	w.names["outsideEntry"], w.names["pushEntry"] = w.names["pushEntry"], own

	w.names["outsideCandidate"] = w.column(t, "SELECT candidate_id FROM assessments WHERE id = '"+w.names["outsideAssessment"]+"'")[0]

	pages := w.ask(t, "ADMIN", `{ feedCursor assessments { pageInfo { endCursor } } tests { pageInfo { endCursor } } score: assessments(orderBy: {field: SCORE}) { pageInfo { endCursor } } }`, nil)["data"].(map[string]any)
	end := func(list string) string {
		return pages[list].(map[string]any)["pageInfo"].(map[string]any)["endCursor"].(string)
	}
	w.names["assessmentCursor"], w.names["testCursor"], w.names["scoreCursor"] = end("assessments"), end("tests"), end("score")
	w.names["feedCursor"] = pages["feedCursor"].(string)
}

// dump is every row of every table.
func (w *world) dump(t *testing.T) map[string][]string {
	t.Helper()
	rows := map[string][]string{}
	for _, table := range w.column(t, "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'") {
		columns := w.column(t, "SELECT name FROM pragma_table_info('"+table+"')")
		whole := "coalesce(" + strings.Join(columns, ", '') || '|' || coalesce(") + ", '')"
		rows[table] = w.column(t, "SELECT "+whole+" FROM "+table)
		slices.Sort(rows[table])
	}
	if len(rows["assessments"]) == 0 || len(rows["events"]) == 0 || len(rows["audit_log"]) == 0 {
		t.Fatalf("the dump misses something: %d tables", len(rows))
	}
	return rows
}

func (w *world) column(t *testing.T, query string) []string {
	t.Helper()
	found, err := w.db.SQL().QueryContext(t.Context(), query)
	check(t, err)
	defer func() { _ = found.Close() }()
	var values []string
	for found.Next() {
		var v string
		check(t, found.Scan(&v))
		values = append(values, v)
	}
	check(t, found.Err())
	return values
}
