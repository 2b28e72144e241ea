package greenhouse

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/trellis-ats/trellis/core/ats"
	"github.com/trellis-ats/trellis/core/fault"
)

// Translate implements ats.Webhooks for the eleven actions that Trellis acts on,
// of the 29 there are, in Greenhouse's spelling and in that of its labels
// (facts/greenhouse.md 2.5).
func (a *adapter) Translate(_ context.Context, r *ats.WebhookRequest) (*ats.Translation, error) {
	var said envelope
	if err := json.Unmarshal(r.HTTP.Body, &said); err != nil {
		return nil, notAsPromised("body", "is not a JSON object with action and payload")
	}
	kind := eventKind(said.Action)
	var event ats.Event
	var err error
	switch kind {
	case "":
		return &ats.Translation{}, nil
	case ats.EventCandidateMerged, ats.EventCandidateDeleted:
		event, err = personEvent(kind, said.Payload)
	case ats.EventCandidateAnonymized:
		events, err := anonymizedEvents(said.Payload)
		if err != nil {
			return nil, err
		}
		return &ats.Translation{Known: true, Events: events}, nil
	case ats.EventApplicationDeleted:
		event, err = deletedApplication(said.Payload)
	default:
		event, err = applicationEvent(kind, said.Payload)
	}
	if err != nil {
		return nil, err
	}
	return &ats.Translation{Known: true, Events: []ats.Event{event}}, nil
}

// actions are the names of the web hooks to be made in Greenhouse.
func actions() []string {
	return []string{
		"reject_candidate", "unreject_candidate", "hire_candidate", "unhire_candidate", "candidate_stage_change",
		"new_candidate_application", "application_updated", "merge_candidate", "delete_candidate", "delete_application", "candidate_anonymized",
	}
}

func eventKind(action string) ats.EventKind {
	switch action {
	case "reject_candidate", "candidate_rejected":
		return ats.EventRejected
	case "unreject_candidate", "candidate_unrejected":
		return ats.EventUnrejected
	case "hire_candidate", "candidate_hired":
		return ats.EventHired
	case "unhire_candidate", "candidate_unhired":
		return ats.EventUnhired
	case "candidate_stage_change", "candidate_stage_changed", "new_candidate_application": // who applies comes into a stage
		return ats.EventStageChanged
	case "application_updated":
		return ats.EventApplicationUpdated
	case "merge_candidate", "candidate_merged":
		return ats.EventCandidateMerged
	case "delete_candidate", "candidate_deleted":
		return ats.EventCandidateDeleted
	case "delete_application", "application_deleted":
		return ats.EventApplicationDeleted
	case "candidate_anonymized":
		return ats.EventCandidateAnonymized
	default:
		return ""
	}
}

func notAsPromised(path, what string) error {
	e := fault.InvalidField(path, "INVALID", "%s of the web hook %s. Nothing was applied; the request is kept.", path, what)
	e.Source = fault.ATS
	return e
}

// hookApplication is the application of the eight full events. Its vocabulary
// is v1's, and its stage is the job's (facts/greenhouse.md 2.6).
type hookApplication struct {
	ID             identifier     `json:"id"`
	Status         string         `json:"status"`
	URL            string         `json:"url"`
	LastActivityAt moment         `json:"last_activity_at"`
	RejectedAt     moment         `json:"rejected_at"`
	CurrentStage   *hookPart      `json:"current_stage"`
	Jobs           []hookPart     `json:"jobs"`
	Job            *hookPart      `json:"job"` // of hire_candidate only
	Candidate      *hookCandidate `json:"candidate"`
}

// hookPart is a job or a stage; more of them is not read.
type hookPart struct {
	ID   identifier `json:"id"`
	Name string     `json:"name"`
}

type hookCandidate struct {
	ID             identifier   `json:"id"`
	FirstName      string       `json:"first_name"`
	LastName       string       `json:"last_name"`
	EmailAddresses []typedValue `json:"email_addresses"`
	PhoneNumbers   []typedValue `json:"phone_numbers"`
}

func applicationEvent(kind ats.EventKind, payload json.RawMessage) (ats.Event, error) {
	var p struct {
		Application *hookApplication `json:"application"`
	}
	if json.Unmarshal(payload, &p) != nil || p.Application == nil {
		return ats.Event{}, notAsPromised("payload.application", "is not an application")
	}
	of := p.Application
	if number(string(of.ID)) == "" || of.Candidate == nil || number(string(of.Candidate.ID)) == "" {
		return ats.Event{}, notAsPromised("payload.application", "has no id, or no candidate with one")
	}
	e := ats.Event{
		Kind: kind, CandidateID: string(of.Candidate.ID), ApplicationID: string(of.ID),
		JobID: of.job(), Person: of.person(),
	}
	if of.CurrentStage != nil {
		e.StageID, e.StageName = string(of.CurrentStage.ID), of.CurrentStage.Name
	}
	e.State, e.At = of.standing(kind)
	return e, nil
}

// job is the one job; a prospect may have none or several.
func (of *hookApplication) job() string {
	switch {
	case len(of.Jobs) == 1:
		return string(of.Jobs[0].ID)
	case len(of.Jobs) == 0 && of.Job != nil:
		return string(of.Job.ID)
	default:
		return ""
	}
}

// standing tells the state after the event, and when that was. Greenhouse
// sends no time of the event: the application's last activity is the nearest
// to it. If the payload's own state is not what the action says, it was
// written at another moment, and no time is told: the host then reads the
// application again.
func (of *hookApplication) standing(kind ats.EventKind) (ats.ApplicationState, time.Time) {
	at := time.Time(of.LastActivityAt)
	if rejected := time.Time(of.RejectedAt); kind == ats.EventRejected && rejected.After(at) {
		at = rejected
	}
	told, meant := stateOf(of.Status), stateAfter(kind)
	switch {
	case told == "":
		return meant, at
	case meant != "" && told != meant:
		return told, time.Time{}
	default:
		return told, at
	}
}

// stateAfter is what an action says by itself.
func stateAfter(kind ats.EventKind) ats.ApplicationState {
	switch kind {
	case ats.EventRejected:
		return ats.ApplicationRejected
	case ats.EventHired:
		return ats.ApplicationHired
	case ats.EventUnrejected, ats.EventUnhired:
		return ats.ApplicationActive
	default:
		return ""
	}
}

func (of *hookApplication) person() *ats.CandidateRecord {
	c := of.Candidate
	p := &ats.CandidateRecord{
		ExternalID: string(c.ID), ApplicationID: string(of.ID),
		FirstName: shorten(oneLine(c.FirstName), maxNameLength), LastName: shorten(oneLine(c.LastName), maxNameLength),
	}
	if u := strings.TrimSpace(of.URL); webAddress(u, "url", &notes{}) != "" && len(u) <= maxURLLength {
		p.ProfileURL = u
	}
	for _, e := range c.EmailAddresses {
		if address, ok := plainEmail(e.Value); ok && len(address) <= maxEmailLength {
			p.Email = address
			break
		}
	}
	for _, phone := range c.PhoneNumbers {
		if text := oneLine(phone.Value); text != "" && len(text) <= maxPhoneLength {
			p.Phone = text
			break
		}
	}
	return p
}

// personEvent reads merge_candidate and delete_candidate. Of a merge the
// person is the one who went; new_candidate_id remains.
func personEvent(kind ats.EventKind, payload json.RawMessage) (ats.Event, error) {
	var p struct {
		Person struct {
			ID           identifier   `json:"id"`
			Winner       identifier   `json:"new_candidate_id"`
			Applications []identifier `json:"deleted_application_ids"`
		} `json:"person"`
	}
	if json.Unmarshal(payload, &p) != nil || number(string(p.Person.ID)) == "" {
		return ats.Event{}, notAsPromised("payload.person", "has no id")
	}
	e := ats.Event{Kind: kind, CandidateID: string(p.Person.ID)}
	for _, id := range p.Person.Applications {
		e.Applications = append(e.Applications, string(id))
	}
	if kind == ats.EventCandidateMerged {
		if e.MergedInto = number(string(p.Person.Winner)); e.MergedInto == "" {
			return ats.Event{}, notAsPromised("payload.person.new_candidate_id", "is no id")
		}
	}
	return e, nil
}

// anonymizedEvents is nothing if the person can still be told by name or
// address: any of 42 fields may be anonymized alone (facts/greenhouse.md 2.7).
func anonymizedEvents(payload json.RawMessage) ([]ats.Event, error) {
	var p struct {
		CandidateID identifier `json:"candidate_id"`
		Fields      []string   `json:"anonymized_fields"`
	}
	if json.Unmarshal(payload, &p) != nil || number(string(p.CandidateID)) == "" {
		return nil, notAsPromised("payload.candidate_id", "is no id")
	}
	if len(p.Fields) > 0 && !slices.Contains(p.Fields, "full_name") && !slices.Contains(p.Fields, "email_addresses") {
		return nil, nil
	}
	return []ats.Event{{Kind: ats.EventCandidateAnonymized, CandidateID: string(p.CandidateID)}}, nil
}

// deletedApplication reads the short form. It holds no time of the deletion,
// and needs none: nothing comes after it.
func deletedApplication(payload json.RawMessage) (ats.Event, error) {
	var p struct {
		Application struct {
			ID          identifier `json:"id"`
			CandidateID identifier `json:"candidate_id"`
			JobID       identifier `json:"job_id"`
		} `json:"application"`
	}
	if json.Unmarshal(payload, &p) != nil || number(string(p.Application.ID)) == "" {
		return ats.Event{}, notAsPromised("payload.application", "has no id")
	}
	return ats.Event{
		Kind: ats.EventApplicationDeleted, CandidateID: string(p.Application.CandidateID),
		ApplicationID: string(p.Application.ID), JobID: string(p.Application.JobID),
	}, nil
}
