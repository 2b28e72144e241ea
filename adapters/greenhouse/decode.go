package greenhouse

import (
	"context"
	"encoding/json"
	"strings"
	"unicode/utf8"

	"github.com/trellis-ats/trellis/core/ats"
	"github.com/trellis-ats/trellis/core/fault"
)

const (
	maxIDLength      = 255 // characters
	maxErrorTexts    = 50
	maxErrorTextSize = 1000 // characters
)

// Decode implements ats.Inbound for the five routes.
// Errors: fault.Invalid with Fields; fault.Unsupported for another route.
func (a *adapter) Decode(_ context.Context, r *ats.InboundRequest) (ats.Command, error) {
	switch r.Route {
	case routeListTests:
		return &ats.ListTests{}, nil
	case routeSendTest:
		return decodeOrder(r)
	case routeTestStatus:
		return decodeStatus(r)
	case routeResponseError:
		return decodeError(r)
	case routeReport:
		return decodeReport(r)
	default:
		return nil, fault.New(fault.Unsupported, "The Greenhouse adapter has no route %q.", r.Route)
	}
}

func decodeStatus(r *ats.InboundRequest) (ats.Command, error) {
	n := &notes{}
	id := readID("partner_interview_id", r.HTTP.Query["partner_interview_id"], n)
	if err := n.err(); err != nil {
		return nil, err
	}
	return &ats.ReadStatus{AssessmentID: id}, nil
}

func decodeReport(r *ats.InboundRequest) (ats.Command, error) {
	n := &notes{}
	id := readID("id", []string{r.HTTP.Params["id"]}, n)
	if err := n.err(); err != nil {
		return nil, err
	}
	return &ats.ReadReport{AssessmentID: id}, nil
}

// readID returns the one value of a parameter.
func readID(name string, values []string, n *notes) string {
	if len(values) > 1 {
		n.problem(name, "INVALID", "is there more than once")
		return ""
	}
	value := strings.Join(values, "")
	if code, what := (rule{required: true, max: maxIDLength}).violation(value); code != "" {
		n.problem(name, code, "%s", what)
	} else if !utf8.ValidString(value) {
		n.problem(name, "INVALID", "is not valid UTF-8")
	}
	return value
}

// decodeError reads what Greenhouse did not like. The candidate's e-mail in it
// is not passed on: the assessment's id tells who it is.
func decodeError(r *ats.InboundRequest) (ats.Command, error) {
	n := &notes{}
	o, ok := readObject(r.HTTP.Body, n)
	if !ok {
		return nil, n.err()
	}
	c := &ats.RecordError{
		Operation:    operation(o.text("api_call", rule{required: true, oneLine: true, max: maxIDLength})),
		Errors:       errorTexts(o),
		AssessmentID: o.text("partner_interview_id", rule{number: true, max: maxIDLength}),
		TestID:       o.text("partner_test_id", rule{number: true, max: maxIDLength}),
	}
	if err := n.err(); err != nil {
		return nil, err
	}
	return c, nil
}

// operation returns our name of one of Greenhouse's calls; an unknown one is kept as it is.
func operation(apiCall string) string {
	switch apiCall {
	case "list_tests":
		return routeListTests
	case "send_test":
		return routeSendTest
	case "test_status":
		return routeTestStatus
	default:
		return apiCall
	}
}

func errorTexts(o *object) []string {
	raw := o.properties["errors"]
	if absent(raw) {
		o.notes.problem("errors", "REQUIRED", "is required")
		return nil
	}
	var texts []string
	if json.Unmarshal(raw, &texts) != nil {
		o.notes.problem("errors", "TYPE", "must be an array of strings")
		return nil
	}
	texts = texts[:min(len(texts), maxErrorTexts)]
	for i := range texts {
		texts[i] = shorten(oneLine(texts[i]), maxErrorTextSize)
	}
	return texts
}

// shorten cuts s to at most size characters, the last of them an ellipsis if something was cut.
func shorten(s string, size int) string {
	if utf8.RuneCountInString(s) <= size {
		return s
	}
	return string([]rune(s)[:size-1]) + "…"
}
