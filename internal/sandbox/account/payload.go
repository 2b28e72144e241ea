package account

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"
	"unicode/utf8"
)

// event is a web hook's envelope, encoded when it happened.
type event struct {
	action  string
	body    []byte
	instead *event // for hooks that want this one, if none wants the first
}

// newEvent encodes as the real Greenhouse does: what is not ASCII, and HTML's
// characters, are escaped before the signature is made (facts/greenhouse.md 2.3).
func newEvent(action string, payload any) event {
	encoded, err := json.Marshal(struct {
		Action  string `json:"action"`
		Payload any    `json:"payload"`
	}{action, payload})
	if err != nil {
		encoded = fmt.Appendf(nil, `{"action":%q,"payload":{}}`, action) // rows can be encoded; this is never used
	}
	return event{action: action, body: ascii(encoded)}
}

// ascii writes everything beyond ASCII as \uXXXX. HTML's characters were
// escaped by the encoder.
func ascii(text []byte) []byte {
	var b bytes.Buffer
	for len(text) > 0 {
		r, size := utf8.DecodeRune(text)
		switch {
		case r < utf8.RuneSelf:
			b.WriteByte(text[0])
		case r > 0xffff:
			r -= 0x10000
			fmt.Fprintf(&b, `\u%04x\u%04x`, 0xd800+(r>>10), 0xdc00+(r&0x3ff))
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
		text = text[size:]
	}
	return b.Bytes()
}

// moment is how web hooks write a time.
func (c *call) moment(s stamp) any {
	t := time.Time(s)
	if t.IsZero() {
		return nil
	}
	if c.a.rules.HookMillis {
		return t.UTC().Format("2006-01-02T15:04:05.000Z")
	}
	return t.UTC().Format("2006-01-02T15:04:05Z")
}

// applicationEvent speaks the words of v1, which web hooks kept
// (facts/greenhouse.md 2.6).
func (c *call) applicationEvent(action string, a *application) event {
	o := map[string]any{
		"id": a.ID, "rejected_at": c.moment(a.RejectedAt), "prospect": a.Prospect,
		"prospect_detail": map[string]any{"prospect_pool": nil, "prospect_stage": nil, "prospect_owner": nil},
		"status":          a.queryStatus(), "applied_at": c.moment(a.CreatedAt), "last_activity_at": c.moment(a.LastActivityAt),
		"url": c.a.profile(a.CandidateID, a.ID), "source": c.w.v1Source(a), "credited_to": nil,
		"rejection_reason": c.w.v1Reason(a), "rejection_details": nil, "current_stage": c.w.v1Stage(a),
		"custom_fields": c.w.showFields(ownerApplication, a.values), "candidate": c.v1Candidate(a.CandidateID), "jobs": c.v1Jobs(a),
	}
	if a.Status == stateRejected {
		o["rejection_details"] = map[string]any{"custom_fields": map[string]any{}}
	}
	if action == "hire_candidate" { // the documented example has neither
		delete(o, "status")
		delete(o, "current_stage")
		o["offer"] = map[string]any{"id": a.ID, "version": 1, "created_at": c.moment(a.LastActivityAt), "sent_at": nil, "resolved_at": c.moment(a.LastActivityAt), "starts_at": nil}
		if a.hired != nil {
			o["opening"] = map[string]any{"opening_id": a.hired.OpeningID, "custom_fields": map[string]any{}}
		}
	}
	return newEvent(action, map[string]any{"application": o})
}

func (w *world) v1Source(a *application) any {
	s, ok := w.sources.find(id(a.SourceID))
	if !ok {
		return nil
	}
	return map[string]any{"id": s.ID, "name": s.Name}
}

func (w *world) v1Reason(a *application) any {
	r, ok := w.reasons.find(id(a.ReasonID))
	if !ok {
		return nil
	}
	return map[string]any{"id": r.ID, "name": r.Name, "type": map[string]any{"id": r.Type.ID, "name": r.Type.Name}}
}

// v1Stage is named by the id of the job's stage, not by that of the stay.
func (w *world) v1Stage(a *application) any {
	s, ok := w.stages.find(a.stage)
	if !ok || a.Prospect {
		return nil
	}
	interviews := []any{}
	for _, i := range w.interviews.rows {
		if i.StageID == s.ID {
			interviews = append(interviews, map[string]any{"id": i.ID, "name": i.Name, "status": "collect_feedback", "interviewers": []any{}})
		}
	}
	return map[string]any{"id": s.ID, "name": s.Name, "interviews": interviews}
}

func (c *call) v1Candidate(candidate int64) map[string]any {
	p, ok := c.w.candidates.find(candidate)
	if !ok {
		return map[string]any{"id": candidate}
	}
	files := []any{}
	for _, f := range c.w.attachments.rows {
		if f.CandidateID == p.ID {
			files = append(files, map[string]any{"filename": f.Filename, "url": c.a.attachmentURL(f, c.now.Add(linkLife)), "type": f.Type})
		}
	}
	return map[string]any{
		"id": p.ID, "first_name": p.FirstName, "last_name": p.LastName, "title": p.Title, "company": p.Company, "created_at": c.moment(p.CreatedAt),
		"external_id": nil, "photo_url": nil, "url": c.a.profile(p.ID, 0), "is_private": p.Private, "can_email": p.CanEmail,
		"phone_numbers": p.Phones, "email_addresses": p.Emails, "addresses": p.Addresses, "website_addresses": p.Websites, "social_media_addresses": p.SocialMedia,
		"educations": []any{}, "employments": []any{}, "recruiter": nil, "coordinator": nil, "attachments": files, "tags": c.w.tagNames(p.ID),
		"custom_fields": c.w.showFields(ownerCandidate, p.values),
	}
}

func (c *call) v1Jobs(a *application) []any {
	j, ok := c.w.jobs.find(id(a.JobID))
	if !ok {
		return []any{}
	}
	return []any{map[string]any{
		"id": j.ID, "name": j.Name, "requisition_id": j.RequisitionID, "notes": j.Notes, "confidential": j.Confidential, "job_post_id": nil, "status": j.Status,
		"created_by_id": UserAdmin, "created_at": c.moment(j.CreatedAt), "opened_at": c.moment(j.OpenedAt), "closed_at": c.moment(j.ClosedAt),
		"departments": []any{}, "offices": []any{}, "custom_fields": map[string]any{},
	}}
}

func (c *call) candidateUpdated(p *candidate) event {
	return newEvent("update_candidate", map[string]any{"candidate": c.v1Candidate(p.ID)})
}

func (c *call) v1Person(p *candidate) map[string]any {
	return map[string]any{
		"id": p.ID, "first_name": p.FirstName, "last_name": p.LastName, "company": p.Company, "title": p.Title, "created_at": c.moment(p.CreatedAt),
		"headline": nil, "is_private": p.Private, "recruiter_user_id": nil, "coordinator_user_id": nil, "can_email": p.CanEmail,
	}
}

// candidateDeleted names the applications that went too; they get no events of their own.
func (c *call) candidateDeleted(p *candidate, applications []int64) event {
	person := c.v1Person(p)
	person["deleted_application_ids"] = applications
	return newEvent("delete_candidate", map[string]any{"person": person})
}

// candidateMerged is told as a deletion where nobody asked for merges
// (facts/greenhouse.md 2.7).
func (c *call) candidateMerged(p *candidate, winner int64) event {
	person := c.v1Person(p)
	person["new_candidate_id"] = winner
	merged, deleted := newEvent("merge_candidate", map[string]any{"person": person}), c.candidateDeleted(p, []int64{})
	merged.instead = &deleted
	return merged
}

func candidateAnonymized(candidate int64, fields []string) event {
	return newEvent("candidate_anonymized", map[string]any{"candidate_id": candidate, "anonymized_fields": fields})
}

func (c *call) applicationDeleted(a *application) event {
	return newEvent("delete_application", map[string]any{"application": map[string]any{
		"id": a.ID, "candidate_id": a.CandidateID, "job_id": a.JobID, "created_at": c.moment(a.CreatedAt), "source_id": a.SourceID,
		"candidate_rejection_reason_id": a.ReasonID, "rejection_note_id": nil, "rejected_at": c.moment(a.RejectedAt), "referrer_id": a.ReferrerID,
		"prospect": a.Prospect, "rejected_by_user_id": nil,
	}})
}

// profile is where people look at a candidate; application is 0 for none.
func (a *Account) profile(candidate, application int64) string {
	address := a.o.PublicURL + "/people/" + text(candidate)
	if application != 0 {
		address += "?application_id=" + text(application)
	}
	return address
}
