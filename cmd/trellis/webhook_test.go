package main

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/coder/websocket"
	"github.com/coder/websocket/wsjson"
)

// hookSecret and the two signatures by it are those of facts/greenhouse.md 2.3.
const (
	hookSecret  = "greenhouse-test-secret-1"
	escapedBody = `{"action":"job_post_updated","payload":{"id":258341,"title":"D\u00e9veloppeur","content":"\u003cp\u003ehello\u003c/p\u003e"}}`
	escapedSign = "sha256 318e9740ccfefd9433cd31e8b4b3bfcd0128305e6fe7ec3facfca390ffbcbee2"
	anewSign    = "sha256 90163281e1b7fc8670fd976d8b6262df21e64b931aacc8d50d00d85d5bf8252c"
)

// hooked is a server that a Greenhouse tells what happens.
type hooked struct {
	*server
	test   string
	orders int
	told   int
}

// newHooked starts a server that takes web hooks.
func newHooked(t *testing.T, d database, scope string, settings ...string) *hooked {
	t.Helper()
	h := &hooked{server: newServer(t, d, settings...)}
	h.test = h.firstTest(h.made.PartnerKey)
	var data struct {
		SetWebhookSync struct{ UserErrors []struct{ Message string } }
	}
	h.graphql(h.made.AdminToken, `mutation($input: SetWebhookSyncInput!) { setWebhookSync(input: $input) { userErrors { message } } }`,
		map[string]any{"input": map[string]any{"connectionId": h.made.ConnectionID, "enabled": true, "scope": scope, "secret": hookSecret}}, &data)
	if len(data.SetWebhookSync.UserErrors) > 0 {
		t.Fatal(data)
	}
	return h
}

// orderFor lets the ATS order a test for an application of a person.
func (h *hooked) orderFor(person, application string) string {
	h.t.Helper()
	h.orders++
	body := order(h.test, fmt.Sprintf("https://app.greenhouse.io/tests/%d", h.orders))
	a := h.ats(http.MethodPost, "send-test", h.made.PartnerKey,
		strings.Replace(body, "people/17?application_id=26", "people/"+person+"?application_id="+application, 1))
	var placed map[string]string
	a.into(h.t, &placed)
	return placed["partner_interview_id"]
}

func signature(secret, body string) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(body))
	return "sha256 " + hex.EncodeToString(mac.Sum(nil))
}

// post sends a web hook and returns the status of the answer.
func (h *hooked) post(body string, header ...string) int {
	h.t.Helper()
	return h.postTo(h.made.ConnectionID, body, header...)
}

func (h *hooked) postTo(connection, body string, header ...string) int {
	h.t.Helper()
	r, err := http.NewRequestWithContext(h.t.Context(), http.MethodPost, h.base+"/api/webhooks/greenhouse?connection="+connection, strings.NewReader(body))
	if err != nil {
		h.t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Add(header[i], header[i+1])
	}
	a, err := send(r)
	if err != nil {
		h.t.Fatal(err)
	}
	return a.status
}

// tell sends a signed web hook under an id of its own and waits until it is
// taken in.
func (h *hooked) tell(body string) hookView {
	h.t.Helper()
	h.told++
	id := fmt.Sprintf("event-%d", h.told)
	if status := h.post(body, "Signature", signature(hookSecret, body), "Greenhouse-Event-ID", id); status != http.StatusOK {
		h.t.Fatalf("answered %d to %s", status, body)
	}
	return h.taken(id)
}

// hookView is what GraphQL tells of a web hook.
type hookView struct {
	ID, EventID, Action, State, Message string
	Deliveries                          int
}

func (h *hooked) hooks() []hookView {
	h.t.Helper()
	var data struct {
		Webhooks struct{ Nodes []hookView }
	}
	h.graphql(h.made.AdminToken, `{ webhooks(first: 100) { nodes { id eventId: eventId action state message deliveries } } }`, nil, &data)
	return data.Webhooks.Nodes
}

// taken waits until a web hook is not only kept.
func (h *hooked) taken(eventID string) (found hookView) {
	h.t.Helper()
	until(h.t, "the web hook "+eventID, func() bool {
		all := h.hooks()
		at := slices.IndexFunc(all, func(v hookView) bool { return v.EventID == eventID && v.State != "RECEIVED" })
		if at >= 0 {
			found = all[at]
		}
		return at >= 0
	})
	return found
}

// standing is what is known of an assessment: status, outcome, and the state
// and the stage of its application.
func (h *hooked) standing(id string) string {
	h.t.Helper()
	var data struct {
		Assessment struct {
			Status, AtsOutcome string
			Candidate          struct{ ExternalID string }
			Applications       []struct{ State, StageName string }
		}
	}
	h.graphql(h.made.AdminToken, `query($id: ID!) { assessment(id: $id) { status atsOutcome candidate { externalId } applications { state stageName } } }`,
		map[string]any{"id": id}, &data)
	a := data.Assessment
	if len(a.Applications) != 1 {
		h.t.Fatalf("applications: %+v", a)
	}
	return strings.TrimSpace(fmt.Sprint(a.Status, " ", a.AtsOutcome, " ", a.Candidate.ExternalID, " ", a.Applications[0].State, " ", a.Applications[0].StageName))
}

// sync is what the connection tells of its web hooks.
func (h *hooked) sync() (s struct {
	Waiting   bool
	PingedAt  string
	Strangers int
	Seen      []struct {
		Action string
		Count  int
	}
},
) {
	h.t.Helper()
	data := struct {
		Connection struct{ WebhookSync any }
	}{}
	data.Connection.WebhookSync = &s
	h.graphql(h.made.AdminToken, `query($id: ID!) { connection(id: $id) { webhookSync { waiting pingedAt strangers seen { action count } } } }`,
		map[string]any{"id": h.made.ConnectionID}, &data)
	return s
}

// example is a body of the adapter's test data.
func example(t *testing.T, name string, replace ...string) string {
	t.Helper()
	body, err := os.ReadFile(filepath.Join("../../adapters/greenhouse/testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return strings.NewReplacer(replace...).Replace(string(body))
}

// told is a web hook of the table below.
type toldHook struct {
	file                string
	replace             []string
	person, application string
	want                string
}

// toldHooks are Greenhouse's documented examples, the actions that have none in
// the form that facts/greenhouse.md 2.6 gives them, and the mission's spellings.
func toldHooks() map[string]toldHook {
	of := func(action, application string) []string {
		return []string{"ACTION", action, "7001", application, "4001", "4" + application}
	}
	rejected := func(action, application string) []string {
		return append([]string{`"reject_candidate"`, `"` + action + `"`}, of("", application)...)
	}
	hired := func(action, application string) []string {
		return append([]string{`"hire_candidate"`, `"` + action + `"`}, of("", application)...)
	}
	return map[string]toldHook{
		"documented reject":       {"webhook-reject_candidate.json", nil, "265788", "265293", "CANCELLED REJECTED 265788 REJECTED Offer"},
		"documented stage change": {"webhook-candidate_stage_change.json", nil, "265772", "265277", "INVITED ACTIVE 265772 ACTIVE Assessment"},
		"documented update":       {"webhook-application_updated.json", nil, "13857579", "22202940", "INVITED ACTIVE 13857579 ACTIVE Application Review"},
		"documented deletion":     {"webhook-delete_application.json", nil, "37031510", "46194062", "CANCELLED REMOVED 37031510 REMOVED"},
		"documented merge":        {"webhook-merge_candidate.json", nil, "37031511", "46194063", "INVITED UNKNOWN 457456 ACTIVE"},
		"unreject":                {"hook-application.json", of("unreject_candidate", "7011"), "47011", "7011", "INVITED ACTIVE 47011 ACTIVE Assessment"},
		"unhire":                  {"hook-application.json", of("unhire_candidate", "7012"), "47012", "7012", "INVITED ACTIVE 47012 ACTIVE Assessment"},
		"hire":                    {"hook-hire_candidate.json", hired("hire_candidate", "7013"), "47013", "7013", "INVITED HIRED 47013 HIRED"},
		"mission: hired":          {"hook-hire_candidate.json", hired("candidate_hired", "7014"), "47014", "7014", "INVITED HIRED 47014 HIRED"},
		"mission: rejected":       {"hook-reject_candidate.json", rejected("candidate_rejected", "7015"), "47015", "7015", "CANCELLED REJECTED 47015 REJECTED Assessment"},
		"mission: stage change":   {"hook-application.json", of("candidate_stage_changed", "7016"), "47016", "7016", "INVITED ACTIVE 47016 ACTIVE Assessment"},
	}
}

func TestWebhooksHaveTheirEffect(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, d database) {
		h := newHooked(t, d, "ALL_KNOWN")
		if !h.sync().Waiting {
			t.Error("it does not wait for the first event")
		}
		ids := map[string]string{}
		for name, c := range toldHooks() {
			ids[name] = h.orderFor(c.person, c.application)
		}
		until(t, "the invitations", func() bool { return len(h.mails()) == len(ids) })
		for name, c := range toldHooks() {
			body := example(t, c.file, c.replace...)
			if v := h.tell(body); v.State != "APPLIED" {
				t.Errorf("%s: %+v", name, v)
			}
			if got := h.standing(ids[name]); got != c.want {
				t.Errorf("%s: %q, want %q", name, got, c.want)
			}
		}
		h.unknownAndRepeated(t, ids["documented reject"])
		h.outOfOrder(t)
	})
}

// unknownAndRepeated: what is not acted on is counted, repeats change nothing.
func (h *hooked) unknownAndRepeated(t *testing.T, rejected string) {
	t.Helper()
	if v := h.tell(`{"action":"offer_created","payload":{"id":1,"application_id":2}}`); v.State != "IGNORED" {
		t.Errorf("an action of no interest: %+v", v)
	}
	broken := h.tell(`{"action":"reject_candidate","payload":{}}`)
	if broken.State != "FAILED" || broken.Message == "" {
		t.Errorf("not as promised: %+v", broken)
	}
	var retried struct {
		RetryWebhook struct{ UserErrors []struct{ Code string } }
	}
	h.graphql(h.made.AdminToken, `mutation($id: ID!) { retryWebhook(input: {webhookId: $id}) { userErrors { code } } }`, map[string]any{"id": broken.ID}, &retried)
	if h.taken(broken.EventID).State != "FAILED" || len(retried.RetryWebhook.UserErrors) > 0 {
		t.Errorf("tried again: %+v", retried)
	}
	events := h.timeline(rejected)
	body := example(t, "webhook-reject_candidate.json")
	if v := h.tell(body); v.State != "DUPLICATE" {
		t.Errorf("the same content under another id: %+v", v)
	}
	again := fmt.Sprintf("event-%d", h.told)
	if status := h.post(body, "Signature", signature(hookSecret, body), "Greenhouse-Event-ID", again); status != http.StatusOK || h.taken(again).Deliveries != 2 {
		t.Errorf("the same id: %d, %+v", status, h.taken(again))
	}
	if got := h.timeline(rejected); got != events {
		t.Errorf("repeats were applied: %s\n%s", events, got)
	}
	s := h.sync()
	counts := map[string]int{}
	for _, c := range s.Seen {
		counts[c.Action] = c.Count
	}
	if s.Waiting || counts["offer_created"] != 1 || counts["reject_candidate"] < 3 || counts["candidate_rejected"] != 1 {
		t.Errorf("seen: %+v", s)
	}
}

// outOfOrder: an old word does not undo a newer state.
func (h *hooked) outOfOrder(t *testing.T) {
	t.Helper()
	id := h.orderFor("47020", "7020")
	replace := []string{"7001", "7020", "4001", "47020", "ACTION", "candidate_stage_change"}
	h.tell(example(t, "hook-reject_candidate.json", replace...)) // of the 21st
	h.tell(example(t, "hook-application.json", replace...))      // of the 20th
	if got := h.standing(id); !strings.HasPrefix(got, "CANCELLED REJECTED 47020 REJECTED") {
		t.Errorf("an old stage change made it %s", got)
	}
}

// timeline is the types of an assessment's events.
func (h *hooked) timeline(id string) string {
	h.t.Helper()
	var data struct {
		Assessment struct {
			Events struct{ Nodes []struct{ Type string } }
		}
	}
	h.graphql(h.made.AdminToken, `query($id: ID!) { assessment(id: $id) { events { nodes { type } } } }`, map[string]any{"id": id}, &data)
	return fmt.Sprint(data.Assessment.Events.Nodes)
}

func TestOnlyTheATSIsBelieved(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, d database) {
		h := newHooked(t, d, "PUSHED_ONLY")
		id := h.orderFor("265788", "265293")
		body := example(t, "webhook-reject_candidate.json")
		good := signature(hookSecret, body)
		second, secret := h.secondConnection()
		for name, c := range map[string]struct {
			body   string
			header []string
		}{
			"one flipped byte":         {strings.Replace(body, "Alan", "Alam", 1), []string{"Signature", good}},
			"no signature":             {body, nil},
			"no scheme":                {body, []string{"Signature", strings.TrimPrefix(good, "sha256 ")}},
			"half a signature":         {body, []string{"Signature", good[:30]}},
			"two signatures":           {body, []string{"Signature", good, "Signature", good}},
			"another connection's":     {body, []string{"Signature", signature(secret, body)}},
			"of the body written anew": {escapedBody, []string{"Signature", anewSign}},
		} {
			before := h.sync().Strangers
			if status := h.post(c.body, c.header...); status != http.StatusUnauthorized || h.sync().Strangers != before+1 {
				t.Errorf("%s: answered %d, counted %d", name, status, h.sync().Strangers-before)
			}
		}
		if status := h.postTo(second, body, "Signature", good); status != http.StatusUnauthorized {
			t.Errorf("at another connection: %d", status)
		}
		if status := h.postTo("con_00000000000000000000000000", body, "Signature", good); status != http.StatusUnauthorized {
			t.Errorf("at no connection: %d", status)
		}
		if len(h.hooks()) > 0 || len(h.sync().Seen) > 0 || strings.HasPrefix(h.standing(id), "CANCELLED") {
			t.Errorf("something was kept: %+v, %s", h.hooks(), h.standing(id))
		}
		h.pings(t)
		h.rotation(t)
	})
}

// pings are answered, signed or not, or Greenhouse would save the hook disabled.
func (h *hooked) pings(t *testing.T) {
	t.Helper()
	const ping = `{"action":"ping","payload":{"web_hook_id":1}}`
	strangers := h.sync().Strangers
	if status := h.post(ping); status != http.StatusOK || h.sync().PingedAt != "" {
		t.Errorf("an unsigned ping: %d, %+v", status, h.sync())
	}
	if status := h.post(ping, "Signature", signature("a wrong secret!!", ping)); status != http.StatusUnauthorized || h.sync().Strangers != strangers+1 {
		t.Errorf("a ping with a wrong secret: %d", status)
	}
	if status := h.post(ping, "Signature", signature(hookSecret, ping)); status != http.StatusOK || h.sync().PingedAt == "" {
		t.Errorf("a ping: %d, %+v", status, h.sync())
	}
	if len(h.hooks()) > 0 || !h.sync().Waiting {
		t.Errorf("pings were kept: %+v", h.hooks())
	}
}

// rotation: two secrets live, escapes are verified as they came.
func (h *hooked) rotation(t *testing.T) {
	t.Helper()
	if status := h.post(escapedBody, "Signature", escapedSign, "Greenhouse-Event-ID", "escaped"); status != http.StatusOK || h.taken("escaped").Action != "job_post_updated" {
		t.Errorf("escaped Unicode: %d", status)
	}
	var data struct {
		RotateWebhookSecret struct{ WebhookSecret string }
	}
	h.graphql(h.made.AdminToken, `mutation($id: ID!) { rotateWebhookSecret(input: {connectionId: $id}) { webhookSecret } }`, map[string]any{"id": h.made.ConnectionID}, &data)
	for name, secret := range map[string]string{"new": data.RotateWebhookSecret.WebhookSecret, "previous": hookSecret} {
		body := `{"action":"job_updated","payload":{"by":"` + name + `"}}`
		if status := h.post(body, "Signature", signature(secret, body), "Greenhouse-Event-ID", name); status != http.StatusOK {
			t.Errorf("the %s secret: %d", name, status)
		}
		h.taken(name)
	}
}

// secondConnection makes another one of the same organization.
func (h *hooked) secondConnection() (id, secret string) {
	h.t.Helper()
	var data struct {
		CreateConnection struct {
			Connection    struct{ ID string }
			WebhookSecret string
		}
	}
	h.graphql(h.made.AdminToken, `mutation { createConnection(input: {adapter: "greenhouse", name: "Second"}) { connection { id } webhookSecret } }`, nil, &data)
	return data.CreateConnection.Connection.ID, data.CreateConnection.WebhookSecret
}

// A rejected candidate with an open invitation: the mail and the link say so
// kindly, and the engine is told and refused.
func TestRejectedCandidateIsToldAndTheEngineToo(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, d database) {
		h := newHooked(t, d, "PUSHED_ONLY")
		id := h.orderFor("265788", "265293")
		until(t, "the invitation", func() bool { return len(h.mails()) == 1 })
		link := h.invitationLink()
		if a := h.get(link); a.status != http.StatusOK {
			t.Fatalf("the link: %d", a.status)
		}
		withdrawn := h.engineHears(t)
		h.tell(example(t, "webhook-reject_candidate.json"))
		if got := h.standing(id); got != "CANCELLED UNKNOWN 265788 REJECTED Offer" { // ordered, not pushed: stopped, not marked
			t.Errorf("it is %s", got)
		}
		if heard := <-withdrawn; heard != id+" The application was rejected in the ATS." {
			t.Errorf("the engine heard %q", heard)
		}
		until(t, "the mail", func() bool { return len(h.mails()) == 2 })
		if mail := h.mails()[0]; mail.To != "ada@example.com" || !strings.Contains(mail.Text, "no longer needed") || strings.Contains(mail.Text, "/a/") {
			t.Errorf("the mail: %+v", mail)
		}
		h.withdrawnLink(t, link)
		h.engineIsRefused(t, id)
	})
}

func (h *hooked) invitationLink() string {
	h.t.Helper()
	_, after, ok := strings.Cut(h.mails()[0].Text, h.base+"/a/")
	if !ok {
		h.t.Fatalf("no link in %+v", h.mails()[0])
	}
	return h.base + "/a/" + strings.Fields(after)[0]
}

// withdrawnLink opens and posts the page of a test that is not needed any more.
func (h *hooked) withdrawnLink(t *testing.T, link string) {
	t.Helper()
	if a := h.get(link); a.status != http.StatusGone || !strings.Contains(a.body, "This invitation was withdrawn") || !strings.Contains(a.body, "no longer needs you") {
		t.Errorf("the link: %d %s", a.status, a.body)
	}
	if a := post(t, link, url.Values{"consent": {"yes"}}); a.status != http.StatusGone || a.header.Get("Location") != "" {
		t.Errorf("consent: %d to %q", a.status, a.header.Get("Location"))
	}
}

// engineHears subscribes as the engine, and gives what the first message tells.
func (h *hooked) engineHears(t *testing.T) <-chan string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	socket, answered, err := websocket.Dial(ctx, strings.Replace(h.base, "http", "ws", 1)+"/graphql", &websocket.DialOptions{Subprotocols: []string{"graphql-transport-ws"}})
	if err != nil {
		t.Fatal(err)
	}
	if answered.Body != nil {
		_ = answered.Body.Close()
	}
	heard := make(chan string, 1)
	t.Cleanup(func() { cancel(); _ = socket.CloseNow() })
	var m struct {
		Type    string
		Payload struct {
			Data struct {
				Events struct {
					Event struct {
						SubjectID string
						Data      struct{ Reason string }
					}
				}
			}
		}
	}
	say := func(message map[string]any) {
		if err := wsjson.Write(ctx, socket, message); err != nil {
			t.Fatal(err)
		}
	}
	say(map[string]any{"type": "connection_init", "payload": map[string]any{"authorization": "Bearer " + h.made.EngineToken}})
	if err := wsjson.Read(ctx, socket, &m); err != nil || m.Type != "connection_ack" {
		t.Fatalf("%+v, %v", m, err)
	}
	say(map[string]any{"type": "subscribe", "id": "1", "payload": map[string]any{"query": `subscription { events(after: "ZmVlZDow") { event { subjectId data } } }`}})
	go func() {
		defer close(heard)
		if err := wsjson.Read(ctx, socket, &m); err == nil {
			e := m.Payload.Data.Events.Event
			heard <- e.SubjectID + " " + e.Data.Reason
		}
	}()
	return heard
}

// engineIsRefused: what was stopped can neither be started nor completed.
func (h *hooked) engineIsRefused(t *testing.T, id string) {
	t.Helper()
	type payload struct {
		UserErrors []struct{ Code, Message string }
	}
	var data map[string]payload
	h.graphql(h.made.EngineToken, `mutation($id: ID!) {
		startAssessment(input: {assessmentId: $id}) { userErrors { code message } }
		completeAssessment(input: {assessmentId: $id, score: 50}) { userErrors { code message } }
	}`, map[string]any{"id": id}, &data)
	for _, name := range []string{"startAssessment", "completeAssessment"} {
		if e := data[name].UserErrors; len(e) != 1 || e[0].Code != "CONFLICT" || !strings.Contains(e[0].Message, "CANCELLED") {
			t.Errorf("%s: %+v", name, e)
		}
	}
}
