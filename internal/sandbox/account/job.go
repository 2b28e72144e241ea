package account

import "slices"

const (
	jobOpen      = "open"
	jobClosed    = "closed"
	takeHomeTest = "take_home_test"
)

type job struct {
	record
	Name          string         `json:"name"`
	RequisitionID string         `json:"requisition_id"`
	Notes         *string        `json:"notes"`
	Confidential  bool           `json:"confidential"`
	Status        string         `json:"status"`
	OpenedAt      stamp          `json:"opened_at"`
	ClosedAt      stamp          `json:"closed_at"`
	IsTemplate    bool           `json:"is_template"`
	CopiedFromID  *int64         `json:"copied_from_id"`
	DepartmentID  *int64         `json:"department_id"`
	OfficeIDs     []int64        `json:"office_ids"`
	CustomFields  map[string]any `json:"custom_fields"`

	team []int64 // users who see it though it is confidential
}

// jobStage is a stage as a job defines it.
type jobStage struct {
	record
	JobID     int64  `json:"job_id"`
	Name      string `json:"name"`
	SortOrder int    `json:"sort_order"`
	Active    bool   `json:"active"`
}

type jobInterview struct {
	record
	JobID            int64   `json:"job_id"`
	StageID          int64   `json:"job_interview_stage_id"`
	Name             string  `json:"name"`
	SchedulingType   string  `json:"scheduling_type"`
	SortOrder        int     `json:"sort_order"`
	Duration         *int    `json:"duration"`
	Instructions     *string `json:"instructions"`
	Summary          *string `json:"summary"`
	RequireScorecard bool    `json:"require_scorecard"`
	Active           bool    `json:"active"`
}

type opening struct {
	record
	JobID         int64          `json:"job_id"`
	ApplicationID *int64         `json:"application_id"`
	CloseReasonID *int64         `json:"close_reason_id"`
	OpeningID     string         `json:"opening_id"`
	Open          bool           `json:"open"`
	OpenedAt      stamp          `json:"opened_at"`
	ClosedAt      stamp          `json:"closed_at"`
	SortOrder     int            `json:"sort_order"`
	TargetStartOn *string        `json:"target_start_on"`
	CustomFields  map[string]any `json:"custom_fields"`
}

// seesJob hides confidential jobs from all but their team, site admins too.
func (w *world) seesJob(u *user, j *job) bool {
	return !j.Confidential || slices.Contains(j.team, u.ID)
}

func (w *world) seesJobOf(u *user, id int64) bool {
	j, ok := w.jobs.find(id)
	return ok && w.seesJob(u, j)
}

// stagesOf are the active ones, in their order.
func (w *world) stagesOf(job int64) []*jobStage {
	var of []*jobStage
	for _, s := range w.stages.rows {
		if s.JobID == job && s.Active {
			of = append(of, s)
		}
	}
	slices.SortFunc(of, func(a, b *jobStage) int { return a.SortOrder - b.SortOrder })
	return of
}

func (w *world) firstStage(job int64) int64 { return w.stagesOf(job)[0].ID }

func (w *world) nextStage(a *application) (int64, bool) {
	of := w.stagesOf(id(a.JobID))
	at := slices.IndexFunc(of, func(s *jobStage) bool { return s.ID == id(a.JobStageID) })
	if at < 0 || at == len(of)-1 {
		return 0, false
	}
	return of[at+1].ID, true
}

func (w *world) hasTakeHomeTest(stage int64) bool {
	return slices.ContainsFunc(w.interviews.rows, func(i *jobInterview) bool { return i.StageID == stage && i.SchedulingType == takeHomeTest })
}

// openingsOf are those that are open.
func (w *world) openingsOf(job int64) []*opening {
	var of []*opening
	for _, o := range w.openings.rows {
		if o.JobID == job && o.Open {
			of = append(of, o)
		}
	}
	return of
}

func listJobs() func(*call) answer {
	return list(listing[*job]{
		rows: func(w *world) []*job { return w.jobs.rows }, visible: (*world).seesJob,
		filters: func(*world) filters[*job] {
			return filters[*job]{
				"opened_at":     dateOf(func(j *job) stamp { return j.OpenedAt }),
				"closed_at":     dateOf(func(j *job) stamp { return j.ClosedAt }),
				"department_id": noneOf[*job](), "office_id": noneOf[*job](), "custom_field_option_id": noneOf[*job](),
				"requisition_id": textOf(func(j *job) string { return j.RequisitionID }),
				"confidential":   boolOf(func(j *job) bool { return j.Confidential }),
				"status":         choiceOf(func(j *job) string { return j.Status }, jobOpen, "draft", jobClosed),
			}
		},
	})
}

func listStages() func(*call) answer {
	return list(listing[*jobStage]{
		rows: func(w *world) []*jobStage { return w.stages.rows }, visible: func(w *world, u *user, s *jobStage) bool { return w.seesJobOf(u, s.JobID) },
		filters: func(*world) filters[*jobStage] {
			return filters[*jobStage]{
				"job_ids": idsOf(func(s *jobStage) int64 { return s.JobID }),
				"active":  boolOf(func(s *jobStage) bool { return s.Active }),
			}
		},
	})
}

func listInterviews() func(*call) answer {
	return list(listing[*jobInterview]{
		rows: func(w *world) []*jobInterview { return w.interviews.rows }, visible: func(w *world, u *user, i *jobInterview) bool { return w.seesJobOf(u, i.JobID) },
		filters: func(*world) filters[*jobInterview] {
			return filters[*jobInterview]{
				"job_ids":                 idsOf(func(i *jobInterview) int64 { return i.JobID }),
				"job_interview_stage_ids": idsOf(func(i *jobInterview) int64 { return i.StageID }),
				"active":                  boolOf(func(i *jobInterview) bool { return i.Active }),
				"scheduling_type":         choiceOf(func(i *jobInterview) string { return i.SchedulingType }, "none", "needs_scheduling", takeHomeTest, "offer"),
			}
		},
	})
}

func listOpenings() func(*call) answer {
	return list(listing[*opening]{
		rows: func(w *world) []*opening { return w.openings.rows }, visible: func(w *world, u *user, o *opening) bool { return w.seesJobOf(u, o.JobID) },
		filters: func(*world) filters[*opening] {
			return filters[*opening]{
				"job_ids":          idsOf(func(o *opening) int64 { return o.JobID }),
				"close_reason_ids": noneOf[*opening](), "custom_field_option_id": noneOf[*opening](),
				"application_ids": idsOf(func(o *opening) int64 { return id(o.ApplicationID) }),
				"opened_at":       dateOf(func(o *opening) stamp { return o.OpenedAt }),
				"closed_at":       dateOf(func(o *opening) stamp { return o.ClosedAt }),
				"open":            boolOf(func(o *opening) bool { return o.Open }),
				"opening_id":      textOf(func(o *opening) string { return o.OpeningID }),
			}
		},
	})
}
