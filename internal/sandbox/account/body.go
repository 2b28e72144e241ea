package account

import (
	"bytes"
	"encoding/json"
	"errors"
	"reflect"
	"slices"
	"strings"
)

// read decodes a body strictly into the struct to: no property that it does
// not have, none missing that is tagged need, none outside of oneof. The
// prefix names where in the whole body it is.
func read(body []byte, to any, prefix string) []problem {
	if len(bytes.TrimSpace(body)) == 0 {
		body = []byte("{}")
	}
	o := map[string]json.RawMessage{}
	if err := json.Unmarshal(body, &o); err != nil || bytes.Equal(bytes.TrimSpace(body), []byte("null")) {
		return []problem{{strings.TrimSuffix(prefix, "."), "must be a JSON object"}}
	}
	v := reflect.ValueOf(to).Elem()
	problems := unknown(o, v.Type(), prefix)
	for i := range v.NumField() {
		if p := readProperty(o, v.Type().Field(i), v.Field(i), prefix); p.text != "" {
			problems = append(problems, p)
		}
	}
	return problems
}

// unknown lists the properties that the struct does not have.
func unknown(o map[string]json.RawMessage, t reflect.Type, prefix string) []problem {
	var known []string
	for i := range t.NumField() {
		known = append(known, nameOf(t.Field(i)))
	}
	var problems []problem
	for name := range o {
		if !slices.Contains(known, name) {
			problems = append(problems, problem{prefix + name, "is not a property that is permitted"})
		}
	}
	slices.SortFunc(problems, func(a, b problem) int { return strings.Compare(a.field, b.field) })
	return problems
}

func nameOf(f reflect.StructField) string {
	name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
	return name
}

func readProperty(o map[string]json.RawMessage, f reflect.StructField, to reflect.Value, prefix string) problem {
	name := nameOf(f)
	raw, there := o[name]
	if !there || string(raw) == "null" {
		if f.Tag.Get("need") != "" {
			return problem{prefix + name, "is missing"}
		}
		return problem{}
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	if err := d.Decode(to.Addr().Interface()); err != nil {
		return problem{prefix + name, "is invalid: " + reasonOf(err)}
	}
	if choices := f.Tag.Get("oneof"); choices != "" {
		if got := strings.Trim(string(raw), `"`); !slices.Contains(strings.Split(choices, "|"), got) {
			return problem{prefix + name, "must be one of: " + strings.ReplaceAll(choices, "|", ", ")}
		}
	}
	if f.Tag.Get("need") != "" && to.Kind() == reflect.String && strings.TrimSpace(to.String()) == "" {
		return problem{prefix + name, "is empty"}
	}
	return problem{}
}

func reasonOf(err error) string {
	var wrongType *json.UnmarshalTypeError
	if errors.As(err, &wrongType) {
		return wrongType.Value + " instead of " + wrongType.Type.String()
	}
	return "it cannot be read"
}

// has reports whether the body names the property, be it null.
func has(body []byte, name string) bool {
	o := map[string]json.RawMessage{}
	_ = json.Unmarshal(body, &o) // it was read before
	_, ok := o[name]
	return ok
}
