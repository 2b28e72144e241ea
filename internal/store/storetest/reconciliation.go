package storetest

import (
	"context"
	"testing"
	"time"

	"github.com/trellis-ats/trellis/core"
	"github.com/trellis-ats/trellis/core/fault"
	"github.com/trellis-ats/trellis/internal/store"
)

func (f *fixture) scope() core.ReconciliationScope {
	return core.ReconciliationScope{OrganizationID: f.org, ConnectionID: f.connection.ID}
}

func testReconciliationScopes(t *testing.T, db *store.DB) {
	f := newFixture(t, db)
	f.connection.Disabled = true
	change(t, db, func(ctx context.Context, tx core.Tx) error { return tx.UpdateConnection(ctx, f.connection) })
	enabled := f.newConnection(t, nil)
	enabled.Disabled = false
	change(t, db, func(ctx context.Context, tx core.Tx) error { return tx.UpdateConnection(ctx, enabled) })
	all := found[[]core.ReconciliationScope](t)(db.ReconciliationScopes(t.Context()))
	same(t, "scopes", []core.ReconciliationScope{{OrganizationID: f.org}, {OrganizationID: f.org, ConnectionID: enabled.ID}}, all)
}

// Each kind of suspect is found after its moment, by its state alone.
func testSuspects(t *testing.T, db *store.DB) {
	f, other := newFixture(t, db), newFixture(t, db)
	kept := func(edit func(a *core.Assessment)) core.ID {
		return f.newAssessment(t, func(a *core.Assessment) {
			a.Status, a.Delivery, a.ErasedAt, a.UpdatedAt = core.StatusExpired, core.DeliveryNone, time.Time{}, moment(10)
			edit(a)
		}).ID
	}
	scored := func(edit func(a *core.Assessment)) core.ID {
		id := kept(func(a *core.Assessment) { a.Status, a.Delivery = core.StatusScored, core.DeliveryPending; edit(a) })
		a := found[*core.Assessment](t)(db.Assessment(t.Context(), f.org, id))
		r := filled[core.Result]()
		r.ID, r.OrganizationID, r.AssessmentID, r.TestID, r.Revision, r.CreatedAt = core.NewID(core.PrefixResult), f.org, a.ID, a.TestID, 1, moment(10)
		change(t, db, func(ctx context.Context, tx core.Tx) error { return tx.InsertResult(ctx, r) })
		return id
	}
	as := func(s core.Status, at func(a *core.Assessment, at time.Time)) core.ID {
		return kept(func(a *core.Assessment) { a.Status = s; at(a, moment(10)) })
	}
	scored(func(a *core.Assessment) { a.Delivery = core.DeliveryDelivered })
	scored(func(a *core.Assessment) { a.ErasedAt = moment(11) })
	scored(func(a *core.Assessment) { a.ConnectionID, a.OrderKey = "", "" })
	want := map[core.IssueKind]core.ID{
		core.IssueNotDelivered:   scored(func(*core.Assessment) {}),
		core.IssueDeliveryFailed: kept(func(a *core.Assessment) { a.Delivery = core.DeliveryFailed }),
		core.IssueNotInvited:     as(core.StatusOrdered, func(*core.Assessment, time.Time) {}),
		core.IssueNotOpened:      as(core.StatusInvited, func(a *core.Assessment, at time.Time) { a.InvitedAt = at }),
		core.IssueNotFinished:    as(core.StatusStarted, func(a *core.Assessment, at time.Time) { a.StartedAt = at }),
		core.IssueNotScored:      as(core.StatusCompleted, func(a *core.Assessment, at time.Time) { a.CompletedAt = at }),
	}
	for kind, id := range want {
		ask := func(edit func(q *core.SuspectQuery)) (ids []core.ID) {
			q := core.SuspectQuery{ReconciliationScope: f.scope(), Kind: kind, Before: moment(11), Limit: 5}
			edit(&q)
			for _, a := range found[[]core.Assessment](t)(db.Suspects(t.Context(), q)) {
				ids = append(ids, a.ID)
			}
			return ids
		}
		var none []core.ID
		same(t, string(kind), []core.ID{id}, ask(func(*core.SuspectQuery) {}))
		same(t, string(kind)+" too soon", none, ask(func(q *core.SuspectQuery) { q.Before = moment(9) }))
		same(t, string(kind)+" after it", none, ask(func(q *core.SuspectQuery) { q.After = id }))
		same(t, string(kind)+" of another", none, ask(func(q *core.SuspectQuery) { q.OrganizationID = other.org }))
	}
}

func testOverdueAssessments(t *testing.T, db *store.DB) {
	f := newFixture(t, db)
	var want []core.ID
	for _, s := range []core.Status{core.StatusOrdered, core.StatusInvited, core.StatusStarted, core.StatusExpired} {
		a := f.newAssessment(t, func(a *core.Assessment) { a.Status, a.ExpiresAt = s, moment(10) })
		f.newAssessment(t, func(a *core.Assessment) { a.Status, a.ExpiresAt = s, moment(11) })
		if s == core.StatusOrdered || s == core.StatusInvited {
			want = append(want, a.ID)
		}
	}
	var got []core.ID
	for _, a := range found[[]core.Assessment](t)(db.OverdueAssessments(t.Context(), f.scope(), moment(11), 5)) {
		got = append(got, a.ID)
	}
	same(t, "overdue", want, got)
	same(t, "at most", 1, len(found[[]core.Assessment](t)(db.OverdueAssessments(t.Context(), f.scope(), moment(11), 1))))
	none := core.ReconciliationScope{OrganizationID: f.org}
	same(t, "of no connection", 0, len(found[[]core.Assessment](t)(db.OverdueAssessments(t.Context(), none, moment(11), 5))))
}

func testPushesToCheck(t *testing.T, db *store.DB) {
	f := newFixture(t, db)
	done := func(a *core.Assessment, revision int, edit func(p *core.Push)) *core.Push {
		return f.newPush(t, a, revision, func(p *core.Push) {
			p.State, p.FinishedAt, p.ExternalApplicationID = core.PushDone, moment(20), string(p.ID)
			if edit != nil {
				edit(p)
			}
		})
	}
	living := func(a *core.Assessment) { a.ErasedAt = time.Time{} }
	a, removed := f.newAssessment(t, living), f.newAssessment(t, living)
	done(a, 1, nil) // followed by a newer one
	one := done(a, 2, nil)
	done(f.newAssessment(t, living), 1, func(p *core.Push) { p.FinishedAt = moment(9) })
	done(f.newAssessment(t, living), 1, func(p *core.Push) { p.State = core.PushFailed })
	done(f.newAssessment(t, living), 1, func(p *core.Push) { p.ExternalApplicationID = "" })
	done(f.newAssessment(t, nil), 1, nil) // of somebody who was erased
	gone := done(removed, 1, nil)
	change(t, db, func(ctx context.Context, tx core.Tx) error {
		return tx.SaveApplication(ctx, &core.Application{
			OrganizationID: f.org, ConnectionID: f.connection.ID, ExternalID: gone.ExternalApplicationID, AssessmentID: removed.ID,
			CandidateID: f.candidate.ID, State: core.ApplicationRemoved, Origin: core.ApplicationPushed, UpdatedAt: moment(1),
		})
	})
	check := func(at int) []core.Push {
		return found[[]core.Push](t)(db.PushesToCheck(t.Context(), core.PushCheckQuery{
			ReconciliationScope: f.scope(), FinishedAfter: moment(10), CheckedBefore: moment(at), DoubtedBefore: moment(at + 10), Limit: 9,
		}))
	}
	same(t, "never checked", 1, len(check(0)))
	same(t, "it is", one.ID, check(0)[0].ID)
	change(t, db, func(ctx context.Context, tx core.Tx) error {
		return tx.NotePushCheck(ctx, f.org, []core.ID{one.ID}, moment(50))
	})
	same(t, "checked lately", 0, len(check(50)))
	same(t, "checked before", 1, len(check(51)))
	f.newIssue(t, func(i *core.Issue) { i.Kind, i.Subject = core.IssuePushNotVisible, string(one.ID) })
	same(t, "in doubt", 1, len(check(41)))
	same(t, "in doubt, checked lately", 0, len(check(40)))
}

func testStageEntered(t *testing.T, db *store.DB) {
	f := newFixture(t, db)
	e := &core.StageEntry{OrganizationID: f.org, ConnectionID: f.connection.ID, ApplicationID: "1", StageID: "a", EnteredAt: moment(5)}
	change(t, db, func(ctx context.Context, tx core.Tx) error { _, err := tx.EnterStage(ctx, e); return err })
	entered := func(connection core.ID, application, stage string, at int) bool {
		return found[bool](t)(db.StageEntered(t.Context(), connection, application, stage, moment(at)))
	}
	same(t, "the stage", true, entered(f.connection.ID, "1", "a", 9))
	same(t, "another, later", false, entered(f.connection.ID, "1", "b", 6))
	same(t, "another, before", true, entered(f.connection.ID, "1", "b", 4))
	same(t, "another application", false, entered(f.connection.ID, "2", "a", 4))
	same(t, "another connection", false, entered("con_0", "1", "a", 4))
}

func testReadBack(t *testing.T, db *store.DB) {
	f, other := newFixture(t, db), newFixture(t, db)
	lock := func(org core.ID) (b *core.ReadBack, err error) {
		err = db.Atomically(t.Context(), func(tx core.Tx) (err error) {
			b, err = tx.LockReadBack(t.Context(), org, f.connection.ID)
			return err
		})
		return b, err
	}
	same(t, "at first", &core.ReadBack{OrganizationID: f.org, ConnectionID: f.connection.ID}, found[*core.ReadBack](t)(lock(f.org)))
	b := filled[core.ReadBack]()
	b.OrganizationID, b.ConnectionID = f.org, f.connection.ID
	change(t, db, func(ctx context.Context, tx core.Tx) error { return tx.SaveReadBack(ctx, b) })
	same(t, "kept", b, found[*core.ReadBack](t)(lock(f.org)))
	_, err := lock(other.org)
	expectCode(t, "another organization's", err, fault.NotFound)
}
