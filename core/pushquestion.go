package core

// PushQuestion is what a person must decide before a push goes on. The zero
// value is no question.
type PushQuestion struct {
	Kind    QuestionKind `json:"kind,omitempty"`
	Choices []PushChoice `json:"choices,omitempty"`
}

// QuestionKind tells what is asked.
type QuestionKind string

// The questions.
const (
	QuestionSeveralMatches    QuestionKind = "SEVERAL_MATCHES"    // which of several people it is
	QuestionClosedApplication QuestionKind = "CLOSED_APPLICATION" // they were rejected or hired: what now
	QuestionClosedJob         QuestionKind = "CLOSED_JOB"         // the ATS's job is closed: what now
)

// PushChoice is somebody or something in the ATS that a person may choose.
type PushChoice struct {
	CandidateID   string `json:"candidateId,omitempty"` // the ATS's
	ApplicationID string `json:"applicationId,omitempty"`
	ProfileURL    string `json:"profileUrl,omitempty"`
}

// ChoicesFor returns the choices to those who may see what is in the ATS, and
// none to others: they lead to people who are not the candidate.
func (q *PushQuestion) ChoicesFor(by Actor) []PushChoice {
	if !by.May(PermitReadSetup) {
		return nil
	}
	return q.Choices
}

// PushAnswer is what a person decided. It comes before the policies.
type PushAnswer struct {
	CandidateID        string            `json:"candidateId,omitempty"`       // write to this candidate of the ATS
	CreateNew          bool              `json:"createNew,omitempty"`         // none of those who match: make a new one
	NotThese           []string          `json:"notThese,omitempty"`          // the ATS's ids of those whom CreateNew was said of
	ClosedApplication  ApplicationPolicy `json:"closedApplication,omitempty"` // apply again, or feedback only
	WithoutApplication bool              `json:"withoutApplication,omitempty"`
}
