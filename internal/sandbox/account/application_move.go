package account

import (
	"time"
)

// moveApplication takes an application to another stage, or job. The stage
// that it comes from must be named (facts/greenhouse.md 4.6).
func moveApplication(c *call) answer {
	var b struct {
		From      *int64 `json:"from_stage_id" need:"yes"`
		To        *int64 `json:"to_stage_id"`
		ToJob     *int64 `json:"to_job_id"`
		EmailFrom *int64 `json:"email_from_user_id"`
	}
	a, gone := c.application()
	if gone != nil {
		return *gone
	}
	if problems := append(read(c.body, &b, ""), c.checkUser("email_from_user_id", b.EmailFrom)...); len(problems) > 0 {
		return unprocessable(problems...)
	}
	switch {
	case a.Status != stateInProcess || a.Prospect:
		return wrong("", "The application is not active")
	case !c.isFrom(a, *b.From):
		return wrong("from_stage_id", "does not match the application's current stage")
	case b.To != nil && b.ToJob != nil:
		return wrong("to_job_id", "cannot be combined with to_stage_id")
	}
	if b.ToJob != nil {
		return c.transfer(a, *b.ToJob)
	}
	return c.moveTo(a, b.To)
}

// isFrom compares with the current stage in the id space that the rules choose.
func (c *call) isFrom(a *application, stage int64) bool {
	rule := c.a.rules.FromStage
	return rule != FromApplicationStage && stage == id(a.JobStageID) || rule != FromJobStage && stage == id(a.StageID)
}

// moveTo moves within the job; to the next stage without a target.
func (c *call) moveTo(a *application, to *int64) answer {
	if to == nil {
		next, ok := c.w.nextStage(a)
		if !ok {
			return wrong("", "The application is in the last stage")
		}
		to = &next
	}
	s, ok := c.w.stages.find(*to)
	switch {
	case !ok || s.JobID != id(a.JobID) || !s.Active:
		return wrong("to_stage_id", "is not a stage of the application's job")
	case s.ID == id(a.JobStageID):
		return wrong("to_stage_id", "is the application's current stage")
	}
	c.moved(a)
	c.enter(a, s.ID)
	c.tell(c.applicationEvent("candidate_stage_change", a))
	return nothing()
}

// transfer puts the application onto the first stage of another job.
func (c *call) transfer(a *application, job int64) answer {
	j, ok := c.w.jobs.find(job)
	switch {
	case !ok || !c.w.seesJob(c.user, j) || j.Status != jobOpen:
		return wrong("to_job_id", "must be an open job")
	case c.w.applied(a.CandidateID, job):
		return wrong("to_job_id", "the candidate has an application for this job")
	}
	a.JobID = &job
	c.moved(a)
	c.enter(a, c.w.firstStage(job))
	c.tell(c.applicationEvent("candidate_stage_change", a))
	return nothing()
}

// enter puts an application into a stage and says so to who presses "Send Test".
func (c *call) enter(a *application, stage int64) {
	c.w.enter(a, stage, c.now)
	if c.a.rules.StageSends && c.w.hasTakeHomeTest(stage) {
		if person, ok := c.w.candidates.find(a.CandidateID); ok {
			c.placed = append(c.placed, Placed{
				CandidateID: person.ID, ApplicationID: a.ID, FirstName: person.FirstName, LastName: person.LastName, Email: person.email(),
			})
		}
	}
}

// Placed is an application that entered a stage with a take-home test.
type Placed struct {
	CandidateID, ApplicationID int64
	FirstName, LastName, Email string
}

func rejectApplication(c *call) answer {
	var b struct {
		Reason *int64 `json:"rejection_reason_id" need:"yes"`
		Notes  string `json:"notes"`
		Email  *struct {
			Template *int64     `json:"email_template_id"`
			SendAt   *time.Time `json:"send_email_at"`
			From     *int64     `json:"email_from_user_id"`
		} `json:"rejection_email"`
	}
	a, gone := c.application()
	if gone != nil {
		return *gone
	}
	problems := read(c.body, &b, "")
	if _, ok := c.w.reasons.find(id(b.Reason)); b.Reason != nil && !ok {
		problems = append(problems, problem{"rejection_reason_id", "does not exist"})
	}
	var template *int64
	if b.Email != nil {
		template = b.Email.Template
		t, ok := c.w.templates.find(id(template))
		if !ok || t.EmailType != rejectionMail {
			problems = append(problems, problem{"rejection_email.email_template_id", "is not a rejection template"})
		}
		problems = append(problems, c.checkUser("rejection_email.email_from_user_id", b.Email.From)...)
	}
	if len(problems) > 0 {
		return unprocessable(problems...)
	}
	return c.reject(a, *b.Reason, b.Notes, template)
}

// reject ends an active application.
func (c *call) reject(a *application, reason int64, notes string, template *int64) answer {
	if a.Status != stateInProcess {
		return wrong("", "The application has already been %s", a.Status)
	}
	c.moved(a)
	c.w.leave(a, c.now)
	a.Status, a.RejectedAt, a.ReasonID = stateRejected, stamp(c.now), &reason
	r := &rejection{ApplicationID: a.ID, RejectedByID: c.user.ID, ReasonID: reason, RejectedAt: stamp(c.now), Answers: map[string]any{}, template: template}
	if notes != "" {
		n := c.w.notes.add(&note{CandidateID: a.CandidateID, ApplicationID: &a.ID, UserID: c.user.ID, Body: notes, Type: "NOTE", Visibility: "publicly_visible"}, c.now)
		r.NoteID = &n.ID
	}
	c.w.rejections.add(r, c.now)
	c.tell(c.applicationEvent("reject_candidate", a))
	return nothing()
}

func unrejectApplication(c *call) answer {
	a, gone := c.application()
	if gone != nil {
		return *gone
	}
	if problems := read(c.body, &struct{}{}, ""); len(problems) > 0 {
		return unprocessable(problems...)
	}
	if a.Status != stateRejected {
		return wrong("", "The application is not rejected")
	}
	c.w.rejections.dropIf(func(r *rejection) bool { return r.ApplicationID == a.ID })
	a.RejectedAt, a.ReasonID = stamp{}, nil
	c.reactivate(a)
	c.tell(c.applicationEvent("unreject_candidate", a))
	return nothing()
}

// reactivate takes an ended application back to the stage that it was in.
func (c *call) reactivate(a *application) {
	c.moved(a)
	c.w.enter(a, a.stage, c.now)
	if a.Prospect {
		c.w.leave(a, c.now)
	}
}

func hireApplication(c *call) answer {
	var b struct {
		Start   *time.Time `json:"start_date"`
		Opening *int64     `json:"opening_id"`
		Reason  *int64     `json:"close_reason_id"`
	}
	a, gone := c.application()
	if gone != nil {
		return *gone
	}
	if problems := read(c.body, &b, ""); len(problems) > 0 {
		return unprocessable(problems...)
	}
	if a.Status != stateInProcess || a.Prospect {
		return wrong("", "The application is not active")
	}
	open := c.w.openingsOf(id(a.JobID))
	if b.Opening == nil && len(open) > 1 {
		return wrong("opening_id", "is required, the job has more than one open opening")
	}
	for _, o := range open {
		if b.Opening == nil || o.ID == *b.Opening {
			c.hire(a, o)
			return nothing()
		}
	}
	return wrong("opening_id", "is not an open opening of the job")
}

func (c *call) hire(a *application, o *opening) {
	c.moved(a)
	c.w.leave(a, c.now)
	a.Status, a.hired = stateHired, o
	o.Open, o.ApplicationID, o.ClosedAt = false, &a.ID, stamp(c.now)
	touch(o, c.now)
	c.tell(c.applicationEvent("hire_candidate", a))
}

// unhire is a button only; the API has nothing of the kind.
func unhireApplication(c *call) answer {
	a, gone := c.application()
	switch {
	case gone != nil:
		return *gone
	case a.Status != stateHired:
		return wrong("", "The application is not hired")
	}
	if o := a.hired; o != nil {
		o.Open, o.ApplicationID, o.ClosedAt = true, nil, stamp{}
		a.hired = nil
	}
	c.reactivate(a)
	c.tell(c.applicationEvent("unhire_candidate", a))
	return nothing()
}
