package account

import "strings"

type note struct {
	record
	CandidateID     int64    `json:"candidate_id"`
	ApplicationID   *int64   `json:"application_id"`
	UserID          int64    `json:"user_id"`
	Body            string   `json:"body"`
	BodyWithTags    string   `json:"body_with_tags"`
	Subject         *string  `json:"subject"`
	Type            string   `json:"type"`
	Visibility      string   `json:"visibility"`
	EmailFrom       *string  `json:"email_from"`
	EmailTo         []string `json:"email_to"`
	EmailCC         []string `json:"email_cc"`
	AttachmentNames *string  `json:"email_attachment_file_names"`
	ImportHash      *string  `json:"import_hash"`
}

func noteTypes() []string {
	return []string{"NOTE", "ACTIVITY", "INTERVIEW", "EMAIL", "FOLLOW_UP", "TAKE_HOME_TEST", "LINKEDIN_NOTE", "LINKEDIN_INMAIL", "AVAILABILITY_REQUEST", "MIGRATION_ERROR", "TOUCHPOINT", "FORM", "FEEDBACK"}
}

// readVisibility is how an answer spells what a request calls public.
func readVisibility(written string) string {
	switch written {
	case "public":
		return "publicly_visible"
	case "private":
		return "privately_visible"
	default:
		return "admin_only_visible"
	}
}

func listNotes() func(*call) answer {
	return list(listing[*note]{
		rows: func(w *world) []*note { return w.notes.rows },
		visible: func(w *world, u *user, n *note) bool {
			person, ok := w.candidates.find(n.CandidateID)
			return !ok || w.sees(u, person)
		},
		filters: func(*world) filters[*note] {
			return filters[*note]{
				"candidate_ids":   idsOf(func(n *note) int64 { return n.CandidateID }),
				"user_ids":        idsOf(func(n *note) int64 { return n.UserID }),
				"application_ids": idsOf(func(n *note) int64 { return id(n.ApplicationID) }),
				"type":            choiceOf(func(n *note) string { return n.Type }, noteTypes()...),
				"visibility":      choiceOf(func(n *note) string { return n.Visibility }, "admin_only_visible", "privately_visible", "publicly_visible"),
			}
		},
	})
}

type noteBody struct {
	CandidateID   *int64   `json:"candidate_id" need:"yes"`
	ApplicationID *int64   `json:"application_id"`
	UserID        *int64   `json:"user_id"`
	Body          string   `json:"body" need:"yes"`
	Visibility    string   `json:"visibility" need:"yes" oneof:"admin_only|private|public"`
	Type          string   `json:"note_type" need:"yes" oneof:"NOTE|ACTIVITY|EMAIL"`
	Subject       *string  `json:"subject"`
	EmailFrom     []string `json:"email_from"`
	EmailTo       []string `json:"email_to"`
	EmailCC       []string `json:"email_cc"`
}

// createNote does not ask whether the candidate exists; the real one does not
// either (facts/greenhouse.md 4.6).
func createNote(c *call) answer {
	var b noteBody
	problems := append(read(c.body, &b, ""), c.checkUser("user_id", b.UserID)...)
	if a, ok := c.w.applications.find(id(b.ApplicationID)); b.ApplicationID != nil && (!ok || a.CandidateID != id(b.CandidateID)) {
		problems = append(problems, problem{"application_id", "does not belong to the candidate"})
	}
	for _, name := range []string{"email_from", "email_to", "email_cc"} {
		if there := has(c.body, name); there != (b.Type == "EMAIL") {
			problems = append(problems, problem{name, "goes with note_type EMAIL, and only with it"})
		}
	}
	if c.w.notes.full() {
		problems = append(problems, problem{"", "the stand-in holds no more notes"})
	}
	if len(problems) > 0 {
		return unprocessable(problems...)
	}
	return created(c.addNote(&b))
}

func (c *call) addNote(b *noteBody) any {
	n := &note{
		CandidateID: *b.CandidateID, ApplicationID: b.ApplicationID, UserID: c.user.ID, Body: b.Body, BodyWithTags: b.Body, Subject: b.Subject,
		Type: b.Type, Visibility: readVisibility(b.Visibility), EmailTo: b.EmailTo, EmailCC: b.EmailCC,
	}
	if b.UserID != nil {
		n.UserID = *b.UserID
	}
	if len(b.EmailFrom) > 0 {
		from := strings.Join(b.EmailFrom, ", ")
		n.EmailFrom = &from
	}
	c.w.notes.add(n, c.now)
	if c.a.rules.NoteSpelling == SpellRead {
		return n
	}
	written := *n
	written.Visibility = b.Visibility
	return written
}
