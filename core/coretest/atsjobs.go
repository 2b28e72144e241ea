package coretest

import (
	"fmt"

	"github.com/trellis-ats/trellis/core/fault"
)

type job struct {
	id, name string
	closed   bool
	stages   []stage
}

type stage struct{ id, name string }

// jobs are what a new ATS has.
func jobs() []*job {
	all := []*job{{id: "job-1", name: "Account Executive"}, {id: "job-2", name: "Support Engineer"}}
	for _, j := range all {
		for n, name := range []string{"Application Review", "Assessment", "Interview"} {
			j.stages = append(j.stages, stage{id: fmt.Sprintf("%s-stage-%d", j.id, n+1), name: name})
		}
	}
	return all
}

// CloseJob closes a job: nobody can be put into it any more.
func (a *ATS) CloseJob(id string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if j := a.job(id); j != nil {
		j.closed = true
	}
}

// OpenJob opens a closed job again.
func (a *ATS) OpenJob(id string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if j := a.job(id); j != nil {
		j.closed = false
	}
}

func (a *ATS) job(id string) *job {
	for _, j := range a.jobs {
		if j.id == id {
			return j
		}
	}
	return nil
}

// entry returns the stage in which an application begins.
func (a *ATS) entry(id, in string) (stage, error) {
	j := a.job(id)
	switch {
	case j == nil:
		return stage{}, fault.InvalidField("jobId", "UNKNOWN", "The ATS has no job %q.", id)
	case j.closed:
		return stage{}, conflict("JOB_CLOSED", j.id, "The job is closed.")
	case in == "":
		return j.stages[0], nil
	}
	return j.stage(in)
}

func (j *job) stage(id string) (stage, error) {
	for _, s := range j.stages {
		if s.id == id {
			return s, nil
		}
	}
	return stage{}, fault.InvalidField("stageId", "OTHER_JOB", "The stage %q is not one of this job.", id)
}

// target returns the stage to move to: the one after from if to is empty.
func (j *job) target(from, to string) (stage, error) {
	if to != "" {
		return j.stage(to)
	}
	for n, s := range j.stages[:len(j.stages)-1] {
		if s.id == from {
			return j.stages[n+1], nil
		}
	}
	return stage{}, fault.InvalidField("toStage", "LAST", "The application is in the job's last stage.")
}
