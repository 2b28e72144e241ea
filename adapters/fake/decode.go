package fake

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/trellis-ats/trellis/core/ats"
	"github.com/trellis-ats/trellis/core/fault"
)

// The names of the routes.
const (
	routeTests  = "list-tests"
	routeOrders = "place-order"
	routeStatus = "read-status"
	routeErrors = "record-error"
	routeReport = "read-report"
)

type orderBody struct {
	OrderID     string        `json:"order_id"`
	CallbackURL string        `json:"callback_url"`
	OrderedBy   string        `json:"ordered_by"`
	Candidate   candidateBody `json:"candidate"`
	Tests       []string      `json:"tests"`
}

type candidateBody struct {
	ID            string `json:"id"`
	ApplicationID string `json:"application_id"`
	FirstName     string `json:"first_name"`
	LastName      string `json:"last_name"`
	Email         string `json:"email"`
	Phone         string `json:"phone"`
	ProfileURL    string `json:"profile_url"`
}

type errorBody struct {
	Operation  string   `json:"operation"`
	Errors     []string `json:"errors"`
	Assessment string   `json:"assessment"`
	Test       string   `json:"test"`
}

// Decode implements ats.Inbound.
func (a *adapter) Decode(ctx context.Context, r *ats.InboundRequest) (ats.Command, error) {
	knobs := knobsOf(&r.Connection)
	if err := knobs.misbehave(ctx, callDecode); err != nil {
		return nil, err
	}
	if err := knobs.fault("fail_decode"); err != nil {
		return nil, err
	}
	if knobs.on("lie", callDecode) {
		return nil, nil //nolint:nilnil // that is the lie
	}
	switch r.Route {
	case routeTests:
		return &ats.ListTests{}, nil
	case routeOrders:
		return decodeOrder(r.HTTP.Body)
	case routeStatus:
		return &ats.ReadStatus{AssessmentID: r.HTTP.Params["id"]}, nil
	case routeErrors:
		return decodeError(r.HTTP.Body)
	case routeReport:
		return &ats.ReadReport{AssessmentID: r.HTTP.Params["id"]}, nil
	default:
		return nil, fault.New(fault.NotFound, "There is no route called %s.", r.Route)
	}
}

func decodeOrder(body []byte) (ats.Command, error) {
	var b orderBody
	if err := decodeJSON(body, &b); err != nil {
		return nil, err
	}
	if err := b.check(); err != nil {
		return nil, err
	}
	order := &ats.PlaceOrder{
		OrderedBy: b.OrderedBy,
		Order:     ats.Order{ExternalID: b.OrderID, CallbackURL: b.CallbackURL},
		Candidate: ats.CandidateRecord{
			ExternalID: b.Candidate.ID, ApplicationID: b.Candidate.ApplicationID, ProfileURL: b.Candidate.ProfileURL,
			FirstName: b.Candidate.FirstName, LastName: b.Candidate.LastName,
			Email: b.Candidate.Email, Phone: b.Candidate.Phone,
		},
	}
	for _, test := range b.Tests {
		order.Items = append(order.Items, ats.OrderItem{Key: b.OrderID + "/" + test, TestID: test})
	}
	return order, nil
}

// check says everything that is wrong with an order, at once.
func (b *orderBody) check() error {
	var wrong []fault.Field
	require := func(path, value string) {
		if value == "" {
			wrong = append(wrong, fault.Field{Path: path, Code: "REQUIRED", Message: path + " is required."})
		}
	}
	require("order_id", b.OrderID)
	require("candidate.email", b.Candidate.Email)
	if len(b.Tests) == 0 {
		require("tests", "")
	}
	seen := make(map[string]bool, len(b.Tests))
	for i, test := range b.Tests {
		path := fmt.Sprintf("tests[%d]", i)
		require(path, test)
		if seen[test] {
			wrong = append(wrong, fault.Field{Path: path, Code: "DUPLICATE", Message: path + " is in the order already."})
		}
		seen[test] = true
	}
	return invalid(wrong)
}

func decodeError(body []byte) (ats.Command, error) {
	var b errorBody
	if err := decodeJSON(body, &b); err != nil {
		return nil, err
	}
	return &ats.RecordError{Operation: b.Operation, Errors: b.Errors, AssessmentID: b.Assessment, TestID: b.Test}, nil
}

func decodeJSON(body []byte, into any) error {
	if err := json.Unmarshal(body, into); err != nil {
		e := fault.InvalidField("body", "MALFORMED", "The body is not the JSON that this route takes.")
		e.Cause = err
		return e
	}
	return nil
}

func invalid(wrong []fault.Field) error {
	if len(wrong) == 0 {
		return nil
	}
	return &fault.Error{Code: fault.Invalid, Message: "The request is incomplete or wrong. Nothing was stored.", Source: fault.Caller, Fields: wrong}
}
