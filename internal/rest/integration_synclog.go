package rest

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/trellis-ats/trellis/core"
	"github.com/trellis-ats/trellis/core/ats"
	"github.com/trellis-ats/trellis/core/fault"
)

// SyncLog shows what was exchanged with an ATS; *core.SyncLog is one.
type SyncLog interface {
	List(ctx context.Context, by core.Actor, f core.SyncFilter, p core.Page) (*core.Paged[core.SyncEntry], error)
	Get(ctx context.Context, by core.Actor, adapter string, id core.ID) (*core.SyncEntry, error)
}

// syncEntry has the names of GraphQL's SyncEntry. What is not known is null.
type syncEntry struct {
	ID           core.ID          `json:"id"`
	Direction    core.Direction   `json:"direction"`
	Operation    string           `json:"operation"`
	Outcome      core.SyncOutcome `json:"outcome"`
	FaultCode    *fault.Code      `json:"faultCode"`
	Message      *string          `json:"message"`
	Advice       *string          `json:"advice"`
	Attempt      int              `json:"attempt"`
	Adapter      string           `json:"adapter"`
	ConnectionID *core.ID         `json:"connectionId"`
	AssessmentID *core.ID         `json:"assessmentId"`
	PushID       *core.ID         `json:"pushId"`
	RequestID    *string          `json:"requestId"`
	StartedAt    *time.Time       `json:"startedAt"`
	DurationMs   int64            `json:"durationMs"`
}

// wholeSyncEntry is an entry with its steps and its exchanges, which are large.
type wholeSyncEntry struct {
	syncEntry
	Steps     []pushStep `json:"steps"`
	Exchanges []exchange `json:"exchanges"`
}

type exchange struct {
	Method          string            `json:"method"`
	URL             string            `json:"url"`
	RequestBody     *string           `json:"requestBody"`
	Status          *int              `json:"status"`
	ResponseBody    *string           `json:"responseBody"`
	ResponseHeaders map[string]string `json:"responseHeaders"`
	StartedAt       *time.Time        `json:"startedAt"`
	DurationMs      int64             `json:"durationMs"`
	Error           *string           `json:"error"`
}

// paged is a page of a list.
type paged[T any] struct {
	Nodes    []T      `json:"nodes"`
	PageInfo pageInfo `json:"pageInfo"`
}

type pageInfo struct {
	HasNextPage bool     `json:"hasNextPage"`
	EndCursor   *core.ID `json:"endCursor"`
}

func (i *Integration) listSyncLog(r *http.Request, by core.Actor) (any, error) {
	page, filter, err := syncLogQuery(r.URL.Query())
	if err != nil {
		return nil, err
	}
	filter.Adapter = r.PathValue("adapter")
	found, err := i.o.SyncLog.List(r.Context(), by, filter, page)
	if err != nil {
		return nil, err
	}
	shown := paged[syncEntry]{Nodes: []syncEntry{}, PageInfo: pageInfo{HasNextPage: found.HasNext}}
	for n := range found.Items {
		shown.Nodes = append(shown.Nodes, newSyncEntry(&found.Items[n]))
		shown.PageInfo.EndCursor = &found.Items[n].ID
	}
	return shown, nil
}

// syncLogQuery reads the page and the filter. A parameter that is not known or
// given twice is refused: to leave it out would answer another question.
func syncLogQuery(q url.Values) (core.Page, core.SyncFilter, error) {
	var page core.Page
	var filter core.SyncFilter
	for name, values := range q {
		if len(values) > 1 {
			return page, filter, fault.InvalidField(name, "DUPLICATE", "%s is there twice.", name)
		}
		if err := readParameter(&page, &filter, name, values[0]); err != nil {
			return page, filter, err
		}
	}
	return page, filter, nil
}

func readParameter(page *core.Page, f *core.SyncFilter, name, value string) error {
	var err error
	switch name {
	case "first":
		if page.First, err = strconv.Atoi(value); err != nil || page.First < 1 {
			return fault.InvalidField(name, "OUT_OF_RANGE", "first is from 1 to %d.", core.MaxPage)
		}
	case "after":
		page.After, err = idParameter(name, core.PrefixSyncEntry, value)
	case "connection":
		f.ConnectionID, err = idParameter(name, core.PrefixConnection, value)
	case "assessment":
		f.AssessmentID, err = idParameter(name, core.PrefixAssessment, value)
	case "push":
		f.PushID, err = idParameter(name, core.PrefixPush, value)
	case "direction":
		f.Direction = core.Direction(value)
		err = oneOf(name, f.Direction, core.Directions())
	case "outcome":
		for part := range strings.SplitSeq(value, ",") {
			f.Outcomes = append(f.Outcomes, core.SyncOutcome(part))
			if err = oneOf(name, core.SyncOutcome(part), core.SyncOutcomes()); err != nil {
				return err
			}
		}
	case "operation":
		f.Operation = value
	default:
		return fault.InvalidField(name, "UNKNOWN", "There is no parameter %.50q here.", name)
	}
	return err
}

func idParameter(name string, p core.Prefix, value string) (core.ID, error) {
	id, err := core.ParseID(p, value)
	if err != nil {
		return "", fault.InvalidField(name, "INVALID", "%s is an id that begins with %s_.", name, p)
	}
	return id, nil
}

func oneOf[T ~string](name string, value T, known []T) error {
	if slices.Contains(known, value) {
		return nil
	}
	return fault.InvalidField(name, "UNKNOWN", "%s is one of %v.", name, known)
}

func (i *Integration) getSyncEntry(r *http.Request, by core.Actor) (any, error) {
	id, err := core.ParseID(core.PrefixSyncEntry, r.PathValue("id"))
	if err != nil {
		return nil, err
	}
	e, err := i.o.SyncLog.Get(r.Context(), by, r.PathValue("adapter"), id)
	if err != nil {
		return nil, err
	}
	return newWholeSyncEntry(e), nil
}

func newWholeSyncEntry(e *core.SyncEntry) wholeSyncEntry {
	shown := wholeSyncEntry{syncEntry: newSyncEntry(e), Steps: newPushSteps(e.Steps), Exchanges: make([]exchange, len(e.Exchanges))}
	for n, x := range e.Exchanges {
		shown.Exchanges[n] = newExchange(x)
	}
	return shown
}

func newSyncEntry(e *core.SyncEntry) syncEntry {
	return syncEntry{
		ID: e.ID, Direction: e.Direction, Operation: e.Operation, Outcome: e.Outcome,
		FaultCode: known(e.FaultCode), Message: known(e.Message), Advice: known(e.Advice), Attempt: e.Attempt, Adapter: e.Adapter,
		ConnectionID: known(e.ConnectionID), AssessmentID: known(e.AssessmentID), PushID: known(e.PushID), RequestID: known(e.RequestID),
		StartedAt: moment(e.StartedAt), DurationMs: e.Duration.Milliseconds(),
	}
}

func newExchange(x ats.Exchange) exchange {
	headers := x.ResponseHeader
	if headers == nil {
		headers = map[string]string{}
	}
	return exchange{
		Method: x.Method, URL: x.URL, RequestBody: known(x.RequestBody), Status: known(x.Status),
		ResponseBody: known(x.ResponseBody), ResponseHeaders: headers, StartedAt: moment(x.StartedAt),
		DurationMs: x.Duration.Milliseconds(), Error: known(x.Error),
	}
}

// known is nil for what is empty, which is null in JSON.
func known[T comparable](value T) *T {
	var empty T
	if value == empty {
		return nil
	}
	return &value
}

// moment is a time in UTC, nil for none.
func moment(t time.Time) *time.Time { return known(t.UTC()) }
