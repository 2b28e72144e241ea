package account

// scorecard is an interviewer's. To make one is a restricted right, which a
// client must be given on top of its scopes (facts/greenhouse.md 4.9); the
// body of the request is not known there and chosen here.
type scorecard struct {
	record
	ApplicationID  int64   `json:"application_id"`
	InterviewKitID *int64  `json:"interview_kit_id"`
	InterviewerID  int64   `json:"interviewer_id"`
	SubmitterID    int64   `json:"submitter_id"`
	Rating         string  `json:"candidate_rating"`
	Status         string  `json:"status"`
	InterviewedAt  stamp   `json:"interviewed_at"`
	SubmittedAt    stamp   `json:"submitted_at"`
	Notes          *string `json:"notes"`
	NotesTagged    *string `json:"notes_with_tags"`
	PrivateNotes   *string `json:"private_notes"`
	PrivateTagged  *string `json:"private_notes_with_tags"`
	PublicNotes    *string `json:"public_notes"`
	PublicWithTags *string `json:"public_notes_with_tags"`
	attributes     []scorecardAttribute
}

type scorecardAttribute struct {
	Name   string `json:"name"`
	Rating string `json:"rating"`
}

func listScorecards() func(*call) answer {
	return list(listing[*scorecard]{
		rows: func(w *world) []*scorecard { return w.scorecards.rows },
		visible: func(w *world, u *user, s *scorecard) bool {
			a, ok := w.applications.find(s.ApplicationID)
			return ok && w.seesApplication(u, a)
		},
		filters: func(*world) filters[*scorecard] {
			return filters[*scorecard]{
				"application_ids":   idsOf(func(s *scorecard) int64 { return s.ApplicationID }),
				"interview_kit_ids": noneOf[*scorecard](),
				"submitter_ids":     idsOf(func(s *scorecard) int64 { return s.SubmitterID }),
				"interviewer_ids":   idsOf(func(s *scorecard) int64 { return s.InterviewerID }),
				"interviewed_at":    dateOf(func(s *scorecard) stamp { return s.InterviewedAt }),
				"submitted_at":      dateOf(func(s *scorecard) stamp { return s.SubmittedAt }),
				"status":            choiceOf(func(s *scorecard) string { return s.Status }, "draft", "complete"),
			}
		},
	})
}

func createScorecard(c *call) answer {
	var b struct {
		ApplicationID *int64               `json:"application_id" need:"yes"`
		InterviewerID *int64               `json:"interviewer_id"`
		Rating        string               `json:"candidate_rating" need:"yes" oneof:"strong_no|no|yes|strong_yes|no_decision"`
		Notes         *string              `json:"notes"`
		Attributes    []scorecardAttribute `json:"attributes"`
	}
	problems := append(read(c.body, &b, ""), c.checkUser("interviewer_id", b.InterviewerID)...)
	a, ok := c.w.applications.find(id(b.ApplicationID))
	if b.ApplicationID != nil && (!ok || !c.w.seesApplication(c.user, a)) {
		problems = append(problems, problem{"application_id", "does not exist"})
	}
	if c.w.scorecards.full() {
		problems = append(problems, problem{"", "the stand-in holds no more scorecards"})
	}
	if len(problems) > 0 {
		return unprocessable(problems...)
	}
	s := &scorecard{
		ApplicationID: a.ID, InterviewerID: c.user.ID, SubmitterID: c.user.ID, Rating: b.Rating, Status: "complete",
		InterviewedAt: stamp(c.now), SubmittedAt: stamp(c.now), Notes: b.Notes, PublicNotes: b.Notes, attributes: b.Attributes,
	}
	if b.InterviewerID != nil {
		s.InterviewerID = *b.InterviewerID
	}
	return created(c.w.scorecards.add(s, c.now))
}
