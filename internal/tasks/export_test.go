package tasks

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"

	"github.com/trellis-ats/trellis/core"
	"github.com/trellis-ats/trellis/core/fault"
)

// DeadLetter is a task that was given up.
type DeadLetter struct {
	Task     core.Task
	Attempts int
	Code     fault.Code // of the last attempt's error
	Message  string     // for people
	FailedAt time.Time
}

// deadStates are those of tasks that were given up: by us, or by River when
// their worker died in the last attempt.
func deadStates() []rivertype.JobState {
	return []rivertype.JobState{rivertype.JobStateCancelled, rivertype.JobStateDiscarded}
}

// DeadLetters returns at most limit of the organization's tasks that were
// given up, the newest first.
func (e *Engine) DeadLetters(ctx context.Context, organization core.ID, limit int) ([]DeadLetter, error) {
	found, err := e.client.JobList(ctx, river.NewJobListParams().
		States(deadStates()...).
		Where("args ->> 'organizationId' = @organization", river.NamedArgs{"organization": string(organization)}).
		OrderBy(river.JobListOrderByID, river.SortOrderDesc).First(limit))
	if err != nil {
		return nil, fmt.Errorf("tasks: dead letters: %w", err)
	}
	letters := make([]DeadLetter, len(found.Jobs))
	for i, job := range found.Jobs {
		if letters[i], err = deadLetter(job); err != nil {
			return nil, err
		}
	}
	return letters, nil
}

func deadLetter(job *rivertype.JobRow) (DeadLetter, error) {
	d := DeadLetter{Attempts: job.Attempt, Code: fault.Internal, Message: "The process ended while the task ran."}
	if err := json.Unmarshal(job.EncodedArgs, &d.Task); err != nil {
		return d, fmt.Errorf("tasks: dead letter %d: %w", job.ID, err)
	}
	if job.FinalizedAt != nil {
		d.FailedAt = job.FinalizedAt.UTC()
	}
	if n := len(job.Errors); n > 0 {
		text := strings.TrimPrefix(job.Errors[n-1].Error, "JobCancelError: ")
		if code, message, ok := strings.Cut(text, ": "); ok {
			d.Code, d.Message = fault.Code(code), message
		}
	}
	return d, nil
}
