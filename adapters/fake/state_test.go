package fake_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/trellis-ats/trellis/adapters/fake"
	"github.com/trellis-ats/trellis/core/ats"
	"github.com/trellis-ats/trellis/core/fault"
	"github.com/trellis-ats/trellis/plugins/sdk/sdktest"
)

func must[T any](t *testing.T) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// at returns a connection whose people are in a file of the test's own.
func at(t *testing.T, knobs map[string]string) ats.Connection {
	t.Helper()
	settings := map[string]string{"account": "acme", "state_file": filepath.Join(t.TempDir(), "state.json")}
	for k, v := range knobs {
		settings[k] = v
	}
	return ats.Connection{Settings: settings}
}

// with returns the connection with another knob.
func with(c ats.Connection, knob, value string) ats.Connection {
	settings := map[string]string{knob: value}
	for k, v := range c.Settings {
		if k != knob {
			settings[k] = v
		}
	}
	c.Settings = settings
	return c
}

// kept counts what is in the state file.
func kept(t *testing.T, c ats.Connection, what string) int {
	t.Helper()
	text, err := os.ReadFile(c.Settings["state_file"])
	if os.IsNotExist(err) {
		return 0
	}
	var all map[string]json.RawMessage
	if err != nil || json.Unmarshal(text, &all) != nil {
		t.Fatalf("the state is %s, %v", text, err)
	}
	var list []json.RawMessage
	if all[what] != nil && json.Unmarshal(all[what], &list) != nil {
		t.Fatalf("%s is %s", what, all[what])
	}
	return len(list)
}

func TestAWholePush(t *testing.T) {
	t.Parallel()
	client, c, ctx := sdktest.Serve(t, fake.New, sdktest.Options{}), at(t, map[string]string{"budget": "3/75"}), t.Context()
	made := must[*ats.CandidateReceipt](t)(client.Create(ctx, &ats.NewCandidate{Connection: c, Person: ats.CandidateRecord{Email: "ada@example.com"}}))
	if b := made.Budget; b == nil || b.Scope != "api" || b.Remaining != 3 || b.Limit != 75 {
		t.Errorf("the budget is %+v", b)
	}
	if _, err := client.Apply(ctx, &ats.NewApplication{Connection: c, CandidateID: made.CandidateID, JobID: "j1", StageID: "j2-s1"}); !fault.Is(err, fault.Invalid) {
		t.Errorf("at another job's stage: %v", err)
	}
	applied := must[*ats.ApplicationReceipt](t)(client.Apply(ctx, &ats.NewApplication{Connection: c, CandidateID: made.CandidateID, JobID: "j1", StageID: "j1-s2"}))
	to := ats.Target{Connection: c, CandidateID: made.CandidateID, ApplicationID: applied.ApplicationID}
	for round := range 2 {
		must[*ats.FeedbackReceipt](t)(client.SetFields(ctx, &ats.FieldsRequest{Target: to, Fields: []ats.FieldValue{{Owner: ats.OwnerApplication, Key: "score", Number: 71.5, IsNumber: true}}}))
		for what, r := range map[string]*ats.FeedbackReceipt{
			"file": must[*ats.FeedbackReceipt](t)(client.Attach(ctx, &ats.AttachRequest{Target: to, FileName: "a.pdf", Content: []byte("%PDF")})),
			"note": must[*ats.FeedbackReceipt](t)(client.AddNote(ctx, &ats.NoteRequest{Target: to, Body: "[m] well done", Marker: "[m]"})),
			"tag":  must[*ats.FeedbackReceipt](t)(client.AddTag(ctx, &ats.TagRequest{Target: to, Name: "assessed"})),
		} {
			if r.Existed != (round == 1) {
				t.Errorf("%s in round %d: existed is %t", what, round, r.Existed)
			}
		}
	}
	_, err := client.SetFields(ctx, &ats.FieldsRequest{Target: to, Fields: []ats.FieldValue{{Owner: ats.OwnerCandidate, Key: "score"}}})
	if e := fault.From(err); !fault.Is(err, fault.Invalid) || e.Fields[0].Path != "fields.score" {
		t.Errorf("a field of the other owner: %v", err)
	}
	if _, err := client.Scorecard(ctx, &ats.ScorecardRequest{Target: to}); !fault.Is(err, fault.Unsupported) {
		t.Errorf("a scorecard: %v", err)
	}
	found := must[*ats.CandidateMatches](t)(client.Find(ctx, &ats.CandidateQuery{Connection: c, Email: "ADA@example.com", JobID: "j1"}))
	if len(found.Matches) != 1 || len(found.Matches[0].Applications) != 1 || found.Matches[0].Applications[0].StageName != "Assessment" {
		t.Errorf("found %+v", found.Matches)
	}
	for _, what := range []string{"people", "applications", "notes", "attachments"} {
		if n := kept(t, c, what); n != 1 {
			t.Errorf("%d %s, want 1", n, what)
		}
	}
}

func TestApplicationsMoveOnce(t *testing.T) {
	t.Parallel()
	client, c, ctx := sdktest.Serve(t, fake.New, sdktest.Options{}), at(t, nil), t.Context()
	made := must[*ats.CandidateReceipt](t)(client.Create(ctx, &ats.NewCandidate{Connection: c}))
	id := must[*ats.ApplicationReceipt](t)(client.Apply(ctx, &ats.NewApplication{Connection: c, CandidateID: made.CandidateID, JobID: "j1"})).ApplicationID
	move := &ats.MoveRequest{Connection: c, ApplicationID: id, FromStage: "j1-s1"}
	must[*ats.ApplicationReceipt](t)(client.Move(ctx, move))
	if _, err := client.Move(ctx, move); fault.From(err).Kind != "STAGE" || fault.From(err).Existing != "j1-s2" {
		t.Errorf("moved again: %v", err)
	}
	must[*ats.ApplicationReceipt](t)(client.Reject(ctx, &ats.RejectRequest{Connection: c, ApplicationID: id, Reason: "r1"}))
	if _, err := client.Reject(ctx, &ats.RejectRequest{Connection: c, ApplicationID: id}); fault.From(err).Kind != "STATE" {
		t.Errorf("rejected again: %v", err)
	}
	must[*ats.ApplicationReceipt](t)(client.Unreject(ctx, &ats.UnrejectRequest{Connection: c, ApplicationID: id}))
	got := must[*ats.ApplicationList](t)(client.Get(ctx, &ats.ApplicationQuery{Connection: c, IDs: []string{id, "none"}})).Applications
	if len(got) != 1 || got[0].State != ats.ApplicationActive || got[0].StageID != "j1-s2" || !got[0].RejectedAt.IsZero() {
		t.Errorf("it is %+v", got)
	}
}

// What fails before the commit changed nothing; what is lost after it is done.
func TestKnobsOfWrites(t *testing.T) {
	t.Parallel()
	client, c := sdktest.Serve(t, fake.New, sdktest.Options{}), at(t, nil)
	for _, test := range []struct {
		knob, value string
		code        fault.Code
		people      int
	}{
		{"fail", "find:AUTH, create:RATE_LIMITED", fault.RateLimited, 0},
		{"fail", "find:AUTH", "", 1},
		{"lose", "create", fault.OutcomeUnknown, 2},
		{"lie", "create", fault.OutcomeUnknown, 2},
		{"panic", "create", fault.OutcomeUnknown, 2},
	} {
		r, err := client.Create(t.Context(), &ats.NewCandidate{Connection: with(c, test.knob, test.value)})
		if fault.CodeOf(err) != test.code || (r.CandidateID == "") != (err != nil) {
			t.Errorf("%s=%s: %+v, %v; want %q", test.knob, test.value, r, err, test.code)
		}
		if n := kept(t, c, "people"); n != test.people {
			t.Errorf("after %s=%s there are %d people, want %d", test.knob, test.value, n, test.people)
		}
	}
	if _, err := client.Create(t.Context(), &ats.NewCandidate{}); !fault.Is(err, fault.Config) {
		t.Errorf("without a file: %v, want Config", err)
	}
}

func TestManyWritersLoseNothing(t *testing.T) {
	t.Parallel()
	c := at(t, nil)
	var all sync.WaitGroup
	for range 4 {
		client := sdktest.Serve(t, fake.New, sdktest.Options{})
		all.Go(func() {
			for range 5 {
				if _, err := client.Create(t.Context(), &ats.NewCandidate{Connection: c}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	if n := kept(t, c, "people"); n != 20 {
		t.Errorf("%d people, want 20", n)
	}
}

func TestARefreshTokenIsSpent(t *testing.T) {
	t.Parallel()
	client, c, ctx := sdktest.Serve(t, fake.New, sdktest.Options{}), at(t, nil), t.Context()
	page := must[*ats.ConsentPage](t)(client.Begin(ctx, &ats.ConsentRequest{Connection: c, State: "st"}))
	if !strings.Contains(page.URL, "state=st") {
		t.Errorf("the page is %s", page.URL)
	}
	first := must[*ats.Grant](t)(client.Complete(ctx, &ats.ConsentCode{Connection: c, Code: "once"}))
	if _, err := client.Complete(ctx, &ats.ConsentCode{Connection: c, Code: "once"}); !fault.Is(err, fault.Auth) || first.Account != "acme" {
		t.Errorf("the code again: %v; the grant was %+v", err, first)
	}
	c.Secrets = first.Secrets
	second := must[*ats.Grant](t)(client.Refresh(ctx, &ats.RefreshRequest{Connection: c}))
	if _, err := client.Refresh(ctx, &ats.RefreshRequest{Connection: c}); !fault.Is(err, fault.Auth) || second.Secrets[ats.SecretRefreshToken] == c.Secrets[ats.SecretRefreshToken] {
		t.Errorf("the spent token: %v", err)
	}
}

func TestWebhooks(t *testing.T) {
	t.Parallel()
	client := sdktest.Serve(t, fake.New, sdktest.Options{})
	hook := func(token, body string) *ats.WebhookRequest {
		return &ats.WebhookRequest{
			Connection: ats.Connection{Secrets: map[string]string{ats.SecretWebhook: "new", ats.SecretWebhookPrevious: "old"}},
			HTTP:       ats.HTTPRequest{Header: map[string][]string{"X-Fake-Token": {token}}, Body: []byte(body)},
		}
	}
	body := `{"id":"e1","action":"moved","application":"7","stage":"j1-s2"}`
	for token, status := range map[string]int{"new": 202, "old": 202, "older": 403, "": 403} {
		v := must[*ats.Verdict](t)(client.Receive(t.Context(), hook(token, body)))
		if v.Answer.Status != status || v.Verified != (status == 202) {
			t.Errorf("token %q: %+v", token, v)
		}
	}
	one := must[*ats.Verdict](t)(client.Receive(t.Context(), hook("new", body)))
	again := must[*ats.Verdict](t)(client.Receive(t.Context(), hook("new", strings.Replace(body, "e1", "e2", 1))))
	if one.EventID == again.EventID || one.Content != again.Content {
		t.Errorf("a repeat under another id: %+v, %+v", one, again)
	}
	got := must[*ats.Translation](t)(client.Translate(t.Context(), hook("", body)))
	if !got.Known || len(got.Events) != 1 || got.Events[0].Kind != ats.EventStageChanged || got.Events[0].ApplicationID != "7" {
		t.Errorf("translated as %+v", got)
	}
	if got := must[*ats.Translation](t)(client.Translate(t.Context(), hook("", `{"action":"sang"}`))); got.Known || got.Events != nil {
		t.Errorf("an unknown action: %+v", got)
	}
	if _, err := client.Translate(t.Context(), hook("", `{`)); !fault.Is(err, fault.Invalid) {
		t.Errorf("no JSON: %v", err)
	}
}

func TestLists(t *testing.T) {
	t.Parallel()
	client, c := sdktest.Serve(t, fake.New, sdktest.Options{}), at(t, nil)
	for kind, want := range map[ats.ReferenceKind]int{
		ats.ReferenceJobs: 2, ats.ReferenceStages: 3, ats.ReferenceUsers: 1, ats.ReferenceRejectionReasons: 1, ats.ReferenceCustomFields: 3,
	} {
		p, err := client.List(t.Context(), &ats.ReferenceQuery{Connection: c, Kind: kind, Parent: "j2"})
		if err != nil || len(p.Items) != want {
			t.Errorf("%s: %d, %v; want %d", kind, len(p.Items), err, want)
		}
	}
	if _, err := client.List(t.Context(), &ats.ReferenceQuery{Connection: c, Kind: ats.ReferenceSources}); !fault.Is(err, fault.Unsupported) {
		t.Errorf("a list that it does not have: %v", err)
	}
}
