package account

import (
	"strconv"
	"time"
)

// deleteCandidate removes a person with all that is theirs.
func deleteCandidate(c *call) answer {
	person, ok := c.w.candidates.find(c.id)
	if !ok {
		return missing("Candidate", c.id)
	}
	deleted := c.w.removeCandidate(person)
	c.tell(c.candidateDeleted(person, deleted))
	return nothing()
}

// removeCandidate returns the ids of the applications that went too.
func (w *world) removeCandidate(person *candidate) []int64 {
	ids := []int64{}
	for _, app := range w.applicationsOf(person.ID) {
		ids = append(ids, app.ID)
		w.removeApplication(app)
	}
	w.notes.dropIf(func(n *note) bool { return n.CandidateID == person.ID })
	w.appliedTags.dropIf(func(t *appliedTag) bool { return t.CandidateID == person.ID })
	w.candidates.drop(person.ID)
	return ids
}

// mergeCandidate deletes the secondary person and gives what they had to the first.
func mergeCandidate(c *call) answer {
	var b struct {
		Secondary int64 `json:"secondary_candidate_id" need:"yes"`
	}
	if problems := read(c.body, &b, ""); len(problems) > 0 {
		return unprocessable(problems...)
	}
	winner, ok := c.w.candidates.find(c.id)
	if !ok {
		return missing("Candidate", c.id)
	}
	loser, ok := c.w.candidates.find(b.Secondary)
	if !ok || loser == winner {
		return wrong("secondary_candidate_id", "is not another candidate")
	}
	dropped := c.w.merge(winner, loser, c.now)
	touch(winner, c.now)
	c.tell(c.candidateMerged(loser, winner.ID))
	for _, app := range dropped {
		c.tell(c.applicationDeleted(app))
	}
	return nothing()
}

// merge returns the applications that were duplicates on the same job, which are gone.
func (w *world) merge(winner, loser *candidate, now time.Time) []*application {
	var dropped []*application
	for _, app := range w.applicationsOf(loser.ID) {
		if app.JobID != nil && w.applied(winner.ID, *app.JobID) {
			dropped = append(dropped, app)
			w.removeApplication(app)
			continue
		}
		app.CandidateID = winner.ID
	}
	for _, a := range w.attachments.rows {
		if a.CandidateID == loser.ID {
			a.CandidateID = winner.ID
		}
	}
	for _, n := range w.notes.rows {
		if n.CandidateID == loser.ID {
			n.CandidateID = winner.ID
		}
	}
	names := append(w.tagNames(winner.ID), w.tagNames(loser.ID)...)
	w.appliedTags.dropIf(func(t *appliedTag) bool { return t.CandidateID == loser.ID })
	w.setTags(winner.ID, names, now)
	w.candidates.drop(loser.ID)
	return dropped
}

// anonymizeCandidate empties what the body names.
func anonymizeCandidate(c *call) answer {
	var b struct {
		Fields []string `json:"fields" need:"yes"`
	}
	if problems := read(c.body, &b, ""); len(problems) > 0 {
		return unprocessable(problems...)
	}
	person, ok := c.w.candidates.find(c.id)
	if !ok {
		return missing("Candidate", c.id)
	}
	for _, name := range b.Fields {
		if !c.w.forget(person, name) {
			return wrong("fields", "%s is not a field that can be anonymized", name)
		}
	}
	person.anonymized = true
	touch(person, c.now)
	c.tell(candidateAnonymized(person.ID, b.Fields))
	return nothing()
}

// anonymizable are the fields that the stand-in knows how to empty.
func anonymizable() []string {
	return []string{"full_name", "current_company", "current_title", "email_addresses", "phone_numbers", "addresses", "websites", "social_media_links", "custom_candidate_fields", "tags", "attachments", "notes"}
}

// forget empties a field of a person; it reports false if there is no such field.
func (w *world) forget(person *candidate, name string) bool {
	switch name {
	case "full_name":
		person.FirstName, person.LastName, person.PreferredName = "Anonymized", strconv.FormatInt(person.ID, 10), nil
	case "current_company":
		person.Company = nil
	case "current_title":
		person.Title = nil
	case "email_addresses":
		person.Emails = []address{}
	case "phone_numbers":
		person.Phones = []address{}
	case "addresses":
		person.Addresses = []address{}
	case "websites":
		person.Websites = []address{}
	case "social_media_links":
		person.SocialMedia = []address{}
	case "custom_candidate_fields":
		person.values = fieldValues{}
	case "tags":
		w.appliedTags.dropIf(func(t *appliedTag) bool { return t.CandidateID == person.ID })
	case "attachments":
		w.dropAttachments(func(a *attachment) bool { return a.CandidateID == person.ID })
	case "notes":
		w.notes.dropIf(func(n *note) bool { return n.CandidateID == person.ID })
	default:
		return false
	}
	return true
}
