package greenhouse

import (
	"context"
	"net/url"
	"strings"
	"time"

	"github.com/trellis-ats/trellis/core/ats"
	"github.com/trellis-ats/trellis/core/fault"
)

// applicationRow is an application as Harvest lists it. StageRow is the id of
// its row in application_stages; JobStage, which older editions leave out, the
// id of the job's stage (facts/greenhouse.md 4.5).
type applicationRow struct {
	ID             identifier             `json:"id"`
	CandidateID    identifier             `json:"candidate_id"`
	JobID          identifier             `json:"job_id"`
	Status         string                 `json:"status"`
	StageRow       identifier             `json:"stage_id"`
	JobStage       identifier             `json:"job_interview_stage_id"`
	StageName      string                 `json:"stage_name"`
	Prospect       bool                   `json:"prospect"`
	LastActivityAt moment                 `json:"last_activity_at"`
	RejectedAt     moment                 `json:"rejected_at"`
	CustomFields   map[string]customValue `json:"custom_fields"`

	enteredAt moment // of its row in application_stages
}

// stageRow is a stage that an application occupied.
type stageRow struct {
	ID            identifier `json:"id"`
	ApplicationID identifier `json:"application_id"`
	JobStage      identifier `json:"job_interview_stage_id"`
	Current       bool       `json:"current"`
	EnteredAt     moment     `json:"entered_at"`
}

// state reads the answer's vocabulary, which says in_process where the query
// and the web hooks say active (facts/greenhouse.md 4.8).
// Errors: fault.Upstream for a word that is not known: to guess could undo a rejection.
func (r *applicationRow) state() (ats.ApplicationState, error) {
	if state := stateOf(r.Status); state != "" {
		return state, nil
	}
	return "", answered(fault.Upstream, 0, "Greenhouse gives the application %s the unknown status %q. Nothing was changed.", r.ID, presentable(r.Status))
}

// stateOf returns "" for a word that is not known.
func stateOf(status string) ats.ApplicationState {
	switch status {
	case "in_process", "active":
		return ats.ApplicationActive
	case "rejected":
		return ats.ApplicationRejected
	case "hired":
		return ats.ApplicationHired
	case "converted":
		return ats.ApplicationConverted
	default:
		return ""
	}
}

// Get implements ats.Applications: one request a page, and one more if it is
// asked when each entered its stage, or if this edition of Greenhouse does not
// tell the job's stage with the application.
func (a *adapter) Get(ctx context.Context, q *ats.ApplicationQuery) (*ats.ApplicationList, error) {
	h, err := a.harvest(&q.Connection)
	if err != nil {
		return &ats.ApplicationList{}, err
	}
	query, err := h.applicationQuery(q)
	if err != nil {
		return &ats.ApplicationList{}, err
	}
	found, next, err := h.applications(ctx, query, q.Entered)
	return &ats.ApplicationList{Applications: found, Next: next, Trace: h.trace()}, err
}

func (h *harvest) applicationQuery(q *ats.ApplicationQuery) (url.Values, error) {
	switch {
	case q.Cursor != "":
		return page(q.Cursor), nil
	case len(q.IDs) > 0:
		ids, err := idList("ids", q.IDs)
		return first(maxIDs, identifiersFilter, ids), err
	case q.CandidateID != "":
		return applicationFilter([]string{q.CandidateID}, q.JobID)
	case !q.ChangedSince.IsZero():
		// updated_at, not last_activity_at: every activity touches the row, and
		// more than activities do.
		name, value := h.since("updated_at", q.ChangedSince)
		return first(maxIDs, name, value), nil
	default:
		return nil, fault.InvalidField("ids", "REQUIRED", "Which applications to read is not said. Nothing was sent.")
	}
}

// applicationFilter asks for the applications of people, to a job if one is given.
func applicationFilter(candidates []string, job string) (url.Values, error) {
	ids, err := idList("candidateId", candidates)
	if err != nil || job == "" {
		return first(maxIDs, candidatesFilter, ids), err
	}
	_, err = numeric("jobId", job)
	return first(maxIDs, candidatesFilter, ids, jobsFilter, job), err
}

// applications reads one page of at most 50, so that their stages fit into one
// request more.
func (h *harvest) applications(ctx context.Context, query url.Values, entered bool) ([]ats.ApplicationRecord, string, error) {
	rows, next, err := list[applicationRow](ctx, h, resourceApplications, query)
	if err != nil {
		return nil, "", err
	}
	if err := h.addStages(ctx, rows, entered); err != nil {
		return nil, "", err
	}
	records := make([]ats.ApplicationRecord, len(rows))
	for i := range rows {
		if records[i], err = h.record(&rows[i]); err != nil {
			return nil, "", err
		}
	}
	return records, next, nil
}

// addStages fills in the job's stage where the answer lacks it, and since when
// the application is in it. A credential that may not read that, where nothing
// else depends on it, leaves it out.
func (h *harvest) addStages(ctx context.Context, rows []applicationRow, entered bool) error {
	lacks := false
	var ids []string
	for i := range rows {
		missing := rows[i].JobStage == "" && rows[i].StageRow != ""
		if missing || entered {
			ids = append(ids, string(rows[i].ID))
		}
		lacks = lacks || missing
	}
	if len(ids) == 0 {
		return nil
	}
	query := first(maxPageSize, applicationsFilter, strings.Join(ids[:min(len(ids), maxIDs)], ","), "current", "true")
	current, _, err := list[stageRow](ctx, h, resourceStageRows, query)
	if fault.Is(err, fault.Permission) && !lacks {
		return nil
	}
	if err != nil {
		return err
	}
	byApplication := make(map[identifier]stageRow, len(current))
	for _, s := range current {
		if s.Current {
			byApplication[s.ApplicationID] = s
		}
	}
	for i := range rows {
		row := byApplication[rows[i].ID]
		if rows[i].JobStage == "" {
			rows[i].JobStage = row.JobStage
		}
		if rows[i].JobStage == row.JobStage {
			rows[i].enteredAt = row.EnteredAt
		}
	}
	return nil
}

func (h *harvest) record(r *applicationRow) (ats.ApplicationRecord, error) {
	state, err := r.state()
	return ats.ApplicationRecord{
		ID: string(r.ID), CandidateID: string(r.CandidateID), JobID: string(r.JobID), State: state,
		StageID: string(r.JobStage), StageName: r.StageName, ProfileURL: profileURL(h.c, string(r.CandidateID), string(r.ID)),
		EnteredAt: time.Time(r.enteredAt), LastActivityAt: time.Time(r.LastActivityAt), RejectedAt: time.Time(r.RejectedAt),
	}, err
}

// application reads one, with its stage. Errors: fault.NotFound.
func (h *harvest) application(ctx context.Context, id string) (*applicationRow, error) {
	if _, err := numeric("applicationId", id); err != nil {
		return nil, err
	}
	rows, _, err := list[applicationRow](ctx, h, resourceApplications, first(1, identifiersFilter, id))
	if err != nil {
		return nil, err
	}
	if len(rows) == 0 || string(rows[0].ID) != id {
		return nil, answered(fault.NotFound, 0, "Greenhouse has no application %s that the acting user may see. Nothing was changed.", id)
	}
	return &rows[0], h.addStages(ctx, rows[:1], false)
}
