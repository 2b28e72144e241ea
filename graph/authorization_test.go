package graph_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/trellis-ats/trellis/core/coretest"
)

// connectable is a world whose ATS can be connected with.
func connectable(t *testing.T) *world {
	t.Helper()
	w := newWorld(t)
	w.adapters.Whole = &coretest.Asking{ATS: coretest.NewATS(w.clock), Secret: "right"}
	return w
}

// said is the answer to an operation of an ADMIN, as text.
func (w *world) said(t *testing.T, operation string) string {
	t.Helper()
	return fmt.Sprint(w.ask(t, "ADMIN", w.expand(t, operation), nil))
}

func TestConnectingShowsTheAuthorization(t *testing.T) {
	t.Parallel()
	w := connectable(t)
	const shown = `authorization { state reason mode account accountName subject scopes expiresAt }`
	for _, step := range []struct{ operation, want string }{
		{`{ connection(id: "${connection}") { ` + shown + ` } }`, "state:NOT_CONNECTED subject:<nil>"},
		{
			`mutation { connectCredentials(input: {connectionId: "${connection}", clientId: "c-1", clientSecret: "wrong"}) { connection { id } userErrors { code reason field } } }`,
			"connection:<nil> userErrors:[map[code:INVALID field:clientSecret reason:REFUSED]]",
		},
		{
			`mutation { connectCredentials(input: {connectionId: "${connection}", clientId: "c-1", clientSecret: "right", actingUserId: "17"}) { connection { status ` + shown + ` } userErrors { code } } }`,
			"account:acme-at-the-ats accountName:Acme expiresAt:2026-11-02T10:00:00Z mode:client_credentials reason:<nil> scopes:[all] state:CONNECTED subject:user-1] status:OK] userErrors:[]",
		},
		{`{ connections { authorization { state } } }`, "connections:[map[authorization:map[state:CONNECTED]]]"},
		{`{ syncLog(filter: {operation: "connect"}) { nodes { outcome } } }`, "nodes:[map[outcome:OK] map[outcome:REFUSED]]"},
		{`mutation { disconnectConnection(input: {connectionId: "${connection}"}) { connection { ` + shown + ` } userErrors { code } } }`, "account:acme-at-the-ats accountName:Acme expiresAt:<nil> mode:<nil> reason:<nil> scopes:[] state:NOT_CONNECTED"},
		{`mutation { beginAuthorization(input: {connectionId: "${connection}"}) { authorizationUrl expiresAt userErrors { code } } }`, "authorizationUrl:https://ats.example.com/consent?redirect_uri=https%3A%2F%2Ftrellis.example.com%2Fconnect%2Ffake%2Fcallback&state="},
	} {
		if got := w.said(t, step.operation); !strings.Contains(got, step.want) {
			t.Errorf("%s:\n%s\nwant %s", step.operation, got, step.want)
		}
	}
}

func TestReferenceDataIsSearchedAndCut(t *testing.T) {
	t.Parallel()
	w := connectable(t)
	w.said(t, `mutation { connectCredentials(input: {connectionId: "${connection}", clientId: "c-1", clientSecret: "right"}) { userErrors { code } } }`)
	for operation, want := range map[string]string{
		`{ referenceData(connectionId: "${connection}", kind: USERS, search: "KIM@") { total items { id name parentId active details { name value } } ageSeconds stale error truncated fetchedAt } }`: "referenceData:map[ageSeconds:0 error:<nil> fetchedAt:2026-11-02T09:00:00Z items:[map[active:true details:[map[name:email value:kim@example.com] map[name:site_admin value:false]] id:user-2 name:Kim Example parentId:<nil>]] stale:false total:1 truncated:false]",
		`{ referenceData(connectionId: "${connection}", kind: STAGES, parentId: "job-1", first: 2) { total items { id parentId } } }`:                                                                 "items:[map[id:job-1-stage-1 parentId:job-1] map[id:job-1-stage-2 parentId:job-1]] total:3",
		`{ referenceData(connectionId: "con_00000000000000000000000000", kind: JOBS) { total } }`:                                                                                                     "referenceData:<nil>",
	} {
		if got := w.said(t, operation); !strings.Contains(got, want) {
			t.Errorf("%s:\n%s\nwant %s", operation, got, want)
		}
	}
}
