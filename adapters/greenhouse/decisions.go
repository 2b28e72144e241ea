package greenhouse

import (
	"context"
	"net/http"
	"time"

	"github.com/trellis-ats/trellis/core/ats"
	"github.com/trellis-ats/trellis/core/fault"
)

// action is a POST below an application (facts/greenhouse.md 4.6).
func action(application, verb string, body any) call {
	return call{
		method: http.MethodPost, path: string(resourceApplications) + "/" + application + "/" + verb,
		scope: scopeOf(resourceApplications, verb), body: body,
	}
}

// moveBody is the body of a move; without ToStage the application advances.
type moveBody struct {
	FromStage int64  `json:"from_stage_id"`
	ToStage   *int64 `json:"to_stage_id,omitempty"`
}

// Move implements ats.Applications. The application is read afresh, since
// Greenhouse's own guard does not say what it found; then the guard holds
// against whoever is faster.
func (a *adapter) Move(ctx context.Context, m *ats.MoveRequest) (*ats.ApplicationReceipt, error) {
	return a.change(&m.Connection, m.ApplicationID, func(h *harvest) (string, error) {
		row, err := h.movable(ctx, m)
		if err != nil {
			return "", err
		}
		return string(row.CandidateID), h.move(ctx, m, row)
	})
}

// change runs one change of an application and writes its receipt.
func (a *adapter) change(c *ats.Connection, application string, run func(*harvest) (candidate string, err error)) (*ats.ApplicationReceipt, error) {
	receipt := &ats.ApplicationReceipt{ApplicationID: application}
	h, err := a.harvest(c)
	if err != nil {
		return receipt, err
	}
	candidate, err := run(h)
	receipt.ProfileURL, receipt.Trace = profileURL(c, candidate, application), h.trace()
	return receipt, err
}

// movable reads the application and makes sure that it is where it should be.
func (h *harvest) movable(ctx context.Context, m *ats.MoveRequest) (*applicationRow, error) {
	for path, id := range map[string]string{"fromStage": m.FromStage, "applicationId": m.ApplicationID} {
		if _, err := numeric(path, id); err != nil {
			return nil, err
		}
	}
	row, err := h.application(ctx, m.ApplicationID)
	if err != nil {
		return nil, err
	}
	state, err := row.state()
	switch {
	case err != nil:
		return nil, err
	case state != ats.ApplicationActive:
		return nil, notInState(state, "It was not moved")
	case string(row.JobStage) != m.FromStage:
		return nil, elsewhere(row)
	}
	return row, nil
}

func notInState(state ats.ApplicationState, consequence string) error {
	e := answered(fault.Conflict, 0, "The application is %s in Greenhouse. %s.", state, consequence)
	e.Kind, e.Existing = "STATE", string(state)
	return e
}

func elsewhere(row *applicationRow) error {
	e := answered(fault.Conflict, 0, "The application is in another stage of Greenhouse's by now (%s). It was not moved.", row.JobStage)
	e.Kind, e.Existing = "STAGE", string(row.JobStage)
	return e
}

// move sends the request. Greenhouse does not say which id from_stage_id is:
// if it refuses the job's stage by that name, the application's own row is
// tried once (facts/greenhouse.md 4.6).
func (h *harvest) move(ctx context.Context, m *ats.MoveRequest, row *applicationRow) error {
	to, err := optional("stageId", m.ToStage)
	if err != nil {
		return err
	}
	jobStage := setting(h.c, settingFromStage, fromJobStage) == fromJobStage
	from := row.StageRow
	if jobStage {
		from = row.JobStage
	}
	err = h.moveFrom(ctx, m.ApplicationID, string(from), to)
	if blames(err, "from_stage") && jobStage && row.StageRow != "" && row.StageRow != row.JobStage {
		h.log.Warn("Greenhouse refused the job's stage as from_stage_id; the application's own row is tried", "connection", h.c.ID)
		h.degrade("Greenhouse did not take the job's stage as from_stage_id. If moves work now, set from_stage_id to application_stage, which saves a request each.")
		err = h.moveFrom(ctx, m.ApplicationID, string(row.StageRow), to)
	}
	if blames(err, "from_stage") {
		return h.movedMeanwhile(ctx, m, err)
	}
	return err
}

func (h *harvest) moveFrom(ctx context.Context, application, from string, to *int64) error {
	stage, err := numeric("fromStage", from)
	if err != nil {
		return err
	}
	_, err = h.do(ctx, action(application, "move", moveBody{FromStage: stage, ToStage: to}), nil)
	return err
}

// movedMeanwhile tells a guard that held from one that was misunderstood.
func (h *harvest) movedMeanwhile(ctx context.Context, m *ats.MoveRequest, refused error) error {
	row, err := h.application(ctx, m.ApplicationID)
	if err != nil {
		return refused
	}
	switch state, err := row.state(); {
	case err == nil && state != ats.ApplicationActive:
		return notInState(state, "It was not moved")
	case string(row.JobStage) != m.FromStage:
		return elsewhere(row)
	default:
		return refused
	}
}

// rejectBody is the body of a rejection; a reason is required in v3.
type rejectBody struct {
	Reason int64          `json:"rejection_reason_id"`
	Notes  string         `json:"notes,omitempty"`
	Email  *rejectMessage `json:"rejection_email,omitempty"`
}

// rejectMessage carries the time too: one client found it demanded, and both
// together are safe (facts/greenhouse.md 4.6).
type rejectMessage struct {
	Template int64  `json:"email_template_id"`
	SendAt   string `json:"send_email_at"`
}

// Reject implements ats.Applications.
func (a *adapter) Reject(ctx context.Context, r *ats.RejectRequest) (*ats.ApplicationReceipt, error) {
	return a.change(&r.Connection, r.ApplicationID, func(h *harvest) (string, error) {
		body, err := rejection(r, time.Now())
		if err != nil {
			return "", err
		}
		return h.decide(ctx, r.ApplicationID, "reject", body, ats.ApplicationActive)
	})
}

func rejection(r *ats.RejectRequest, now time.Time) (*rejectBody, error) {
	reason, err := numeric("reason", r.Reason)
	if err != nil {
		return nil, err
	}
	template, err := optional("emailTemplate", r.EmailTemplate)
	if err != nil {
		return nil, err
	}
	body := &rejectBody{Reason: reason, Notes: r.Notes}
	if template != nil {
		body.Email = &rejectMessage{Template: *template, SendAt: now.UTC().Format(time.RFC3339)}
	}
	return body, nil
}

// Unreject implements ats.Applications.
func (a *adapter) Unreject(ctx context.Context, r *ats.UnrejectRequest) (*ats.ApplicationReceipt, error) {
	return a.change(&r.Connection, r.ApplicationID, func(h *harvest) (string, error) {
		return h.decide(ctx, r.ApplicationID, "unreject", struct{}{}, ats.ApplicationRejected)
	})
}

// decide sends a rejection or takes one back. Of a refusal the texts are not
// documented, so the application is read to tell a wrong state from a wrong
// request.
func (h *harvest) decide(ctx context.Context, application, verb string, body any, from ats.ApplicationState) (string, error) {
	if _, err := numeric("applicationId", application); err != nil {
		return "", err
	}
	_, err := h.do(ctx, action(application, verb, body), nil)
	if !fault.Is(err, fault.Invalid) {
		return "", err
	}
	row, unread := h.application(ctx, application)
	if unread != nil {
		return "", err
	}
	if state, unknown := row.state(); unknown == nil && state != from {
		return string(row.CandidateID), notInState(state, "Nothing was changed")
	}
	return string(row.CandidateID), err
}
