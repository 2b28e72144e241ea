package rest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/trellis-ats/trellis/core"
	"github.com/trellis-ats/trellis/core/fault"
)

// Pushes brings results into an ATS; *core.Pushes is one.
type Pushes interface {
	Push(ctx context.Context, by core.Actor, q core.PushRequest, k core.Key) (*core.Push, error)
	RetrySyncOf(ctx context.Context, by core.Actor, adapter string, id core.ID) (*core.Retried, error)
}

// push has the names of GraphQL's Push. What is not known is null.
type push struct {
	ID                    core.ID        `json:"id"`
	ConnectionID          core.ID        `json:"connectionId"`
	AssessmentID          core.ID        `json:"assessmentId"`
	Revision              int            `json:"revision"`
	State                 core.PushState `json:"state"`
	Trigger               core.PushMode  `json:"trigger"`
	RequestedBy           *string        `json:"requestedBy"`
	Attempts              int            `json:"attempts"`
	FaultCode             *fault.Code    `json:"faultCode"`
	Message               *string        `json:"message"`
	Advice                *string        `json:"advice"`
	Steps                 []pushStep     `json:"steps"`
	CandidateExternalID   *string        `json:"candidateExternalId"`
	ApplicationExternalID *string        `json:"applicationExternalId"`
	ProfileURL            *string        `json:"profileUrl"`
	RequestedAt           *time.Time     `json:"requestedAt"`
	StartedAt             *time.Time     `json:"startedAt"`
	FinishedAt            *time.Time     `json:"finishedAt"`
	DueAt                 *time.Time     `json:"dueAt"`
}

type pushStep struct {
	Kind      core.StepKind  `json:"kind"`
	State     core.StepState `json:"state"`
	Reference *string        `json:"reference"`
	Existed   bool           `json:"existed"`
	Attempts  int            `json:"attempts"`
	SentAt    *time.Time     `json:"sentAt"`
	DoneAt    *time.Time     `json:"doneAt"`
	FaultCode *fault.Code    `json:"faultCode"`
	Message   *string        `json:"message"`
}

// retried is what a retry set going; one of the two is null.
type retried struct {
	Push       *push           `json:"push"`
	Assessment *redeliveredFor `json:"assessment"`
}

// redeliveredFor is the assessment whose result is told again.
type redeliveredFor struct {
	ID       core.ID `json:"id"`
	Delivery struct {
		State core.DeliveryState `json:"state"`
		Note  *string            `json:"note"`
	} `json:"delivery"`
}

func (i *Integration) push(r *http.Request, by core.Actor) (any, error) {
	assessment, err := core.ParseID(core.PrefixAssessment, r.PathValue("id"))
	if err != nil {
		return nil, err
	}
	body, err := readBody(nil, r)
	if err != nil {
		return nil, err
	}
	q := core.PushRequest{AssessmentID: assessment, Adapter: r.PathValue("adapter")}
	if q.ConnectionID, err = connectionIn(body); err != nil {
		return nil, err
	}
	key := core.Key{Text: r.Header.Get("Idempotency-Key")}
	sum := sha256.Sum256([]byte(strings.Join([]string{q.Adapter, string(q.AssessmentID), string(q.ConnectionID)}, "\n")))
	key.Digest = hex.EncodeToString(sum[:])
	p, err := i.o.Pushes.Push(r.Context(), by, q, key)
	return newPush(p), err
}

// connectionIn reads the one field that a push's body may have.
func connectionIn(body []byte) (core.ID, error) {
	if len(bytes.TrimSpace(body)) == 0 {
		return "", nil
	}
	var given struct {
		ConnectionID *string `json:"connectionId"`
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if err := d.Decode(&given); err != nil {
		return "", fault.Wrap(err, fault.Invalid, "The body is not an object with connectionId. Nothing was sent.")
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return "", fault.New(fault.Invalid, "The body is more than one object. Nothing was sent.")
	}
	if given.ConnectionID == nil {
		return "", nil
	}
	return idParameter("connectionId", core.PrefixConnection, *given.ConnectionID)
}

func (i *Integration) retry(r *http.Request, by core.Actor) (any, error) {
	id, err := core.ParseID(core.PrefixSyncEntry, r.PathValue("id"))
	if err != nil {
		return nil, err
	}
	done, err := i.o.Pushes.RetrySyncOf(r.Context(), by, r.PathValue("adapter"), id)
	if err != nil {
		return nil, err
	}
	shown := retried{Push: newPush(done.Push)}
	if a := done.Assessment; a != nil {
		shown.Assessment = &redeliveredFor{ID: a.ID}
		shown.Assessment.Delivery.State, shown.Assessment.Delivery.Note = a.Delivery, known(a.DeliveryNote)
	}
	return shown, nil
}

func newPush(p *core.Push) *push {
	if p == nil {
		return nil
	}
	return &push{
		ID: p.ID, ConnectionID: p.ConnectionID, AssessmentID: p.AssessmentID, Revision: p.Revision, State: p.State,
		Trigger: p.Trigger, RequestedBy: known(p.RequestedBy), Attempts: p.Attempts,
		FaultCode: known(p.FaultCode), Message: known(p.Message), Advice: known(p.Advice), Steps: newPushSteps(p.Steps),
		CandidateExternalID: known(p.ExternalCandidateID), ApplicationExternalID: known(p.ExternalApplicationID), ProfileURL: known(p.ProfileURL),
		RequestedAt: moment(p.RequestedAt), StartedAt: moment(p.StartedAt), FinishedAt: moment(p.FinishedAt), DueAt: moment(p.Due()),
	}
}

func newPushSteps(steps []core.PushStep) []pushStep {
	shown := make([]pushStep, len(steps))
	for n, s := range steps {
		shown[n] = pushStep{
			Kind: s.Kind, State: s.State, Reference: known(s.Reference), Existed: s.Existed, Attempts: s.Attempts,
			SentAt: moment(s.SentAt), DoneAt: moment(s.DoneAt), FaultCode: known(s.FaultCode), Message: known(s.Message),
		}
	}
	return shown
}
