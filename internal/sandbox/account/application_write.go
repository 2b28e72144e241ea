package account

import "encoding/json"

// applicationBody is an application to be made: as a candidate for a job, or
// as a prospect.
type applicationBody struct {
	CandidateID   *int64  `json:"candidate_id"`
	JobID         *int64  `json:"job_id"`
	InitialStage  *int64  `json:"initial_stage_id"`
	SourceID      *int64  `json:"source_id"`
	ReferrerID    *int64  `json:"referrer_id"`
	RecruiterID   *int64  `json:"recruiter_id"`
	CoordinatorID *int64  `json:"coordinator_id"`
	Prospect      *bool   `json:"prospect"`
	JobIDs        []int64 `json:"job_ids"`
}

// readApplication checks an application; alone tells the body of POST
// /applications from the one inside of a candidate.
func readApplication(c *call, raw json.RawMessage, prefix string, alone bool) (*applicationBody, []problem) {
	var b applicationBody
	problems := read(raw, &b, prefix)
	if !alone && has(raw, "candidate_id") {
		problems = append(problems, problem{prefix + "candidate_id", "is not a property that is permitted"})
	}
	if b.Prospect != nil && *b.Prospect {
		if b.JobID != nil || b.InitialStage != nil {
			problems = append(problems, problem{prefix + "job_id", "is not permitted for a prospect"})
		}
	} else {
		problems = append(problems, c.checkPlace(&b, prefix)...)
	}
	problems = append(problems, c.checkUser(prefix+"recruiter_id", b.RecruiterID)...)
	problems = append(problems, c.checkUser(prefix+"coordinator_id", b.CoordinatorID)...)
	if _, ok := c.w.sources.find(id(b.SourceID)); b.SourceID != nil && !ok {
		problems = append(problems, problem{prefix + "source_id", "does not exist"})
	}
	if _, ok := c.w.referrers.find(id(b.ReferrerID)); b.ReferrerID != nil && !ok {
		problems = append(problems, problem{prefix + "referrer_id", "does not exist"})
	}
	return &b, problems
}

// checkPlace wants an open job that the caller sees and a stage of that job.
func (c *call) checkPlace(b *applicationBody, prefix string) []problem {
	if b.JobID == nil {
		return []problem{{prefix + "job_id", "is missing"}}
	}
	j, ok := c.w.jobs.find(*b.JobID)
	switch {
	case !ok || !c.w.seesJob(c.user, j):
		return []problem{{prefix + "job_id", "does not exist"}}
	case j.Status != jobOpen:
		return []problem{{prefix + "job_id", "must be an open job"}}
	case b.InitialStage == nil:
		return nil
	}
	if s, ok := c.w.stages.find(*b.InitialStage); !ok || s.JobID != j.ID || !s.Active {
		return []problem{{prefix + "initial_stage_id", "is not a stage of the job"}}
	}
	return nil
}

func (c *call) checkUser(name string, user *int64) []problem {
	if u, ok := c.w.users.find(id(user)); user != nil && (!ok || u.Deactivated) {
		return []problem{{name, "is not an active user"}}
	}
	return nil
}

// apply makes the application of a body that was checked.
func (c *call) apply(candidate int64, b *applicationBody) *application {
	a := &application{
		CandidateID: candidate, SourceID: b.SourceID, ReferrerID: b.ReferrerID, RecruiterID: b.RecruiterID,
		CoordinatorID: b.CoordinatorID, LastActivityAt: stamp(c.now), values: fieldValues{}, Answers: []any{}, ProspectiveJobID: []int64{},
	}
	c.w.applications.add(a, c.now)
	if b.Prospect != nil && *b.Prospect {
		a.Prospect, a.Status = true, stateInProcess
		a.ProspectiveJobID = append(a.ProspectiveJobID, b.JobIDs...)
		c.tell(c.applicationEvent("new_prospect_application", a))
		return a
	}
	a.JobID = b.JobID
	stage := id(b.InitialStage)
	if stage == 0 {
		stage = c.w.firstStage(*b.JobID)
	}
	c.enter(a, stage)
	c.tell(c.applicationEvent("new_candidate_application", a))
	return a
}

func createApplication(c *call) answer {
	b, problems := readApplication(c, c.body, "", true)
	switch person, ok := c.w.candidates.find(id(b.CandidateID)); {
	case b.CandidateID == nil:
		problems = append(problems, problem{"candidate_id", "is missing"})
	case !ok || !c.w.sees(c.user, person):
		problems = append(problems, problem{"candidate_id", "does not exist"})
	case b.JobID != nil && c.w.applied(person.ID, *b.JobID):
		problems = append(problems, problem{"job_id", "the candidate has an application for this job"})
	case c.w.applications.full():
		problems = append(problems, problem{"", "the stand-in holds no more applications"})
	}
	if len(problems) > 0 {
		return unprocessable(problems...)
	}
	return created(c.w.showApplication(c.apply(*b.CandidateID, b)))
}

func patchApplication(c *call) answer {
	a, problem := c.application()
	if problem != nil {
		return *problem
	}
	var b struct {
		SourceID      *int64       `json:"source_id"`
		ReferrerID    *int64       `json:"referrer_id"`
		RecruiterID   *int64       `json:"recruiter_id"`
		CoordinatorID *int64       `json:"coordinator_id"`
		CustomFields  []fieldInput `json:"custom_fields"`
	}
	problems := append(read(c.body, &b, ""), c.w.checkFields(ownerApplication, b.CustomFields)...)
	problems = append(problems, c.checkUser("recruiter_id", b.RecruiterID)...)
	if problems = append(problems, c.checkUser("coordinator_id", b.CoordinatorID)...); len(problems) > 0 {
		return unprocessable(problems...)
	}
	for to, from := range map[**int64]*int64{&a.SourceID: b.SourceID, &a.ReferrerID: b.ReferrerID, &a.RecruiterID: b.RecruiterID, &a.CoordinatorID: b.CoordinatorID} {
		if from != nil {
			*to = from
		}
	}
	if b.CustomFields != nil {
		a.values = c.w.putFields(ownerApplication, a.values, b.CustomFields, c.a.rules.CustomFields == FieldsReplace)
	}
	c.moved(a)
	c.tell(c.applicationEvent("application_updated", a))
	return done(c.w.showApplication(a))
}

func deleteApplication(c *call) answer {
	a, problem := c.application()
	if problem != nil {
		return *problem
	}
	c.w.removeApplication(a)
	c.tell(c.applicationDeleted(a))
	return nothing()
}

// application is the one in the path, or the 404.
func (c *call) application() (*application, *answer) {
	a, ok := c.w.applications.find(c.id)
	if !ok || !c.w.seesApplication(c.user, a) {
		none := missing("Application", c.id)
		return nil, &none
	}
	return a, nil
}

// moved writes down that something happened to an application now.
func (c *call) moved(a *application) {
	a.LastActivityAt = stamp(c.now)
	touch(a, c.now)
	if person, ok := c.w.candidates.find(a.CandidateID); ok {
		person.LastActivityAt = stamp(c.now)
	}
}
