package greenhouse

import (
	"encoding/json"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/trellis-ats/trellis/core/ats"
)

func selects(valueType string) bool {
	return valueType == "single_select" || valueType == "multi_select"
}

// fieldValue puts a value into the shape of the field's type
// (facts/greenhouse.md 4.7). If it does not fit, code and what say why.
func fieldValue(f ats.FieldValue, valueType string, options []customOption) (value any, code, what string) {
	switch valueType {
	case "short_text", "long_text", "rich_text", "url":
		return plainText(f), "", ""
	case "number":
		return numberValue(f)
	case "yes_no", "boolean":
		return truth(f)
	case "date":
		return dateValue(f)
	case "single_select":
		return option(plainText(f), options)
	case "multi_select":
		return optionList(plainText(f), options)
	default:
		return nil, "UNSUPPORTED", "is of type " + presentable(valueType) + ", which Trellis does not write"
	}
}

// takes tells what a field of a type can be given of a result.
func takes(valueType string) string {
	switch valueType {
	case "number":
		return ats.TakesNumbers
	case "short_text", "long_text", "rich_text", "url", "single_select", "multi_select":
		return "" // a text; which ones a select has, its options tell
	default:
		return ats.TakesNothing
	}
}

func plainText(f ats.FieldValue) string {
	if f.IsNumber {
		return strconv.FormatFloat(f.Number, 'f', -1, 64)
	}
	return f.Text
}

func numberValue(f ats.FieldValue) (any, string, string) {
	n := f.Number
	if !f.IsNumber {
		var err error
		if n, err = strconv.ParseFloat(strings.TrimSpace(f.Text), 64); err != nil {
			return nil, "TYPE", "takes a number"
		}
	}
	if math.IsNaN(n) || math.IsInf(n, 0) {
		return nil, "TYPE", "takes a number"
	}
	return n, "", ""
}

func truth(f ats.FieldValue) (any, string, string) {
	switch strings.ToLower(strings.TrimSpace(plainText(f))) {
	case "true", "yes", "1":
		return true, "", ""
	case "false", "no", "0":
		return false, "", ""
	default:
		return nil, "TYPE", "takes yes or no"
	}
}

func dateValue(f ats.FieldValue) (any, string, string) {
	text := strings.TrimSpace(f.Text)
	if at, err := time.Parse(time.RFC3339, text); err == nil {
		text = at.UTC().Format(time.DateOnly)
	}
	if _, err := time.Parse(time.DateOnly, text); err != nil || f.IsNumber {
		return nil, "TYPE", "takes a date such as 2026-11-21"
	}
	return text, "", ""
}

// option finds an option by id or name; its name is what is written.
func option(text string, options []customOption) (any, string, string) {
	text = strings.TrimSpace(text)
	for _, o := range options {
		if string(o.ID) == text || strings.EqualFold(strings.TrimSpace(o.Name), text) {
			return o.Name, "", ""
		}
	}
	return nil, "OPTION", "has no active option of that name"
}

func optionList(text string, options []customOption) (any, string, string) {
	var names []string
	for _, part := range strings.Split(text, ",") {
		name, code, what := option(part, options)
		if code != "" {
			return nil, code, what
		}
		names = append(names, name.(string))
	}
	return names, "", ""
}

// holds reports whether everything is there already.
func holds(present map[string]customValue, values []newValue) bool {
	for _, v := range values {
		p, ok := present[v.NameKey]
		if !ok || !equal(plainJSON(p.written()), plainJSON(v.Value)) {
			return false
		}
	}
	return true
}

// equal compares values as JSON reads them; a number may be read as a text.
func equal(present, wanted any) bool {
	text, isText := present.(string)
	if n, err := strconv.ParseFloat(text, 64); isText && err == nil {
		if _, number := wanted.(float64); number {
			present = n
		}
	}
	return reflect.DeepEqual(present, wanted)
}

func plainJSON(v any) any {
	raw, err := json.Marshal(v)
	if err != nil {
		return v
	}
	var plain any
	_ = json.Unmarshal(raw, &plain) // it was just written
	return plain
}

// others are the values that are there besides values, as they are written.
// Empty ones are left out: they stay empty.
func others(present map[string]customValue, values []newValue) []newValue {
	var rest []newValue
	for _, key := range sortedKeys(present) {
		mine := func(v newValue) bool { return v.NameKey == key }
		if p := present[key]; !absent(p.Value) && !slices.ContainsFunc(values, mine) {
			rest = append(rest, newValue{NameKey: key, Value: p.written()})
		}
	}
	return rest
}

// written turns a value as it is read into the shape in which it is written;
// both spellings of amounts and ranges are known (facts/greenhouse.md 2.6, 4.7).
func (c customValue) written() any {
	var labels []struct {
		Name string `json:"name"`
	}
	if c.Type == "multi_select" && json.Unmarshal(c.Value, &labels) == nil {
		names := make([]string, len(labels))
		for i, l := range labels {
			names[i] = l.Name
		}
		return names
	}
	var parts map[string]json.RawMessage
	if json.Unmarshal(c.Value, &parts) != nil || parts == nil {
		return c.Value
	}
	pick := func(names ...string) json.RawMessage {
		for _, n := range names {
			if !absent(parts[n]) {
				return parts[n]
			}
		}
		return json.RawMessage("null")
	}
	switch c.Type {
	case "currency":
		return map[string]any{"amount": pick("amount"), "currency_code": pick("currency_code", "unit")}
	case "currency_range":
		return map[string]any{
			"min_amount": pick("min_amount", "min_value"), "max_amount": pick("max_amount", "max_value"), "currency_code": pick("currency_code", "unit"),
		}
	case "user":
		return pick("user_id", "id")
	case "single_select":
		return pick("name", "id")
	default:
		return c.Value
	}
}
