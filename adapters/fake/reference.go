package fake

import (
	"context"
	"fmt"

	"github.com/trellis-ats/trellis/core/ats"
	"github.com/trellis-ats/trellis/core/fault"
)

// List implements ats.Reference. Each list is one page.
func (a *adapter) List(ctx context.Context, q *ats.ReferenceQuery) (*ats.ReferencePage, error) {
	return perform(ctx, callList, &q.Connection, func(_ *state, p *ats.ReferencePage) (err error) {
		p.Items, err = choices(q)
		return err
	})
}

func choices(q *ats.ReferenceQuery) ([]ats.ReferenceItem, error) {
	switch q.Kind {
	case ats.ReferenceJobs:
		return []ats.ReferenceItem{choice("j1", "Account Executive", nil), choice("j2", "Support Engineer", nil)}, nil
	case ats.ReferenceStages:
		return stages(q.Parent), nil
	case ats.ReferenceUsers:
		return []ats.ReferenceItem{choice("u1", "Robin Example", map[string]string{"email": "robin@example.com", "site_admin": "true"})}, nil
	case ats.ReferenceRejectionReasons:
		return []ats.ReferenceItem{choice("r1", "Below the bar", nil)}, nil
	case ats.ReferenceCustomFields:
		return fields(), nil
	default:
		return nil, declined(fault.Unsupported, "This ATS has no list of %s.", q.Kind)
	}
}

func choice(id, name string, details map[string]string) ats.ReferenceItem {
	return ats.ReferenceItem{ID: id, Name: name, Active: true, Details: details}
}

// stages returns three for each job, none for what is no job.
func stages(job string) []ats.ReferenceItem {
	if job != "j1" && job != "j2" {
		return nil
	}
	items := make([]ats.ReferenceItem, 0, 3)
	for n, name := range []string{"New", "Assessment", "Interview"} {
		items = append(items, ats.ReferenceItem{ID: fmt.Sprintf("%s-s%d", job, n+1), Name: name, Parent: job, Order: n, Active: true})
	}
	return items
}

// stageOf returns a stage of the job, the first one for "".
func stageOf(job, id string) (ats.ReferenceItem, error) {
	all := stages(job)
	if len(all) == 0 {
		return ats.ReferenceItem{}, fault.InvalidField("jobId", "UNKNOWN", "There is no job %q.", job)
	}
	for _, s := range all {
		if id == "" || s.ID == id {
			return s, nil
		}
	}
	return ats.ReferenceItem{}, fault.InvalidField("stageId", "OTHER_JOB", "The stage %q is not one of this job.", id)
}

// target returns the stage to move to: the one after for "".
func target(one *application, to string) (ats.ReferenceItem, error) {
	if to != "" {
		return stageOf(one.JobID, to)
	}
	all := stages(one.JobID)
	for n, s := range all[:len(all)-1] {
		if s.ID == one.StageID {
			return all[n+1], nil
		}
	}
	return ats.ReferenceItem{}, fault.InvalidField("toStage", "LAST", "The application is in the last stage.")
}

// fields are the custom fields; the id is what SetFields takes as key.
func fields() []ats.ReferenceItem {
	return []ats.ReferenceItem{
		choice("score", "Score", map[string]string{"owner": "APPLICATION", "type": "number", "key": "score"}),
		choice("report", "Report", map[string]string{"owner": "APPLICATION", "type": "url", "key": "report"}),
		choice("summary", "Summary", map[string]string{"owner": "CANDIDATE", "type": "text", "key": "summary"}),
	}
}
