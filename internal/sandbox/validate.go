package sandbox

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
)

// statusComplete is the only status with a documented meaning.
const statusComplete = "complete"

// checkTests validates the answer to list_tests (facts/greenhouse.md 1.4).
func checkTests(body []byte) ([]Test, []string) {
	var items []json.RawMessage
	if err := json.Unmarshal(body, &items); err != nil || items == nil {
		return nil, []string{"the response is not a JSON array"}
	}
	tests, problems := make([]Test, len(items)), []string{}
	for i, item := range items {
		o, ok := properties(item)
		if !ok {
			problems = append(problems, fmt.Sprintf("test %d is not an object", i))
			continue
		}
		tests[i] = Test{ID: o.text("partner_test_id", true, &problems), Name: o.text("partner_test_name", true, &problems)}
	}
	return tests, problems
}

// checkSent validates the answer to send_test (facts/greenhouse.md 1.5).
func checkSent(body []byte) (string, []string) {
	o, ok := properties(body)
	if !ok {
		return "", []string{"the response is not a JSON object"}
	}
	var problems []string
	return o.text("partner_interview_id", true, &problems), problems
}

// status is a valid answer to test_status.
type status struct {
	Status     string
	ProfileURL string
	Score      *float64
	Metadata   []Entry
}

// checkStatus validates the answer to test_status (facts/greenhouse.md 1.6).
func checkStatus(body []byte) (status, []string) {
	o, ok := properties(body)
	if !ok {
		return status{}, []string{"the response is not a JSON object"}
	}
	var problems []string
	st := status{Status: o.text("partner_status", true, &problems), ProfileURL: o.text("partner_profile_url", false, &problems)}
	if st.Status == statusComplete && st.ProfileURL == "" {
		problems = append(problems, "partner_status is 'complete' but partner_profile url is missing")
	}
	if u, err := url.Parse(st.ProfileURL); st.ProfileURL != "" && (err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https") {
		problems = append(problems, "partner_profile_url is not a web address")
	}
	if raw := o["partner_score"]; !empty(raw) && json.Unmarshal(raw, &st.Score) != nil {
		problems = append(problems, "partner_score is not a number")
	}
	st.Metadata = o.metadata(&problems)
	return st, problems
}

// object is a JSON object by its exact names.
type object map[string]json.RawMessage

func properties(body []byte) (object, bool) {
	var o object
	err := json.Unmarshal(body, &o)
	return o, err == nil && o != nil
}

func empty(raw json.RawMessage) bool { return len(raw) == 0 || string(raw) == "null" }

func (o object) text(name string, required bool, problems *[]string) string {
	raw := o[name]
	if empty(raw) {
		if required {
			*problems = append(*problems, name+" is missing")
		}
		return ""
	}
	var s string
	if json.Unmarshal(raw, &s) != nil {
		*problems = append(*problems, name+" is not a string")
		return ""
	}
	if required && strings.TrimSpace(s) == "" {
		*problems = append(*problems, name+" is empty")
	}
	return s
}

// metadata reads the flat object in its order.
func (o object) metadata(problems *[]string) []Entry {
	raw := o["metadata"]
	if empty(raw) {
		return nil
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		*problems = append(*problems, "metadata is not an object")
		return nil
	}
	var entries []Entry
	for d.More() {
		name, _ := d.Token()
		e := Entry{Name: fmt.Sprint(name)}
		if err := d.Decode(&e.Value); err != nil {
			*problems = append(*problems, "metadata cannot be read")
			return nil
		}
		switch e.Value.(type) {
		case map[string]any, []any:
			*problems = append(*problems, fmt.Sprintf("metadata %q is not a primitive", e.Name))
		default:
			entries = append(entries, e)
		}
	}
	return entries
}
