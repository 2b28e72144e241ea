package core

import (
	"slices"
	"strings"
	"time"

	"github.com/trellis-ats/trellis/core/ats"
	"github.com/trellis-ats/trellis/core/fault"
)

// PushStep is one step of a push.
type PushStep struct {
	Kind      StepKind   `json:"kind"`
	State     StepState  `json:"state"`
	Reference string     `json:"reference,omitempty"` // the receipt: the ATS's id of what was found or written, if it has one
	Existed   bool       `json:"existed,omitempty"`   // it was in the ATS before
	Attempts  int        `json:"attempts,omitempty"`  // since the last retry by a person
	SentAt    time.Time  `json:"sentAt,omitzero"`     // of the last request
	DoneAt    time.Time  `json:"doneAt,omitzero"`     // of the receipt
	FaultCode fault.Code `json:"faultCode,omitempty"` // of the last attempt
	Message   string     `json:"message,omitempty"`   // why it was skipped, what went wrong, what was shortened
}

// StepKind tells what a step does.
type StepKind string

// The kinds, in the order in which they are carried out.
const (
	StepFind      StepKind = "FIND"      // look for the person and their application
	StepCreate    StepKind = "CREATE"    // make the person
	StepApply     StepKind = "APPLY"     // put the person into the job
	StepFields    StepKind = "FIELDS"    // write custom fields
	StepAttach    StepKind = "ATTACH"    // add the report as a file
	StepNote      StepKind = "NOTE"      // add a note
	StepTag       StepKind = "TAG"       // tag the person
	StepScorecard StepKind = "SCORECARD" // write a scorecard
)

// StepKinds are all kinds in their order.
func StepKinds() []StepKind {
	return []StepKind{StepFind, StepCreate, StepApply, StepFields, StepAttach, StepNote, StepTag, StepScorecard}
}

// capability is what the ATS must offer for a step.
func (k StepKind) capability() ats.CapabilityName {
	switch k {
	case StepFields:
		return ats.CapabilityFields
	case StepAttach:
		return ats.CapabilityAttachments
	case StepNote:
		return ats.CapabilityNotes
	case StepTag:
		return ats.CapabilityTags
	case StepScorecard:
		return ats.CapabilityScorecards
	default:
		return ats.CapabilityCandidates
	}
}

// feedback reports whether the step writes the result, not the person.
func (k StepKind) feedback() bool { return k.capability() != ats.CapabilityCandidates }

// StepState is how far a step is.
type StepState string

// The states.
const (
	StepPending StepState = "PENDING" // nothing of it was done
	StepSent    StepState = "SENT"    // it was sent, and what came of it is not known
	StepDone    StepState = "DONE"    // there is a receipt
	StepSkipped StepState = "SKIPPED" // it is not to be done; the message says why
)

// over reports whether nothing is left to do.
func (s *PushStep) over() bool { return s.State == StepDone || s.State == StepSkipped }

func (s *PushStep) skip(why string, now time.Time) {
	s.State, s.Message, s.FaultCode, s.DoneAt = StepSkipped, why, "", now
}

// receive keeps a receipt.
func (s *PushStep) receive(reference string, existed bool, now time.Time) {
	s.State, s.Reference, s.Existed, s.DoneAt, s.FaultCode, s.Message = StepDone, reference, existed, now, "", ""
}

// again makes the step one of which nothing was done.
func (s *PushStep) again() {
	*s = PushStep{Kind: s.Kind, State: StepPending, Attempts: s.Attempts, FaultCode: s.FaultCode, Message: s.Message}
}

// explain notes what went wrong. A step of which surely nothing was done is
// pending again.
func (s *PushStep) explain(f *fault.Error) {
	if s.State == StepSent && !doubtful(f) {
		s.State = StepPending
	}
	s.FaultCode, s.Message = f.Code, f.Message
}

// doubtful reports whether the ATS may have done what was asked although the
// call failed.
func doubtful(f *fault.Error) bool {
	switch f.Code {
	case fault.OutcomeUnknown, fault.Upstream, fault.Internal:
		return true
	default:
		return false
	}
}

// remark adds what was shortened, translated or dropped.
func (s *PushStep) remark(degraded []string) {
	s.Message = strings.TrimSpace(s.Message + " " + strings.Join(degraded, " "))
}

// step returns one by its kind; a push has each kind once.
func (p *Push) step(k StepKind) *PushStep {
	i := slices.IndexFunc(p.Steps, func(s PushStep) bool { return s.Kind == k })
	if i < 0 {
		p.Steps = append(p.Steps, PushStep{Kind: k, State: StepPending})
		i = len(p.Steps) - 1
	}
	return &p.Steps[i]
}

// next returns the first step that is not over, or nil.
func (p *Push) next() *PushStep {
	for i := range p.Steps {
		if !p.Steps[i].over() {
			return &p.Steps[i]
		}
	}
	return nil
}

// placed reports whether it is settled which person and which application the
// push writes to.
func (p *Push) placed() bool { return p.step(StepCreate).over() && p.step(StepApply).over() }

// made reports whether it is settled that the push made the person.
func (p *Push) made() bool {
	s := p.step(StepCreate)
	return s.State == StepDone && !s.Existed
}

// inDoubt returns the step that may have made a person or an application of
// which nothing is known yet, or nil.
func (p *Push) inDoubt() *PushStep {
	for _, k := range []StepKind{StepCreate, StepApply} {
		if s := p.step(k); s.State == StepSent {
			return s
		}
	}
	return nil
}
