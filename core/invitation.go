package core

import (
	"context"
	"time"

	"github.com/trellis-ats/trellis/core/fault"
)

// Invitation is what a candidate is told, in the mail and on the link's page.
type Invitation struct {
	AssessmentID    ID
	Organization    string
	To              string // e-mail address
	CandidateName   string
	TestName        string
	Description     string
	Modality        Modality
	DurationMinutes int // 0 if not told
	URL             string
	ExpiresAt       time.Time
	Status          Status
}

// Mailer brings an invitation to a candidate.
type Mailer interface {
	// SendInvitation sends one mail, whose Message-ID is the same for the same
	// assessment. Errors: fault.Retryable, fault.Invalid for an address that
	// the mail server refuses for good, fault.Config.
	SendInvitation(ctx context.Context, i *Invitation) error
	// SendWithdrawal tells a candidate who was invited that the test is not
	// needed any more. Errors: as SendInvitation.
	SendWithdrawal(ctx context.Context, i *Invitation) error
}

// Invitations are the use cases around inviting candidates.
type Invitations struct {
	store  Store
	clock  Clock
	links  *Links
	mailer Mailer
}

// NewInvitations returns the use cases.
func NewInvitations(s Store, c Clock, l *Links, m Mailer) *Invitations {
	return &Invitations{store: s, clock: c, links: l, mailer: m}
}

// Send mails the invitation of an assessment that still waits for it. It is
// the handler of TaskSendInvitation.
// Errors: those of Mailer; nothing is changed then, but for a note after the last attempt.
func (is *Invitations) Send(ctx context.Context, t Task, try Attempt) error {
	a, err := is.store.Assessment(ctx, t.OrganizationID, t.AssessmentID)
	if err != nil {
		return err
	}
	if a.Status != StatusOrdered {
		return nil
	}
	invitation, err := is.invitation(ctx, a)
	if err != nil {
		return err
	}
	by := SystemActor(a.OrganizationID)
	if err := is.mailer.SendInvitation(ctx, invitation); err != nil {
		if try.Last || !fault.Repeatable(err) {
			return is.fail(ctx, EventInvitationFailed, a, err)
		}
		return err
	}
	_, err = changeAssessment(ctx, is.store, is.clock, a.OrganizationID, a.ID, func(tx Tx, a *Assessment, now time.Time) error {
		switch {
		case a.Status == StatusCancelled && a.ErasedAt.IsZero(): // while the mail went out: it must not stay the last word
			a.InvitedAt, a.UpdatedAt = now, now
			return tx.Enqueue(ctx, Task{Kind: TaskSendWithdrawal, OrganizationID: a.OrganizationID, AssessmentID: a.ID})
		case a.Status != StatusOrdered:
			return nil // started, or ended otherwise
		}
		if err := a.invite(now); err != nil {
			return err
		}
		return appendEvent(ctx, tx, by, now, EventAssessmentInvited, a.ID, nil)
	})
	return err
}

// fail notes that the candidate was not reached and gives the error back.
func (is *Invitations) fail(ctx context.Context, event EventType, a *Assessment, cause error) error {
	by, now := SystemActor(a.OrganizationID), is.clock.Now()
	f := fault.From(cause)
	err := is.store.Atomically(ctx, func(tx Tx) error {
		return appendEvent(ctx, tx, by, now, event, a.ID, map[string]any{"code": f.Code, "message": f.Message})
	})
	if err != nil {
		return err
	}
	return cause
}

func (is *Invitations) invitation(ctx context.Context, a *Assessment) (*Invitation, error) {
	candidate, err := is.store.Candidate(ctx, a.OrganizationID, a.CandidateID)
	if err != nil {
		return nil, err
	}
	test, err := is.store.Test(ctx, a.OrganizationID, a.TestID)
	if err != nil {
		return nil, err
	}
	organization, err := is.store.Organization(ctx, a.OrganizationID)
	if err != nil {
		return nil, err
	}
	return &Invitation{
		AssessmentID: a.ID, Organization: organization.Name, To: candidate.Email, CandidateName: candidate.Name(),
		TestName: test.Name, Description: test.Description, Modality: test.Modality, DurationMinutes: test.DurationMinutes,
		URL: is.links.Invitation(a), ExpiresAt: a.ExpiresAt, Status: a.Status,
	}, nil
}

// Open returns what the page behind a candidate's link shows. An assessment
// that was not started in time becomes EXPIRED here.
// Errors: fault.NotFound for a link that is not valid.
func (is *Invitations) Open(ctx context.Context, token string) (*Invitation, error) {
	a, err := is.opened(ctx, token)
	if err != nil {
		return nil, err
	}
	return is.invitation(ctx, a)
}

// Accept notes the candidate's consent and returns where the engine takes over.
// Errors: fault.NotFound for a link that is not valid, fault.Invalid without
// consent, fault.Conflict if the assessment can no longer be taken, fault.Config
// if there is no engine.
func (is *Invitations) Accept(ctx context.Context, token string, consent bool) (string, error) {
	a, err := is.opened(ctx, token)
	if err != nil {
		return "", err
	}
	if !consent {
		return "", fault.InvalidField("consent", "REQUIRED", "The test can only be taken with your consent to being scored by AI.")
	}
	by := Actor{OrganizationID: a.OrganizationID, Role: RoleCandidate, ID: a.CandidateID, Name: "candidate"}
	a, err = changeAssessment(ctx, is.store, is.clock, a.OrganizationID, a.ID, func(tx Tx, a *Assessment, now time.Time) error {
		if !a.canBeTaken() {
			return a.illegal(StatusStarted)
		}
		if !a.ConsentedAt.IsZero() {
			return nil
		}
		a.ConsentedAt = now
		return appendEvent(ctx, tx, by, now, EventAssessmentConsented, a.ID, nil)
	})
	if err != nil {
		return "", err
	}
	return is.links.Launch(a.ID, is.clock.Now())
}

// canBeTaken is also true once started: a candidate may come back through the link.
func (a *Assessment) canBeTaken() bool {
	return a.Status == StatusOrdered || a.Status == StatusInvited || a.Status == StatusStarted
}

// opened returns the link's assessment, expired if its time is over.
func (is *Invitations) opened(ctx context.Context, token string) (*Assessment, error) {
	id, err := is.links.OpenInvitation(token)
	if err != nil {
		return nil, err
	}
	a, err := is.store.AssessmentByLink(ctx, id)
	if err != nil {
		return nil, err
	}
	if !a.overdue(is.clock.Now()) {
		return a, nil
	}
	return expireAssessment(ctx, is.store, is.clock, a)
}

// expireAssessment ends one that was not started in time. It does nothing if
// that has changed meanwhile.
func expireAssessment(ctx context.Context, s Store, c Clock, a *Assessment) (*Assessment, error) {
	by := SystemActor(a.OrganizationID)
	return changeAssessment(ctx, s, c, a.OrganizationID, a.ID, func(tx Tx, a *Assessment, now time.Time) error {
		if !a.overdue(now) {
			return nil
		}
		if err := a.end(StatusExpired, now); err != nil {
			return err
		}
		return appendEvent(ctx, tx, by, now, EventAssessmentExpired, a.ID, nil)
	})
}

func (a *Assessment) overdue(now time.Time) bool {
	return (a.Status == StatusOrdered || a.Status == StatusInvited) && now.After(a.ExpiresAt)
}
