package core_test

import (
	"math"
	"testing"
	"time"

	"github.com/trellis-ats/trellis/core"
	"github.com/trellis-ats/trellis/core/ats"
	"github.com/trellis-ats/trellis/core/fault"
)

func TestOrderToDelivery(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.order("1")
	w.ok(w.invitations.Send(t.Context(), w.take(core.TaskSendInvitation), core.Attempt{Number: 1}))
	_, err := w.assessments.Start(t.Context(), w.engine, id, "")
	w.ok(err)
	_, err = w.complete(id, 81)
	w.ok(err)
	w.ok(w.deliveries.Run(t.Context(), w.take(core.TaskDeliverResult), core.Attempt{Number: 1}))
	w.noTask()
	a := w.get(id)
	if a.Status != core.StatusScored || a.Delivery != core.DeliveryDelivered || a.DeliveredRev != 1 {
		t.Errorf("it ended as %s, %s, revision %d", a.Status, a.Delivery, a.DeliveredRev)
	}
	if got := w.types(id); got != "ordered invited started completed scored delivered" {
		t.Errorf("the timeline is %s", got)
	}
	told := w.ats.got[0]
	if told.Progress.Result.Score != 81 || told.Progress.Result.Traits[0].Name != "Calmness" || told.Order.CallbackURL != "https://ats.example.com/1" || told.Connection.Secrets[ats.SecretPartnerKey] == "" {
		t.Errorf("the ATS was told %+v", told)
	}
}

// TestTransitions tries each call from each status.
func TestTransitions(t *testing.T) {
	t.Parallel()
	calls := map[string]func(*world, core.ID) error{
		"start": func(w *world, id core.ID) error {
			_, err := w.assessments.Start(t.Context(), w.engine, id, "")
			return err
		},
		"score": func(w *world, id core.ID) error { _, err := w.complete(id, 50); return err },
		"cancel": func(w *world, id core.ID) error {
			_, err := w.assessments.Cancel(t.Context(), w.admin, id, "")
			return err
		},
		"resend": func(w *world, id core.ID) error { _, err := w.assessments.Resend(t.Context(), w.admin, id); return err },
		"finish": func(w *world, id core.ID) error {
			_, err := w.assessments.Complete(t.Context(), w.engine, core.Completion{AssessmentID: id})
			return err
		},
	}
	paths := map[core.Status][]string{
		core.StatusOrdered: {}, core.StatusStarted: {"start"}, core.StatusCompleted: {"finish"},
		core.StatusScored: {"score"}, core.StatusCancelled: {"cancel"},
	}
	allowed := map[core.Status]map[string]core.Status{
		core.StatusOrdered:   {"start": core.StatusStarted, "score": core.StatusScored, "cancel": core.StatusCancelled, "finish": core.StatusCompleted, "resend": core.StatusOrdered},
		core.StatusStarted:   {"start": core.StatusStarted, "score": core.StatusScored, "cancel": core.StatusCancelled, "finish": core.StatusCompleted},
		core.StatusCompleted: {"score": core.StatusScored, "cancel": core.StatusCancelled, "finish": core.StatusCompleted},
		core.StatusScored:    {"score": core.StatusScored},
		core.StatusCancelled: {},
	}
	for from, path := range paths {
		for name, call := range calls {
			t.Run(string(from)+" "+name, func(t *testing.T) {
				t.Parallel()
				w := newWorld(t)
				id := w.order("1")
				for _, step := range path {
					w.ok(calls[step](w, id))
				}
				before := w.types(id)
				err := call(w, id)
				to, ok := allowed[from][name]
				if ok {
					w.ok(err)
				} else {
					w.refused(err, fault.Conflict)
					to = from
					if after := w.types(id); after != before {
						t.Errorf("a refused call left %s", after)
					}
				}
				if got := w.get(id).Status; got != to {
					t.Errorf("it became %s, not %s", got, to)
				}
			})
		}
	}
}

func TestRevisions(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.order("1")
	w.take(core.TaskSendInvitation)
	for _, c := range []struct {
		score    float64
		revision int
		delivers bool
	}{{70, 1, true}, {70, 1, false}, {72.5, 2, true}, {70, 3, true}} {
		_, err := w.complete(id, c.score)
		w.ok(err)
		r, err := w.store.LatestResult(t.Context(), w.admin.OrganizationID, id)
		w.ok(err)
		if r.Revision != c.revision || r.Score.Float() != c.score {
			t.Errorf("after %v: revision %d with %s", c.score, r.Revision, r.Score)
		}
		if c.delivers && w.take(core.TaskDeliverResult).Revision != c.revision {
			t.Error("the task is for another revision")
		}
		w.noTask()
	}
}

func TestCompleteRefuses(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.order("1")
	number := func(f float64) *float64 { return &f }
	for field, c := range map[string]core.Completion{
		"score":                  {Score: number(101)},
		"maxScore":               {Score: number(1), MaxScore: -1},
		"traits.0.key":           {Score: number(1), Traits: []core.TraitCompletion{{Key: " ", Score: 1}}},
		"traits.1.key":           {Score: number(1), Traits: []core.TraitCompletion{{Key: "a", Score: 1}, {Key: "a", Score: 2}}},
		"traits.0.score":         {Score: number(1), Traits: []core.TraitCompletion{{Key: "a", Score: math.NaN()}}},
		"report.transcript.0.at": {Score: number(1), Report: core.Report{Transcript: []core.Turn{{At: -1}}}},
	} {
		c.AssessmentID = id
		_, err := w.assessments.Complete(t.Context(), w.engine, c)
		if f := fault.From(err); f == nil || f.Code != fault.Invalid || f.Fields[0].Path != field {
			t.Errorf("%s: %v", field, err)
		}
	}
	if a := w.get(id); a.Status != core.StatusOrdered {
		t.Errorf("a refused report left it %s", a.Status)
	}
}

func TestDeliveryByClass(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		code    fault.Code
		last    bool
		state   core.DeliveryState
		outcome core.SyncOutcome
	}{
		{fault.Retryable, false, core.DeliveryPending, core.SyncRetry},
		{fault.RateLimited, false, core.DeliveryPending, core.SyncRetry},
		{fault.Retryable, true, core.DeliveryFailed, core.SyncFailed},
		{fault.NotFound, false, core.DeliveryFailed, core.SyncFailed},
		{fault.Auth, false, core.DeliveryFailed, core.SyncFailed},
		{fault.Unsupported, false, core.DeliveryFailed, core.SyncFailed},
	} {
		t.Run(string(c.code), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			id := w.order("1")
			w.take(core.TaskSendInvitation)
			_, err := w.complete(id, 60)
			w.ok(err)
			w.ats.err = fault.New(c.code, "The ATS said no.")
			w.refused(w.deliveries.Run(t.Context(), w.take(core.TaskDeliverResult), core.Attempt{Number: 2, Last: c.last}), c.code)
			log, err := w.store.SyncLog(t.Context(), w.admin.OrganizationID, core.SyncFilter{AssessmentID: id}, core.Page{First: 1})
			w.ok(err)
			a, e := w.get(id), log.Items[0]
			if a.Delivery != c.state || a.DeliveryNote != "The ATS said no." || e.Outcome != c.outcome || e.FaultCode != c.code || e.Attempt != 2 {
				t.Errorf("the delivery is %s (%s), the entry %+v", a.Delivery, a.DeliveryNote, e)
			}
			if c.state != core.DeliveryFailed {
				return
			}
			_, err = w.assessments.Redeliver(t.Context(), w.admin, id)
			w.ok(err)
			w.ats.err = nil
			w.ok(w.deliveries.Run(t.Context(), w.take(core.TaskDeliverResult), core.Attempt{Number: 1}))
			if a := w.get(id); a.Delivery != core.DeliveryDelivered {
				t.Errorf("after the retry by hand: %s", a.Delivery)
			}
		})
	}
}

func TestInvitation(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.order("1")
	task := w.take(core.TaskSendInvitation)
	w.mails.err = fault.Wrap(errMail, fault.Retryable, "The mail server does not answer.")
	w.refused(w.invitations.Send(t.Context(), task, core.Attempt{Number: 1}), fault.Retryable)
	w.refused(w.invitations.Send(t.Context(), task, core.Attempt{Number: 10, Last: true}), fault.Retryable)
	w.mails.err = nil
	w.ok(w.invitations.Send(t.Context(), task, core.Attempt{Number: 1}))
	w.ok(w.invitations.Send(t.Context(), task, core.Attempt{Number: 2})) // twice is once
	if got := w.types(id); got != "ordered invitation_failed invited" || len(w.mails.sent) != 1 {
		t.Errorf("the timeline is %s, %d mails", got, len(w.mails.sent))
	}
	token := token(t, w.mails.sent[0].URL, "/a/")
	_, err := w.invitations.Accept(t.Context(), token, false)
	w.refused(err, fault.Invalid)
	for range 2 {
		_, err = w.invitations.Accept(t.Context(), token, true)
		w.ok(err)
	}
	w.clock.Turn(57 * 24 * time.Hour)
	_, err = w.invitations.Accept(t.Context(), token, true)
	w.refused(err, fault.Conflict)
	if got := w.types(id); got != "ordered invitation_failed invited consented expired" {
		t.Errorf("the timeline is %s", got)
	}
}

func TestViewerSeesSharedJobsOnly(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	issued, err := w.tokens.Create(t.Context(), w.admin, core.NewToken{Name: "manager", Role: core.RoleViewer}, core.Key{})
	w.ok(err)
	admitted, err := w.tokens.Authenticate(t.Context(), issued.Secret)
	w.ok(err)
	viewer := admitted.Actor
	job, err := w.jobs.Create(t.Context(), w.admin, core.Job{Name: "Account Executive"}, core.Key{})
	w.ok(err)
	id := w.order("1")
	_, err = w.assessments.AssignJob(t.Context(), w.admin, id, job.ID)
	w.ok(err)
	other := w.order("2")
	_, err = w.assessments.Get(t.Context(), viewer, id)
	w.refused(err, fault.NotFound)
	_, err = w.jobs.Share(t.Context(), w.admin, job.ID, viewer.Principal)
	w.ok(err)
	_, err = w.assessments.Get(t.Context(), viewer, id)
	w.ok(err)
	_, err = w.assessments.Get(t.Context(), viewer, other)
	w.refused(err, fault.NotFound)
	list, err := w.assessments.List(t.Context(), viewer, core.AssessmentFilter{}, core.AssessmentSort{}, core.Page{})
	w.ok(err)
	if len(list.Items) != 1 || list.Items[0].ID != id {
		t.Errorf("the list has %d", len(list.Items))
	}
	_, err = w.jobs.Unshare(t.Context(), w.admin, job.ID, viewer.Principal)
	w.ok(err)
	_, err = w.assessments.Get(t.Context(), viewer, id)
	w.refused(err, fault.NotFound)
}
