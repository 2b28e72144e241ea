package account

import (
	"net/http"
	"regexp"
	"strconv"
	"strings"
)

// tally counts calls.
type tally struct {
	endpoints map[string]int
	statuses  map[string]int
	faults    map[string]int
}

func newTally() tally {
	return tally{endpoints: map[string]int{}, statuses: map[string]int{}, faults: map[string]int{}}
}

// count writes a call down; a cut one has the status 0.
func (t *tally) count(endpoint string, s shot, status int) {
	switch s.kind {
	case faultResetBefore, faultResetAfter, faultTimeoutAfter:
		status = 0
	case faultErrorAfter:
		status = http.StatusInternalServerError
	}
	t.endpoints[endpoint]++
	t.statuses[strconv.Itoa(status)]++
	if s.kind != "" {
		t.faults[s.kind]++
	}
}

// Stats are what arrived, without what was there from the start, and how
// often it was asked for.
type Stats struct {
	Candidates   int            `json:"candidates"`
	Applications int            `json:"applications"`
	Notes        int            `json:"notes"`
	Attachments  int            `json:"attachments"`
	TagsApplied  int            `json:"tags_applied"`
	Scorecards   int            `json:"scorecards"`
	Requests     int            `json:"requests"`
	ByEndpoint   map[string]int `json:"by_endpoint"`
	ByStatus     map[string]int `json:"by_status"` // "0" was cut
	Faults       map[string]int `json:"faults"`
	TooMany      int            `json:"too_many"` // answers 429
	Duplicates   Duplicates     `json:"duplicates"`
	Tokens       Tokens         `json:"tokens"`
}

// Duplicates count what is there once more than it should be.
type Duplicates struct {
	Emails       int `json:"emails"`       // candidates with an e-mail address that an earlier one has
	Applications int `json:"applications"` // for the same job by the same candidate
	Attachments  int `json:"attachments"`  // of the same name on an application
	Notes        int `json:"notes"`        // with the same marker, or the same text, on a candidate
	Tags         int `json:"tags"`
}

// Total is all of them.
func (d Duplicates) Total() int { return d.Emails + d.Applications + d.Attachments + d.Notes + d.Tags }

// Stats counts.
func (a *Account) Stats() Stats {
	a.mu.Lock()
	defer a.mu.Unlock()
	s := Stats{
		Notes: len(a.world.notes.rows), Attachments: len(a.world.attachments.rows), TagsApplied: len(a.world.appliedTags.rows), Scorecards: len(a.world.scorecards.rows),
		ByEndpoint: copied(a.stats.endpoints), ByStatus: copied(a.stats.statuses), Faults: copied(a.stats.faults), Tokens: a.oauth.count,
		TooMany: a.stats.statuses["429"], Duplicates: a.world.duplicates(),
	}
	for _, c := range a.world.candidates.rows {
		if !c.seeded {
			s.Candidates++
		}
	}
	for _, app := range a.world.applications.rows {
		if !app.seeded {
			s.Applications++
		}
	}
	for _, n := range a.stats.endpoints {
		s.Requests += n
	}
	return s
}

func copied(m map[string]int) map[string]int {
	c := make(map[string]int, len(m))
	for k, v := range m {
		c[k] = v
	}
	return c
}

// markers are how the notes of a program can be found again: the first id in
// the text that has a prefix, "asm_01…".
func markers() *regexp.Regexp { return regexp.MustCompile(`\b[a-z]{2,6}_[0-9a-z]{20,}\b`) }

func (w *world) duplicates() Duplicates {
	var d Duplicates
	seen := map[string]bool{}
	again := func(n *int, parts ...string) {
		key := strings.Join(parts, "\x00")
		if seen[key] {
			*n++
		}
		seen[key] = true
	}
	for _, c := range w.candidates.rows {
		for _, e := range c.Emails {
			again(&d.Emails, "email", strings.ToLower(e.Value))
		}
	}
	for _, a := range w.applications.rows {
		if a.JobID != nil {
			again(&d.Applications, "application", text(a.CandidateID), text(*a.JobID))
		}
	}
	for _, f := range w.attachments.rows {
		again(&d.Attachments, "attachment", text(f.ApplicationID), f.Filename)
	}
	ids := markers()
	for _, n := range w.notes.rows {
		marker := ids.FindString(n.Body)
		if marker == "" {
			marker = n.Body
		}
		again(&d.Notes, "note", text(n.CandidateID), marker)
	}
	for _, t := range w.appliedTags.rows {
		again(&d.Tags, "tag", text(t.CandidateID), text(t.TagID))
	}
	return d
}
