package rest

import (
	"encoding/json"
	"strings"

	"github.com/trellis-ats/trellis/core"
)

// The columns have the names of GraphQL.

func auditColumns() []column[core.AuditEntry] {
	return []column[core.AuditEntry]{
		{"id", func(e *core.AuditEntry) any { return e.ID }},
		{"at", func(e *core.AuditEntry) any { return moment(e.At) }},
		{"action", func(e *core.AuditEntry) any { return e.Action }},
		{"subjectId", func(e *core.AuditEntry) any { return e.SubjectID }},
		{"actorRole", func(e *core.AuditEntry) any { return e.ActorRole }},
		{"actorId", func(e *core.AuditEntry) any { return known(e.ActorID) }},
		{"actorName", func(e *core.AuditEntry) any { return e.ActorName }},
		{"before", func(e *core.AuditEntry) any { return e.Before }},
		{"after", func(e *core.AuditEntry) any { return e.After }},
	}
}

// syncColumns leave out the exchanges: each entry's are at its own address.
func syncColumns() []column[core.SyncEntry] {
	return []column[core.SyncEntry]{
		{"id", func(e *core.SyncEntry) any { return e.ID }},
		{"startedAt", func(e *core.SyncEntry) any { return moment(e.StartedAt) }},
		{"durationMs", func(e *core.SyncEntry) any { return e.Duration.Milliseconds() }},
		{"adapter", func(e *core.SyncEntry) any { return e.Adapter }},
		{"direction", func(e *core.SyncEntry) any { return e.Direction }},
		{"operation", func(e *core.SyncEntry) any { return e.Operation }},
		{"outcome", func(e *core.SyncEntry) any { return e.Outcome }},
		{"faultCode", func(e *core.SyncEntry) any { return known(e.FaultCode) }},
		{"message", func(e *core.SyncEntry) any { return known(e.Message) }},
		{"advice", func(e *core.SyncEntry) any { return known(e.Advice) }},
		{"attempt", func(e *core.SyncEntry) any { return e.Attempt }},
		{"connectionId", func(e *core.SyncEntry) any { return known(e.ConnectionID) }},
		{"assessmentId", func(e *core.SyncEntry) any { return known(e.AssessmentID) }},
		{"pushId", func(e *core.SyncEntry) any { return known(e.PushID) }},
		{"requestId", func(e *core.SyncEntry) any { return known(e.RequestID) }},
	}
}

// assessmentColumns hold nobody's name.
func assessmentColumns() []column[core.Scored] {
	return []column[core.Scored]{
		{"id", func(a *core.Scored) any { return a.ID }},
		{"orderedAt", func(a *core.Scored) any { return moment(a.OrderedAt) }},
		{"testId", func(a *core.Scored) any { return a.TestID }},
		{"candidateId", func(a *core.Scored) any { return a.CandidateID }},
		{"jobId", func(a *core.Scored) any { return known(a.JobID) }},
		{"connectionId", func(a *core.Scored) any { return known(a.ConnectionID) }},
		{"status", func(a *core.Scored) any { return a.Status }},
		{"delivery", func(a *core.Scored) any { return a.Delivery }},
		{"decision", func(a *core.Scored) any { return a.Decision }},
		{"atsOutcome", func(a *core.Scored) any { return a.ATSOutcome }},
		{"score", func(a *core.Scored) any { return scoreOf(a.Result) }},
		{"revision", func(a *core.Scored) any { return revisionOf(a.Result) }},
		{"invitedAt", func(a *core.Scored) any { return moment(a.InvitedAt) }},
		{"consentedAt", func(a *core.Scored) any { return moment(a.ConsentedAt) }},
		{"startedAt", func(a *core.Scored) any { return moment(a.StartedAt) }},
		{"completedAt", func(a *core.Scored) any { return moment(a.CompletedAt) }},
		{"scoredAt", func(a *core.Scored) any { return moment(a.ScoredAt) }},
		{"closedAt", func(a *core.Scored) any { return moment(a.ClosedAt) }},
		{"deliveredAt", func(a *core.Scored) any { return moment(a.DeliveredAt) }},
		{"erasedAt", func(a *core.Scored) any { return moment(a.ErasedAt) }},
	}
}

// scoreOf is 0 to 100, or null.
func scoreOf(r *core.Result) any {
	if r == nil {
		return nil
	}
	return r.Score.Float()
}

func revisionOf(r *core.Result) any {
	if r == nil {
		return nil
	}
	return r.Revision
}

// decisionColumns show the steps as one cell of JSON.
func decisionColumns() []column[core.Decided] {
	return []column[core.Decided]{
		{"id", func(d *core.Decided) any { return d.ID }},
		{"createdAt", func(d *core.Decided) any { return moment(d.CreatedAt) }},
		{"connectionId", func(d *core.Decided) any { return d.ConnectionID }},
		{"assessmentId", func(d *core.Decided) any { return d.AssessmentID }},
		{"jobId", func(d *core.Decided) any { return known(d.JobID) }},
		{"testId", func(d *core.Decided) any { return d.TestID }},
		{"revision", func(d *core.Decided) any { return d.Revision }},
		{"ruleId", func(d *core.Decided) any { return d.RuleID }},
		{"ruleVersion", func(d *core.Decided) any { return d.RuleVersion }},
		{"score", func(d *core.Decided) any { return d.Inputs.Score.Float() }},
		{"integrityFlags", func(d *core.Decided) any { return strings.Join(d.Inputs.IntegrityFlags, " ") }},
		{"missingTraits", func(d *core.Decided) any { return strings.Join(d.Inputs.MissingTraits, " ") }},
		{"accommodation", func(d *core.Decided) any { return d.Inputs.Accommodation }},
		{"reviewFrom", func(d *core.Decided) any { return d.Terms.Review.Float() }},
		{"advanceFrom", func(d *core.Decided) any { return d.Terms.Advance.Float() }},
		{"pilot", func(d *core.Decided) any { return d.Terms.Pilot }},
		{"indicator", func(d *core.Decided) any { return d.Indicator }},
		{"suggestion", func(d *core.Decided) any { return d.Suggestion }},
		{"state", func(d *core.Decided) any { return d.State }},
		{"action", func(d *core.Decided) any { return known(d.Action) }},
		{"hold", func(d *core.Decided) any { return known(d.Hold) }},
		{"note", func(d *core.Decided) any { return known(d.Note) }},
		{"dueAt", func(d *core.Decided) any { return moment(d.DueAt) }},
		{"actorRole", func(d *core.Decided) any { return d.ActorRole }},
		{"actorName", func(d *core.Decided) any { return d.ActorName }},
		{"reason", func(d *core.Decided) any { return known(d.Reason) }},
		{"doneAt", func(d *core.Decided) any { return moment(d.DoneAt) }},
		{"steps", func(d *core.Decided) any { return newDecisionSteps(d.Steps) }},
	}
}

func newDecisionSteps(steps []core.DecisionStep) []map[string]any {
	all := make([]map[string]any, len(steps))
	for n, s := range steps {
		all[n] = map[string]any{
			"at": moment(s.At), "from": known(s.From), "to": s.To, "action": known(s.Action), "hold": known(s.Hold),
			"note": known(s.Note), "reason": known(s.Reason), "actorRole": s.ActorRole, "actorId": known(s.ActorID), "actorName": s.ActorName,
		}
	}
	return all
}

// newCandidateFile shows what is kept of a person.
func newCandidateFile(f *core.CandidateFile) ([]byte, error) {
	c, assessments := f.Candidate, make([]map[string]any, len(f.Assessments))
	for n := range f.Assessments {
		var err error
		if assessments[n], err = newAssessmentFile(&f.Assessments[n]); err != nil {
			return nil, err
		}
	}
	return json.MarshalIndent(map[string]any{
		"candidate": map[string]any{
			"id": c.ID, "firstName": c.FirstName, "lastName": c.LastName, "preferredName": known(c.PreferredName), "email": known(c.Email),
			"phone": known(c.Phone), "externalId": known(c.ExternalID), "connectionId": known(c.ConnectionID),
			"profileUrl": known(c.ProfileURL), "createdAt": moment(c.CreatedAt), "updatedAt": moment(c.UpdatedAt), "erasedAt": moment(c.ErasedAt),
		},
		"assessments": assessments,
	}, "", "  ")
}

func newAssessmentFile(f *core.AssessmentFile) (map[string]any, error) {
	assessment, err := object(assessmentColumns(), &core.Scored{Assessment: f.Assessment, Result: f.Result})
	if err != nil {
		return nil, err
	}
	decisions, err := objects(decisionColumns(), f.Decisions)
	if err != nil {
		return nil, err
	}
	log := make([]wholeSyncEntry, len(f.SyncLog))
	for n := range f.SyncLog {
		log[n] = newWholeSyncEntry(&f.SyncLog[n])
	}
	shown := map[string]any{
		"assessment": assessment, "orderedBy": known(f.Assessment.OrderedBy), "result": nil, "decisions": decisions, "syncLog": log,
		"applications": newApplications(f.Applications), "pushes": newPushes(f.Pushes), "events": newEvents(f.Events),
	}
	if r := f.Result; r != nil {
		shown["result"] = newResult(r)
	}
	earlier := make([]map[string]any, len(f.Earlier))
	for n := range f.Earlier {
		earlier[n] = newResult(&f.Earlier[n])
	}
	shown["earlierResults"] = earlier
	return shown, nil
}

func newResult(r *core.Result) map[string]any {
	traits := make([]map[string]any, len(r.Traits))
	for n, t := range r.Traits {
		traits[n] = map[string]any{"key": t.Key, "name": t.Name, "score": t.Score.Float()}
	}
	return map[string]any{
		"id": r.ID, "revision": r.Revision, "score": r.Score.Float(), "rawScore": r.RawScore, "rawMaximum": r.RawMaximum, "traits": traits,
		"report": r.Report, "integrityFlags": r.IntegrityFlags, "accommodation": r.Accommodation, "createdAt": moment(r.CreatedAt),
	}
}

func newApplications(all []core.Application) []map[string]any {
	shown := make([]map[string]any, len(all))
	for n, a := range all {
		shown[n] = map[string]any{
			"connectionId": a.ConnectionID, "externalId": known(a.ExternalID), "candidateExternalId": known(a.CandidateExternalID),
			"externalJobId": known(a.JobExternalID), "state": a.State, "stageName": known(a.StageName), "profileUrl": known(a.ProfileURL),
			"changedAt": moment(a.ChangedAt), "updatedAt": moment(a.UpdatedAt),
		}
	}
	return shown
}

func newPushes(all []core.Push) []any {
	shown := make([]any, len(all))
	for n := range all {
		shown[n] = newPush(&all[n])
	}
	return shown
}

func newEvents(all []core.Event) []map[string]any {
	shown := make([]map[string]any, len(all))
	for n, e := range all {
		shown[n] = map[string]any{"id": e.ID, "type": e.Type, "at": moment(e.At), "actorRole": e.ActorRole, "actorName": e.ActorName, "data": e.Data}
	}
	return shown
}
