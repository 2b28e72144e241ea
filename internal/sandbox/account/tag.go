package account

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

type tag struct {
	record
	Name string `json:"name"`
}

// appliedTag is a tag on a candidate.
type appliedTag struct {
	record
	CandidateID int64 `json:"candidate_id"`
	TagID       int64 `json:"candidate_tag_id"`
}

func listTags() func(*call) answer {
	return list(listing[*tag]{rows: func(w *world) []*tag { return w.tags.rows }})
}

func listAppliedTags() func(*call) answer {
	return list(listing[*appliedTag]{
		rows: func(w *world) []*appliedTag { return w.appliedTags.rows },
		filters: func(*world) filters[*appliedTag] {
			return filters[*appliedTag]{
				"candidate_tag_ids": idsOf(func(t *appliedTag) int64 { return t.TagID }),
				"candidate_ids":     idsOf(func(t *appliedTag) int64 { return t.CandidateID }),
			}
		},
	})
}

func (w *world) tagNamed(name string) (*tag, bool) {
	at := slices.IndexFunc(w.tags.rows, func(t *tag) bool { return strings.EqualFold(t.Name, name) })
	if at < 0 {
		return nil, false
	}
	return w.tags.rows[at], true
}

func (w *world) tagNames(candidate int64) []string {
	names := []string{}
	for _, applied := range w.appliedTags.rows {
		if t, ok := w.tags.find(applied.TagID); ok && applied.CandidateID == candidate {
			names = append(names, t.Name)
		}
	}
	return names
}

// checkTags wants names of tags that exist: none is made implicitly.
func (w *world) checkTags(names []string) []problem {
	for _, name := range names {
		if _, ok := w.tagNamed(name); !ok {
			return []problem{{"tags", fmt.Sprintf("%q is not a tag", name)}}
		}
	}
	return nil
}

// setTags replaces a candidate's tags.
func (w *world) setTags(candidate int64, names []string, now time.Time) {
	w.appliedTags.dropIf(func(t *appliedTag) bool { return t.CandidateID == candidate })
	for _, name := range names {
		if t, ok := w.tagNamed(name); ok && !w.hasTag(candidate, t.ID) {
			w.appliedTags.add(&appliedTag{CandidateID: candidate, TagID: t.ID}, now)
		}
	}
}

func (w *world) hasTag(candidate, tag int64) bool {
	return slices.ContainsFunc(w.appliedTags.rows, func(t *appliedTag) bool { return t.CandidateID == candidate && t.TagID == tag })
}

func createTag(c *call) answer {
	var b struct {
		Name string `json:"name" need:"yes"`
	}
	if problems := read(c.body, &b, ""); len(problems) > 0 {
		return unprocessable(problems...)
	}
	if _, taken := c.w.tagNamed(b.Name); taken || c.w.tags.full() {
		return wrong("name", "has already been taken")
	}
	return created(c.w.tags.add(&tag{Name: b.Name}, c.now))
}

// applyTag refuses a tag that the candidate has.
func applyTag(c *call) answer {
	var b struct {
		CandidateID *int64 `json:"candidate_id" need:"yes"`
		TagID       *int64 `json:"candidate_tag_id" need:"yes"`
	}
	problems := read(c.body, &b, "")
	if _, ok := c.w.candidates.find(id(b.CandidateID)); b.CandidateID != nil && !ok {
		problems = append(problems, problem{"candidate_id", "does not exist"})
	}
	if _, ok := c.w.tags.find(id(b.TagID)); b.TagID != nil && !ok {
		problems = append(problems, problem{"candidate_tag_id", "does not exist"})
	}
	if c.w.hasTag(id(b.CandidateID), id(b.TagID)) {
		problems = append(problems, problem{"candidate_tag_id", "has already been applied"})
	}
	if c.w.appliedTags.full() {
		problems = append(problems, problem{"", "the stand-in holds no more tags"})
	}
	if len(problems) > 0 {
		return unprocessable(problems...)
	}
	return created(c.w.appliedTags.add(&appliedTag{CandidateID: *b.CandidateID, TagID: *b.TagID}, c.now))
}

func removeTag(c *call) answer {
	if _, ok := c.w.appliedTags.find(c.id); !ok {
		return missing("Applied candidate tag", c.id)
	}
	c.w.appliedTags.drop(c.id)
	return nothing()
}
