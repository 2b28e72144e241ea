package core_test

import (
	"slices"
	"testing"

	"github.com/trellis-ats/trellis/core"
	"github.com/trellis-ats/trellis/core/ats"
	"github.com/trellis-ats/trellis/core/coretest"
	"github.com/trellis-ats/trellis/core/fault"
)

// about checks that err is a refusal that names the field and the reason.
func (w *world) about(err error, field, reason string) {
	w.t.Helper()
	f := fault.From(err)
	if f == nil || len(f.Fields) == 0 || f.Fields[0].Path != field || f.Fields[0].Code != reason {
		w.t.Fatalf("got %v (%+v), want %s at %s", err, f, reason, field)
	}
}

// audited returns what the audit log says was done to the connection, newest first.
func (w *world) audited() []core.EventType {
	w.t.Helper()
	page, err := w.store.AuditLog(w.t.Context(), w.admin.OrganizationID, core.AuditFilter{SubjectID: w.connection.ID}, core.Page{})
	w.ok(err)
	actions := make([]core.EventType, len(page.Items))
	for i, e := range page.Items {
		actions[i] = e.Action
	}
	return actions
}

func mappings(w *world) (*core.JobMappings, *kept) {
	w.t.Helper()
	k := listed(w)
	return core.NewJobMappings(w.store, w.clock, k), k
}

func TestAJobIsMappedToWhatTheATSHas(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ms, _ := mappings(w)
	n := core.NewMapping{ConnectionID: w.connection.ID, JobID: w.newJob("Closer"), ExternalJobID: "job-2", ExternalStageID: "job-2-stage-2"}
	first, err := ms.Map(t.Context(), w.admin, n)
	w.ok(err)
	if first.ExternalJobName != "Support Engineer" || first.ExternalStageName != "Assessment" {
		t.Errorf("the names are not those of the ATS: %+v", first)
	}
	again, err := ms.Map(t.Context(), w.admin, n)
	w.ok(err)
	if *again != *first {
		t.Errorf("the same again changed %+v to %+v", first, again)
	}
	n.ExternalJobID, n.ExternalStageID = "job-1", ""
	moved, err := ms.Map(t.Context(), w.admin, n)
	w.ok(err)
	if moved.ID != first.ID || moved.ExternalJobID != "job-1" || moved.ExternalStageID != "" {
		t.Errorf("mapped anew: %+v", moved)
	}
	removed, err := ms.Unmap(t.Context(), w.admin, n.ConnectionID, n.JobID)
	w.ok(err)
	if *removed != *moved {
		t.Errorf("removed %+v, not %+v", removed, moved)
	}
	_, err = ms.Unmap(t.Context(), w.admin, n.ConnectionID, n.JobID)
	w.refused(err, fault.NotFound)
	want := []core.EventType{core.EventJobUnmapped, core.EventJobMapped, core.EventJobMapped, core.EventConnectionCreated}
	if got := w.audited(); !slices.Equal(got, want) {
		t.Errorf("audited %v, want %v", got, want)
	}
}

// A mapping that could only fail later is refused at once, and nothing is kept.
func TestAMappingThatCannotWorkIsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ms, k := mappings(w)
	k.ats.CloseJob("job-2")
	job := w.newJob("Closer")
	for name, c := range map[string]struct {
		edit          func(*core.NewMapping)
		field, reason string
	}{
		"no job of the ATS":        {func(n *core.NewMapping) { n.ExternalJobID = " " }, "externalJobId", "REQUIRED"},
		"a job that is not there":  {func(n *core.NewMapping) { n.ExternalJobID = "job-9" }, "externalJobId", "UNKNOWN"},
		"a job that is closed":     {func(n *core.NewMapping) { n.ExternalJobID = "job-2" }, "externalJobId", "INACTIVE"},
		"a stage of another job":   {func(n *core.NewMapping) { n.ExternalStageID = "job-2-stage-1" }, "externalStageId", "UNKNOWN"},
		"a job that we don't have": {func(n *core.NewMapping) { n.JobID = "job_0" }, "jobId", "UNKNOWN"},
		"a strange connection":     {func(n *core.NewMapping) { n.ConnectionID = "con_0" }, "connectionId", "UNKNOWN"},
	} {
		n := core.NewMapping{ConnectionID: w.connection.ID, JobID: job, ExternalJobID: "job-1"}
		c.edit(&n)
		_, err := ms.Map(t.Context(), w.admin, n)
		t.Log(name)
		w.about(err, c.field, c.reason)
	}
	k.err = fault.New(fault.Auth, "The ATS refused our credential.")
	_, err := ms.Map(t.Context(), w.admin, core.NewMapping{ConnectionID: w.connection.ID, JobID: job, ExternalJobID: "job-1"})
	w.refused(err, fault.Auth)
	page, err := ms.List(t.Context(), w.admin, core.JobMappingFilter{}, core.Page{})
	w.ok(err)
	if len(page.Items) != 0 {
		t.Errorf("kept %+v", page.Items)
	}
}

// What was made in the ATS a moment ago can be chosen, though its lists are kept.
func TestAMappingLooksAgainBeforeItRefuses(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ms, k := mappings(w)
	q := core.ChoiceQuery{ConnectionID: w.connection.ID, Kind: ats.ReferenceJobs}
	k.kept[q] = []ats.ReferenceItem{{ID: "job-2", Name: "Support Engineer"}} // it was closed then
	n := core.NewMapping{ConnectionID: w.connection.ID, JobID: w.newJob("Closer"), ExternalJobID: "job-1"}
	for range 2 {
		_, err := ms.Map(t.Context(), w.admin, n)
		w.ok(err)
	}
	n.ExternalJobID = "job-2"
	_, err := ms.Map(t.Context(), w.admin, n)
	w.ok(err)
	if got := k.ats.Calls(coretest.OpList); got != 1 {
		t.Errorf("asked %d times", got)
	}
}

// An ATS without lists takes what was typed.
func TestAMappingWithoutListsIsTakenAsTyped(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ms, k := mappings(w)
	k.err = fault.New(fault.Unsupported, "The adapter has no lists.")
	m, err := ms.Map(t.Context(), w.admin, core.NewMapping{
		ConnectionID: w.connection.ID, JobID: w.newJob("Closer"), ExternalJobID: "R-17", ExternalStageID: "S-2",
	})
	w.ok(err)
	if m.ExternalJobID != "R-17" || m.ExternalJobName != "R-17" || m.ExternalStageID != "S-2" {
		t.Errorf("kept %+v", m)
	}
}

func TestWhoMayMapJobs(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ms, _ := mappings(w)
	recruiter := core.Actor{OrganizationID: w.admin.OrganizationID, Role: core.RoleRecruiter}
	_, err := ms.Map(t.Context(), recruiter, core.NewMapping{})
	w.refused(err, fault.Forbidden)
	_, err = ms.Unmap(t.Context(), recruiter, w.connection.ID, "job_0")
	w.refused(err, fault.Forbidden)
	_, err = ms.List(t.Context(), recruiter, core.JobMappingFilter{}, core.Page{})
	w.ok(err)
	_, err = ms.List(t.Context(), w.engine, core.JobMappingFilter{}, core.Page{})
	w.refused(err, fault.Forbidden)
}
