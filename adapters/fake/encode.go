package fake

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/trellis-ats/trellis/core/ats"
	"github.com/trellis-ats/trellis/core/fault"
)

type testBody struct {
	ID       string `json:"id"`
	Name     string `json:"name"`
	Modality string `json:"modality"`
}

type progressBody struct {
	Assessment  string             `json:"assessment"`
	State       string             `json:"state"`
	CompletedAt *time.Time         `json:"completed_at,omitempty"`
	Score       *float64           `json:"score,omitempty"`
	Revision    int                `json:"revision,omitempty"`
	Traits      map[string]float64 `json:"traits,omitempty"`
	Summary     string             `json:"summary,omitempty"`
	Report      string             `json:"report,omitempty"`
}

type refusalBody struct {
	Code    string      `json:"code"`
	Message string      `json:"message"`
	Fields  []fieldBody `json:"fields,omitempty"`
}

type fieldBody struct {
	Path    string `json:"path"`
	Code    string `json:"code"`
	Message string `json:"message"`
}

// Encode implements ats.Inbound.
func (a *adapter) Encode(ctx context.Context, r *ats.InboundRequest, o ats.Outcome) (*ats.HTTPResponse, error) {
	knobs := knobsOf(&r.Connection)
	if err := knobs.misbehave(ctx, callEncode); err != nil {
		return nil, err
	}
	switch {
	case knobs.on("lie", callEncode):
		return &ats.HTTPResponse{Status: 42}, nil
	case knobs.on("oversized", callEncode):
		return &ats.HTTPResponse{Status: http.StatusOK, Body: make([]byte, oversizedBytes)}, nil
	}
	return encode(o)
}

func encode(o ats.Outcome) (*ats.HTTPResponse, error) {
	switch o := o.(type) {
	case *ats.TestList:
		tests := make([]testBody, 0, len(o.Tests))
		for _, t := range o.Tests {
			tests = append(tests, testBody(t))
		}
		return answer(http.StatusOK, map[string]any{"tests": tests})
	case *ats.OrderPlaced:
		return answer(http.StatusCreated, map[string]any{"assessments": o.AssessmentIDs, "repeated": o.Repeated})
	case *ats.Status:
		return answer(http.StatusOK, progressOf(o.Progress))
	case *ats.ErrorRecorded:
		return &ats.HTTPResponse{Status: http.StatusNoContent}, nil
	case *ats.ReportLink:
		return &ats.HTTPResponse{Status: http.StatusFound, Header: map[string][]string{"Location": {o.URL}}}, nil
	case *ats.Refused:
		return refuse(o.Fault)
	default:
		return nil, fault.New(fault.Unsupported, "The adapter does not know the outcome %T.", o)
	}
}

func refuse(e *fault.Error) (*ats.HTTPResponse, error) {
	if e == nil {
		e = fault.New(fault.Internal, "Something went wrong.")
	}
	body := refusalBody{Code: string(e.Code), Message: e.Message}
	for _, f := range e.Fields {
		body.Fields = append(body.Fields, fieldBody(f))
	}
	return answer(statusOf(e.Code), map[string]any{"error": body})
}

func statusOf(c fault.Code) int {
	switch c {
	case fault.Invalid:
		return http.StatusUnprocessableEntity
	case fault.Unauthenticated:
		return http.StatusUnauthorized
	case fault.Forbidden:
		return http.StatusForbidden
	case fault.NotFound:
		return http.StatusNotFound
	case fault.Conflict:
		return http.StatusConflict
	case fault.TooLarge:
		return http.StatusRequestEntityTooLarge
	case fault.RateLimited:
		return http.StatusTooManyRequests
	case fault.Retryable:
		return http.StatusServiceUnavailable
	default:
		return http.StatusInternalServerError
	}
}

func progressOf(p ats.Progress) progressBody {
	body := progressBody{Assessment: p.AssessmentID, State: string(p.State)}
	if !p.CompletedAt.IsZero() {
		body.CompletedAt = &p.CompletedAt
	}
	if r := p.Result; r != nil {
		body.Score, body.Revision, body.Summary, body.Report = &r.Score, r.Revision, r.Summary, r.ReportURL
		body.Traits = make(map[string]float64, len(r.Traits))
		for _, t := range r.Traits {
			body.Traits[t.Key] = t.Score
		}
	}
	return body
}

func answer(status int, body any) (*ats.HTTPResponse, error) {
	text, err := json.Marshal(body)
	if err != nil {
		return nil, fault.Wrap(err, fault.Internal, "The answer could not be written as JSON.")
	}
	return &ats.HTTPResponse{Status: status, Header: map[string][]string{"Content-Type": {"application/json"}}, Body: text}, nil
}
