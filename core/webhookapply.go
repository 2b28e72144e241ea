package core

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/trellis-ats/trellis/core/ats"
	"github.com/trellis-ats/trellis/core/fault"
)

// sameWithin is how long the same content under another id is a repeat: an ATS
// may send for hours (for example Greenhouse for about fifteen:
// facts/greenhouse.md 2.4).
const sameWithin = 16 * time.Hour

// readDeadline bounds the reading of an application for a web hook.
const readDeadline = 20 * time.Second

// Apply takes in what a web hook tells. It is the handler of TaskApplyWebhook.
// It asks the ATS only where the payload does not settle how things are.
// Errors: those of the adapter and of the store; nothing is changed then, but
// for a note after the last attempt.
func (ws *Webhooks) Apply(ctx context.Context, t Task, try Attempt) error {
	w, err := ws.store.Webhook(ctx, t.OrganizationID, t.SubjectID)
	if fault.Is(err, fault.NotFound) {
		return nil // forgotten meanwhile
	}
	if err == nil && w.State != WebhookReceived {
		return nil
	}
	if err == nil {
		err = ws.apply(ctx, w)
	}
	var postponed *Postponed
	if err == nil || errors.As(err, &postponed) || w == nil || (fault.Repeatable(err) && !try.Last) {
		return err
	}
	return errors.Join(err, ws.fail(ctx, w, err))
}

// applying is a web hook on its way into the store.
type applying struct {
	hook   *Webhook
	c      *Connection
	events []ats.Event
	known  bool
	// truth is what the ATS said of applications whose events do not settle how
	// they are, by the application's id.
	truth map[string]*ats.ApplicationRecord
	// barred tells that this connection cannot read applications at all.
	barred bool
}

func (ws *Webhooks) apply(ctx context.Context, w *Webhook) error {
	said, err := ws.translate(ctx, w)
	if err != nil {
		return err
	}
	// Each round reads what the one before found unsettled.
	for range 3 {
		unsettled, err := ws.commit(ctx, said)
		if err != nil || len(unsettled) == 0 {
			return err
		}
		if err := ws.read(ctx, said, unsettled); err != nil {
			return err
		}
	}
	return fault.New(fault.Retryable, "The application changes faster than it can be read. Nothing was changed; it is tried again.")
}

func (ws *Webhooks) translate(ctx context.Context, w *Webhook) (*applying, error) {
	c, err := ws.store.Connection(ctx, w.OrganizationID, w.ConnectionID)
	if err != nil {
		return nil, err
	}
	said := &applying{hook: w, c: c, truth: map[string]*ats.ApplicationRecord{}}
	if w.Request == nil {
		return said, nil
	}
	hooks, err := abilityOf[ats.Webhooks](ws.adapters, c.Adapter, ats.CapabilityWebhooks)
	if err != nil {
		return nil, err
	}
	call, err := forCall(ctx, ws.store, ws.adapters, c, false)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, answerDeadline)
	defer cancel()
	translation, err := hooks.Translate(ctx, &ats.WebhookRequest{Connection: call, HTTP: *w.Request})
	if err != nil {
		return nil, err
	}
	said.events, said.known = translation.Events, translation.Known
	if len(said.events) > 0 {
		w.Person = said.events[0].CandidateID // so that it is found, also if it fails, when they are to be forgotten
	}
	return said, nil
}

// commit applies everything in one transaction, or nothing if the state of
// some applications is not settled; it returns their ids then.
func (ws *Webhooks) commit(ctx context.Context, said *applying) (unsettled []string, err error) {
	err = ws.store.Atomically(ctx, func(tx Tx) error {
		unsettled = nil
		w, err := tx.LockWebhook(ctx, said.hook.OrganizationID, said.hook.ID)
		if err != nil || w.State != WebhookReceived {
			return err
		}
		now := ws.clock.Now()
		x := &intake{tx: tx, c: said.c, hook: w, now: now, truth: said.truth, barred: said.barred, by: ofATS(said.c)}
		if x.sync, err = syncOf(ctx, tx, said.c); err != nil {
			return err
		}
		if err := x.takeIn(ctx, said); err != nil {
			return err
		}
		if unsettled = x.unsettled; len(unsettled) > 0 {
			return errUnsettled
		}
		return x.conclude(ctx)
	})
	if errors.Is(err, errUnsettled) {
		return unsettled, nil
	}
	return nil, err
}

// errUnsettled rolls a transaction back that must know more.
var errUnsettled = errors.New("the state of an application is not settled")

func (x *intake) takeIn(ctx context.Context, said *applying) error {
	x.known = said.known
	if said.hook.Request == nil {
		x.note("Its content was erased, so that nothing of it could be applied.")
		return nil
	}
	if !said.known {
		x.note("Trellis does not act on " + x.hook.Action + ". It was counted; its content was not kept.")
		return nil
	}
	earlier, err := x.tx.EarlierWebhook(ctx, x.hook, x.hook.ReceivedAt.Add(-sameWithin))
	if err == nil {
		x.hook.State = WebhookDuplicate
		x.note("It says the same as " + string(earlier.ID) + ", which came before it.")
		return nil
	}
	if !fault.Is(err, fault.NotFound) {
		return err
	}
	events := said.events
	if x.hook.WhileOff {
		events = slices.DeleteFunc(slices.Clone(events), func(e ats.Event) bool { return !ends(e.Kind) })
		x.known = len(events) > 0
		x.note("It came while the connection was switched off: only deletions and merges are taken in of it.")
	}
	for i := range events {
		if err := x.event(ctx, &events[i]); err != nil {
			return err
		}
	}
	return nil
}

// ends reports whether an event tells of the end of a person or an application,
// which no ATS tells again, and none can be asked for.
func ends(k ats.EventKind) bool {
	switch k {
	case ats.EventCandidateDeleted, ats.EventCandidateAnonymized, ats.EventApplicationDeleted, ats.EventCandidateMerged:
		return true
	default:
		return false
	}
}

// conclude keeps what came of the web hook, and counts it.
func (x *intake) conclude(ctx context.Context) error {
	w := x.hook
	if w.State == WebhookReceived {
		w.State = WebhookApplied
		if !x.known {
			w.State = WebhookIgnored
		}
	}
	w.Person, w.AppliedAt, w.Message = x.person, x.now, cut(strings.Join(x.notes, " "), 4000)
	// Nothing is kept of people who are not known here, and nothing that nobody
	// can find again when its person is to be forgotten.
	if err := x.tx.UpdateWebhook(ctx, w, w.State != WebhookApplied || x.person == "" || len(x.about) == 0); err != nil {
		return err
	}
	if err := x.tx.CountWebhook(ctx, w); err != nil {
		return err
	}
	if err := x.sync.setSilent(ctx, x.tx, false, x.now); err != nil {
		return err
	}
	return x.log(ctx)
}

// log keeps a sync log entry for each assessment that was concerned, or one
// for the connection if it was acted on without any.
func (x *intake) log(ctx context.Context) error {
	if !x.known || x.hook.State == WebhookDuplicate {
		return nil
	}
	about := x.about
	if len(about) == 0 {
		about = []ID{""}
	}
	slices.Sort(about)
	for _, id := range slices.Compact(about) {
		entry := &SyncEntry{
			ID: NewID(PrefixSyncEntry), OrganizationID: x.c.OrganizationID, ConnectionID: x.c.ID, AssessmentID: id,
			Adapter: x.c.Adapter, Direction: DirectionInbound, Operation: "webhook:" + x.hook.Action, Outcome: SyncOK,
			Message: x.hook.Message, Attempt: 1, StartedAt: x.hook.ReceivedAt, Duration: x.now.Sub(x.hook.ReceivedAt),
		}
		if err := appendSyncEntry(ctx, x.tx, entry); err != nil {
			return err
		}
	}
	return nil
}

// read asks the ATS how applications are. Where it cannot be asked, the
// payload must do: the truth is then nil.
func (ws *Webhooks) read(ctx context.Context, said *applying, ids []string) error {
	for _, id := range ids {
		said.truth[id] = nil
	}
	list, err := ws.getApplications(ctx, said.c, ats.ApplicationQuery{IDs: ids, Entered: true})
	if err != nil {
		said.barred = true
		return unlessBarred(err)
	}
	for i := range list.Applications {
		said.truth[list.Applications[i].ID] = &list.Applications[i]
	}
	return nil
}

// getApplications asks the ATS once. Errors: *Postponed until there is room;
// those of the adapter, with the answer if there is one.
func (ws *Webhooks) getApplications(ctx context.Context, c *Connection, q ats.ApplicationQuery) (*ats.ApplicationList, error) {
	return paced(ctx, ws, c, ats.CapabilityApplications, func(ctx context.Context, able ats.Applications, call ats.Connection) (*ats.ApplicationList, error) {
		q.Connection = call
		return able.Get(ctx, &q)
	})
}

// paced makes one call with a capability of a connection's adapter, within the
// window of requests of its ATS. No transaction may be open.
func paced[A, T any, P ats.Traced[T]](
	ctx context.Context, ws *Webhooks, c *Connection, name ats.CapabilityName, ask func(context.Context, A, ats.Connection) (P, error),
) (P, error) {
	able, err := abilityOf[A](ws.adapters, c.Adapter, name)
	if err != nil {
		return nil, err
	}
	m, err := ws.adapters.Manifest(c.Adapter)
	if err != nil {
		return nil, err
	}
	call, err := ws.calls.Prepare(ctx, c)
	if err != nil {
		return nil, err
	}
	claim, err := ws.calls.Claim(ctx, c, requestsOf(m, name))
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, readDeadline)
	defer cancel()
	answer, err := ask(ctx, able, call)
	var traces []ats.Trace
	if answer != nil {
		traces = append(traces, *answer.LeftBehind())
	}
	return answer, settled(err, claim.Settle(ctx, traces, err))
}

// unlessBarred gives err back unless it says that reading is not possible for
// this connection, now and later: a customer may use web hooks alone. Nor does
// it give back what waits for the vendor, which can take long.
func unlessBarred(err error) error {
	if f := fault.From(err); f != nil && f.Code == fault.Retryable && fault.Is(f.Cause, fault.Config) {
		return nil
	}
	switch fault.CodeOf(err) {
	case fault.Auth, fault.Permission, fault.Config, fault.Unsupported:
		return nil
	default:
		return err
	}
}

// fail notes that a web hook could not be applied.
func (ws *Webhooks) fail(ctx context.Context, w *Webhook, cause error) error {
	f := fault.From(cause)
	return ws.store.Atomically(ctx, func(tx Tx) error {
		now := ws.clock.Now()
		locked, err := tx.LockWebhook(ctx, w.OrganizationID, w.ID)
		if err != nil || locked.State != WebhookReceived {
			return err
		}
		person, forgotten, err := whoIs(ctx, tx, w.ConnectionID, w.Person)
		if err != nil {
			return err
		}
		if forgotten {
			person = ""
		}
		locked.State, locked.AppliedAt, locked.Message, locked.Person = WebhookFailed, now, f.Message, person
		if err := tx.UpdateWebhook(ctx, locked, forgotten); err != nil {
			return err
		}
		if err := tx.CountWebhook(ctx, locked); err != nil {
			return err
		}
		return appendEvent(ctx, tx, SystemActor(w.OrganizationID), now, EventWebhookFailed, w.ID, map[string]any{"code": f.Code, "action": w.Action})
	})
}

// Retry applies a web hook that failed once more.
// Errors: fault.Forbidden, fault.NotFound, fault.Conflict if it did not fail.
func (ws *Webhooks) Retry(ctx context.Context, by Actor, id ID) (*Webhook, error) {
	return ws.ofFailed(ctx, by, id, func(tx Tx, w *Webhook) error {
		w.State, w.AppliedAt = WebhookReceived, time.Time{}
		if err := tx.UpdateWebhook(ctx, w, false); err != nil {
			return err
		}
		return tx.Enqueue(ctx, Task{Kind: TaskApplyWebhook, OrganizationID: w.OrganizationID, SubjectID: w.ID})
	})
}

// Dismiss gives up a web hook that failed, with a reason, and forgets its
// content. Nothing of it is applied any more.
// Errors: fault.Forbidden, fault.NotFound, fault.Invalid, fault.Conflict if it did not fail.
func (ws *Webhooks) Dismiss(ctx context.Context, by Actor, id ID, reason string) (*Webhook, error) {
	return ws.ofFailed(ctx, by, id, func(tx Tx, w *Webhook) error {
		if err := requireText("reason", reason, 1000); err != nil {
			return err
		}
		before := map[string]any{"state": w.State, "action": w.Action, "message": w.Message}
		w.State, w.Person, w.AppliedAt, w.Message = WebhookIgnored, "", ws.clock.Now(), "Dismissed: "+reason
		if err := tx.UpdateWebhook(ctx, w, true); err != nil {
			return err
		}
		return record(ctx, tx, by, change{
			At: w.AppliedAt, Event: EventWebhookDismissed, Subject: w.ID, Before: before, After: map[string]any{"state": w.State, "reason": reason},
		})
	})
}

// ofFailed changes a web hook that failed. Errors: as Retry, and those of change.
func (ws *Webhooks) ofFailed(ctx context.Context, by Actor, id ID, change func(Tx, *Webhook) error) (*Webhook, error) {
	if err := by.Require(PermitConfigure); err != nil {
		return nil, err
	}
	var changed *Webhook
	err := ws.store.Atomically(ctx, func(tx Tx) error {
		w, err := tx.LockWebhook(ctx, by.OrganizationID, id)
		if err != nil {
			return err
		}
		if w.State != WebhookFailed {
			return fault.ConflictField("webhookId", "WRONG_STATE", "STATUS", "The web hook is %s, and did not fail. Nothing was changed.", w.State)
		}
		changed = w
		return change(tx, w)
	})
	if err != nil {
		return nil, err
	}
	return changed, nil
}
