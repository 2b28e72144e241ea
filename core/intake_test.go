package core_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/trellis-ats/trellis/core"
	"github.com/trellis-ats/trellis/core/ats"
	"github.com/trellis-ats/trellis/core/coretest"
	"github.com/trellis-ats/trellis/core/fault"
)

// A rejection stops the open assessment of a candidate whom the ATS sent: the
// candidate is told by mail and by the link, the engine when it reports.
func TestRejectionStopsAnOpenAssessment(t *testing.T) {
	t.Parallel()
	w := newHookWorld(t)
	id := w.place("17", "100")
	link := w.mails.sent[0].URL[len("https://trellis.example.com/a/"):]
	h := w.tell(w.rejected("100", 1))
	a := w.get(id)
	if h.State != core.WebhookApplied || a.Status != core.StatusCancelled || a.ATSOutcome != core.OutcomeUnknown || w.application(id).State != ats.ApplicationRejected {
		t.Errorf("%+v, %+v", h, a)
	}
	w.ok(w.invitations.SendWithdrawal(t.Context(), w.take(core.TaskSendWithdrawal), core.Attempt{Number: 1}))
	if len(w.mails.withdrawn) != 1 || w.mails.withdrawn[0].To != "ada17@example.com" {
		t.Errorf("told %+v", w.mails.withdrawn)
	}
	shown, err := w.invitations.Open(t.Context(), link)
	w.ok(err)
	if shown.Status != core.StatusCancelled {
		t.Errorf("the link shows %s", shown.Status)
	}
	_, err = w.assessments.Start(t.Context(), w.engine, id, "")
	w.refused(err, fault.Conflict)
	_, err = w.complete(id, 80)
	w.refused(err, fault.Conflict)
	if got := w.types(id); got != "ordered invited cancelled changed" {
		t.Errorf("told %s", got)
	}
	log, err := w.store.SyncLog(t.Context(), w.admin.OrganizationID, core.SyncFilter{AssessmentID: id}, core.Page{})
	w.ok(err)
	if len(log.Items) != 1 || log.Items[0].Operation != "webhook:REJECTED" || log.Items[0].Direction != core.DirectionInbound {
		t.Errorf("logged %+v", log.Items)
	}
}

// Whoever has no open test is not troubled: nothing of theirs is stopped.
func TestRejectionLeavesOthersAlone(t *testing.T) {
	t.Parallel()
	w := newHookWorld(t)
	scored, other := w.place("17", "100"), w.place("18", "101")
	_, err := w.complete(scored, 80)
	w.ok(err)
	w.take(core.TaskDeliverResult)
	w.tell(w.rejected("100", 1))
	if w.noTask(); w.get(scored).Status != core.StatusScored || w.get(other).Status != core.StatusInvited {
		t.Errorf("%s, %s", w.get(scored).Status, w.get(other).Status)
	}
	if h := w.tell(w.rejected("no such application", 2)); h.State != core.WebhookApplied {
		t.Errorf("%+v", h)
	}
}

// Marking is for candidates whom Trellis brought into the ATS, unless the
// setting says otherwise.
func TestOutcomeIsMarkedInScope(t *testing.T) {
	t.Parallel()
	w := newHookWorld(t)
	brought, sent := w.place("17", "100"), w.place("18", "101")
	w.pushed(brought)
	hire := func(application string, minute int) {
		w.tell(ats.Event{Kind: ats.EventHired, CandidateID: "x", ApplicationID: application, At: w.at(minute)})
	}
	hire("100", 1)
	hire("101", 1)
	if w.get(brought).ATSOutcome != core.OutcomeHired || w.get(sent).ATSOutcome != core.OutcomeUnknown {
		t.Errorf("pushed only: %s, %s", w.get(brought).ATSOutcome, w.get(sent).ATSOutcome)
	}
	w.enable(core.SyncChange{Enabled: true, Scope: core.ScopeKnown})
	for _, kind := range []ats.EventKind{ats.EventUnhired, ats.EventHired} {
		w.tell(ats.Event{Kind: kind, ApplicationID: "101", At: w.clock.Now().Add(time.Hour)})
		w.clock.Turn(time.Minute)
	}
	if w.get(sent).ATSOutcome != core.OutcomeHired {
		t.Errorf("all known: %s", w.get(sent).ATSOutcome)
	}
}

// history is what truly happened to one application.
func history(w *hookWorld, r *rand.Rand) []ats.Event {
	var events []ats.Event
	state := ats.ApplicationActive
	for i := range 3 + r.IntN(8) {
		e := ats.Event{CandidateID: "17", ApplicationID: "100", At: w.at(i + 1)}
		stage := func() { e.StageID = fmt.Sprintf("stage-%d", r.IntN(4)); e.StageName = "Stage " + e.StageID }
		switch {
		case state == ats.ApplicationRejected:
			e.Kind, state = ats.EventUnrejected, ats.ApplicationActive
		case state == ats.ApplicationHired:
			e.Kind, state = ats.EventUnhired, ats.ApplicationActive
		case r.IntN(4) == 0:
			e.Kind, state = ats.EventRejected, ats.ApplicationRejected
			stage()
		case r.IntN(4) == 0:
			e.Kind, state = ats.EventHired, ats.ApplicationHired // without a stage, as Greenhouse tells it
		default:
			e.Kind, e.State = ats.EventStageChanged, state
			stage()
		}
		events = append(events, e)
	}
	return events
}

// end is what is left of a history.
type end struct {
	State     ats.ApplicationState
	StageID   string
	StageName string
	Outcome   core.ATSOutcome
	ChangedAt time.Time
	StagedAt  time.Time
}

func replay(t *testing.T, events []ats.Event) end {
	t.Helper()
	w := newHookWorld(t)
	id := w.place("17", "100")
	w.pushed(id)
	_, err := w.complete(id, 70)
	w.ok(err)
	w.take(core.TaskDeliverResult)
	for _, e := range events {
		w.tell(e)
	}
	a := w.application(id)
	return end{a.State, a.StageID, a.StageName, w.get(id).ATSOutcome, a.ChangedAt, a.StagedAt}
}

// In whatever order a true history is told, and however often, the end is that
// of the history as it happened.
func TestOrderOfEventsDoesNotMatter(t *testing.T) {
	t.Parallel()
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	for range 12 {
		told := history(&hookWorld{}, r)
		want := replay(t, told)
		for range 2 {
			shuffled := append(append([]ats.Event{}, told...), told[:r.IntN(len(told))]...)
			r.Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
			if diff := cmp.Diff(want, replay(t, shuffled)); diff != "" {
				t.Fatalf("seed %d: %v\ntold as %v\n%s", seed, told, shuffled, diff)
			}
		}
	}
}

// Where the payload does not settle how things are, the ATS is asked; where it
// cannot be asked, the stronger state counts.
func TestUnsettledEventsAreReadAgain(t *testing.T) {
	t.Parallel()
	w := newHookWorld(t)
	person := w.system.AddPerson(coretest.Person{})
	application, err := w.system.AddApplication(person, "job-1")
	w.ok(err)
	id := w.place(person, application)
	w.pushed(id)
	w.system.ChangeApplication(application, func(a *coretest.Application) { a.State = ats.ApplicationHired })
	w.tell(ats.Event{Kind: ats.EventApplicationUpdated, ApplicationID: application})
	if a := w.application(id); a.State != ats.ApplicationHired || a.StageID != "job-1-stage-1" || w.get(id).ATSOutcome != core.OutcomeHired || w.system.Calls(coretest.OpGet) != 1 {
		t.Errorf("without a time: %+v after %d calls", a, w.system.Calls(coretest.OpGet))
	}
	w.tell(ats.Event{Kind: ats.EventUnhired, ApplicationID: application, At: w.application(id).ChangedAt})
	if a := w.application(id); a.State != ats.ApplicationHired || w.system.Calls(coretest.OpGet) != 2 {
		t.Errorf("at the same moment: %+v after %d calls", a, w.system.Calls(coretest.OpGet))
	}
	w.system.FailOnce(coretest.OpGet, coretest.BeforeCommit, fault.New(fault.Auth, "Connect anew."))
	w.tell(ats.Event{Kind: ats.EventRejected, ApplicationID: application, At: w.application(id).ChangedAt})
	if a := w.application(id); a.State != ats.ApplicationHired {
		t.Errorf("which cannot be asked: %+v", a)
	}
	w.system.FailOnce(coretest.OpGet, coretest.BeforeCommit, fault.New(fault.Retryable, "Away."))
	w.receive(w.system.Hook(w.secret, "later", ats.Event{Kind: ats.EventApplicationUpdated, CandidateID: person, ApplicationID: application}))
	task := w.take(core.TaskApplyWebhook)
	w.refused(w.hooks.Apply(t.Context(), task, core.Attempt{Number: 1}), fault.Retryable)
	if h := w.lastHook(); h.State != core.WebhookReceived {
		t.Errorf("which is away: %+v", h)
	}
	w.ok(w.hooks.Apply(t.Context(), task, core.Attempt{Number: 2}))
}

// An ATS that tells no stage of an application which ended leaves the payload's,
// at the payload's time; and moments of one second are not told apart.
func TestStageOfAnEndedApplication(t *testing.T) {
	t.Parallel()
	w := newHookWorld(t)
	person := w.system.AddPerson(coretest.Person{})
	application, err := w.system.AddApplication(person, "job-1")
	w.ok(err)
	id := w.place(person, application)
	e := ats.Event{Kind: ats.EventStageChanged, CandidateID: person, ApplicationID: application, State: ats.ApplicationActive, StageID: "first", At: w.at(1)}
	w.tell(e)
	w.system.ChangeApplication(application, func(a *coretest.Application) { a.State, a.StageID = ats.ApplicationHired, "" })
	e.StageID, e.At = "second", w.at(1).Add(300*time.Millisecond)
	w.tell(e)
	if a := w.application(id); a.State != ats.ApplicationHired || a.StageID != "second" || !a.StagedAt.Equal(e.At) || w.system.Calls(coretest.OpGet) != 1 {
		t.Errorf("%+v after %d calls", a, w.system.Calls(coretest.OpGet))
	}
	e.StageID, e.At = "zeroth", w.at(0)
	w.tell(e)
	if a := w.application(id); a.StageID != "second" {
		t.Errorf("an older one: %+v", a)
	}
}

// What was missed is taken in from the ATS itself, and an old event that
// arrives after it changes nothing.
func TestMissedEventsAreTakenIn(t *testing.T) {
	t.Parallel()
	w := newHookWorld(t)
	id := w.place("17", "100")
	now := ats.ApplicationRecord{ID: "100", CandidateID: "17", JobID: "job-1", State: ats.ApplicationRejected, StageID: "s", LastActivityAt: w.at(9)}
	for range 2 {
		_, err := w.hooks.TakeIn(t.Context(), w.connection, &now, nil)
		w.ok(err)
	}
	if w.take(core.TaskSendWithdrawal); w.get(id).Status != core.StatusCancelled {
		t.Error("not stopped")
	}
	w.tell(ats.Event{Kind: ats.EventUnrejected, CandidateID: "17", ApplicationID: "100", At: w.at(8)})
	if a := w.application(id); a.State != ats.ApplicationRejected || a.JobExternalID != "job-1" {
		t.Errorf("%+v", a)
	}
}

// A deleted application is gone for good, and its open test with it.
func TestDeletedApplication(t *testing.T) {
	t.Parallel()
	w := newHookWorld(t)
	id := w.place("17", "100")
	w.pushed(id)
	w.tell(ats.Event{Kind: ats.EventApplicationDeleted, CandidateID: "17", ApplicationID: "100"})
	w.take(core.TaskSendWithdrawal)
	w.tell(ats.Event{Kind: ats.EventStageChanged, CandidateID: "17", ApplicationID: "100", StageID: "s", State: ats.ApplicationActive, At: w.at(5)})
	if a := w.get(id); a.Status != core.StatusCancelled || a.ATSOutcome != core.OutcomeRemoved || w.application(id).State != core.ApplicationRemoved {
		t.Errorf("%+v", a)
	}
}

// When the ATS makes one person of two, what the one had is the other's,
// whether both are known or one.
func TestMergedPerson(t *testing.T) {
	t.Parallel()
	w := newHookWorld(t)
	merge := func(from, into string) {
		w.tell(ats.Event{Kind: ats.EventCandidateMerged, CandidateID: from, MergedInto: into})
	}
	first, second := w.place("17", "100"), w.place("18", "101")
	winner := w.get(second).CandidateID
	merge("17", "18")
	if a := w.application(first); w.get(first).CandidateID != winner || a.CandidateExternalID != "18" || a.CandidateID != winner {
		t.Errorf("both known: %+v", a)
	}
	merge("18", "19")
	c, err := w.store.Candidate(t.Context(), w.admin.OrganizationID, winner)
	w.ok(err)
	if c.ExternalID != "19" || w.application(second).CandidateExternalID != "19" {
		t.Errorf("one known: %+v", c)
	}
	all, err := w.store.Candidates(t.Context(), w.admin.OrganizationID, core.CandidateFilter{}, core.Page{})
	w.ok(err)
	if len(all.Items) != 1 {
		t.Errorf("%d people are left", len(all.Items))
	}
	merge("404", "405")
}

// A merge that is told late leads to whom the winner was merged into meanwhile.
func TestMergesToldInReverse(t *testing.T) {
	t.Parallel()
	w := newHookWorld(t)
	id := w.place("17", "100")
	w.tell(ats.Event{Kind: ats.EventCandidateMerged, CandidateID: "18", MergedInto: "19"})
	w.tell(ats.Event{Kind: ats.EventCandidateMerged, CandidateID: "17", MergedInto: "18"})
	if a := w.application(id); a.CandidateExternalID != "19" {
		t.Errorf("%+v", a)
	}
	w.tell(ats.Event{Kind: ats.EventCandidateMerged, CandidateID: "19", MergedInto: "20"})
	if h := w.tell(w.rejected("100", 1)); h.Person != "20" { // it is of 17
		t.Errorf("a late word: %+v", h)
	}
	w.take(core.TaskSendWithdrawal)
	w.tell(ats.Event{Kind: ats.EventCandidateDeleted, CandidateID: "20"})
	for _, h := range w.all() {
		if kept, err := w.store.Webhook(t.Context(), w.admin.OrganizationID, h.ID); err != nil || kept.Request != nil {
			t.Errorf("after the erasure: %+v, %v", kept, err)
		}
	}
	if h := w.tell(w.rejected("100", 2)); h.Request != nil || h.Person != "" || w.get(id).ErasedAt.IsZero() {
		t.Errorf("a word after the erasure: %+v", h)
	}
}
