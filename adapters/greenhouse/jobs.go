package greenhouse

import (
	"context"
	"slices"

	"github.com/trellis-ats/trellis/core/fault"
)

const jobClosed = "closed"

// job is a job as Harvest lists it.
type job struct {
	ID            identifier `json:"id"`
	Name          string     `json:"name"`
	Status        string     `json:"status"` // open, draft, closed
	RequisitionID string     `json:"requisition_id"`
	Confidential  bool       `json:"confidential"`
	Template      bool       `json:"is_template"`
}

// stage is a stage of a job's plan: its id is the one that web hooks and moves
// speak of, not an application's stage_id (facts/greenhouse.md 4.8).
type stage struct {
	ID     identifier `json:"id"`
	JobID  identifier `json:"job_id"`
	Name   string     `json:"name"`
	Order  int        `json:"sort_order"`
	Active bool       `json:"active"`
}

// openFor makes sure that a job takes applications, at the stage if one is
// given: one request, and one more for a stage.
// Errors: fault.Invalid for a job or stage that is not there; fault.Conflict
// with Kind "JOB_CLOSED".
func (h *harvest) openFor(ctx context.Context, jobID, stageID string) error {
	if _, err := numeric("jobId", jobID); err != nil {
		return err
	}
	jobs, _, err := list[job](ctx, h, resourceJobs, first(1, identifiersFilter, jobID))
	switch {
	case err != nil:
		return err
	case len(jobs) == 0 || string(jobs[0].ID) != jobID:
		return atField("jobId", "NOT_FOUND", "Greenhouse has no job %s that the acting user may see. Nothing was written; correct the job's mapping, or put the acting user on its hiring team if it is confidential.", jobID)
	case jobs[0].Status == jobClosed:
		e := answered(fault.Conflict, 0, "The job is closed in Greenhouse. Nothing was written; open it again or map another one.")
		e.Kind, e.Existing = "JOB_CLOSED", jobID
		return e
	case stageID == "":
		return nil
	}
	return h.stageOf(ctx, jobID, stageID)
}

func (h *harvest) stageOf(ctx context.Context, jobID, stageID string) error {
	stages, _, err := list[stage](ctx, h, resourceStages, first(maxPageSize, jobsFilter, jobID))
	if err != nil {
		return err
	}
	at := slices.IndexFunc(stages, func(s stage) bool { return string(s.ID) == stageID && string(s.JobID) == jobID })
	switch {
	case at < 0:
		return atField("stageId", "NOT_FOUND", "The stage %s does not belong to the job %s in Greenhouse. Nothing was written; choose one of the job's stages.", stageID, jobID)
	case !stages[at].Active:
		return atField("stageId", "INACTIVE", "The stage %s of the job %s is retired in Greenhouse. Nothing was written; choose one of the job's stages.", stageID, jobID)
	}
	return nil
}

// atField is an Invalid that Greenhouse's data shows.
func atField(path, code, format string, args ...any) error {
	e := fault.InvalidField(path, code, format, args...)
	e.Source = fault.ATS
	return e
}
