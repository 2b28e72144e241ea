// Package model holds the Go side of the public schema where core's own types
// do not fit: scalars, enums, pages with cursors, and views of core types
// whose empty texts and zero times are null.
package model

import (
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"strings"
	"time"

	"github.com/99designs/gqlgen/graphql"

	"github.com/trellis-ats/trellis/core"
	"github.com/trellis-ats/trellis/core/fault"
)

// MarshalID writes an id; an empty one is null.
func MarshalID(id core.ID) graphql.Marshaler {
	if id == "" {
		return graphql.Null
	}
	return graphql.MarshalString(string(id))
}

// UnmarshalID reads an id; null is the empty one. Whether it names something is
// for core to say. Errors: fault.Invalid.
func UnmarshalID(v any) (core.ID, error) {
	if v == nil {
		return "", nil
	}
	text, err := graphql.UnmarshalID(v)
	if err == nil {
		err = storable(text)
	}
	return core.ID(text), err
}

// MarshalString writes a text.
func MarshalString(text string) graphql.Marshaler { return graphql.MarshalString(text) }

// UnmarshalString reads a text that databases can keep. Errors: fault.Invalid.
func UnmarshalString(v any) (string, error) {
	text, err := graphql.UnmarshalString(v)
	if err == nil {
		err = storable(text)
	}
	return text, err
}

// storable refuses the one character that PostgreSQL has no room for.
func storable(text string) error {
	if strings.ContainsRune(text, 0) {
		return fault.New(fault.Invalid, "A text holds the character U+0000, which cannot be kept. Nothing was changed; send it without.")
	}
	return nil
}

// MarshalDateTime writes RFC 3339 in UTC; the zero time is null.
func MarshalDateTime(t time.Time) graphql.Marshaler {
	if t.IsZero() {
		return graphql.Null
	}
	return graphql.MarshalString(t.UTC().Format(time.RFC3339Nano))
}

// UnmarshalDateTime reads RFC 3339 with any offset; null is the zero time.
// Errors: fault.Invalid.
func UnmarshalDateTime(v any) (time.Time, error) {
	if v == nil {
		return time.Time{}, nil
	}
	text, ok := v.(string)
	t, err := time.Parse(time.RFC3339Nano, text)
	if !ok || err != nil {
		return time.Time{}, fault.New(fault.Invalid, "A DateTime is written as in 2026-03-01T09:30:00Z.")
	}
	return t.UTC(), nil
}

// MarshalScore writes the shortest decimal number.
func MarshalScore(s core.Score) graphql.Marshaler {
	return graphql.WriterFunc(func(w io.Writer) { _, _ = io.WriteString(w, s.String()) })
}

// UnmarshalScore reads a number from 0 to 100. Errors: fault.Invalid.
func UnmarshalScore(v any) (core.Score, error) {
	number, err := graphql.UnmarshalFloat(v)
	if err == nil {
		var score core.Score
		if score, err = core.ParseScore("", number); err == nil {
			return score, nil
		}
	}
	return 0, fault.Wrap(err, fault.Invalid, "A Score is a number from 0 to 100.") // gqlgen adds where
}

// MarshalURL writes an address; an empty one is null.
func MarshalURL(address string) graphql.Marshaler {
	if address == "" {
		return graphql.Null
	}
	return graphql.MarshalString(address)
}

// UnmarshalURL reads an absolute http or https address; null is the empty one.
// Errors: fault.Invalid.
func UnmarshalURL(v any) (string, error) {
	if v == nil {
		return "", nil
	}
	text, ok := v.(string)
	u, err := url.Parse(text)
	if !ok || err != nil || u.Host == "" || (u.Scheme != "https" && u.Scheme != "http") {
		return "", fault.New(fault.Invalid, "A URL is an absolute http or https address.")
	}
	return text, nil
}

// MarshalJSON writes a value that is JSON already; an empty one is null.
func MarshalJSON(raw json.RawMessage) graphql.Marshaler {
	if len(raw) == 0 || !json.Valid(raw) {
		return graphql.Null
	}
	return graphql.WriterFunc(func(w io.Writer) { _, _ = w.Write(raw) })
}

// UnmarshalJSON reads any value.
func UnmarshalJSON(v any) (json.RawMessage, error) {
	raw, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("JSON value: %w", err)
	}
	return raw, nil
}
