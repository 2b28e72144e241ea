package greenhouse

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/trellis-ats/trellis/core/ats"
	"github.com/trellis-ats/trellis/core/fault"
)

// Encode implements ats.Inbound.
// Errors: fault.Unsupported for an outcome that no route of ours has;
// fault.Internal for a number that JSON cannot say.
func (a *adapter) Encode(_ context.Context, r *ats.InboundRequest, o ats.Outcome) (*ats.HTTPResponse, error) {
	switch o := o.(type) {
	case *ats.TestList:
		return answer(http.StatusOK, testList(o))
	case *ats.OrderPlaced:
		return encodePlaced(o)
	case *ats.Status:
		return encodeStatus(&r.Connection, &o.Progress)
	case *ats.ErrorRecorded:
		return answer(http.StatusOK, map[string]int{"status": http.StatusOK}) // facts/greenhouse.md 1.8
	case *ats.ReportLink:
		return answer(http.StatusOK, reportLink{URL: o.URL, ExpiresAt: o.ExpiresAt.UTC().Format(time.RFC3339)})
	case *ats.Refused:
		return encodeRefused(o.Fault)
	default:
		return nil, fault.New(fault.Unsupported, "The Greenhouse adapter has no answer for %T.", o)
	}
}

type test struct {
	ID   string `json:"partner_test_id"`
	Name string `json:"partner_test_name"`
}

type reportLink struct {
	URL       string `json:"url"`
	ExpiresAt string `json:"expires_at"`
}

// testList is a bare array, empty rather than null (facts/greenhouse.md 1.4).
func testList(l *ats.TestList) []test {
	tests := make([]test, len(l.Tests))
	for i, t := range l.Tests {
		tests[i] = test{ID: t.ID, Name: t.Name}
	}
	return tests
}

// encodePlaced answers with the one id; an order of Greenhouse has one test.
func encodePlaced(o *ats.OrderPlaced) (*ats.HTTPResponse, error) {
	if len(o.AssessmentIDs) != 1 {
		return nil, fault.New(fault.Unsupported, "Greenhouse takes one assessment an order, not %d.", len(o.AssessmentIDs))
	}
	return answer(http.StatusOK, map[string]string{"partner_interview_id": o.AssessmentIDs[0]})
}

// answer encodes v as JSON. HTML characters stay readable.
func answer(status int, v any) (*ats.HTTPResponse, error) {
	var body bytes.Buffer
	e := json.NewEncoder(&body)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, fault.Wrap(err, fault.Internal, "The answer could not be written.")
	}
	return &ats.HTTPResponse{
		Status: status, Body: bytes.TrimRight(body.Bytes(), "\n"),
		Header: map[string][]string{"Content-Type": {"application/json; charset=utf-8"}},
	}, nil
}
