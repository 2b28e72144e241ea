package greenhouse

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/trellis-ats/trellis/core/fault"
)

// identifier is an id as Greenhouse writes it: a number, in places a text,
// null for none.
type identifier string

// UnmarshalJSON implements json.Unmarshaler.
func (i *identifier) UnmarshalJSON(raw []byte) error {
	if absent(raw) {
		*i = ""
		return nil
	}
	var text string
	if json.Unmarshal(raw, &text) == nil {
		*i = identifier(text)
		return nil
	}
	var n json.Number
	if err := json.Unmarshal(raw, &n); err != nil {
		return err
	}
	*i = identifier(n.String())
	return nil
}

// moment is a time as Greenhouse writes it; zero for null and for what cannot
// be read, since none of them decides whether a page can be used.
type moment time.Time

// UnmarshalJSON implements json.Unmarshaler.
func (m *moment) UnmarshalJSON(raw []byte) error {
	var text string
	_ = json.Unmarshal(raw, &text) // a wrong type is no time
	*m = moment(readTime(text))
	return nil
}

func readTime(text string) time.Time {
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return time.Time{}
	}
	return at.UTC()
}

// numeric turns an id of the contract into Greenhouse's. Errors: fault.Invalid.
func numeric(path, value string) (int64, error) {
	n, err := strconv.ParseInt(value, 10, 64)
	if err != nil || n <= 0 || number(value) == "" {
		return 0, fault.InvalidField(path, "INVALID", "%s is %q, which is not an id of Greenhouse. Nothing was sent.", path, shorten(oneLine(value), maxIDLength))
	}
	return n, nil
}

// optional is numeric for an id that may be empty, which gives nil.
func optional(path, value string) (*int64, error) {
	if value == "" {
		return nil, nil //nolint:nilnil // nil is the id that is not sent
	}
	n, err := numeric(path, value)
	return &n, err
}

// idList joins ids for a filter. Errors: fault.Invalid for one that is none, or
// for more than Greenhouse takes.
func idList(path string, ids []string) (string, error) {
	if len(ids) > maxIDs {
		return "", fault.InvalidField(path, "TOO_MANY", "Greenhouse takes %d ids at once, not %d. Nothing was sent.", maxIDs, len(ids))
	}
	for _, id := range ids {
		if _, err := numeric(path, id); err != nil {
			return "", err
		}
	}
	return strings.Join(ids, ","), nil
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
