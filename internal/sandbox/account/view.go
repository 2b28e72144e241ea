package account

import (
	"slices"
	"time"
)

const maxShown = 5000

// View is what a page shows of the account.
type View struct {
	Candidates []CandidateView `json:"candidates"` // newest first
	Jobs       []JobView       `json:"jobs"`
	Hooks      []Hook          `json:"hooks"`
	Deliveries []Delivery      `json:"deliveries"`
	Chaos      Chaos           `json:"chaos"`
	Rules      Rules           `json:"rules"`
	Faults     Scenario        `json:"faults"`
	FaultKinds []string        `json:"fault_kinds"`
	Arrived    int             `json:"arrived"` // candidates who came by the API or a button
	Taken      int             `json:"-"`       // candidates whom Take took out
}

// CandidateView is a person with all that is theirs.
type CandidateView struct {
	ID           int64             `json:"id"`
	Name         string            `json:"name"`
	Email        string            `json:"email"`
	Seeded       bool              `json:"seeded"` // there from the start
	Anonymized   bool              `json:"anonymized"`
	Private      bool              `json:"private"`
	CreatedAt    time.Time         `json:"created_at"`
	Tags         []string          `json:"tags"`
	Fields       []FieldView       `json:"fields"`
	Notes        []NoteView        `json:"notes"`
	Applications []ApplicationView `json:"applications"`
}

// ApplicationView is one application of theirs.
type ApplicationView struct {
	ID          int64            `json:"id"`
	JobID       int64            `json:"job_id"`
	Job         string           `json:"job"`
	StageID     int64            `json:"stage_id"`
	Stage       string           `json:"stage"` // the last one, if it ended
	Status      string           `json:"status"`
	Reason      string           `json:"reason,omitempty"`
	Mail        string           `json:"mail,omitempty"` // the template of the mail that went out with a rejection
	Stages      []StageView      `json:"stages"`
	Fields      []FieldView      `json:"fields"`
	Attachments []AttachmentView `json:"attachments"`
	Scorecards  []string         `json:"scorecards"`
}

// FieldView is a custom field that has a value.
type FieldView struct {
	Key   string `json:"key"`
	Name  string `json:"name"`
	Value any    `json:"value"`
}

// NoteView is a note.
type NoteView struct {
	ID   int64     `json:"id"`
	At   time.Time `json:"at"`
	By   string    `json:"by"`
	Body string    `json:"body"`
}

// AttachmentView is a file with the address to open it.
type AttachmentView struct {
	ID       int64  `json:"id"`
	Filename string `json:"filename"`
	Type     string `json:"type"`
	Bytes    int    `json:"bytes"`
	URL      string `json:"url"`
}

// JobView is a job with its active stages.
type JobView struct {
	ID     int64       `json:"id"`
	Name   string      `json:"name"`
	Status string      `json:"status"`
	Stages []StageView `json:"stages"`
}

// StageView is a stage of a job.
type StageView struct {
	ID   int64  `json:"id"`
	Name string `json:"name"`
}

// View returns the newest candidates, at most limit, first who arrived, and
// the newest deliveries.
func (a *Account) View(limit int) View {
	v := View{Candidates: []CandidateView{}, Jobs: []JobView{}, Hooks: a.hooks.shown(), Deliveries: a.hooks.deliveries(limit), Chaos: a.hooks.chaosNow(), FaultKinds: faultKinds()}
	a.mu.Lock()
	defer a.mu.Unlock()
	v.Rules, v.Faults = a.rules, a.faults.now.clone()
	for _, j := range a.world.jobs.rows {
		v.Jobs = append(v.Jobs, JobView{ID: j.ID, Name: j.Name, Status: j.Status, Stages: a.world.stageViews(j.ID)})
	}
	for _, c := range slices.Backward(a.world.candidates.rows) {
		if !c.seeded {
			v.Arrived++
		}
		if len(v.Candidates) < limit {
			v.Candidates = append(v.Candidates, a.candidateView(c))
		}
	}
	return v
}

// Take takes the candidate with the id out of the view; nil if there is none.
func (v *View) Take(candidate string) *CandidateView {
	at := slices.IndexFunc(v.Candidates, func(c CandidateView) bool { return text(c.ID) == candidate })
	if at < 0 {
		return nil
	}
	taken := v.Candidates[at]
	v.Candidates = slices.Delete(v.Candidates, at, at+1)
	v.Taken++
	return &taken
}

func (w *world) stageViews(job int64) []StageView {
	views := []StageView{}
	for _, s := range w.stagesOf(job) {
		views = append(views, StageView{s.ID, s.Name})
	}
	return views
}

func (a *Account) candidateView(c *candidate) CandidateView {
	w := a.world
	v := CandidateView{
		ID: c.ID, Name: c.name(), Email: c.email(), Seeded: c.seeded, Anonymized: c.anonymized, Private: c.Private, CreatedAt: time.Time(c.CreatedAt),
		Tags: w.tagNames(c.ID), Fields: w.fieldViews(c.values), Notes: []NoteView{}, Applications: []ApplicationView{},
	}
	for _, n := range w.notes.rows {
		if n.CandidateID == c.ID {
			by := ""
			if u, ok := w.users.find(n.UserID); ok {
				by = u.Name
			}
			v.Notes = append(v.Notes, NoteView{ID: n.ID, At: time.Time(n.CreatedAt), By: by, Body: n.Body})
		}
	}
	for _, app := range w.applicationsOf(c.ID) {
		v.Applications = append(v.Applications, a.applicationView(app))
	}
	return v
}

func (a *Account) applicationView(app *application) ApplicationView {
	w := a.world
	v := ApplicationView{
		ID: app.ID, JobID: id(app.JobID), StageID: app.stage, Status: app.Status, Fields: w.fieldViews(app.values),
		Stages: w.stageViews(id(app.JobID)), Attachments: []AttachmentView{}, Scorecards: []string{},
	}
	if j, ok := w.jobs.find(v.JobID); ok {
		v.Job = j.Name
	}
	if s, ok := w.stages.find(app.stage); ok {
		v.Stage = s.Name
	}
	if r, ok := w.reasons.find(id(app.ReasonID)); ok {
		v.Reason = r.Name
	}
	for _, r := range w.rejections.rows {
		if t, ok := w.templates.find(id(r.template)); ok && r.ApplicationID == app.ID {
			v.Mail = t.Name
		}
	}
	for _, f := range w.attachments.rows {
		if f.ApplicationID == app.ID {
			v.Attachments = append(v.Attachments, AttachmentView{
				ID: f.ID, Filename: f.Filename, Type: f.Type, Bytes: len(f.content), URL: a.attachmentURL(f, a.clock.Now().Add(linkLife)),
			})
		}
	}
	for _, s := range w.scorecards.rows {
		if s.ApplicationID == app.ID {
			v.Scorecards = append(v.Scorecards, s.Rating)
		}
	}
	return v
}

func (w *world) fieldViews(values fieldValues) []FieldView {
	views := []FieldView{}
	for _, f := range w.fields.rows {
		if v, ok := values[f.ID]; ok {
			views = append(views, FieldView{Key: f.NameKey, Name: f.Name, Value: v})
		}
	}
	return views
}

// Knows reports whether there is a candidate with the id.
func (a *Account) Knows(candidate int64) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	_, ok := a.world.candidates.find(candidate)
	return ok
}
