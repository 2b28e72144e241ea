package greenhouse

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/trellis-ats/trellis/core/ats"
	"github.com/trellis-ats/trellis/core/fault"
	"github.com/trellis-ats/trellis/plugins/sdk"
)

const (
	maxRefusals    = 20  // texts of one 422
	maxRefusalText = 300 // characters
)

// verdict reads the status (facts/greenhouse.md 4.3, 6). A write that was
// answered 408 or 5xx may have been done; one that was answered 429 was not.
func (c call) verdict(reply *sdk.HTTPReply, now time.Time) error {
	after := sdk.RetryAfter(reply.Header, now)
	switch s := reply.Status; {
	case s >= 200 && s < 300:
		return nil
	case s == http.StatusUnauthorized:
		return answered(fault.Auth, 0, "Greenhouse refused the Harvest token (401). Nothing was changed; connect Harvest again if a new token does not help.")
	case s == http.StatusForbidden:
		return c.forbidden()
	case s == http.StatusNotFound:
		return answered(fault.NotFound, 0, "Greenhouse does not have what %s %s is about (404). Nothing was changed.", c.method, c.shape())
	case s == http.StatusTooManyRequests:
		return limited(reply.Header, now, "api")
	case s == http.StatusRequestTimeout || s == http.StatusTooEarly || s >= 500:
		return c.ambiguous(s, after)
	case s == http.StatusBadRequest || s == http.StatusConflict || s == http.StatusUnprocessableEntity ||
		s == http.StatusRequestEntityTooLarge || s == http.StatusUnsupportedMediaType:
		return c.refused(reply)
	case s >= 400:
		return answered(fault.Unsupported, 0, "Greenhouse refused %s %s (%d), and would again. Nothing was changed.", c.method, c.shape(), s)
	default:
		return c.redirected(s)
	}
}

func (c call) forbidden() error {
	e := answered(fault.Permission, 0, "Greenhouse refused %s %s (403): the credential lacks the scope %s, or the acting user may not do it.", c.method, c.shape(), c.scope)
	if c.reads() {
		e.Message += " Only a Site Admin may read."
	}
	e.Message += " Nothing was changed; mend it in Greenhouse and retry."
	e.Missing = []string{c.scope}
	return e
}

func (c call) ambiguous(status int, after time.Duration) error {
	if c.reads() {
		return answered(fault.Retryable, after, "Greenhouse could not answer %s (%d); it is asked again later.", c.shape(), status)
	}
	return answered(fault.OutcomeUnknown, after, "Greenhouse answered %d to %s %s. Whether it was done is not known; look in Greenhouse before repeating it.", status, c.method, c.shape())
}

// redirected is for 1xx and 3xx: a wrong address answers with a login page
// (facts/greenhouse.md 4.1), and a redirect after a write may mean that it was done.
func (c call) redirected(status int) error {
	if c.reads() {
		return answered(fault.Upstream, 0, "Greenhouse answered %d where it should give %s. Check harvest_url.", status, c.shape())
	}
	return answered(fault.OutcomeUnknown, 0, "Greenhouse answered %d to %s %s, which says neither yes nor no. Check harvest_url, and look in Greenhouse before repeating it.", status, c.method, c.shape())
}

// limited is for 429: not executed, not before the window's end.
func limited(header http.Header, now time.Time, scope string) error {
	after := sdk.RetryAfter(header, now)
	if b := budgetOf(header, scope); after == 0 && b != nil && b.ResetAt.After(now) {
		after = min(b.ResetAt.Sub(now), time.Hour)
	}
	e := answered(fault.RateLimited, after, "Greenhouse takes no more requests for now (429). Nothing was done; it is sent later.")
	e.Scope = scope
	return e
}

// budgetOf reads the rate headers, which come with every answer; nil if they
// are not all there (facts/greenhouse.md 6).
func budgetOf(h http.Header, scope string) *ats.RateBudget {
	limit, err1 := strconv.Atoi(h.Get("X-RateLimit-Limit"))
	remaining, err2 := strconv.Atoi(h.Get("X-RateLimit-Remaining"))
	reset, err3 := strconv.ParseInt(h.Get("X-RateLimit-Reset"), 10, 64)
	if errors.Join(err1, err2, err3) != nil || limit <= 0 || remaining < 0 || reset <= 0 {
		return nil
	}
	return &ats.RateBudget{Scope: scope, Limit: limit, Remaining: remaining, ResetAt: time.Unix(reset, 0).UTC()}
}

// refusalTexts is the body of a 4xx: errors holds texts, or objects of field
// and text (facts/greenhouse.md 4.3).
type refusalTexts struct {
	Message string            `json:"message"`
	Errors  []json.RawMessage `json:"errors"`
}

// complaint is the cause of an Invalid: Greenhouse's own names of what it refused.
type complaint struct{ names []string }

func (c *complaint) Error() string { return "refused: " + strings.Join(c.names, ", ") }

// blames reports whether err is Greenhouse's refusal of the property called name.
func blames(err error, name string) bool {
	var c *complaint
	if !errors.As(err, &c) {
		return false
	}
	for _, n := range c.names {
		if strings.Contains(n, name) {
			return true
		}
	}
	return false
}

func (c call) refused(reply *sdk.HTTPReply) error {
	fields, names := readRefusals(reply.Body)
	messages := make([]string, len(fields))
	for i, f := range fields {
		messages[i] = f.Message
	}
	e := answered(fault.Invalid, 0, "Greenhouse did not accept %s %s (%d) and changed nothing: %s.", c.method, c.shape(), reply.Status, strings.Join(messages, "; "))
	e.Fields, e.Cause = fields, &complaint{names: names}
	return e
}

func readRefusals(body []byte) (fields []fault.Field, names []string) {
	var texts refusalTexts
	_ = json.Unmarshal(body, &texts) // a body that cannot be read tells nothing
	for _, raw := range texts.Errors[:min(len(texts.Errors), maxRefusals)] {
		for _, pair := range refusalPairs(raw) {
			names = append(names, pair.name+" "+pair.text)
			fields = append(fields, pair.field())
		}
	}
	if len(fields) == 0 {
		text := presentable(texts.Message)
		if text == "" {
			text = "it does not say why"
		}
		fields = []fault.Field{{Path: pathBody, Code: "REFUSED", Message: text}}
	}
	return fields, names
}

// refusalPair is one thing that Greenhouse refused; name is empty if it only
// says so in words.
type refusalPair struct{ name, text string }

func (p refusalPair) field() fault.Field {
	path := contractName(p.name)
	if p.name == "" {
		path = pathBody
	} else {
		p.text = p.name + ": " + p.text
	}
	return fault.Field{Path: path, Code: "REFUSED", Message: p.text}
}

func refusalPairs(raw json.RawMessage) []refusalPair {
	var text string
	if json.Unmarshal(raw, &text) == nil {
		return []refusalPair{{text: presentable(text)}}
	}
	var named map[string]any
	if json.Unmarshal(raw, &named) != nil {
		return nil
	}
	var pairs []refusalPair
	for _, name := range sortedKeys(named) {
		pairs = append(pairs, refusalPair{name: presentable(name), text: presentable(fmt.Sprint(named[name]))})
	}
	return pairs
}

// presentable makes a text of Greenhouse's fit to be shown and logged: on one
// line, short, and without what looks like an e-mail address.
func presentable(text string) string {
	words := strings.Fields(oneLine(text))
	for i, w := range words {
		if strings.Contains(w, "@") {
			words[i] = "[masked]"
		}
	}
	return strings.TrimRight(shorten(strings.Join(words, " "), maxRefusalText), ".")
}

// contractName turns Greenhouse's name of a property, also of one within
// another (application.job_id), into the contract's.
func contractName(name string) string {
	switch name[strings.LastIndexByte(name, '.')+1:] {
	case "job_id":
		return "jobId"
	case "initial_stage_id", "to_stage_id":
		return "stageId"
	case "from_stage_id":
		return "fromStage"
	case "source_id":
		return "sourceId"
	case "candidate_id":
		return "candidateId"
	case "application_id":
		return "applicationId"
	case "rejection_reason_id":
		return "reason"
	case "email_template_id", "rejection_email":
		return "emailTemplate"
	case "first_name":
		return "candidate.firstName"
	case "last_name":
		return "candidate.lastName"
	case "email_addresses":
		return "candidate.email"
	case "phone_numbers":
		return "candidate.phone"
	case "custom_fields":
		return "fields"
	default:
		return name
	}
}
