package coretest_test

import (
	"context"
	"errors"
	"sync"
	"testing"

	"github.com/trellis-ats/trellis/core/ats"
	"github.com/trellis-ats/trellis/core/coretest"
	"github.com/trellis-ats/trellis/core/fault"
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

// What fails before the commit has changed nothing; what fails after it is
// done, and its answer is lost but for the trace.
func TestFaultsBeforeAndAfterTheCommit(t *testing.T) {
	t.Parallel()
	system, ctx := coretest.NewATS(coretest.NewClock()), t.Context()
	n := &ats.NewCandidate{Person: ats.CandidateRecord{Email: "ada@example.com"}, JobID: "job-1", StageID: "job-1-stage-2"}
	lost := errors.New("lost")
	for moment, want := range map[coretest.Moment]coretest.Tally{coretest.BeforeCommit: {}, coretest.AfterCommit: {People: 1, Applications: 1}} {
		before := system.Tally()
		system.FailOnce(coretest.OpCreate, moment, lost)
		r, err := system.Create(ctx, n)
		after := system.Tally()
		after.People, after.Applications = after.People-before.People, after.Applications-before.Applications
		if !errors.Is(err, lost) || r.CandidateID != "" || after != want {
			t.Errorf("%s: %+v, %v; made %+v", moment, r, err, after)
		}
	}
	r := must[*ats.CandidateReceipt](t)(system.Create(ctx, n))
	m := must[*ats.CandidateMatches](t)(system.Find(ctx, &ats.CandidateQuery{Email: "ADA@example.com", JobID: "job-1"}))
	if len(m.Matches) != 2 || m.Matches[1].Applications[0].ID != r.ApplicationID || m.Matches[1].Applications[0].StageName != "Assessment" {
		t.Errorf("found %+v", m.Matches)
	}
	if len(r.Exchanges) != 1 || system.Calls(coretest.OpCreate) != 3 {
		t.Errorf("%+v after %d calls", r, system.Calls(coretest.OpCreate))
	}
}

func TestFeedbackIsSafeToAskForTwice(t *testing.T) {
	t.Parallel()
	system, ctx := coretest.NewATS(coretest.NewClock()), t.Context()
	system.Scorecards = true
	r := must[*ats.CandidateReceipt](t)(system.Create(ctx, &ats.NewCandidate{JobID: "job-1"}))
	to := ats.Target{CandidateID: r.CandidateID, ApplicationID: r.ApplicationID}
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			_, err1 := system.SetFields(ctx, &ats.FieldsRequest{Target: to, Fields: []ats.FieldValue{{Owner: ats.OwnerApplication, Key: "score", Number: 71, IsNumber: true}}})
			_, err2 := system.Attach(ctx, &ats.AttachRequest{Target: to, FileName: "a.pdf"})
			_, err3 := system.AddNote(ctx, &ats.NoteRequest{Target: to, Body: "[m] hello", Marker: "[m]"})
			_, err4 := system.AddTag(ctx, &ats.TagRequest{Target: to, Name: "assessed"})
			_, err5 := system.Scorecard(ctx, &ats.ScorecardRequest{Target: to, Marker: "[m]"})
			if err := errors.Join(err1, err2, err3, err4, err5); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if got := system.Tally(); got != (coretest.Tally{People: 1, Applications: 1, Fields: 1, Notes: 1, Attachments: 1, Tags: 1, Scorecards: 1}) {
		t.Errorf("there is %+v", got)
	}
	system.RemovePerson(r.CandidateID)
	if got := system.Tally(); got != (coretest.Tally{}) {
		t.Errorf("a removed person left %+v", got)
	}
}

func TestApplicationsGuardTheirState(t *testing.T) {
	t.Parallel()
	system, ctx := coretest.NewATS(coretest.NewClock()), t.Context()
	person := system.AddPerson(coretest.Person{})
	id := must[string](t)(system.AddApplication(person, "job-1"))
	move := func(from, to string) error {
		_, err := system.Move(ctx, &ats.MoveRequest{ApplicationID: id, FromStage: from, ToStage: to})
		return err
	}
	if err := move("job-1-stage-1", ""); err != nil || system.Applications()[0].StageID != "job-1-stage-2" {
		t.Errorf("to the next stage: %v, %+v", err, system.Applications()[0])
	}
	if e := fault.From(move("job-1-stage-1", "")); e.Kind != "STAGE" || e.Existing != "job-1-stage-2" {
		t.Errorf("from a stage that it left: %v", e)
	}
	if err := move("job-1-stage-2", "job-2-stage-1"); !fault.Is(err, fault.Invalid) {
		t.Errorf("to another job's stage: %v", err)
	}
	_, err := system.Apply(ctx, &ats.NewApplication{CandidateID: person, JobID: "job-1"})
	if e := fault.From(err); e.Kind != "EXISTS" || e.Existing != id {
		t.Errorf("a second application: %v", err)
	}
	must[*ats.ApplicationReceipt](t)(system.Reject(ctx, &ats.RejectRequest{ApplicationID: id, Reason: "reason-1"}))
	if e := fault.From(move("job-1-stage-2", "")); e.Kind != "STATE" {
		t.Errorf("a move of one that is rejected: %v", e)
	}
	must[*ats.ApplicationReceipt](t)(system.Unreject(ctx, &ats.UnrejectRequest{ApplicationID: id}))
	system.CloseJob("job-2")
	_, err = system.Apply(ctx, &ats.NewApplication{CandidateID: person, JobID: "job-2"})
	if e := fault.From(err); e.Kind != "JOB_CLOSED" {
		t.Errorf("an application to a closed job: %v", err)
	}
}

func TestChangesComeInPages(t *testing.T) {
	t.Parallel()
	clock := coretest.NewClock()
	system := coretest.NewATS(clock)
	system.PageSize = 2
	for range 5 {
		must[string](t)(system.AddApplication(system.AddPerson(coretest.Person{}), "job-1"))
	}
	seen, cursor := make(map[string]bool), ""
	for pages := 1; ; pages++ {
		l := must[*ats.ApplicationList](t)(system.Get(t.Context(), &ats.ApplicationQuery{ChangedSince: clock.Now(), Cursor: cursor}))
		for _, one := range l.Applications {
			seen[one.ID] = true
		}
		if cursor = l.Next; cursor == "" || pages == 9 {
			break
		}
	}
	if len(seen) != 5 {
		t.Errorf("saw %d of 5", len(seen))
	}
}

// A refresh token is spent by its use; a guarded ATS takes the last access
// token alone.
func TestTokensRotate(t *testing.T) {
	t.Parallel()
	system, ctx := coretest.NewATS(coretest.NewClock()), t.Context()
	system.Guarded = true
	first := must[*ats.Grant](t)(system.Complete(ctx, &ats.ConsentCode{Code: system.Consent()}))
	refresh := func(g *ats.Grant) (*ats.Grant, error) {
		return system.Refresh(ctx, &ats.RefreshRequest{Connection: ats.Connection{Secrets: g.Secrets}})
	}
	second := must[*ats.Grant](t)(refresh(first))
	if _, err := refresh(first); !fault.Is(err, fault.Auth) {
		t.Errorf("a spent token: %v", err)
	}
	find := func(g *ats.Grant) error {
		_, err := system.Find(ctx, &ats.CandidateQuery{Connection: ats.Connection{Secrets: g.Secrets}})
		return err
	}
	if err := find(first); !fault.Is(err, fault.Auth) {
		t.Errorf("the token before: %v", err)
	}
	if err := find(second); err != nil {
		t.Errorf("the live token: %v", err)
	}
	system.Revoke()
	if _, err := refresh(second); !fault.Is(err, fault.Auth) {
		t.Errorf("after it was revoked: %v", err)
	}
}

func TestHooksAreSignedOverTheirBytes(t *testing.T) {
	t.Parallel()
	system := coretest.NewATS(coretest.NewClock())
	r := &ats.WebhookRequest{
		Connection: ats.Connection{Secrets: map[string]string{ats.SecretWebhook: "new", ats.SecretWebhookPrevious: "old"}},
		HTTP:       system.Hook("old", "e1", ats.Event{Kind: ats.EventHired, ApplicationID: "1"}),
	}
	receive := func() *ats.Verdict { return must[*ats.Verdict](t)(system.Receive(context.Background(), r)) }
	if v := receive(); !v.Verified || v.EventID != "e1" || v.Action != "HIRED" || v.Answer.Status != 200 {
		t.Errorf("verdict is %+v", v)
	}
	events := must[*ats.Translation](t)(system.Translate(t.Context(), r))
	if !events.Known || len(events.Events) != 1 || events.Events[0].ApplicationID != "1" {
		t.Errorf("translated as %+v", events)
	}
	r.HTTP.Body[0] ^= 1
	if v := receive(); v.Verified || v.Answer.Status != 401 {
		t.Errorf("verdict on a flipped bit is %+v", v)
	}
}

// Whoever asks for all that can be chosen gets it, page by page.
func TestEveryKindIsListed(t *testing.T) {
	t.Parallel()
	system := coretest.NewATS(coretest.NewClock())
	system.PageSize = 1
	parents := map[ats.ReferenceKind]string{ats.ReferenceStages: "job-2", ats.ReferenceCustomFieldOptions: "band"}
	person := system.AddPerson(coretest.Person{})
	must[*ats.FeedbackReceipt](t)(system.AddTag(t.Context(), &ats.TagRequest{Target: ats.Target{CandidateID: person}, Name: "assessed"}))
	for kind, want := range map[ats.ReferenceKind]int{
		ats.ReferenceJobs: 2, ats.ReferenceStages: 3, ats.ReferenceUsers: 2, ats.ReferenceRejectionReasons: 1, ats.ReferenceEmailTemplates: 1,
		ats.ReferenceCustomFields: 4, ats.ReferenceCustomFieldOptions: 3, ats.ReferenceSources: 1, ats.ReferenceTags: 1,
	} {
		n, cursor := 0, ""
		for range 9 {
			p := must[*ats.ReferencePage](t)(system.List(t.Context(), &ats.ReferenceQuery{Kind: kind, Parent: parents[kind], Cursor: cursor}))
			n += len(p.Items)
			if cursor = p.Next; cursor == "" {
				break
			}
		}
		if n != want {
			t.Errorf("%s: %d of %d", kind, n, want)
		}
	}
}
