package greenhouse

import (
	"context"
	"net/http"
	"net/url"
	"strings"

	"github.com/trellis-ats/trellis/core/ats"
	"github.com/trellis-ats/trellis/core/fault"
)

// candidate is a person as Harvest lists them.
type candidate struct {
	ID             identifier             `json:"id"`
	FirstName      string                 `json:"first_name"`
	LastName       string                 `json:"last_name"`
	Private        bool                   `json:"private"`
	EmailAddresses []typedValue           `json:"email_addresses"`
	CustomFields   map[string]customValue `json:"custom_fields"`
}

// typedValue is an e-mail address, a phone number and so on.
type typedValue struct {
	Value string `json:"value"`
	Type  string `json:"type"`
}

// Find implements ats.Candidates: one request for people, one for their
// applications, and one more if this edition of Greenhouse does not tell the
// job's stage with them. The filter by e-mail is exact and takes any case
// (facts/greenhouse.md 4.6).
// Errors: fault.Invalid if there is nothing to look for; those of a read.
func (a *adapter) Find(ctx context.Context, q *ats.CandidateQuery) (*ats.CandidateMatches, error) {
	h, err := a.harvest(&q.Connection)
	if err != nil {
		return &ats.CandidateMatches{}, err
	}
	matches, err := h.find(ctx, q)
	return &ats.CandidateMatches{Matches: matches, Trace: h.trace()}, err
}

func (h *harvest) find(ctx context.Context, q *ats.CandidateQuery) ([]ats.CandidateMatch, error) {
	query, err := personQuery(q)
	if err != nil {
		return nil, err
	}
	people, next, err := list[candidate](ctx, h, resourceCandidates, query)
	if err != nil {
		return nil, err
	}
	if next != "" {
		h.degrade("Greenhouse has more people of this address than were looked at.")
	}
	var matches []ats.CandidateMatch
	for i := range people {
		if m, ok := h.match(q, &people[i]); ok {
			matches = append(matches, m)
		}
	}
	if q.JobID == "" || len(matches) == 0 {
		return matches, nil
	}
	return matches, h.addApplications(ctx, q.JobID, matches)
}

func personQuery(q *ats.CandidateQuery) (url.Values, error) {
	switch {
	case q.ExternalID != "":
		if _, err := numeric("externalId", q.ExternalID); err != nil {
			return nil, err
		}
		return first(maxIDs, identifiersFilter, q.ExternalID), nil
	case strings.TrimSpace(q.Email) != "":
		return first(maxIDs, "email", strings.TrimSpace(q.Email)), nil
	default:
		return nil, fault.InvalidField("email", "REQUIRED", "Nobody can be looked for without an id or an e-mail address. Nothing was sent.")
	}
}

// match holds a row against the query: the host creates or reuses a person by
// it, so the filter is not taken on trust. A row that shows no address at all
// counts, since Greenhouse found it by one.
func (h *harvest) match(q *ats.CandidateQuery, p *candidate) (ats.CandidateMatch, bool) {
	m := ats.CandidateMatch{
		CandidateID: string(p.ID), FirstName: p.FirstName, LastName: p.LastName, Private: p.Private,
		ProfileURL: profileURL(h.c, string(p.ID), ""),
	}
	if p.ID == "" || q.ExternalID != "" && q.ExternalID != m.CandidateID {
		return m, false
	}
	for _, e := range p.EmailAddresses {
		if q.ExternalID != "" || strings.EqualFold(strings.TrimSpace(e.Value), strings.TrimSpace(q.Email)) {
			m.Email = e.Value
			return m, true
		}
	}
	return m, q.ExternalID != "" || len(p.EmailAddresses) == 0
}

func (h *harvest) addApplications(ctx context.Context, job string, matches []ats.CandidateMatch) error {
	ids := make([]string, len(matches))
	for i, m := range matches {
		ids[i] = m.CandidateID
	}
	query, err := applicationFilter(ids, job)
	if err != nil {
		return err
	}
	found, _, err := h.applications(ctx, query, false)
	if err != nil {
		return err
	}
	for i := range matches {
		for _, record := range found {
			if record.CandidateID == matches[i].CandidateID {
				record.ProfileURL = profileURL(h.c, record.CandidateID, record.ID)
				matches[i].Applications = append(matches[i].Applications, record)
			}
		}
	}
	return nil
}

// newPerson is the body of POST /v3/candidates (facts/greenhouse.md 4.6).
type newPerson struct {
	FirstName      string          `json:"first_name"`
	LastName       string          `json:"last_name"`
	PreferredName  string          `json:"preferred_name,omitempty"`
	EmailAddresses []typedValue    `json:"email_addresses,omitempty"`
	PhoneNumbers   []typedValue    `json:"phone_numbers,omitempty"`
	Application    *newApplication `json:"application,omitempty"`
}

// newApplication is the body of POST /v3/applications, and without the
// candidate a part of newPerson.
type newApplication struct {
	CandidateID    int64  `json:"candidate_id,omitempty"`
	JobID          int64  `json:"job_id"`
	InitialStageID *int64 `json:"initial_stage_id,omitempty"`
	SourceID       *int64 `json:"source_id,omitempty"`
}

// createdPerson is the answer; the application may be null.
type createdPerson struct {
	Candidate   candidate       `json:"candidate"`
	Application *applicationRow `json:"application"`
}

// Create implements ats.Candidates: one POST makes person and application,
// after the job and the stage were looked at.
// Errors: fault.Invalid names the field; fault.Conflict with Kind
// "JOB_CLOSED"; fault.OutcomeUnknown; those of a read.
func (a *adapter) Create(ctx context.Context, n *ats.NewCandidate) (*ats.CandidateReceipt, error) {
	h, err := a.harvest(&n.Connection)
	if err != nil {
		return &ats.CandidateReceipt{}, err
	}
	receipt := &ats.CandidateReceipt{}
	err = h.createPerson(ctx, n, receipt)
	receipt.Trace = h.trace()
	return receipt, err
}

func (h *harvest) createPerson(ctx context.Context, n *ats.NewCandidate, receipt *ats.CandidateReceipt) error {
	body, err := personBody(n)
	if err != nil {
		return err
	}
	if body.Application != nil {
		if err := h.openFor(ctx, n.JobID, n.StageID); err != nil {
			return unsent(err)
		}
	}
	if n.Person.ResumeURL != "" {
		h.degrade("The link to the résumé was not taken over: Greenhouse takes files, and on applications only.")
	}
	var made createdPerson
	post := call{method: http.MethodPost, path: string(resourceCandidates), scope: scopeOf(resourceCandidates, "create"), body: body}
	if _, err := h.do(ctx, post, &made); err != nil {
		return err
	}
	if made.Candidate.ID == "" {
		return post.unreadable(nil)
	}
	receipt.CandidateID = string(made.Candidate.ID)
	if made.Application != nil {
		receipt.ApplicationID = string(made.Application.ID)
	}
	receipt.ProfileURL = profileURL(h.c, receipt.CandidateID, receipt.ApplicationID)
	return nil
}

func personBody(n *ats.NewCandidate) (*newPerson, error) {
	p := &n.Person
	body := &newPerson{
		FirstName: strings.TrimSpace(p.FirstName), LastName: strings.TrimSpace(p.LastName), PreferredName: p.PreferredName,
	}
	switch {
	case body.FirstName == "":
		return nil, fault.InvalidField("candidate.firstName", "REQUIRED", "Greenhouse requires a first name. Nothing was sent.")
	case body.LastName == "":
		return nil, fault.InvalidField("candidate.lastName", "REQUIRED", "Greenhouse requires a last name. Nothing was sent.")
	}
	if p.Email != "" {
		body.EmailAddresses = []typedValue{{Value: p.Email, Type: "personal"}}
	}
	if p.Phone != "" {
		body.PhoneNumbers = []typedValue{{Value: p.Phone, Type: "other"}} // it may be any kind
	}
	if n.JobID == "" {
		return body, nil
	}
	var err error
	body.Application, err = applicationBody(n.JobID, n.StageID, n.SourceID)
	return body, err
}

func applicationBody(job, stage, source string) (*newApplication, error) {
	var body newApplication
	var err error
	if body.JobID, err = numeric("jobId", job); err != nil {
		return nil, err
	}
	if body.InitialStageID, err = optional("stageId", stage); err != nil {
		return nil, err
	}
	body.SourceID, err = optional("sourceId", source)
	return &body, err
}

// Apply implements ats.Candidates. An active application to the job is looked
// for first: Greenhouse does not promise to refuse a second one.
// Errors: as Create; fault.Conflict with Kind "EXISTS" and Existing, the
// application that is there.
func (a *adapter) Apply(ctx context.Context, n *ats.NewApplication) (*ats.ApplicationReceipt, error) {
	h, err := a.harvest(&n.Connection)
	if err != nil {
		return &ats.ApplicationReceipt{}, err
	}
	receipt := &ats.ApplicationReceipt{}
	receipt.ApplicationID, err = h.apply(ctx, n)
	if err == nil {
		receipt.ProfileURL = profileURL(h.c, n.CandidateID, receipt.ApplicationID)
	}
	receipt.Trace = h.trace()
	return receipt, err
}

func (h *harvest) apply(ctx context.Context, n *ats.NewApplication) (string, error) {
	body, err := applicationBody(n.JobID, n.StageID, n.SourceID)
	if err != nil {
		return "", err
	}
	if body.CandidateID, err = numeric("candidateId", n.CandidateID); err != nil {
		return "", err
	}
	if err := h.notYetApplied(ctx, n); err != nil {
		return "", unsent(err)
	}
	if err := h.openFor(ctx, n.JobID, n.StageID); err != nil {
		return "", unsent(err)
	}
	return h.create(ctx, resourceApplications, body)
}

// unsent is for a look before something is made: an answer that makes no sense
// leaves no doubt then about what was done.
func unsent(err error) error {
	f := fault.From(err)
	if f == nil || f.Code != fault.Upstream {
		return err
	}
	again := *f
	again.Code = fault.Retryable
	return &again
}

func (h *harvest) notYetApplied(ctx context.Context, n *ats.NewApplication) error {
	query, err := applicationFilter([]string{n.CandidateID}, n.JobID)
	if err != nil {
		return err
	}
	rows, _, err := list[applicationRow](ctx, h, resourceApplications, query)
	if err != nil {
		return err
	}
	for i := range rows {
		if state, err := rows[i].state(); err != nil {
			return err
		} else if state == ats.ApplicationActive {
			e := answered(fault.Conflict, 0, "The candidate has an active application to this job in Greenhouse. No second one was made.")
			e.Kind, e.Existing = "EXISTS", string(rows[i].ID)
			return e
		}
	}
	return nil
}
