package storetest

import (
	"context"
	"strings"
	"testing"

	"github.com/trellis-ats/trellis/core"
	"github.com/trellis-ats/trellis/core/fault"
	"github.com/trellis-ats/trellis/internal/store"
)

func (f *fixture) newErasure(t testing.TB) *core.Erasure {
	t.Helper()
	e := filled[core.Erasure]()
	e.ID, e.OrganizationID, e.ConnectionID = core.NewID(core.PrefixErasure), f.org, f.connection.ID
	change(t, f.db, func(ctx context.Context, tx core.Tx) error { return tx.InsertErasure(ctx, e) })
	return e
}

func testErasureRecord(t *testing.T, db *store.DB) {
	f := newFixture(t, db)
	e := f.newErasure(t)
	same(t, "listed", []core.Erasure{*e}, found[*core.Paged[core.Erasure]](t)(db.Erasures(t.Context(), f.org, core.Page{})).Items)
	same(t, "forgotten", true, found[bool](t)(db.Forgotten(t.Context(), f.connection.ID, e.PersonHash)))
	same(t, "somebody else", false, found[bool](t)(db.Forgotten(t.Context(), f.connection.ID, "x")))
	same(t, "nobody", false, found[bool](t)(db.Forgotten(t.Context(), f.connection.ID, "")))
}

// testEraseCandidate leaves nothing but ids, times, statuses and the score, and
// touches nobody else.
func testEraseCandidate(t *testing.T, db *store.DB) {
	f := newFixture(t, db)
	ctx, person := t.Context(), f.newCandidate(t)
	a := f.newAssessment(t, func(a *core.Assessment) { a.CandidateID = person.ID })
	other := f.newAssessment(t, nil)
	f.newResult(t, a, 1, 70)
	beside := f.newResult(t, other, 1, 80)
	for _, one := range []*core.Assessment{a, other} {
		f.newSyncEntry(t, func(e *core.SyncEntry) { e.AssessmentID = one.ID })
	}
	application := f.newApplication(t, a)
	application.CandidateID = person.ID
	hook := f.webhook()
	hook.Person, hook.Request = application.CandidateExternalID, filledRequest()
	f.saveWithAnother(t, application, hook)
	push := f.newPush(t, a, 1, func(p *core.Push) { p.CandidateID = person.ID })
	otherPush := f.newPush(t, other, 1, nil)
	change(t, db, func(ctx context.Context, tx core.Tx) error {
		_, err := tx.LockPerson(ctx, f.org, f.connection.ID, strings.ToLower(person.Email), moment(1))
		return err
	})
	decision := f.newDecision(t, a, func(d *core.RoutingDecision) { d.Revision = 1 })
	people := found[[]core.ID](t)
	same(t, "by person", []core.ID{person.ID}, people(db.CandidatesOfPerson(ctx, f.org, f.connection.ID, application.CandidateExternalID, nil)))
	same(t, "by application", []core.ID{person.ID}, people(db.CandidatesOfPerson(ctx, f.org, f.connection.ID, "x", []string{application.ExternalID})))
	same(t, "nobody", 0, len(people(db.CandidatesOfPerson(ctx, f.org, f.connection.ID, "", []string{""}))))
	erase := func(org core.ID) (rows int) {
		change(t, db, func(ctx context.Context, tx core.Tx) (err error) {
			rows, err = tx.EraseCandidate(ctx, org, person.ID, moment(900))
			return err
		})
		return rows
	}
	same(t, "another organization's", 0, erase("org_0"))
	same(t, "rows", 10+len(push.Steps), erase(f.org))
	same(t, "again", 0, erase(f.org))

	left := core.Candidate{ID: person.ID, OrganizationID: f.org, ConnectionID: person.ConnectionID, CreatedAt: person.CreatedAt, UpdatedAt: moment(900), ErasedAt: moment(900)}
	same(t, "the candidate", &left, found[*core.Candidate](t)(db.Candidate(ctx, f.org, person.ID)))
	r := found[*core.Result](t)(db.LatestResult(ctx, f.org, a.ID))
	if r.Score != 70 || len(r.Traits) > 0 || r.Report.Summary != "" || r.Digest != "" {
		t.Errorf("the result: %+v", r)
	}
	same(t, "another's result", beside, found[*core.Result](t)(db.LatestResult(ctx, f.org, other.ID)))
	log := found[[]core.SyncEntry](t)(db.SyncEntriesOf(ctx, f.org, []core.ID{a.ID}, 9))
	if len(log) != 1 || len(log[0].Exchanges) > 0 || log[0].Message != "" {
		t.Errorf("the sync log: %+v", log)
	}
	testErasedPush(t, found[*core.Push](t)(db.Push(ctx, f.org, push.ID)))
	testErasedDecision(t, found[*core.RoutingDecision](t)(db.RoutingDecision(ctx, f.org, decision.ID)), decision.RuleID)
	same(t, "another's push", otherPush, found[*core.Push](t)(db.Push(ctx, f.org, otherPush.ID)))
	same(t, "another's log", 2, len(found[[]core.SyncEntry](t)(db.SyncEntriesOf(ctx, f.org, []core.ID{other.ID}, 9))[0].Exchanges))
	if gone := found[*core.Webhook](t)(db.Webhook(ctx, f.org, hook.ID)); gone.Request != nil || gone.Person != "" {
		t.Errorf("the web hook: %+v", gone)
	}
}

// saveWithAnother saves an application, one more of the same assessment, and a web hook.
func (f *fixture) saveWithAnother(t *testing.T, a *core.Application, hook *core.Webhook) {
	t.Helper()
	another := *a
	another.ExternalID = "and another"
	change(t, f.db, func(ctx context.Context, tx core.Tx) error {
		for _, one := range []*core.Application{a, &another} {
			if err := tx.SaveApplication(ctx, one); err != nil {
				return err
			}
		}
		_, err := tx.KeepWebhook(ctx, hook)
		return err
	})
}

func testErasedDecision(t *testing.T, d *core.RoutingDecision, rule core.ID) {
	t.Helper()
	if d.Note+d.Reason+d.ApplicationID != "" || d.RuleID != rule {
		t.Errorf("the decision: %+v", d)
	}
	same(t, "what it was decided on", core.RoutingInputs{Score: 70}, d.Inputs)
}

func testErasedPush(t *testing.T, p *core.Push) {
	t.Helper()
	if p.ExternalCandidateID+p.ExternalApplicationID+p.ProfileURL+p.Message+p.Steps[0].Reference+p.Steps[0].Message != "" {
		t.Errorf("the push: %+v", p)
	}
}

func testMergePerson(t *testing.T, db *store.DB) {
	f := newFixture(t, db)
	ctx := t.Context()
	merge := func(from, into string) (known bool) {
		change(t, db, func(ctx context.Context, tx core.Tx) (err error) {
			known, err = tx.MergePerson(ctx, f.org, f.connection.ID, from, into)
			return err
		})
		return known
	}
	loser, winner := f.newCandidate(t), f.newCandidate(t)
	a := f.newAssessment(t, func(a *core.Assessment) { a.CandidateID = loser.ID })
	same(t, "nobody", false, merge("x", "y"))
	same(t, "both", true, merge(loser.ExternalID, winner.ExternalID))
	same(t, "whose it is", winner.ID, found[*core.Assessment](t)(db.Assessment(ctx, f.org, a.ID)).CandidateID)
	same(t, "left", 0, len(found[[]core.Candidate](t)(db.CandidatesByID(ctx, f.org, core.Sight{}, []core.ID{loser.ID}))))
	same(t, "into a stranger", true, merge(winner.ExternalID, "new id"))
	same(t, "renamed", "new id", found[*core.Candidate](t)(db.Candidate(ctx, f.org, winner.ID)).ExternalID)
}

func testKeepMerge(t *testing.T, db *store.DB) {
	f := newFixture(t, db)
	merge := func(from, into string) {
		change(t, db, func(ctx context.Context, tx core.Tx) error {
			return tx.KeepMerge(ctx, &core.PersonMerge{OrganizationID: f.org, ConnectionID: f.connection.ID, PersonHash: "#" + from, From: from, Into: into})
		})
	}
	into := func(person string) string {
		t.Helper()
		return found[string](t)(db.MergedInto(t.Context(), f.connection.ID, "#"+person))
	}
	merge("1", "2")
	merge("1", "2")
	merge("2", "3")
	same(t, "through another", "3", into("1"))
	same(t, "the other", "3", into("2"))
	forget := func(organization core.ID) {
		change(t, db, func(ctx context.Context, tx core.Tx) error {
			return tx.ForgetMerges(ctx, organization, f.connection.ID, "3")
		})
	}
	forget("org_0")
	same(t, "forgotten by another organization", "3", into("1"))
	forget(f.org)
	same(t, "forgotten", "", into("1"))
	_, err := db.MergedInto(t.Context(), f.connection.ID, "#3")
	expectCode(t, "nobody", err, fault.NotFound)
}
