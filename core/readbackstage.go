package core

import (
	"context"
	"slices"
	"time"

	"github.com/trellis-ats/trellis/core/ats"
	"github.com/trellis-ats/trellis/core/fault"
)

// takeIn takes in how applications are, and sends the tests of the stages in
// which nobody has sent them.
func (rs *Reconciliations) takeIn(ctx context.Context, c *Connection, records []ats.ApplicationRecord) error {
	for i := range records {
		r := &records[i]
		if err := rs.takeInOne(ctx, c, r); err != nil {
			return err
		}
	}
	return nil
}

func (rs *Reconciliations) takeInOne(ctx context.Context, c *Connection, r *ats.ApplicationRecord) error {
	waits, err := rs.waits(ctx, c, r)
	if err == nil && waits {
		waits, err = rs.mayBeSent(ctx, c, r)
	}
	switch {
	case err != nil:
		return err
	case waits:
		return rs.send(ctx, c, r)
	default:
		return rs.follow(ctx, c, r)
	}
}

// mayBeSent looks closer at an application that waits.
func (rs *Reconciliations) mayBeSent(ctx context.Context, c *Connection, r *ats.ApplicationRecord) (bool, error) {
	lately, err := rs.lookedLately(ctx, c, r)
	if err != nil || lately {
		return false, err
	}
	return rs.stillWaits(ctx, c, r)
}

// lookedLately reports whether the test was found not to be sendable a short
// while ago. To look again takes requests that others wait for.
func (rs *Reconciliations) lookedLately(ctx context.Context, c *Connection, r *ats.ApplicationRecord) (bool, error) {
	open := true
	f := IssueFilter{ConnectionID: c.ID, Kinds: []IssueKind{IssueTestNotSent}, Subject: r.ID, Open: &open}
	found, err := rs.o.Store.Issues(ctx, c.OrganizationID, f, Page{First: 1})
	return err == nil && len(found.Items) > 0 && rs.o.Clock.Now().Sub(found.Items[0].SeenAt) < lookAgainAfter, err
}

// stillWaits asks, for an application that waits, when it entered its stage.
func (rs *Reconciliations) stillWaits(ctx context.Context, c *Connection, r *ats.ApplicationRecord) (bool, error) {
	list, err := rs.get(ctx, c, ats.ApplicationQuery{IDs: []string{r.ID}, Entered: true})
	if err != nil || len(list.Applications) == 0 {
		return false, err
	}
	*r = list.Applications[0]
	return rs.waits(ctx, c, r)
}

// send sends the test of the stage that an application waits in, as if its web
// hook came now.
func (rs *Reconciliations) send(ctx context.Context, c *Connection, r *ats.ApplicationRecord) error {
	person, err := rs.person(ctx, c, r)
	if err != nil {
		return err
	}
	note, err := rs.o.Webhooks.TakeIn(ctx, c, r, person)
	if err != nil {
		return err
	}
	return rs.settleStage(ctx, c, r, note)
}

// follow takes in how an application is, if it is one that is known here: most
// of an account are not.
func (rs *Reconciliations) follow(ctx context.Context, c *Connection, r *ats.ApplicationRecord) error {
	known, err := rs.o.Store.ApplicationsByExternal(ctx, c.OrganizationID, c.ID, r.ID)
	if err != nil || len(known) == 0 {
		return err
	}
	_, err = rs.o.Webhooks.TakeIn(ctx, c, r, nil)
	return err
}

// waits reports whether an application is in a stage that sends a test, and
// none was sent for it.
func (rs *Reconciliations) waits(ctx context.Context, c *Connection, r *ats.ApplicationRecord) (bool, error) {
	if r.State != ats.ApplicationActive || r.JobID == "" || r.StageID == "" {
		return false, nil
	}
	t, err := rs.o.Store.StageTriggerFor(ctx, c.ID, r.JobID, r.StageID)
	if fault.Is(err, fault.NotFound) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	forgotten, err := rs.o.Store.Forgotten(ctx, c.ID, personHash(c.ID, r.CandidateID))
	if err != nil || forgotten {
		return false, err
	}
	known, err := rs.o.Store.ApplicationsByExternal(ctx, c.OrganizationID, c.ID, r.ID)
	at := r.EnteredAt
	if at.IsZero() {
		at = r.LastActivityAt
	}
	if err != nil || t.earlier(known, at) || slices.ContainsFunc(known, func(a Application) bool { return a.hasLeft(r) }) {
		return false, err
	}
	entered, err := rs.o.Store.StageEntered(ctx, c.ID, r.ID, r.StageID, r.LastActivityAt)
	return !entered, err
}

// hasLeft reports whether a newer word than r says that the application is not
// in the stage any more.
func (a *Application) hasLeft(r *ats.ApplicationRecord) bool {
	return a.State == ApplicationRemoved || a.StageID != r.StageID && a.StagedAt.After(r.LastActivityAt) ||
		a.State != ats.ApplicationActive && a.ChangedAt.After(r.LastActivityAt)
}

// settleStage notes what was repaired, or what could not be.
func (rs *Reconciliations) settleStage(ctx context.Context, c *Connection, r *ats.ApplicationRecord, note string) error {
	waits, err := rs.waits(ctx, c, r)
	if err != nil {
		return err
	}
	now := rs.o.Clock.Now()
	i := waitingIssue(c, r.ID, note, now)
	return rs.o.Store.Atomically(ctx, func(tx Tx) error {
		if err := i.found(ctx, tx); err != nil || waits {
			return err
		}
		i.RepairedAt = now
		if err := tx.NoteRepair(ctx, i); err != nil {
			return err
		}
		return i.settle(ctx, tx, false)
	})
}

func waitingIssue(c *Connection, application, cause string, now time.Time) *Issue {
	return &Issue{
		OrganizationID: c.OrganizationID, ConnectionID: c.ID, Kind: IssueTestNotSent, Subject: application, ApplicationID: application,
		Cause: cause, FoundAt: now, SeenAt: now,
	}
}

// lookAgainAfter is when somebody is looked for again whom a test could not be
// sent to.
const lookAgainAfter = time.Hour

// recheckStages looks again at the applications whose test could not be sent.
func (rs *Reconciliations) recheckStages(ctx context.Context, c *Connection) error {
	open, page := true, Page{First: readAtOnce}
	f := IssueFilter{ConnectionID: c.ID, Kinds: []IssueKind{IssueTestNotSent}, Open: &open}
	for {
		found, err := rs.o.Store.Issues(ctx, c.OrganizationID, f, page)
		if err != nil || len(found.Items) == 0 {
			return err
		}
		if err := rs.recheckSome(ctx, c, found.Items); err != nil || !found.HasNext {
			return err
		}
		page.After = found.Items[len(found.Items)-1].ID
	}
}

func (rs *Reconciliations) recheckSome(ctx context.Context, c *Connection, open []Issue) error {
	q := ats.ApplicationQuery{}
	for i := range open {
		q.IDs = append(q.IDs, open[i].ApplicationID)
	}
	list, err := rs.get(ctx, c, q)
	if err != nil {
		return err
	}
	if err := rs.takeIn(ctx, c, list.Applications); err != nil {
		return err
	}
	for i := range open {
		at := slices.IndexFunc(list.Applications, func(r ats.ApplicationRecord) bool { return r.ID == open[i].ApplicationID })
		waits := false
		if at >= 0 {
			if waits, err = rs.waits(ctx, c, &list.Applications[at]); err != nil {
				return err
			}
		}
		if waits {
			continue
		}
		gone := waitingIssue(c, open[i].ApplicationID, "", rs.o.Clock.Now())
		if err := rs.o.Store.Atomically(ctx, func(tx Tx) error { return gone.settle(ctx, tx, false) }); err != nil {
			return err
		}
	}
	return nil
}

// person finds whom a test goes to: as we know them, or as the ATS does. It is
// nil if neither tells an address.
func (rs *Reconciliations) person(ctx context.Context, c *Connection, r *ats.ApplicationRecord) (*ats.CandidateRecord, error) {
	known, err := rs.o.Store.ApplicationsOfPerson(ctx, c.OrganizationID, c.ID, r.CandidateID)
	if err != nil {
		return nil, err
	}
	if len(known) > 0 {
		p, err := rs.o.Store.Candidate(ctx, c.OrganizationID, known[0].CandidateID)
		if err != nil {
			return nil, err
		}
		if p.Email != "" {
			return &ats.CandidateRecord{FirstName: p.FirstName, LastName: p.LastName, PreferredName: p.PreferredName, Email: p.Email, ProfileURL: r.ProfileURL}, nil
		}
	}
	found, err := paced(ctx, rs.o.Webhooks, c, ats.CapabilityCandidates, func(ctx context.Context, able ats.Candidates, call ats.Connection) (*ats.CandidateMatches, error) {
		return able.Find(ctx, &ats.CandidateQuery{Connection: call, ExternalID: r.CandidateID})
	})
	if err != nil || len(found.Matches) != 1 || found.Matches[0].Email == "" {
		return nil, unlessBarred(err)
	}
	m := found.Matches[0]
	return &ats.CandidateRecord{FirstName: m.FirstName, LastName: m.LastName, Email: m.Email, ProfileURL: r.ProfileURL}, nil
}
