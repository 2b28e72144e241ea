package account

import (
	"slices"
	"time"
)

// The states of an application in answers. In queries it is active instead of in_process.
const (
	stateInProcess = "in_process"
	stateRejected  = "rejected"
	stateHired     = "hired"
	queryActive    = "active"
)

// application is a candidate's, for one job or as a prospect for none.
type application struct {
	record
	AgencyNoteID     *int64  `json:"agency_note_id"`
	CandidateID      int64   `json:"candidate_id"`
	CoordinatorID    *int64  `json:"coordinator_id"`
	JobID            *int64  `json:"job_id"`
	JobPostID        *int64  `json:"job_post_id"`
	RecruiterID      *int64  `json:"recruiter_id"`
	ReferrerID       *int64  `json:"referrer_id"`
	ReasonID         *int64  `json:"rejection_reason_id"`
	SourceID         *int64  `json:"source_id"`
	StageID          *int64  `json:"stage_id"`               // of application_stages
	JobStageID       *int64  `json:"job_interview_stage_id"` // of job_interview_stages
	StageName        *string `json:"stage_name"`
	Status           string  `json:"status"`
	NeedsDecision    bool    `json:"needs_decision"`
	Prospect         bool    `json:"prospect"`
	RejectedAt       stamp   `json:"rejected_at"`
	LastActivityAt   stamp   `json:"last_activity_at"`
	LocationAddress  *string `json:"location_address"`
	Answers          []any   `json:"answers"`
	ProspectiveJobID []int64 `json:"prospective_job_ids"`

	values fieldValues
	stage  int64 // of job_interview_stages; kept when the application ends
	hired  *opening
	seeded bool
}

// shownApplication adds the values of custom fields.
type shownApplication struct {
	*application
	CustomFields map[string]shownField `json:"custom_fields"`
}

func (w *world) showApplication(a *application) any {
	return shownApplication{a, w.showFields(ownerApplication, a.values)}
}

// applicationStage is one stay of an application in a stage.
type applicationStage struct {
	record
	ApplicationID int64 `json:"application_id"`
	JobStageID    int64 `json:"job_interview_stage_id"`
	EnteredAt     stamp `json:"entered_at"`
	ExitedAt      stamp `json:"exited_at"`
	DaysInStage   int   `json:"days_in_stage"`
	Current       bool  `json:"current"`
}

// enter puts an active application into a stage of its job.
func (w *world) enter(a *application, stage int64, now time.Time) {
	w.leave(a, now)
	stay := w.applicationStages.add(&applicationStage{ApplicationID: a.ID, JobStageID: stage, EnteredAt: stamp(now), Current: true}, now)
	a.Status, a.stage = stateInProcess, stage
	a.StageID, a.JobStageID = &stay.ID, &stage
	if s, ok := w.stages.find(stage); ok {
		a.StageName = &s.Name
	}
	if a.Answers == nil {
		a.Answers, a.ProspectiveJobID = []any{}, []int64{}
	}
	if a.values == nil {
		a.values = fieldValues{}
	}
}

// leave ends the current stay.
func (w *world) leave(a *application, now time.Time) {
	if stay, ok := w.applicationStages.find(id(a.StageID)); ok {
		stay.Current, stay.ExitedAt = false, stamp(now)
		touch(stay, now)
	}
	a.StageID, a.JobStageID, a.StageName = nil, nil, nil
}

func (w *world) applicationsOf(candidate int64) []*application {
	var of []*application
	for _, a := range w.applications.rows {
		if a.CandidateID == candidate {
			of = append(of, a)
		}
	}
	return of
}

func (w *world) applied(candidate, job int64) bool {
	return slices.ContainsFunc(w.applicationsOf(candidate), func(a *application) bool { return id(a.JobID) == job })
}

func (w *world) removeApplication(a *application) {
	w.applications.drop(a.ID)
	w.applicationStages.dropIf(func(s *applicationStage) bool { return s.ApplicationID == a.ID })
	w.dropAttachments(func(f *attachment) bool { return f.ApplicationID == a.ID })
	w.rejections.dropIf(func(r *rejection) bool { return r.ApplicationID == a.ID })
	w.scorecards.dropIf(func(s *scorecard) bool { return s.ApplicationID == a.ID })
}

// seesApplication hides those of private candidates and confidential jobs.
func (w *world) seesApplication(u *user, a *application) bool {
	person, ok := w.candidates.find(a.CandidateID)
	if ok && !w.sees(u, person) {
		return false
	}
	j, ok := w.jobs.find(id(a.JobID))
	return !ok || w.seesJob(u, j)
}

func listApplications() func(*call) answer {
	return list(listing[*application]{
		rows: func(w *world) []*application { return w.applications.rows }, visible: (*world).seesApplication,
		show: func(c *call, a *application) any { return c.w.showApplication(a) },
		filters: func(w *world) filters[*application] {
			return filters[*application]{
				"prospective_job_ids":     anyOf(func(a *application) []int64 { return a.ProspectiveJobID }),
				"job_post_ids":            noneOf[*application](),
				"custom_field_option_id":  matching(func(a *application, option string) bool { return w.chose(a.values, option) }),
				"candidate_ids":           idsOf(func(a *application) int64 { return a.CandidateID }),
				"job_ids":                 idsOf(func(a *application) int64 { return id(a.JobID) }),
				"source_ids":              idsOf(func(a *application) int64 { return id(a.SourceID) }),
				"referrer_ids":            idsOf(func(a *application) int64 { return id(a.ReferrerID) }),
				"stage_ids":               idsOf(func(a *application) int64 { return id(a.StageID) }),
				"job_interview_stage_ids": idsOf(func(a *application) int64 { return id(a.JobStageID) }),
				"stage_name":              matching(func(a *application, name string) bool { return a.StageName != nil && *a.StageName == name }),
				"status":                  choiceOf((*application).queryStatus, stateRejected, stateHired, "converted", queryActive),
				"last_activity_at":        dateOf(func(a *application) stamp { return a.LastActivityAt }),
				"prospect":                boolOf(func(a *application) bool { return a.Prospect }),
			}
		},
	})
}

func (a *application) queryStatus() string {
	if a.Status == stateInProcess {
		return queryActive
	}
	return a.Status
}

func listApplicationStages() func(*call) answer {
	return list(listing[*applicationStage]{
		rows: func(w *world) []*applicationStage { return w.applicationStages.rows },
		visible: func(w *world, u *user, s *applicationStage) bool {
			a, ok := w.applications.find(s.ApplicationID)
			return ok && w.seesApplication(u, a)
		},
		filters: func(*world) filters[*applicationStage] {
			return filters[*applicationStage]{
				"application_ids":         idsOf(func(s *applicationStage) int64 { return s.ApplicationID }),
				"job_interview_stage_ids": idsOf(func(s *applicationStage) int64 { return s.JobStageID }),
				"current":                 boolOf(func(s *applicationStage) bool { return s.Current }),
			}
		},
	})
}
