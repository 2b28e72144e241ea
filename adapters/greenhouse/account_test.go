package greenhouse_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/trellis-ats/trellis/core/ats"
	"github.com/trellis-ats/trellis/core/fault"
	"github.com/trellis-ats/trellis/internal/sandbox/account"
	"github.com/trellis-ats/trellis/plugins/sdk/sdktest"
)

// lab is the adapter in front of the sandbox's Greenhouse, which was written
// from the facts alone and shares no code with it.
type lab struct {
	t  *testing.T
	a  sdktest.Client
	at string
	is *account.Account
	c  ats.Connection
}

func newLab(t *testing.T, rules func(*account.Rules), settings ...string) *lab {
	t.Helper()
	outside, inside := http.NewServeMux(), http.NewServeMux()
	server := httptest.NewServer(outside)
	is, err := account.New(account.Options{PublicURL: server.URL, ClientID: clientID, ClientSecret: clientSecret, RedirectHosts: []string{"trellis.example.com"}, Rules: rules})
	if err != nil {
		t.Fatal(err)
	}
	is.Mount(outside, inside)
	outside.Handle("/", inside)
	t.Cleanup(func() { is.Close(); server.Close() })
	l := &lab{t: t, a: patient(t), at: server.URL, is: is}
	l.c = connection(t, l.a, append([]string{
		"auth_mode", "client_credentials", "client_id", clientID, "harvest_url", server.URL, "auth_url", server.URL + "/oauth", "acting_user", strconv.Itoa(account.UserAdmin),
	}, settings...)...)
	l.c.Secrets["client_secret"], l.c.Secrets[ats.SecretWebhook] = clientSecret, hookSecret
	grant := l.refresh()
	if grant.Account != strconv.Itoa(account.OrganizationID) || grant.Subject != strconv.Itoa(account.UserAdmin) || len(grant.Scopes) == 0 || grant.Budget == nil || grant.Budget.Scope != "token" {
		t.Fatalf("granted %+v", grant)
	}
	return l
}

// refresh gets a token, with what is granted now.
func (l *lab) refresh() *ats.Grant {
	l.t.Helper()
	grant, err := l.a.Refresh(l.t.Context(), &ats.RefreshRequest{Connection: l.c, Identify: true})
	l.ok(err)
	l.c.Secrets[ats.SecretAccessToken] = grant.Secrets[ats.SecretAccessToken]
	return grant
}

func (l *lab) ok(err error) {
	l.t.Helper()
	if err != nil {
		l.t.Fatal(err)
	}
}

// press presses a button of the sandbox.
func (l *lab) press(path, body string) {
	l.t.Helper()
	resp, err := http.Post(l.at+"/sandbox/"+path, "application/json", bytes.NewBufferString(body))
	l.ok(err)
	defer resp.Body.Close()
	if text, _ := io.ReadAll(resp.Body); resp.StatusCode != http.StatusOK {
		l.t.Fatalf("%s: %d %s", path, resp.StatusCode, text)
	}
}

var executive = strconv.Itoa(account.JobExecutive)

func (l *lab) newPerson() *ats.NewCandidate {
	return &ats.NewCandidate{
		Connection: l.c, JobID: executive, StageID: strconv.Itoa(account.StageAssessment), SourceID: strconv.Itoa(account.SourceTrellis),
		Person: ats.CandidateRecord{FirstName: "Zoë", LastName: "Łukasz", Email: "zoe@example.com", Phone: "+1 555 0100"},
	}
}

func (l *lab) find() []ats.CandidateMatch {
	l.t.Helper()
	found, err := l.a.Find(l.t.Context(), &ats.CandidateQuery{Connection: l.c, Email: "ZOE@example.com", JobID: executive})
	l.ok(err)
	return found.Matches
}

// writes are all kinds of feedback but the scorecard.
func (l *lab) writes(target ats.Target) map[string]func() (*ats.FeedbackReceipt, error) {
	ctx := l.t.Context()
	return map[string]func() (*ats.FeedbackReceipt, error){
		"fields": func() (*ats.FeedbackReceipt, error) {
			return l.a.SetFields(ctx, &ats.FieldsRequest{Target: target, Fields: []ats.FieldValue{
				{Owner: ats.OwnerCandidate, Key: "assessment_score", Number: 81.25, IsNumber: true}, {Owner: ats.OwnerCandidate, Key: "assessment_band", Text: "strong yes"},
			}})
		},
		"attachment": func() (*ats.FeedbackReceipt, error) {
			return l.a.Attach(ctx, &ats.AttachRequest{Target: target, FileName: "report-asm_1-r1.pdf", MediaType: "application/pdf", Content: []byte("%PDF-1.7")})
		},
		"note": func() (*ats.FeedbackReceipt, error) {
			return l.a.AddNote(ctx, &ats.NoteRequest{Target: target, Body: "Score 81.25 [asm_1 r1]", Marker: "[asm_1 r1]"})
		},
		"tag": func() (*ats.FeedbackReceipt, error) {
			return l.a.AddTag(ctx, &ats.TagRequest{Target: target, Name: "Assessed: passed"})
		},
	}
}

// everything writes all feedback, and tells how much of it was there already.
func (l *lab) everything(target ats.Target) (existed int) {
	l.t.Helper()
	writes := l.writes(target)
	writes["application fields"] = func() (*ats.FeedbackReceipt, error) {
		return l.a.SetFields(l.t.Context(), &ats.FieldsRequest{Target: target, Fields: []ats.FieldValue{
			{Owner: ats.OwnerApplication, Key: "assessment_report", Text: "https://trellis.example.com/r/1"}, {Owner: ats.OwnerApplication, Key: "assessment_band", Text: "Mixed"},
		}})
	}
	writes["scorecard"] = func() (*ats.FeedbackReceipt, error) {
		return l.a.Scorecard(l.t.Context(), &ats.ScorecardRequest{Target: target, Recommendation: ats.RecommendStrongYes, Score: 81.25, Marker: "[asm_1 r1]"})
	}
	for _, write := range writes {
		receipt, err := write()
		l.ok(err)
		if receipt.Existed {
			existed++
		}
	}
	return existed
}

// A whole push, and each step of it again: nothing is there twice.
func TestPushIntoTheSandbox(t *testing.T) {
	t.Parallel()
	for _, rules := range []struct {
		name   string
		change func(*account.Rules)
	}{
		{"as usual", nil},
		{"with fields that are replaced", func(r *account.Rules) {
			r.CustomFields, r.NoteSpelling = account.FieldsReplace, account.SpellWrite
		}},
	} {
		t.Run(rules.name, func(t *testing.T) {
			t.Parallel()
			l := newLab(t, rules.change, "scorecards", "restricted")
			l.press("clients/"+clientID, `{"grant_scopes":["harvest:scorecards:create"]}`)
			l.refresh()
			if found := l.find(); len(found) != 0 {
				t.Fatalf("somebody is there: %+v", found)
			}
			made, err := l.a.Create(t.Context(), l.newPerson())
			l.ok(err)
			found := l.find()
			if len(found) != 1 || found[0].CandidateID != made.CandidateID || len(found[0].Applications) != 1 || found[0].Applications[0].ID != made.ApplicationID || made.Budget == nil {
				t.Fatalf("made %+v, found %+v", made, found)
			}
			_, err = l.a.Apply(t.Context(), &ats.NewApplication{Connection: l.c, CandidateID: made.CandidateID, JobID: executive})
			if e := fault.From(err); !fault.Is(err, fault.Conflict) || e.Kind != "EXISTS" || e.Existing != made.ApplicationID {
				t.Errorf("applied twice: %v", err)
			}
			target := ats.Target{Connection: l.c, CandidateID: made.CandidateID, ApplicationID: made.ApplicationID}
			if existed := l.everything(target); existed != 0 {
				t.Errorf("%d steps were done before", existed)
			}
			if existed := l.everything(target); existed != 6 {
				t.Errorf("%d steps of 6 were recognised", existed)
			}
			s := l.is.Stats()
			if s.Candidates != 1 || s.Applications != 1 || s.Attachments != 1 || s.Notes != 1 || s.TagsApplied != 1 {
				t.Errorf("counted %+v", s)
			}
		})
	}
}

func TestDecisionsInTheSandbox(t *testing.T) {
	t.Parallel()
	for _, space := range []string{account.FromJobStage, account.FromApplicationStage} {
		t.Run(space, func(t *testing.T) {
			t.Parallel()
			l := newLab(t, func(r *account.Rules) { r.FromStage, r.Dates = space, account.DatesBracket }, "date_filters", "bracket")
			began := time.Now().Add(-time.Minute)
			made, err := l.a.Create(t.Context(), l.newPerson())
			l.ok(err)
			move := func(from, to int) error {
				m := &ats.MoveRequest{Connection: l.c, ApplicationID: made.ApplicationID, FromStage: strconv.Itoa(from)}
				if to != 0 {
					m.ToStage = strconv.Itoa(to)
				}
				_, err := l.a.Move(t.Context(), m)
				return err
			}
			l.ok(move(account.StageAssessment, account.StagePhone))
			if e := fault.From(move(account.StageAssessment, account.StagePhone)); e == nil || e.Kind != "STAGE" || e.Existing != strconv.Itoa(account.StagePhone) {
				t.Errorf("moved twice: %v", e)
			}
			l.ok(move(account.StagePhone, 0))
			if err := move(account.StageOnsite, account.StageAssessment+10); !fault.Is(err, fault.Invalid) {
				t.Errorf("moved to another job's stage: %v", err)
			}
			reject := &ats.RejectRequest{Connection: l.c, ApplicationID: made.ApplicationID, Reason: strconv.Itoa(account.ReasonThreshold), EmailTemplate: strconv.Itoa(account.TemplateRejection), Notes: "Below"}
			_, err = l.a.Reject(t.Context(), reject)
			l.ok(err)
			if _, err = l.a.Reject(t.Context(), reject); fault.From(err).Kind != "STATE" {
				t.Errorf("rejected twice: %v", err)
			}
			changed, err := l.a.Get(t.Context(), &ats.ApplicationQuery{Connection: l.c, ChangedSince: began})
			l.ok(err)
			if len(changed.Applications) != 1 || changed.Applications[0].State != ats.ApplicationRejected || changed.Applications[0].RejectedAt.IsZero() {
				t.Errorf("changed %+v", changed.Applications)
			}
			unreject := &ats.UnrejectRequest{Connection: l.c, ApplicationID: made.ApplicationID}
			_, err = l.a.Unreject(t.Context(), unreject)
			l.ok(err)
			if _, err = l.a.Unreject(t.Context(), unreject); fault.From(err).Kind != "STATE" {
				t.Errorf("unrejected twice: %v", err)
			}
		})
	}
}

func TestSandboxRefuses(t *testing.T) {
	t.Parallel()
	l := newLab(t, nil)
	create := func(change func(*ats.NewCandidate)) *fault.Error {
		n := l.newPerson()
		change(n)
		_, err := l.a.Create(t.Context(), n)
		return fault.From(err)
	}
	if e := create(func(n *ats.NewCandidate) { n.JobID = strconv.Itoa(account.JobClosed) }); e.Kind != "JOB_CLOSED" {
		t.Errorf("a closed job: %v", e)
	}
	if e := create(func(n *ats.NewCandidate) { n.StageID = strconv.Itoa(account.StageAssessment + 10) }); e.Fields[0].Path != "stageId" {
		t.Errorf("a stage of another job: %v", e)
	}
	if e := create(func(n *ats.NewCandidate) { n.SourceID = "1" }); e.Code != fault.Invalid || e.Fields[0].Path != "sourceId" {
		t.Errorf("an unknown source: %v", e)
	}
	l.press("clients/"+clientID, `{"revoke_scopes":["harvest:candidates:create"]}`)
	if e := create(func(n *ats.NewCandidate) {}); e.Code != fault.Permission || e.Missing[0] != "harvest:candidates:create" {
		t.Errorf("a scope that is gone: %v", e)
	}
	if n := l.is.Stats().Candidates; n != 0 {
		t.Errorf("%d candidates were made", n)
	}
}

func TestCheckInTheSandbox(t *testing.T) {
	t.Parallel()
	for sub, want := range map[int]bool{account.UserAdmin: true, account.UserJobAdmin: false, 0: true} {
		for _, reads := range []string{account.ReadsForbidden, account.ReadsEmpty} {
			l := newLab(t, func(r *account.Rules) { r.NonAdminReads = reads })
			l.c.Settings["acting_user"] = ""
			if sub != 0 {
				l.c.Settings["acting_user"] = strconv.Itoa(sub)
			}
			l.refresh()
			report, err := l.a.CheckConnection(t.Context(), &l.c)
			l.ok(err)
			for _, capability := range report.Capabilities {
				if capability.Name == ats.CapabilityNotes && capability.Available != want {
					t.Errorf("%d, %s: %+v", sub, reads, capability)
				}
			}
			if report.Account != strconv.Itoa(account.OrganizationID) || len(report.Missing) != 0 {
				t.Errorf("%d, %s: %+v", sub, reads, report)
			}
		}
	}
}

func TestReferenceInTheSandbox(t *testing.T) {
	t.Parallel()
	l := newLab(t, nil)
	parents := map[ats.ReferenceKind]string{ats.ReferenceStages: executive, ats.ReferenceCustomFieldOptions: "5562"}
	for kind, least := range map[ats.ReferenceKind]int{
		ats.ReferenceJobs: 3, ats.ReferenceStages: 6, ats.ReferenceUsers: 4, ats.ReferenceRejectionReasons: 5, ats.ReferenceEmailTemplates: 2,
		ats.ReferenceCustomFields: 8, ats.ReferenceCustomFieldOptions: 5, ats.ReferenceSources: 3, ats.ReferenceTags: 2,
	} {
		q := &ats.ReferenceQuery{Connection: l.c, Kind: kind, Parent: parents[kind]}
		page, err := l.a.List(t.Context(), q)
		l.ok(err)
		if len(page.Items) != least || page.Next != "" {
			t.Errorf("%s: %d items", kind, len(page.Items))
		}
	}
}

// What the sandbox sends is taken and understood, with the ping that comes first.
func TestHooksOfTheSandbox(t *testing.T) {
	t.Parallel()
	l := newLab(t, nil)
	made, err := l.a.Create(t.Context(), l.newPerson())
	l.ok(err)
	came := make(chan *ats.WebhookRequest, 20)
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		request := &ats.WebhookRequest{Connection: l.c, HTTP: ats.HTTPRequest{Method: r.Method, Header: r.Header, Body: body}}
		verdict, err := l.a.Receive(r.Context(), request)
		if err != nil || !verdict.Verified {
			t.Errorf("verdict %+v, %v", verdict, err)
			return
		}
		if !verdict.Ping {
			came <- request
		}
		w.WriteHeader(verdict.Answer.Status)
	}))
	t.Cleanup(receiver.Close)
	hooks, _ := json.Marshal(account.HookInput{Name: "all", URL: receiver.URL, Secret: hookSecret, All: true})
	l.press("hooks", string(hooks))
	wants := []struct {
		press, body string
		want        ats.Event
	}{
		{"reject", `{}`, ats.Event{Kind: ats.EventRejected, State: ats.ApplicationRejected}},
		{"unreject", `{}`, ats.Event{Kind: ats.EventUnrejected, State: ats.ApplicationActive}},
		{"hire", `{}`, ats.Event{Kind: ats.EventHired, State: ats.ApplicationHired}},
		{"unhire", `{}`, ats.Event{Kind: ats.EventUnhired, State: ats.ApplicationActive}},
	}
	for _, w := range wants {
		l.press("applications/"+made.ApplicationID+"/"+w.press, w.body)
		var got *ats.Translation
		for got == nil || got.Events[0].Kind != w.want.Kind {
			select {
			case r := <-came:
				if got, err = l.a.Translate(t.Context(), r); err != nil {
					t.Fatalf("%s: %v in %s", w.press, err, r.HTTP.Body)
				}
				if !got.Known {
					got = nil
				}
			case <-t.Context().Done():
				t.Fatal("the hook never came")
			}
		}
		e := got.Events[0]
		if diff := cmp.Diff([]string{string(w.want.State), made.CandidateID, made.ApplicationID, executive}, []string{string(e.State), e.CandidateID, e.ApplicationID, e.JobID}); diff != "" || w.press != "hire" && e.At.IsZero() {
			t.Errorf("%s: %s at %s", w.press, diff, e.At)
		}
	}
}

// A write that was done and not answered is recognised when it is asked for
// again, whatever became of the answer.
func TestUnansweredWritesAreRecognised(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"reset_after", "timeout_after", "500_after"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			l := newLab(t, nil)
			fail := func(endpoint string) {
				l.press("harvest/faults", `{"timeout_ms":50,"next":[{"endpoint":"`+endpoint+`","kind":"`+kind+`"}]}`)
			}
			unknown := func(what string, err error) {
				t.Helper()
				if !fault.Is(err, fault.OutcomeUnknown) {
					t.Errorf("%s: %v", what, err)
				}
			}
			fail("POST candidates")
			_, err := l.a.Create(t.Context(), l.newPerson())
			unknown("create", err)
			found := l.find()
			if len(found) != 1 || len(found[0].Applications) != 1 {
				t.Fatalf("found %+v", found)
			}
			target := ats.Target{Connection: l.c, CandidateID: found[0].CandidateID, ApplicationID: found[0].Applications[0].ID}
			for what, write := range l.writes(target) {
				fail(map[string]string{
					"fields": "PATCH candidates/{id}", "attachment": "POST attachments", "note": "POST notes", "tag": "POST applied_candidate_tags",
				}[what])
				_, err := write()
				unknown(what, err)
				again, err := write()
				if err != nil || !again.Existed {
					t.Errorf("%s again: %+v, %v", what, again, err)
				}
			}
			if s := l.is.Stats(); s.Duplicates.Total() != 0 || s.Candidates+s.Applications+s.Attachments+s.Notes+s.TagsApplied != 5 {
				t.Errorf("counted %+v", s)
			}
		})
	}
}

// A partner's way: consent as a service account, a code that works once, and a
// refresh token that does.
func TestConsentInTheSandbox(t *testing.T) {
	t.Parallel()
	l := newLab(t, nil)
	given := l.is.Credentials()
	l.c.Settings["auth_mode"] = "authorization_code"
	l.c.Vendor = map[string]string{"client_id": given.PartnerID, "client_secret": given.PartnerSecret}
	const redirect = "http://trellis.example.com/oauth/callback"
	page, err := l.a.Begin(t.Context(), &ats.ConsentRequest{Connection: l.c, RedirectURL: redirect, State: "s1"})
	l.ok(err)
	asked, err := url.Parse(page.URL)
	l.ok(err)
	form := asked.Query()
	form.Set("user", strconv.Itoa(account.UserAdmin))
	form.Set("service", "yes")
	form.Set("allow", "yes")
	browser := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := browser.PostForm(l.at+"/oauth/authorize", form)
	l.ok(err)
	resp.Body.Close()
	back, err := resp.Location()
	l.ok(err)
	code := &ats.ConsentCode{Connection: l.c, RedirectURL: redirect, Code: back.Query().Get("code")}
	grant, err := l.a.Complete(t.Context(), code)
	l.ok(err)
	if grant.Subject != strconv.Itoa(account.UserService) || grant.Account != strconv.Itoa(account.OrganizationID) || grant.Secrets[ats.SecretRefreshToken] == "" {
		t.Errorf("granted %+v", grant)
	}
	if _, err = l.a.Complete(t.Context(), code); !fault.Is(err, fault.Auth) {
		t.Errorf("a code twice: %v", err)
	}
	l.c.Secrets[ats.SecretRefreshToken] = grant.Secrets[ats.SecretRefreshToken]
	refresh := &ats.RefreshRequest{Connection: l.c}
	next, err := l.a.Refresh(t.Context(), refresh)
	l.ok(err)
	if _, err = l.a.Refresh(t.Context(), refresh); !fault.Is(err, fault.Auth) {
		t.Errorf("a refresh token twice: %v", err)
	}
	l.c.Secrets[ats.SecretAccessToken] = next.Secrets[ats.SecretAccessToken]
	if found := l.find(); len(found) != 0 {
		t.Errorf("found %+v", found)
	}
}
