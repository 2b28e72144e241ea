package store

import (
	"database/sql/driver"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/trellis-ats/trellis/core/fault"
)

// timeLayout has a fixed width, so that SQLite's text sorts by time.
// PostgreSQL reads it as a timestamptz.
const timeLayout = "2006-01-02T15:04:05.000000Z"

// Time is a time as both databases keep it: UTC with microseconds. The zero
// time is NULL. A plain time.Time must never be an argument: SQLite would
// store it in a form that does not compare.
type Time struct{ time.Time }

// Value implements driver.Valuer.
func (t Time) Value() (driver.Value, error) {
	if t.IsZero() {
		return nil, nil //nolint:nilnil // NULL
	}
	return t.UTC().Format(timeLayout), nil
}

// Scan implements sql.Scanner.
func (t *Time) Scan(src any) error {
	switch v := src.(type) {
	case nil:
		t.Time = time.Time{}
		return nil
	case time.Time:
		t.Time = v.UTC()
		return nil
	case string:
		parsed, err := time.Parse(timeLayout, v)
		t.Time = parsed.UTC()
		return err
	default:
		return fmt.Errorf("store: a time came as %T", src)
	}
}

// JSON is a value that is stored as JSON text, byte by byte as it was encoded.
type JSON[T any] struct{ V T }

// Value implements driver.Valuer.
func (j JSON[T]) Value() (driver.Value, error) {
	b, err := json.Marshal(j.V)
	return string(b), err
}

// Scan implements sql.Scanner.
func (j *JSON[T]) Scan(src any) error {
	switch v := src.(type) {
	case string:
		return json.Unmarshal([]byte(v), &j.V)
	case []byte:
		return json.Unmarshal(v, &j.V)
	default:
		return fmt.Errorf("store: JSON came as %T", src)
	}
}

// checkArguments refuses what the two databases would treat differently: a
// time that is no Time, raw JSON, and texts that PostgreSQL cannot keep.
func checkArguments(args []any) error {
	for _, a := range args {
		switch a.(type) {
		case time.Time, *time.Time, json.RawMessage:
			return fmt.Errorf("store: a query argument is a %T", a)
		}
		if v := reflect.ValueOf(a); v.Kind() == reflect.String && !storable(v.String()) {
			return fault.New(fault.Invalid, "A text holds bytes that are no characters, or a NUL. Nothing was changed.")
		}
	}
	return nil
}

func storable(text string) bool {
	return utf8.ValidString(text) && !strings.ContainsRune(text, 0)
}

// cleaned makes text storable. It is for logs, which must be kept whatever a
// stranger sent.
func cleaned(text string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(text, "\uFFFD"), "\x00", "\uFFFD")
}
