package account

import "time"

// Person is a candidate who is there from the start, in a job's assessment stage.
type Person struct {
	ID, ApplicationID          int64
	FirstName, LastName, Email string
	JobID                      int64
}

// The ids of the seeded world that programs may build upon.
const (
	OrganizationID   = 9
	OrganizationName = "Acme Sales"

	UserAdmin    = 4001 // a site admin who sees private candidates
	UserAdminTwo = 4002 // a site admin
	UserJobAdmin = 4003 // no site admin: may write, not read
	UserService  = 4009 // the integration's service user, a site admin

	JobExecutive   = 12345
	JobDevelopment = 12346
	JobClosed      = 12347

	// The stages of JobExecutive; those of the next job are 10 higher.
	StageReview     = 71411
	StageAssessment = 71412
	StagePhone      = 71413
	StageOnsite     = 71414
	StageOffer      = 71415

	StagePhoneDevelopment = StagePhone + stagesApart

	ReasonThreshold   = 15
	TemplateRejection = 987
	SourceTrellis     = 25
	stagesApart       = 10
)

// newWorld counts each table from another number, so that one id taken for
// another's is found out.
func newWorld(now time.Time, offset int64, people []Person) *world {
	w := &world{organization: OrganizationID}
	seedUsers(w, now)
	seedJobs(w, now)
	seedReferences(w, now)
	seedFields(w, now)
	for _, p := range people {
		seedPerson(w, p, now)
	}
	for next, first := range map[*int64]int64{
		&w.candidates.next: 17_690_001, &w.applications.next: 26_240_001, &w.applicationStages.next: 900_001, &w.notes.next: 700_001,
		&w.attachments.next: 800_001, &w.appliedTags.next: 610_001, &w.rejections.next: 5_500_001, &w.scorecards.next: 60_001,
	} {
		*next = max(*next, first) + offset
	}
	return w
}

func seedUsers(w *world, now time.Time) {
	for _, u := range []*user{
		{record: record{ID: UserAdmin}, FirstName: "Rita", LastName: "Recruiter", PrimaryEmail: "rita.recruiter@example.org", SiteAdmin: true, seesPrivate: true, role: roleSiteAdmin},
		{record: record{ID: UserAdminTwo}, FirstName: "Sam", LastName: "Siteadmin", PrimaryEmail: "sam.siteadmin@example.org", SiteAdmin: true, role: roleSiteAdmin},
		{record: record{ID: UserJobAdmin}, FirstName: "Jo", LastName: "Jobadmin", PrimaryEmail: "jo.jobadmin@example.org", role: roleJobAdmin},
		{record: record{ID: UserService}, FirstName: "Trellis", LastName: "(service account)", PrimaryEmail: "trellis.service@example.org", SiteAdmin: true, service: true, role: roleSiteAdmin},
	} {
		u.complete()
		w.users.add(u, now)
	}
	w.roles.add(&userRole{record: record{ID: 1}, RoleType: roleSiteAdmin, Name: "Site Admin"}, now)
	w.roles.add(&userRole{record: record{ID: 2}, RoleType: roleJobAdmin, Name: "Job Admin: Standard"}, now)
}

func seedJobs(w *world, now time.Time) {
	w.openings.next, w.interviews.next = 3301, 44_001
	for n, j := range []*job{
		{record: record{ID: JobExecutive}, Name: "Account Executive", RequisitionID: "AE-1", Status: jobOpen, OpenedAt: stamp(now)},
		{record: record{ID: JobDevelopment}, Name: "Sales Development Rep", RequisitionID: "SDR-1", Status: jobOpen, OpenedAt: stamp(now)},
		{record: record{ID: JobClosed}, Name: "Regional Sales Lead", RequisitionID: "RSL-1", Status: jobClosed, OpenedAt: stamp(now), ClosedAt: stamp(now)},
	} {
		w.jobs.add(j, now)
		for i, name := range []string{"Application Review", "Assessment", "Phone Interview", "Face to Face", "Offer"} {
			s := w.stages.add(&jobStage{record: record{ID: int64(StageReview + n*stagesApart + i)}, JobID: j.ID, Name: name, SortOrder: i, Active: true}, now)
			kind := "needs_scheduling"
			if name == "Assessment" {
				kind = takeHomeTest
			}
			w.interviews.add(&jobInterview{JobID: j.ID, StageID: s.ID, Name: name, SchedulingType: kind, Active: true, SortOrder: 0}, now)
		}
		w.stages.add(&jobStage{record: record{ID: int64(StageReview + n*stagesApart + 5)}, JobID: j.ID, Name: "Written Exercise", SortOrder: 5}, now)
		for range min(n+1, 2) {
			w.openings.add(&opening{JobID: j.ID, Open: j.Status == jobOpen, OpeningID: j.RequisitionID, OpenedAt: stamp(now)}, now)
		}
	}
}

func seedReferences(w *world, now time.Time) {
	ours, theirs, none := reasonType{1, "WE_REJECTED_THEM", "We rejected them"}, reasonType{2, "THEY_REJECTED_US", "They rejected us"}, reasonType{3, "NONE_SPECIFIED", "None specified"}
	for _, r := range []*reason{
		{record: record{ID: 1}, Name: "No reason given", Type: none, builtIn: true},
		{record: record{ID: 2}, Name: "Withdrew", Type: theirs, builtIn: true},
		{record: record{ID: 14}, Name: "Too Junior", Type: ours},
		{record: record{ID: ReasonThreshold}, Name: "Below the assessment's threshold", Type: ours},
		{record: record{ID: 16}, Name: "Took another offer", Type: theirs},
	} {
		w.reasons.add(r, now)
	}
	for _, t := range []*emailTemplate{
		{record: record{ID: TemplateRejection}, Name: "Candidate Rejection", EmailType: "candidate_rejection", Default: true, Subject: "Your application"},
		{record: record{ID: 988}, Name: "Candidate Rejection after Assessment", EmailType: "candidate_rejection", Subject: "Your assessment"},
		{record: record{ID: 989}, Name: "Take Home Test", EmailType: "take_home_test_email", Default: true, Subject: "Your test"},
	} {
		t.FromType, t.Body, t.HTMLBody = "organization_email", "Hello", "<p>Hello</p>"
		w.templates.add(t, now)
	}
	w.sources.add(&source{record: record{ID: SourceTrellis}, Name: "Trellis", Type: sourceType{9, "Other"}}, now)
	w.sources.add(&source{record: record{ID: 26}, Name: "Referral", Type: sourceType{2, "Referrals"}}, now)
	w.sources.add(&source{record: record{ID: 27}, Name: "Agency", Type: sourceType{3, "Agencies"}}, now)
	w.referrers.add(&referrer{record: record{ID: 158_101}, Name: "Rita Recruiter", UserID: UserAdmin}, now)
	w.tags.add(&tag{record: record{ID: 61}, Name: "Imported"}, now)
	w.tags.add(&tag{record: record{ID: 62}, Name: "Assessed"}, now)
}

func seedFields(w *world, now time.Time) {
	w.options.next = 7701
	for n, owner := range []string{ownerCandidate, ownerApplication} {
		for i, f := range []customField{
			{Name: "Assessment Score", NameKey: "assessment_score", ValueType: fieldNumber},
			{Name: "Assessment Band", NameKey: "assessment_band", ValueType: fieldSingleSelect},
			{Name: "Assessment Report", NameKey: "assessment_report", ValueType: fieldURL},
			{Name: "Assessment Remarks", NameKey: "assessment_remarks", ValueType: fieldLongText},
		} {
			f.ID, f.FieldType, f.Active, f.SortOrder = int64(5561+10*n+i), owner, true, i
			w.fields.add(&f, now)
			if f.ValueType != fieldSingleSelect {
				continue
			}
			for at, name := range []string{"Strong Yes", "Yes", "Mixed", "No", "Definitely Not"} {
				w.options.add(&fieldOption{FieldID: f.ID, Name: name, SortOrder: at, Active: true}, now)
			}
		}
	}
}

func seedPerson(w *world, p Person, now time.Time) {
	c := &candidate{record: record{ID: p.ID}, FirstName: p.FirstName, LastName: p.LastName, CanEmail: true, LastActivityAt: stamp(now), seeded: true}
	c.Emails = []address{{Value: p.Email, Type: "personal"}}
	c.complete()
	w.candidates.add(c, now)
	if _, ok := w.jobs.find(p.JobID); !ok {
		p.JobID = JobExecutive
	}
	app := &application{record: record{ID: p.ApplicationID}, CandidateID: p.ID, JobID: &p.JobID, seeded: true}
	w.enter(w.applications.add(app, now), StageAssessment+(p.JobID-JobExecutive)*stagesApart, now)
	app.LastActivityAt = stamp(now)
}
