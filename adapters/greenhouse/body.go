package greenhouse

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/trellis-ats/trellis/core/fault"
)

// pathBody is the path of a problem with the body as a whole.
const pathBody = "body"

// object reads the properties of one JSON object by their exact names and
// notes what is wrong. Unknown properties are ignored and null is the same as
// absent (facts/greenhouse.md 1.3).
type object struct {
	prefix     string // of the paths: "candidate."
	properties map[string]json.RawMessage
	notes      *notes
}

// notes are what was found while reading.
type notes struct {
	problems []fault.Field // refuse the request
	warnings []string      // for people; the request is taken
}

func (n *notes) problem(path, code, format string, args ...any) {
	n.problems = append(n.problems, fault.Field{Path: path, Code: code, Message: path + " " + fmt.Sprintf(format, args...)})
}

func (n *notes) warn(format string, args ...any) {
	n.warnings = append(n.warnings, fmt.Sprintf(format, args...))
}

// err returns the problems as one fault.Invalid, or nil.
func (n *notes) err() error {
	if len(n.problems) == 0 {
		return nil
	}
	messages := make([]string, len(n.problems))
	for i, p := range n.problems {
		messages[i] = p.Message
	}
	return &fault.Error{
		Code: fault.Invalid, Source: fault.ATS, Fields: n.problems,
		Message: "The request was not accepted and nothing was stored: " + strings.Join(messages, "; ") + ".",
	}
}

// readObject parses a body that must be one JSON object.
func readObject(body []byte, n *notes) (*object, bool) {
	o := &object{notes: n}
	body = bytes.TrimPrefix(body, []byte("\ufeff"))
	d := json.NewDecoder(bytes.NewReader(body))
	switch err := d.Decode(&o.properties); {
	case len(bytes.TrimSpace(body)) == 0:
		n.problem(pathBody, "REQUIRED", "is empty")
	case !json.Valid(body) && err == nil && more(d):
		n.problem(pathBody, "MALFORMED", "has text after the JSON object")
	case !json.Valid(body) || !utf8.Valid(body):
		n.problem(pathBody, "MALFORMED", "is not valid JSON in UTF-8")
	case err != nil || o.properties == nil:
		n.problem(pathBody, "TYPE", "must be a JSON object")
	default:
		return o, true
	}
	return o, false
}

func more(d *json.Decoder) bool {
	_, err := d.Token()
	return err != io.EOF
}

// child returns the object called name; if there is none, it notes that and
// returns an empty one whose problems are not noted again.
func (o *object) child(name string) *object {
	c := &object{prefix: o.prefix + name + ".", notes: &notes{}}
	raw := o.properties[name]
	switch {
	case absent(raw):
		o.notes.problem(o.prefix+name, "REQUIRED", "is required")
	case json.Unmarshal(raw, &c.properties) != nil:
		o.notes.problem(o.prefix+name, "TYPE", "must be an object")
	default:
		c.notes = o.notes
	}
	return c
}

func absent(raw json.RawMessage) bool { return len(raw) == 0 || string(raw) == "null" }

// rule is what a text property must obey.
type rule struct {
	required bool
	number   bool // a whole number is taken too, by its digits
	oneLine  bool // control characters become spaces, runs of spaces one
	max      int  // characters
}

// text returns the property called name. A required one that breaks the rule is
// a problem; an optional one that is too long or holds control characters is
// dropped with a warning. A wrong type is a problem always.
func (o *object) text(name string, r rule) string {
	path, raw := o.prefix+name, o.properties[name]
	value, ok := textOf(raw, r.number)
	if !ok {
		o.notes.problem(path, "TYPE", "must be a string")
		return ""
	}
	if r.oneLine {
		value = oneLine(value)
	}
	code, what := r.violation(value)
	switch {
	case code == "":
		return value
	case r.required:
		o.notes.problem(path, code, "%s", what)
	default:
		o.notes.warn("%s %s; it was left out.", path, what)
	}
	return ""
}

func (r rule) violation(value string) (code, what string) {
	switch {
	case strings.TrimSpace(value) == "" && r.required:
		return "REQUIRED", "is required"
	case utf8.RuneCountInString(value) > r.max:
		return "TOO_LONG", fmt.Sprintf("has more than %d characters", r.max)
	case strings.ContainsFunc(value, unprintable):
		return "INVALID", "holds control characters"
	default:
		return "", ""
	}
}

func textOf(raw json.RawMessage, number bool) (string, bool) {
	if absent(raw) {
		return "", true
	}
	var s string
	if json.Unmarshal(raw, &s) == nil {
		return s, true
	}
	digits := strings.TrimLeft(string(raw), "0123456789") == ""
	return string(raw), number && digits
}

// unprintable reports what has no place in an id, address or name: controls,
// line and paragraph separators.
func unprintable(r rune) bool {
	return unicode.IsControl(r) || r == '\u2028' || r == '\u2029'
}

func oneLine(s string) string {
	return strings.Join(strings.FieldsFunc(s, func(r rune) bool { return unicode.IsSpace(r) || unprintable(r) }), " ")
}
