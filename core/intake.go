package core

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/trellis-ats/trellis/core/ats"
)

// ofATS acts for a connection's ATS.
func ofATS(c *Connection) Actor {
	return Actor{OrganizationID: c.OrganizationID, Role: RoleATS, ID: c.ID, Name: c.Name}
}

// intake is one transaction that takes in what an ATS tells.
type intake struct {
	tx     Tx
	c      *Connection
	sync   *WebhookSync
	hook   *Webhook // nil if it was read from the ATS instead
	by     Actor
	now    time.Time
	truth  map[string]*ats.ApplicationRecord
	barred bool

	notes     []string // what came of it, for people
	about     []ID     // assessments that it concerned
	unsettled []string
	person    string // whoever it was about, by the ATS's id
	known     bool   // whether the action is one that is acted on
}

func (x *intake) note(text string) { x.notes = append(x.notes, text) }

// event takes in one thing that happened in the ATS.
func (x *intake) event(ctx context.Context, told *ats.Event) error {
	e := *told
	if e.Kind == ats.EventCandidateMerged {
		return x.merge(ctx, &e)
	}
	// First, so that nobody merges or erases its person meanwhile.
	rows, err := x.locked(ctx, e.ApplicationID)
	if err != nil {
		return err
	}
	now, forgotten, err := whoIs(ctx, x.tx, x.c.ID, e.CandidateID)
	if err != nil {
		return err
	}
	gone := e.Kind == ats.EventCandidateDeleted || e.Kind == ats.EventCandidateAnonymized
	if !gone && now != "" {
		e.CandidateID = now // a deletion is of nobody else: an ATS may tell of a merge so
	}
	if x.person == "" {
		x.person = e.CandidateID
	}
	// The ATS may have ordered for who was erased again; an application of
	// somebody else is one that a merge, not told yet, has made theirs.
	back := slices.ContainsFunc(rows, func(a Application) bool { return a.CandidateExternalID == e.CandidateID })
	switch {
	case gone:
		return x.forget(ctx, &e, forgotten)
	case forgotten && !back:
		x.person = ""
		x.note("The person was erased; nothing was taken in, and the content was not kept.")
		return nil
	case e.Kind == ats.EventApplicationDeleted:
		return x.remove(ctx, &e)
	default:
		return x.change(ctx, &e, rows)
	}
}

// locked returns what is known of an application, if any is told.
func (x *intake) locked(ctx context.Context, external string) ([]Application, error) {
	if external == "" {
		return nil, nil
	}
	return x.tx.LockApplications(ctx, x.c.OrganizationID, x.c.ID, external)
}

// news tell how an application is or was, at a moment of the ATS's time.
type news struct {
	state     ats.ApplicationState // empty if it is not told
	stageID   string               // empty if it is not told
	stageName string
	jobID     string
	at        time.Time
	enteredAt time.Time // when it entered its stage, if the ATS was asked and told
	stagedAt  time.Time // at, or when the stage was told if the ATS was asked and told none
	final     bool      // the ATS was asked: it settles what came at the same moment
	last      bool      // nothing more can be learnt: the stronger one of the same moment counts
	gone      bool      // the ATS was asked, and has no such application
}

func newsOf(e *ats.Event) news {
	s := news{state: e.State, stageID: e.StageID, stageName: e.StageName, jobID: e.JobID, at: e.At, stagedAt: e.At}
	switch e.Kind {
	case ats.EventRejected:
		s.state = ats.ApplicationRejected
	case ats.EventHired:
		s.state = ats.ApplicationHired
	case ats.EventUnrejected, ats.EventUnhired:
		s.state = ats.ApplicationActive
	default: // the others tell their state and stage themselves, if any
	}
	return s
}

// settled is what an event says, made sure of by the ATS where that was asked.
func (x *intake) settled(e *ats.Event) news {
	s := newsOf(e)
	record, asked := x.truth[e.ApplicationID]
	switch {
	case record != nil:
		s.state, s.jobID, s.at, s.final = record.State, record.JobID, latest(record.LastActivityAt, e.At), true
		if record.StageID != "" { // one that ended is in none: the payload alone tells where it was
			s.stageID, s.stageName, s.stagedAt, s.enteredAt = record.StageID, record.StageName, s.at, record.EnteredAt
		}
		return s
	case asked && s.at.IsZero():
		s.at, s.stagedAt = x.hook.ReceivedAt, x.hook.ReceivedAt
	}
	s.last, s.gone = asked, asked && !x.barred
	return s
}

// change takes in how an application is. An older word never undoes a newer
// one: state and stage each remember the ATS's time of their last change, so
// that the order in which events come does not matter.
func (x *intake) change(ctx context.Context, e *ats.Event, rows []Application) error {
	s := x.settled(e)
	contradicts := func(a Application) bool { return a.contradicts(s) }
	if len(rows) > 0 && !s.final && !s.last && (s.at.IsZero() || slices.ContainsFunc(rows, contradicts)) {
		x.unsettled = append(x.unsettled, e.ApplicationID)
		return nil
	}
	if len(rows) == 0 {
		x.note("The application is not known here.")
	}
	before := slices.Clone(rows)
	for i := range rows {
		if err := x.adopt(ctx, &rows[i], s); err != nil {
			return err
		}
	}
	return x.trigger(ctx, e, s, before)
}

// contradicts reports whether s tells something else of the same moment. An ATS
// may tell of moments in whole seconds, and answer with finer ones.
func (a *Application) contradicts(s news) bool {
	same := func(t time.Time) bool { return s.at.Truncate(time.Second).Equal(t.Truncate(time.Second)) }
	return same(a.ChangedAt) && s.state != "" && s.state != a.State && a.State != ApplicationRemoved ||
		same(a.StagedAt) && s.stageID != "" && s.stageID != a.StageID
}

// adopt takes news over into one row and its assessment.
func (x *intake) adopt(ctx context.Context, a *Application, s news) error {
	own := a.isOwn(s, x.now)
	moved, turned := a.takeStage(s), a.takeState(s)
	if s.jobID != "" && (a.JobExternalID == "" || moved || s.final) { // it may have been transferred
		a.JobExternalID = s.jobID
	}
	a.UpdatedAt = x.now
	if err := x.tx.SaveApplication(ctx, a); err != nil {
		return err
	}
	x.about = append(x.about, a.AssessmentID)
	switch {
	case own:
		x.note("It tells of what Trellis did itself.")
	case !moved && !turned:
		x.note("Nothing new: the same or a later state is known.")
	default:
		x.note("The application is " + string(a.State) + inStage(a.StageName) + ".")
	}
	if !moved && !turned {
		return nil
	}
	return x.follow(ctx, a, turned, own)
}

func inStage(name string) string {
	if name == "" {
		return ""
	}
	return ", in the stage " + name
}

// takeState reports whether the state is another one now.
func (a *Application) takeState(s news) bool {
	if s.state == "" {
		return false
	}
	if s.state == a.State || a.State == ApplicationRemoved {
		a.ChangedAt = latest(a.ChangedAt, s.at)
		return false
	}
	if s.at.Before(a.ChangedAt) || s.at.Equal(a.ChangedAt) && !s.final && weight(s.state) < weight(a.State) {
		return false
	}
	a.State, a.ChangedAt = s.state, s.at
	return true
}

// weight settles states of the same moment that nobody can be asked about.
func weight(s ats.ApplicationState) int {
	return slices.Index([]ats.ApplicationState{ats.ApplicationActive, ats.ApplicationConverted, ats.ApplicationRejected, ats.ApplicationHired}, s)
}

// takeStage reports whether the stage is another one now.
func (a *Application) takeStage(s news) bool {
	if s.stageID == "" {
		return false
	}
	if s.stageID == a.StageID {
		a.StageName, a.StagedAt = s.stageName, latest(a.StagedAt, s.stagedAt)
		return false
	}
	asked := s.final && s.stagedAt.Equal(s.at)
	if s.stagedAt.Before(a.StagedAt) || s.stagedAt.Equal(a.StagedAt) && !asked && s.stageID < a.StageID {
		return false
	}
	a.StageID, a.StageName, a.StagedAt = s.stageID, s.stageName, s.stagedAt
	return true
}

// remove takes in that applications were deleted in the ATS. It is final.
func (x *intake) remove(ctx context.Context, e *ats.Event) error {
	ids := e.Applications
	if e.ApplicationID != "" && !slices.Contains(ids, e.ApplicationID) {
		ids = append(slices.Clone(ids), e.ApplicationID)
	}
	for _, id := range ids {
		rows, err := x.tx.LockApplications(ctx, x.c.OrganizationID, x.c.ID, id)
		if err != nil {
			return err
		}
		for i := range rows {
			if err := x.removeOne(ctx, &rows[i], e.At); err != nil {
				return err
			}
		}
	}
	return nil
}

func (x *intake) removeOne(ctx context.Context, a *Application, at time.Time) error {
	if a.State == ApplicationRemoved {
		return nil
	}
	a.State, a.ChangedAt, a.UpdatedAt = ApplicationRemoved, latest(a.ChangedAt, at), x.now
	if err := x.tx.SaveApplication(ctx, a); err != nil {
		return err
	}
	x.about = append(x.about, a.AssessmentID)
	x.note("The application was deleted in the ATS.")
	return x.follow(ctx, a, true, false)
}

// follow draws the consequences of a change for the assessment: its mark, and
// the end of a test that nobody needs any more.
func (x *intake) follow(ctx context.Context, row *Application, turned, own bool) error {
	a, err := x.tx.LockAssessment(ctx, row.OrganizationID, row.AssessmentID)
	if err != nil {
		return err
	}
	over := row.State == ats.ApplicationRejected || row.State == ApplicationRemoved
	if turned && over && a.canBeTaken() {
		if err := x.stop(ctx, a, row.State); err != nil {
			return err
		}
	}
	if err := x.mark(ctx, a); err != nil {
		return err
	}
	a.UpdatedAt = x.now
	if err := x.tx.UpdateAssessment(ctx, a); err != nil {
		return err
	}
	return appendEvent(ctx, x.tx, x.by, x.now, EventApplicationChanged, a.ID, map[string]any{
		"connectionId": row.ConnectionID, "state": row.State, "stageId": row.StageID, "stageName": row.StageName,
		"outcome": a.ATSOutcome, "own": own,
	})
}

// stop cancels a test that was not taken yet; the engine learns it by the
// event, and a candidate who was invited by a mail.
func (x *intake) stop(ctx context.Context, a *Assessment, state ats.ApplicationState) error {
	if err := a.end(StatusCancelled, x.now); err != nil {
		return err
	}
	reason := "The application was rejected in the ATS."
	if state == ApplicationRemoved {
		reason = "The application was deleted in the ATS."
	}
	x.note("The open assessment was stopped.")
	if err := appendEvent(ctx, x.tx, x.by, x.now, EventAssessmentCancelled, a.ID, map[string]any{"reason": reason}); err != nil {
		return err
	}
	if a.InvitedAt.IsZero() {
		return nil
	}
	return x.tx.Enqueue(ctx, Task{Kind: TaskSendWithdrawal, OrganizationID: a.OrganizationID, AssessmentID: a.ID})
}

// mark sets the outcome that the ATS told last, of the applications in scope.
func (x *intake) mark(ctx context.Context, a *Assessment) error {
	all, err := x.tx.ApplicationsOf(ctx, a.OrganizationID, []ID{a.ID})
	if err != nil {
		return err
	}
	var newest *Application
	for i := range all {
		in := all[i].Origin == ApplicationPushed || x.sync.Scope == ScopeKnown
		told := !all[i].ChangedAt.IsZero() || all[i].State == ApplicationRemoved
		if in && told && (newest == nil || all[i].ChangedAt.After(newest.ChangedAt)) {
			newest = &all[i]
		}
	}
	if newest != nil {
		a.ATSOutcome = outcomeOf(newest.State)
	}
	return nil
}

func outcomeOf(s ats.ApplicationState) ATSOutcome {
	switch s {
	case ats.ApplicationRejected:
		return OutcomeRejected
	case ats.ApplicationHired:
		return OutcomeHired
	case ApplicationRemoved:
		return OutcomeRemoved
	default:
		return OutcomeActive
	}
}

// TakeIn takes in how an application is now, as it was read from the ATS: for
// events that were missed. person, if it is known, is sent the test of the
// stage. It is safe to repeat. The note says what came of it, for people.
func (ws *Webhooks) TakeIn(ctx context.Context, c *Connection, r *ats.ApplicationRecord, person *ats.CandidateRecord) (note string, err error) {
	err = ws.store.Atomically(ctx, func(tx Tx) error {
		x := &intake{tx: tx, c: c, now: ws.clock.Now(), truth: map[string]*ats.ApplicationRecord{r.ID: r}, by: ofATS(c)}
		if x.sync, err = syncOf(ctx, tx, c); err != nil {
			return err
		}
		err := x.event(ctx, &ats.Event{
			Kind: ats.EventApplicationUpdated, CandidateID: r.CandidateID, ApplicationID: r.ID, JobID: r.JobID, At: r.LastActivityAt, Person: person,
		})
		note = strings.Join(x.notes, " ")
		return err
	})
	return note, err
}
