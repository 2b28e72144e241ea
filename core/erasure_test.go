package core_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/trellis-ats/trellis/core"
	"github.com/trellis-ats/trellis/core/ats"
	"github.com/trellis-ats/trellis/core/coretest"
	"github.com/trellis-ats/trellis/core/fault"
)

// traces are what must not be found anywhere of a person who was erased.
func traces() []string {
	return []string{"Zerlina", "Quux", "zerlina.quux", "people/47110815471", "555-0199", "47110815471"}
}

// dump returns every value of every table, byte arrays as texts.
func (w *world) dump() []string {
	w.t.Helper()
	rows, err := w.store.SQL().QueryContext(w.t.Context(), "SELECT name FROM sqlite_master WHERE type = 'table'")
	w.ok(err)
	defer func() { w.ok(rows.Close()) }()
	var tables, all []string
	for rows.Next() {
		var name string
		w.ok(rows.Scan(&name))
		tables = append(tables, name)
	}
	w.ok(rows.Err())
	for _, table := range tables {
		all = append(all, w.values(table)...)
	}
	return all
}

func (w *world) values(table string) []string {
	w.t.Helper()
	rows, err := w.store.SQL().QueryContext(w.t.Context(), "SELECT * FROM "+table)
	w.ok(err)
	defer func() { w.ok(rows.Close()) }()
	columns, err := rows.Columns()
	w.ok(err)
	var all []string
	for rows.Next() {
		values, into := make([]any, len(columns)), make([]any, len(columns))
		for i := range values {
			into[i] = &values[i]
		}
		w.ok(rows.Scan(into...))
		for i, v := range values {
			if b, ok := v.([]byte); ok {
				v = string(b)
			}
			all = append(all, fmt.Sprintf("%s.%s: %v", table, columns[i], v))
		}
	}
	w.ok(rows.Err())
	return all
}

// found returns the values that hold a trace of the person.
func (w *hookWorld) found() []string {
	var found []string
	for _, value := range w.dump() {
		for _, trace := range traces() {
			if strings.Contains(strings.ToLower(value), strings.ToLower(trace)) {
				found = append(found, value)
				break
			}
		}
	}
	return found
}

// zerlina leaves something everywhere: an order, a scored test with a report
// that names her, an open test, a delivery that failed with her name, web hooks.
func (w *hookWorld) zerlina() (scored, open core.ID) {
	w.t.Helper()
	order := func(key string) core.ID {
		placed, err := w.assessments.Place(w.t.Context(), w.connection, &ats.PlaceOrder{
			Items: []ats.OrderItem{{Key: "https://ats.example.com/people/47110815471/" + key, TestID: string(w.test.ID)}},
			Candidate: ats.CandidateRecord{
				ExternalID: "47110815471", ApplicationID: "47110815471-" + key, FirstName: "Zerlina", LastName: "Quux", PreferredName: "Zerlina",
				Email: "zerlina.quux@example.com", Phone: "+1 555-0199", ProfileURL: "https://ats.example.com/people/47110815471",
			},
			Order: ats.Order{CallbackURL: "https://ats.example.com/people/47110815471/" + key, Reference: map[string]string{"name": "Zerlina"}},
		})
		w.ok(err)
		w.ok(w.invitations.Send(w.t.Context(), w.take(core.TaskSendInvitation), core.Attempt{Number: 1}))
		return core.ID(placed.AssessmentIDs[0])
	}
	scored, open = order("1"), order("2")
	score := 81.5
	_, err := w.assessments.Complete(w.t.Context(), w.engine, core.Completion{
		AssessmentID: scored, Score: &score, Traits: []core.TraitCompletion{{Key: "calm", Score: 80}},
		IntegrityFlags: []string{"Somebody helped Zerlina Quux."},
		Report:         core.Report{Summary: "Zerlina did well.", Transcript: []core.Turn{{Speaker: "Zerlina Quux", Text: "I am Zerlina."}}},
	})
	w.ok(err)
	w.decide(scored)
	w.ats.err = fault.New(fault.Invalid, "The ATS refuses zerlina.quux@example.com.")
	w.ats.receipt.Exchanges = []ats.Exchange{{Method: "PATCH", URL: "https://ats.example.com/people/47110815471", RequestBody: "Zerlina Quux"}}
	w.refused(w.deliveries.Run(w.t.Context(), w.take(core.TaskDeliverResult), core.Attempt{Number: 1, Last: true}), fault.Invalid)
	w.tell(ats.Event{Kind: ats.EventStageChanged, CandidateID: "47110815471", ApplicationID: "47110815471-1", StageID: "s", At: w.at(1), Person: &ats.CandidateRecord{FirstName: "Zerlina"}})
	w.puzzle("47110815471-1")
	return scored, open
}

// puzzle leaves what reconciliation and stage triggers keep of an application:
// an open issue, a closed one, and that it entered a stage without a test.
func (w *hookWorld) puzzle(application string) {
	w.t.Helper()
	ctx, now := w.t.Context(), w.clock.Now()
	w.ok(w.store.Atomically(ctx, func(tx core.Tx) error {
		issue := func(kind core.IssueKind) *core.Issue {
			return &core.Issue{
				ID: core.NewID(core.PrefixIssue), OrganizationID: w.admin.OrganizationID, ConnectionID: w.connection.ID, Kind: kind,
				Subject: application, ApplicationID: application, Cause: "What is with " + application + "?", FoundAt: now, SeenAt: now,
			}
		}
		for _, kind := range []core.IssueKind{core.IssuePushNotVisible, core.IssueTestNotSent} {
			if _, err := tx.KeepIssue(ctx, issue(kind)); err != nil {
				return err
			}
		}
		c := core.IssueClosing{OrganizationID: w.admin.OrganizationID, ConnectionID: w.connection.ID, Kind: core.IssuePushNotVisible, At: now}
		if _, err := tx.CloseIssues(ctx, c, 1); err != nil {
			return err
		}
		_, err := tx.EnterStage(ctx, &core.StageEntry{
			OrganizationID: w.admin.OrganizationID, ConnectionID: w.connection.ID, ApplicationID: application, StageID: "s", EnteredAt: now,
		})
		return err
	}))
}

// decide leaves what routing and a recruiter made of the scored test.
func (w *hookWorld) decide(assessment core.ID) {
	w.t.Helper()
	ctx, now := w.t.Context(), w.clock.Now()
	d := &core.RoutingDecision{
		ID: core.NewID(core.PrefixDecision), OrganizationID: w.admin.OrganizationID, ConnectionID: w.connection.ID, AssessmentID: assessment,
		Revision: 1, State: core.DecisionStateKept,
		Inputs: core.RoutingInputs{
			Score: 81_50, IntegrityFlags: []string{"Somebody helped Zerlina Quux."}, MissingTraits: []string{"calm"}, Accommodation: true,
		},
		Note: "Zerlina was moved.", Reason: "We know Zerlina.", ApplicationID: "47110815471-1", CreatedAt: now, UpdatedAt: now,
	}
	w.ok(w.store.Atomically(ctx, func(tx core.Tx) error {
		if _, err := tx.InsertRoutingDecision(ctx, d); err != nil {
			return err
		}
		return tx.AppendDecisionStep(ctx, &core.DecisionStep{
			ID: core.NewID(core.PrefixDecisionStep), OrganizationID: d.OrganizationID, DecisionID: d.ID, AssessmentID: assessment,
			To: d.State, Note: d.Note, Reason: d.Reason, At: now,
		})
	}))
}

// After the ATS deleted a person, no row holds their name, address or ids, and
// nothing brings them back; it is recorded that it was done.
func TestDeletedPersonLeavesNoTrace(t *testing.T) {
	t.Parallel()
	for _, kind := range []ats.EventKind{ats.EventCandidateDeleted, ats.EventCandidateAnonymized} {
		w := newHookWorld(t)
		scored, open := w.zerlina()
		if len(w.found()) < 15 {
			t.Fatalf("the search finds too little: %v", w.found())
		}
		w.tell(ats.Event{Kind: kind, CandidateID: "47110815471"})
		if left := w.found(); len(left) > 0 {
			t.Errorf("%s left %v", kind, left)
		}
		w.noTask()
		w.erasedForGood(scored, open)
	}
}

// Of an order that names no application nothing is taken for somebody else's.
func TestAnErasureLeavesOthersIssues(t *testing.T) {
	t.Parallel()
	w := newHookWorld(t)
	w.place("17", "")
	now := w.clock.Now()
	w.ok(w.store.Atomically(t.Context(), func(tx core.Tx) error {
		_, err := tx.KeepIssue(t.Context(), &core.Issue{
			ID: core.NewID(core.PrefixIssue), OrganizationID: w.admin.OrganizationID, ConnectionID: w.connection.ID,
			Kind: core.IssueHooksFailed, Subject: string(w.connection.ID), Cause: "why", FoundAt: now, SeenAt: now,
		})
		return err
	}))
	w.tell(ats.Event{Kind: ats.EventCandidateDeleted, CandidateID: "17"})
	all, err := w.store.Issues(t.Context(), w.admin.OrganizationID, core.IssueFilter{}, core.Page{First: 9})
	w.ok(err)
	if len(all.Items) != 1 || all.Items[0].Cause != "why" || !all.Items[0].ClosedAt.IsZero() {
		t.Errorf("the issues are %+v", all.Items)
	}
}

func (w *hookWorld) erasedForGood(scored, open core.ID) {
	w.t.Helper()
	if a := w.get(open); a.Status != core.StatusCancelled || a.ATSOutcome != core.OutcomeRemoved || a.ErasedAt.IsZero() {
		w.t.Errorf("the open one: %+v", a)
	}
	r, err := w.store.LatestResult(w.t.Context(), w.admin.OrganizationID, scored)
	w.ok(err)
	if r.Score != 8150 || len(r.Traits) > 0 || len(r.Report.Transcript) > 0 {
		w.t.Errorf("the result: %+v", r)
	}
	w.onlyTheScore()
	is := true
	issues, err := w.store.Issues(w.t.Context(), w.admin.OrganizationID, core.IssueFilter{Open: &is}, core.Page{First: 9})
	w.ok(err)
	if len(issues.Items) > 0 {
		w.t.Errorf("open issues about nobody: %+v", issues.Items)
	}
	for name, err := range map[string]error{
		"a corrected result": second(w.complete(scored, 90)),
		"a late result":      second(w.complete(open, 90)),
		"a delivery":         second(w.assessments.Redeliver(w.t.Context(), w.admin, scored)),
		"an invitation":      second(w.assessments.Resend(w.t.Context(), w.admin, open)),
	} {
		if !fault.Is(err, fault.Conflict) {
			w.t.Errorf("%s: %v", name, err)
		}
	}
	late := w.tell(ats.Event{Kind: ats.EventStageChanged, CandidateID: "47110815471", ApplicationID: "47110815471-1", StageID: "t", At: w.at(9), Person: &ats.CandidateRecord{FirstName: "Zerlina"}})
	if left := w.found(); len(left) > 0 || late.Request != nil {
		w.t.Errorf("a late web hook left %v", left)
	}
	records, err := w.erasures.List(w.t.Context(), w.admin, core.Page{})
	w.ok(err)
	if len(records.Items) != 1 || records.Items[0].CandidateID != w.get(open).CandidateID || records.Items[0].Rows < 8 || records.Items[0].WebhookID == "" {
		w.t.Errorf("recorded %+v", records.Items)
	}
	log, err := w.store.AuditLog(w.t.Context(), w.admin.OrganizationID, core.AuditFilter{SubjectID: records.Items[0].CandidateID}, core.Page{})
	w.ok(err)
	if len(log.Items) != 1 || log.Items[0].Action != core.EventCandidateErased || !json.Valid(log.Items[0].After) {
		w.t.Errorf("audited %+v", log.Items)
	}
}

// onlyTheScore checks what the register still has of what was decided on.
func (w *hookWorld) onlyTheScore() {
	w.t.Helper()
	var inputs []string
	for _, value := range w.values("routing_decisions") {
		if of, ok := strings.CutPrefix(value, "routing_decisions.inputs: "); ok {
			inputs = append(inputs, of)
		}
	}
	if want := []string{`{"score":8150}`}; !slices.Equal(inputs, want) {
		w.t.Errorf("the register's inputs are %s, want %s", inputs, want)
	}
}

func second[T any](_ T, err error) error { return err }

// An admin can erase a candidate too; to ask twice changes nothing.
func TestEraseByRequest(t *testing.T) {
	t.Parallel()
	w := newHookWorld(t)
	scored, _ := w.zerlina()
	id := w.get(scored).CandidateID
	_, err := w.erasures.EraseCandidate(t.Context(), w.engine, id)
	w.refused(err, fault.Forbidden)
	for range 2 {
		left, err := w.erasures.EraseCandidate(t.Context(), w.admin, id)
		w.ok(err)
		if left.ErasedAt.IsZero() || left.Name() != "" || left.Email != "" || left.ExternalID != "" {
			t.Errorf("left %+v", left)
		}
	}
	if found := w.found(); len(found) > 0 {
		t.Errorf("left %v", found)
	}
	w.onlyTheScore()
	w.newTrigger("job-1-stage-1", 0)
	w.barred()
	back := enters("47110815471", "47110815471-3", "job-1-stage-1", w.at(9))
	back.Person.FirstName = "Zerlina"
	w.tell(back)
	w.noTask()
	if found := w.found(); len(found) > 0 {
		t.Errorf("a later word brought back %v", found)
	}
	records, err := w.erasures.List(t.Context(), w.admin, core.Page{})
	w.ok(err)
	if len(records.Items) != 1 || records.Items[0].Cause != "request" || records.Items[0].PersonHash == "" {
		t.Errorf("recorded %+v", records.Items)
	}
	_, err = w.erasures.EraseCandidate(t.Context(), w.admin, core.NewID(core.PrefixCandidate))
	w.refused(err, fault.NotFound)
}

// Somebody who was pushed without an application is found too.
func TestADeletedPersonWithoutAnApplicationIsErased(t *testing.T) {
	t.Parallel()
	w := newPushWorld(t)
	w.profile(func(p *core.PushProfile) { p.Policies.ClosedJob = core.JobWithoutApplication })
	w.system.CloseJob("job-1")
	p := w.expect(w.started("zerlina.quux@example.com").ID, core.PushDone)
	h := newHookWorldIn(w.world, w.system)
	h.tell(ats.Event{Kind: ats.EventCandidateDeleted, CandidateID: p.ExternalCandidateID})
	if h.get(p.AssessmentID).ErasedAt.IsZero() {
		t.Error("she is still there")
	}
	if left := h.found(); len(left) > 0 {
		t.Errorf("left %v", left)
	}
}

// Whoever is merged into a person that was erased is erased too.
func TestMergedIntoAnErasedPerson(t *testing.T) {
	t.Parallel()
	w := newHookWorld(t)
	id := w.place("17", "100")
	w.tell(ats.Event{Kind: ats.EventCandidateDeleted, CandidateID: "18"})
	w.tell(ats.Event{Kind: ats.EventCandidateMerged, CandidateID: "17", MergedInto: "18"})
	if w.get(id).ErasedAt.IsZero() {
		t.Error("still there")
	}
}

// What a web hook brings is encrypted at rest.
func TestRequestsAreSealed(t *testing.T) {
	t.Parallel()
	w := newHookWorld(t)
	w.receive(w.system.Hook(w.secret, "1", ats.Event{Kind: ats.EventHired, CandidateID: "47110815471", Person: &ats.CandidateRecord{FirstName: "Zerlina"}}))
	if found := w.found(); len(found) > 0 {
		t.Errorf("readable: %v", found)
	}
	if !bytes.Contains(w.lastHook().Request.Body, []byte("Zerlina")) {
		t.Error("not kept")
	}
}

// Whoever is merged into a person for whom the ATS ordered again lives on.
func TestMergedIntoAPersonWhoIsBack(t *testing.T) {
	t.Parallel()
	w := newHookWorld(t)
	other := w.place("17", "100")
	first := w.place("18", "101")
	_, err := w.erasures.EraseCandidate(t.Context(), w.admin, w.get(first).CandidateID)
	w.ok(err)
	again := w.place("18", "102")
	w.tell(ats.Event{Kind: ats.EventCandidateMerged, CandidateID: "17", MergedInto: "18"})
	if a := w.get(other); !a.ErasedAt.IsZero() || a.CandidateID != w.get(again).CandidateID {
		t.Errorf("the merged one: %+v", a)
	}
}

// Somebody erased by request, for whom the ATS orders again, is known again:
// they can be rejected, and erased once more.
func TestOrderedAgainAfterAnErasure(t *testing.T) {
	t.Parallel()
	w := newHookWorld(t)
	_, err := w.erasures.EraseCandidate(t.Context(), w.admin, w.get(w.place("17", "100")).CandidateID)
	w.ok(err)
	again := w.place("17", "101")
	w.tell(w.rejected("101", 5))
	if a := w.get(again); a.Status != core.StatusCancelled {
		t.Errorf("rejected in the ATS, and the new test is %s", a.Status)
	}
	w.take(core.TaskSendWithdrawal)
	w.tell(ats.Event{Kind: ats.EventCandidateDeleted, CandidateID: "17"})
	if w.get(again).ErasedAt.IsZero() {
		t.Error("deleted in the ATS, and still here")
	}
	w.tell(ats.Event{Kind: ats.EventCandidateDeleted, CandidateID: "17"})
	records, err := w.erasures.List(t.Context(), w.admin, core.Page{})
	w.ok(err)
	if len(records.Items) != 2 {
		t.Errorf("%d records, want one for each erasure", len(records.Items))
	}
}

// Who is one person in the ATS, and two here, is erased whole.
func TestAPersonWhoIsTwoHereIsErasedWhole(t *testing.T) {
	t.Parallel()
	w := newPushWorld(t)
	p := w.expect(w.started("zerlina.quux@example.com").ID, core.PushDone)
	h := newHookWorldIn(w.world, w.system)
	twin := h.place(p.ExternalCandidateID, "555")
	if h.get(twin).CandidateID == h.get(p.AssessmentID).CandidateID {
		t.Fatal("they are one")
	}
	_, err := h.erasures.EraseCandidate(t.Context(), h.admin, h.get(twin).CandidateID)
	w.ok(err)
	if left := h.found(); len(left) > 0 || h.get(twin).ErasedAt.IsZero() || h.get(p.AssessmentID).ErasedAt.IsZero() {
		t.Errorf("left %v", left)
	}
}

// An assessment can have several applications in one ATS: the order's, which
// named none, and the one that was made.
func TestErasureOfSeveralApplications(t *testing.T) {
	t.Parallel()
	w := newPushWorld(t)
	person := w.system.AddPerson(coretest.Person{ID: "17", Record: ats.CandidateRecord{Email: "ada17@example.com"}})
	id := w.orderFor("order 1", person, "")
	_, err := w.assessments.AssignJob(t.Context(), w.admin, id, w.job.ID)
	w.ok(err)
	_, err = w.complete(id, 80)
	w.ok(err)
	w.forgetTasks()
	asked := w.ask(id)
	w.drive()
	p := w.expect(asked.ID, core.PushDone)
	rows, err := w.store.ApplicationsOf(t.Context(), w.admin.OrganizationID, []core.ID{id})
	w.ok(err)
	if len(rows) != 2 {
		t.Fatalf("%d applications", len(rows))
	}
	h := newHookWorldIn(w.world, w.system)
	h.tell(ats.Event{Kind: ats.EventCandidateDeleted, CandidateID: p.ExternalCandidateID})
	if h.get(id).ErasedAt.IsZero() {
		t.Error("still here")
	}
}

// A word about an erased person that comes before the merge which gave them
// somebody's application is not kept.
func TestAWordBeforeTheMergeIntoAnErasedPerson(t *testing.T) {
	t.Parallel()
	w := newHookWorld(t)
	id := w.place("17", "100")
	w.tell(ats.Event{Kind: ats.EventCandidateDeleted, CandidateID: "18"})
	w.tell(ats.Event{Kind: ats.EventStageChanged, CandidateID: "18", ApplicationID: "100", StageID: "s", State: ats.ApplicationActive, At: w.at(1)})
	if h := w.lastHook(); h.Request != nil || h.Person != "" {
		t.Errorf("kept: %+v", h)
	}
	w.tell(ats.Event{Kind: ats.EventCandidateMerged, CandidateID: "17", MergedInto: "18"})
	if w.get(id).ErasedAt.IsZero() {
		t.Error("still there")
	}
}
