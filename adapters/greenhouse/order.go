package greenhouse

import (
	"net/mail"
	"net/url"
	"path"
	"strings"
	"unicode"

	"github.com/trellis-ats/trellis/core/ats"
)

const (
	maxNameLength  = 255  // characters
	maxEmailLength = 254  // characters; RFC 5321
	maxPhoneLength = 64   // characters
	maxURLLength   = 2048 // characters
	maxIDDigits    = 20
)

// decodeOrder reads send_test (facts/greenhouse.md 1.5).
func decodeOrder(r *ats.InboundRequest) (ats.Command, error) {
	n := &notes{}
	o, ok := readObject(r.HTTP.Body, n)
	if !ok {
		return nil, n.err()
	}
	testID := o.text("partner_test_id", rule{required: true, number: true, max: maxIDLength})
	callback := o.text("url", rule{required: true, max: maxURLLength})
	order := &ats.PlaceOrder{
		Items:     []ats.OrderItem{{Key: callback, TestID: testID}},
		Candidate: readCandidate(o.child("candidate"), n),
		OrderedBy: readOptionalEmail(o, "sent_by"),
		Order:     readOrder(&r.Connection, callback, n),
	}
	if err := n.err(); err != nil {
		return nil, err
	}
	order.Order.Warnings = n.warnings
	return order, nil
}

func readCandidate(o *object, n *notes) ats.CandidateRecord {
	name := rule{required: true, oneLine: true, max: maxNameLength}
	c := ats.CandidateRecord{
		FirstName:     o.text("first_name", name),
		LastName:      o.text("last_name", name),
		PreferredName: o.text("preferred_name", rule{oneLine: true, max: maxNameLength}),
		Email:         readEmail(o, "email"),
		Phone:         o.text("phone_number", rule{oneLine: true, max: maxPhoneLength}),
		ResumeURL:     webAddress(o.text("resume_url", rule{max: maxURLLength}), o.prefix+"resume_url", n),
	}
	profile := o.text("greenhouse_profile_url", rule{required: true, max: maxURLLength})
	c.ProfileURL = webAddress(profile, o.prefix+"greenhouse_profile_url", n)
	c.ExternalID, c.ApplicationID = profileIDs(c.ProfileURL)
	if c.ProfileURL != "" && c.ExternalID == "" {
		n.warn("No candidate id could be read from candidate.greenhouse_profile_url; web hooks about this person cannot be matched by id.")
	}
	return c
}

// readEmail returns a required, plain address without a display name.
func readEmail(o *object, name string) string {
	value := o.text(name, rule{required: true, max: maxEmailLength})
	if value == "" {
		return "" // noted already
	}
	address, ok := plainEmail(value)
	if !ok {
		o.notes.problem(o.prefix+name, "INVALID", "is not an e-mail address")
	}
	return address
}

func readOptionalEmail(o *object, name string) string {
	value := o.text(name, rule{max: maxEmailLength})
	address, ok := plainEmail(value)
	if !ok && strings.TrimSpace(value) != "" {
		o.notes.warn("%s is not an e-mail address; it was left out.", o.prefix+name)
	}
	return address
}

// plainEmail accepts local@domain and nothing around it but spaces. What
// could break a mail header is refused.
func plainEmail(value string) (string, bool) {
	if strings.ContainsFunc(value, func(r rune) bool { return unprintable(r) || unicode.Is(unicode.Cf, r) }) {
		return "", false
	}
	value = strings.TrimSpace(value)
	a, err := mail.ParseAddress(value)
	if err != nil || a.Address != value || a.Name != "" || strings.Contains(value, "@[") {
		return "", false
	}
	return value, true
}

// webAddress returns raw if people can be sent there, else "" and a warning.
func webAddress(raw, path string, n *notes) string {
	if raw == "" {
		return ""
	}
	u, err := url.Parse(raw)
	if err != nil || u.Hostname() == "" || u.Scheme != "https" && u.Scheme != "http" {
		n.warn("%s is not a web address; it was left out.", path)
		return ""
	}
	return raw
}

// profileIDs reads the ids of candidate and application from
// https://app.greenhouse.io/people/17681532?application_id=26234709.
// They appear nowhere else in the request (facts/greenhouse.md 1.5).
func profileIDs(profile string) (candidate, application string) {
	u, err := url.Parse(profile)
	if err != nil || profile == "" {
		return "", ""
	}
	return number(path.Base(u.Path)), number(u.Query().Get("application_id"))
}

// number returns s if it is an id, "" otherwise.
func number(s string) string {
	if s == "" || len(s) > maxIDDigits || strings.Trim(s, "0123456789") != "" {
		return ""
	}
	return s
}

// readOrder keeps where to tell of news. An address that must not be called
// does not refuse the order: Greenhouse may still ask.
func readOrder(c *ats.Connection, callback string, n *notes) ats.Order {
	if callback == "" {
		return ats.Order{}
	}
	var o ats.Order
	if u, err := url.Parse(callback); err == nil {
		o.ExternalID = number(path.Base(u.Path))
	}
	if refusal := allowedCallback(c, callback); refusal != "" {
		n.warn("The callback address was not kept because %s: the result will be there when Greenhouse asks, but Greenhouse will not be told of it.", refusal)
		return o
	}
	o.CallbackURL = callback
	return o
}
