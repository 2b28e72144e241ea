package core_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/trellis-ats/trellis/core"
	"github.com/trellis-ats/trellis/core/ats"
	"github.com/trellis-ats/trellis/core/fault"
)

func profiles(w *world) (*core.PushProfiles, *kept) {
	w.t.Helper()
	k := listed(w)
	return core.NewPushProfiles(w.store, w.clock, w.connections, k), k
}

func TestAProfileHasVersions(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ps, _ := profiles(w)
	id := w.connection.ID
	p, err := ps.Of(t.Context(), w.admin, id)
	w.ok(err)
	if diff := cmp.Diff(core.DefaultPushProfile(w.admin.OrganizationID, id), p); diff != "" {
		t.Errorf("before any was saved (-want +got):\n%s", diff)
	}
	source := "source-1"
	for i, update := range []func() (*core.PushProfile, error){
		func() (*core.PushProfile, error) {
			return ps.UpdateScorecard(t.Context(), w.admin, id, core.ScorecardMapping{Bands: &core.BandEnds{StrongYes: 90, Yes: 75.5, Mixed: 40, No: 0.01}})
		},
		func() (*core.PushProfile, error) {
			return ps.UpdateScorecard(t.Context(), w.admin, id, core.ScorecardMapping{ReportOnlyTraits: []string{"calm"}})
		},
		func() (*core.PushProfile, error) {
			return ps.UpdatePolicies(t.Context(), w.admin, id, core.Policies{ClosedJob: core.JobWithoutApplication})
		},
		func() (*core.PushProfile, error) {
			return ps.UpdateDestinations(t.Context(), w.admin, id, core.Destinations{SourceID: &source, All: []core.Destination{
				{Datum: core.DatumScore, To: core.ToField, FieldKey: "score", Owner: ats.OwnerApplication},
			}})
		},
	} {
		for range 2 { // the same again changes nothing
			p, err = update()
			w.ok(err)
			if p.Version != i+1 {
				t.Errorf("step %d: version %d", i, p.Version)
			}
		}
	}
	want := core.PushProfile{
		OrganizationID: w.admin.OrganizationID, ConnectionID: id, Bands: core.Bands{StrongYes: 90_00, Yes: 75_50, Mixed: 40_00, No: 1},
		ReportOnlyTraits: []string{"calm"}, SourceID: "source-1", SourceName: "Trellis", Version: 4, UpdatedAt: w.clock.Now(),
		Destinations: []core.Destination{{Datum: core.DatumScore, To: core.ToField, FieldKey: "score", Owner: ats.OwnerApplication}},
		Policies: core.Policies{
			SeveralMatches: core.MatchesAsk, ClosedApplication: core.ApplicationAsk, ClosedJob: core.JobWithoutApplication,
		},
	}
	kept, err := ps.Of(t.Context(), w.admin, id)
	w.ok(err)
	if diff := cmp.Diff(&want, kept); diff != "" {
		t.Errorf("kept (-want +got):\n%s", diff)
	}
	if audited := w.audited(); len(audited) != 5 || audited[0] != core.EventPushProfileUpdated {
		t.Errorf("audited %v", audited)
	}
	none := ""
	p, err = ps.UpdateDestinations(t.Context(), w.admin, id, core.Destinations{SourceID: &none})
	w.ok(err)
	if p.SourceID != "" || p.SourceName != "" || len(p.Destinations) != 1 {
		t.Errorf("without a source: %+v", p)
	}
}

func TestBandsThatCannotBe(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ps, _ := profiles(w)
	for name, c := range map[string]struct {
		ends          core.BandEnds
		field, reason string
	}{
		"over 100":             {core.BandEnds{StrongYes: 101, Yes: 60, Mixed: 40, No: 20}, "bands.strongYes", "OUT_OF_RANGE"},
		"below 0":              {core.BandEnds{StrongYes: 80, Yes: 60, Mixed: 40, No: -1}, "bands.no", "OUT_OF_RANGE"},
		"three decimals":       {core.BandEnds{StrongYes: 80, Yes: 60.005, Mixed: 40, No: 20}, "bands.yes", "TOO_PRECISE"},
		"overlap":              {core.BandEnds{StrongYes: 80, Yes: 81, Mixed: 40, No: 20}, "bands.yes", "OVERLAP"},
		"an empty band":        {core.BandEnds{StrongYes: 80, Yes: 60, Mixed: 60, No: 20}, "bands.mixed", "OVERLAP"},
		"upside down":          {core.BandEnds{StrongYes: 20, Yes: 40, Mixed: 60, No: 80}, "bands.yes", "OVERLAP"},
		"no room for the last": {core.BandEnds{StrongYes: 80, Yes: 60, Mixed: 40, No: 0}, "bands.no", "OVERLAP"},
	} {
		_, err := ps.UpdateScorecard(t.Context(), w.admin, w.connection.ID, core.ScorecardMapping{Bands: &c.ends})
		t.Log(name)
		w.about(err, c.field, c.reason)
	}
	_, err := ps.UpdateScorecard(t.Context(), w.admin, w.connection.ID, core.ScorecardMapping{ReportOnlyTraits: []string{"calm", "calm"}})
	w.about(err, "reportOnlyTraits.1", "DUPLICATE")
	_, err = ps.UpdatePolicies(t.Context(), w.admin, w.connection.ID, core.Policies{SeveralMatches: "ALL"})
	w.about(err, "severalMatches", "UNKNOWN")
	_, err = ps.UpdatePolicies(t.Context(), w.admin, w.connection.ID, core.Policies{ClosedApplication: "ALL"})
	w.about(err, "closedApplication", "UNKNOWN")
	_, err = ps.UpdatePolicies(t.Context(), w.admin, w.connection.ID, core.Policies{ClosedJob: "ALL"})
	w.about(err, "closedJob", "UNKNOWN")
	p, err := ps.Of(t.Context(), w.admin, w.connection.ID)
	w.ok(err)
	if p.Version != 0 {
		t.Errorf("something was kept: %+v", p)
	}
}

func TestDestinationsThatCannotBe(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ps, _ := profiles(w)
	field := core.Destination{Datum: core.DatumScore, To: core.ToField, FieldKey: "score", Owner: ats.OwnerApplication}
	note := core.Destination{Datum: core.DatumScore, To: core.ToNote}
	edited := func(d core.Destination, edit func(*core.Destination)) core.Destination { edit(&d); return d }
	for name, c := range map[string]struct {
		second        core.Destination
		field, reason string
	}{
		"unknown datum":          {edited(note, func(d *core.Destination) { d.Datum = "AGE" }), "datum", "UNKNOWN"},
		"a score as attachment":  {edited(note, func(d *core.Destination) { d.To = core.ToAttachment }), "to", "IMPOSSIBLE"},
		"twice":                  {note, "to", "DUPLICATE"},
		"two into one field":     {edited(field, func(d *core.Destination) { d.Datum = core.DatumBenchmark }), "to", "DUPLICATE"},
		"field of other owner":   {edited(field, func(d *core.Destination) { d.Owner = ats.OwnerCandidate }), "fieldKey", "UNKNOWN"},
		"field that isn't there": {edited(field, func(d *core.Destination) { d.FieldKey = "rating" }), "fieldKey", "UNKNOWN"},
		"field without key":      {edited(field, func(d *core.Destination) { d.FieldKey = "" }), "fieldKey", "REQUIRED"},
		"owner of no kind":       {edited(field, func(d *core.Destination) { d.Owner = "JOB" }), "owner", "UNKNOWN"},
		"note with a key":        {edited(note, func(d *core.Destination) { d.FieldKey = "score" }), "fieldKey", "UNEXPECTED"},
		"trait without key":      {core.Destination{Datum: core.DatumTrait, To: core.ToNote}, "trait", "REQUIRED"},
		"tag without name":       {core.Destination{Datum: core.DatumAssessed, To: core.ToTag}, "tagName", "REQUIRED"},
	} {
		all := []core.Destination{note, field, c.second}
		_, err := ps.UpdateDestinations(t.Context(), w.admin, w.connection.ID, core.Destinations{All: all})
		t.Log(name)
		w.about(err, "destinations.2."+c.field, c.reason)
	}
	text := core.Destination{Datum: core.DatumSummary, To: core.ToField, FieldKey: "score", Owner: ats.OwnerApplication}
	_, err := ps.UpdateDestinations(t.Context(), w.admin, w.connection.ID, core.Destinations{All: []core.Destination{text}})
	w.about(err, "destinations.0.fieldKey", "TYPE")
	unknown := "source-9"
	_, err = ps.UpdateDestinations(t.Context(), w.admin, w.connection.ID, core.Destinations{SourceID: &unknown})
	w.about(err, "sourceId", "UNKNOWN")
	_, err = ps.UpdateDestinations(t.Context(), w.admin, w.connection.ID, core.Destinations{All: make([]core.Destination, 51)})
	w.about(err, "destinations", "TOO_MANY")
	_, err = ps.UpdateDestinations(t.Context(), w.admin, "con_0", core.Destinations{})
	w.about(err, "connectionId", "UNKNOWN")
	_, err = ps.UpdateScorecard(t.Context(), w.admin, "con_0", core.ScorecardMapping{})
	w.about(err, "connectionId", "UNKNOWN")
}

// Each default can be saved as it is: what is offered is allowed.
func TestTheDefaultsCanBeSaved(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ps, _ := profiles(w)
	p, err := ps.UpdateDestinations(t.Context(), w.admin, w.connection.ID, core.Destinations{All: core.DefaultDestinations()})
	w.ok(err)
	if p.Version != 0 {
		t.Errorf("the defaults made version %d of themselves", p.Version)
	}
}

// What has no effect is kept and said.
func TestWarningsTellWhatHasNoEffect(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ps, _ := profiles(w)
	p, err := ps.UpdateScorecard(t.Context(), w.admin, w.connection.ID, core.ScorecardMapping{ReportOnlyTraits: []string{"calm", "wit"}})
	w.ok(err)
	warnings, err := ps.Warnings(t.Context(), w.admin, p)
	w.ok(err)
	if len(warnings) != 2 || !strings.Contains(warnings[0], "This ATS takes no scorecards.") || !strings.Contains(warnings[1], `"wit"`) {
		t.Errorf("warned %q", warnings)
	}
}

func TestTheReportKeepsTraitsToItself(t *testing.T) {
	t.Parallel()
	p := core.DefaultPushProfile("org_0", "con_0")
	p.ReportOnlyTraits = []string{"wit"}
	all := []core.TraitScore{{Key: "calm"}, {Key: "wit"}, {Key: "grit"}}
	if told := p.Told(all); len(told) != 2 || slices.ContainsFunc(told, func(t core.TraitScore) bool { return t.Key == "wit" }) || all[1].Key != "wit" {
		t.Errorf("told %v of %v", told, all)
	}
}

func TestWhoMayChangeProfiles(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ps, _ := profiles(w)
	recruiter := core.Actor{OrganizationID: w.admin.OrganizationID, Role: core.RoleRecruiter}
	_, err := ps.UpdateScorecard(t.Context(), recruiter, w.connection.ID, core.ScorecardMapping{})
	w.refused(err, fault.Forbidden)
	_, err = ps.UpdateDestinations(t.Context(), recruiter, w.connection.ID, core.Destinations{})
	w.refused(err, fault.Forbidden)
	_, err = ps.Of(t.Context(), recruiter, w.connection.ID)
	w.ok(err)
	_, err = ps.Of(t.Context(), w.engine, w.connection.ID)
	w.refused(err, fault.Forbidden)
}
