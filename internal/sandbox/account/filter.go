package account

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// filter narrows a list by one query parameter. Parse says why a value will not do.
type filter[R row] struct {
	parse func(value string) (keep func(R) bool, why string)
	date  bool
}

// filters are those of a resource, by parameter.
type filters[R row] map[string]filter[R]

// idsOf keeps rows whose id is one of at most 50.
func idsOf[R row](of func(R) int64) filter[R] {
	return filter[R]{parse: func(value string) (func(R) bool, string) {
		parts := strings.Split(value, ",")
		if len(parts) > maxIDs {
			return nil, fmt.Sprintf("has more than %d ids", maxIDs)
		}
		ids := make([]int64, len(parts))
		for i, part := range parts {
			id, err := strconv.ParseInt(part, 10, 64)
			if err != nil {
				return nil, "is not a list of integers"
			}
			ids[i] = id
		}
		return func(r R) bool { return slices.Contains(ids, of(r)) }, ""
	}}
}

// anyOf keeps rows of whose ids one is among at most 50.
func anyOf[R row](of func(R) []int64) filter[R] {
	return filter[R]{parse: func(value string) (func(R) bool, string) {
		parts := noneOf[R]()
		if _, why := parts.parse(value); why != "" {
			return nil, why
		}
		wanted := strings.Split(value, ",")
		return func(r R) bool {
			return slices.ContainsFunc(of(r), func(id int64) bool { return slices.Contains(wanted, text(id)) })
		}, ""
	}}
}

// noneOf takes ids of what no row has here.
func noneOf[R row]() filter[R] { return idsOf(func(R) int64 { return 0 }) }

func boolOf[R row](of func(R) bool) filter[R] {
	return filter[R]{parse: func(value string) (func(R) bool, string) {
		want, err := strconv.ParseBool(value)
		if err != nil || value != "true" && value != "false" {
			return nil, "must be one of: true, false"
		}
		return func(r R) bool { return of(r) == want }, ""
	}}
}

func textOf[R row](of func(R) string) filter[R] {
	return filter[R]{parse: func(value string) (func(R) bool, string) {
		return func(r R) bool { return of(r) == value }, ""
	}}
}

// matching keeps rows by any test of the text.
func matching[R row](test func(r R, value string) bool) filter[R] {
	return filter[R]{parse: func(value string) (func(R) bool, string) {
		return func(r R) bool { return test(r, value) }, ""
	}}
}

// choiceOf keeps rows whose text is the value, which must be one of those listed.
func choiceOf[R row](of func(R) string, values ...string) filter[R] {
	return filter[R]{parse: func(value string) (func(R) bool, string) {
		if !slices.Contains(values, value) {
			return nil, "must be one of: " + strings.Join(values, ", ")
		}
		return func(r R) bool { return of(r) == value }, ""
	}}
}

// dateOf keeps rows by a moment and operators, in the pipe form.
func dateOf[R row](of func(R) stamp) filter[R] {
	return filter[R]{date: true, parse: func(value string) (func(R) bool, string) {
		parts := strings.Split(value, "|")
		if len(parts)%2 != 0 {
			return nil, "must be an operator and a time, such as gte|2026-01-01T00:00:00Z"
		}
		type bound struct {
			operator string
			at       time.Time
		}
		var bounds []bound
		for i := 0; i < len(parts); i += 2 {
			at, err := time.Parse(time.RFC3339, parts[i+1])
			if err != nil || !slices.Contains([]string{"gte", "lte", "gt", "lt"}, parts[i]) {
				return nil, "must be gte, lte, gt or lt and a time, such as gte|2026-01-01T00:00:00Z"
			}
			bounds = append(bounds, bound{parts[i], at})
		}
		return func(r R) bool {
			at := time.Time(of(r)).Truncate(time.Millisecond) // as it is shown
			return !at.IsZero() && !slices.ContainsFunc(bounds, func(b bound) bool { return !within(at, b.operator, b.at) })
		}, ""
	}}
}

func within(at time.Time, operator string, bound time.Time) bool {
	switch operator {
	case "gte":
		return !at.Before(bound)
	case "lte":
		return !at.After(bound)
	case "gt":
		return at.After(bound)
	default:
		return at.Before(bound)
	}
}

// dateParameter reads both spellings of a date filter, as far as the rules
// accept them, into the pipe form.
func dateParameter(name, value, spelling string) (field, pipe string, date bool) {
	base, operator, bracket := strings.Cut(name, "[")
	if bracket && strings.HasSuffix(operator, "]") {
		if spelling == DatesPipe {
			return name, value, false
		}
		return base, strings.TrimSuffix(operator, "]") + "|" + value, true
	}
	isDate := strings.HasSuffix(name, "_at")
	if isDate && spelling == DatesBracket {
		return "", value, false
	}
	return name, value, isDate
}
