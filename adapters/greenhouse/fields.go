package greenhouse

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"

	"github.com/trellis-ats/trellis/core/ats"
	"github.com/trellis-ats/trellis/core/fault"
)

// customField is the definition of a custom field; NameKey is what never
// changes (facts/greenhouse.md 4.7).
type customField struct {
	ID        identifier `json:"id"`
	Name      string     `json:"name"`
	NameKey   string     `json:"name_key"`
	FieldType string     `json:"field_type"`
	ValueType string     `json:"value_type"`
	Active    bool       `json:"active"`
	Order     int        `json:"sort_order"`
}

// customOption is one option of a select field.
type customOption struct {
	ID      identifier `json:"id"`
	FieldID identifier `json:"custom_field_id"`
	Name    string     `json:"name"`
	Active  bool       `json:"active"`
	Order   int        `json:"sort_order"`
}

// customValue is a value as it is read, in a map by name_key.
type customValue struct {
	Type  string          `json:"type"`
	Value json.RawMessage `json:"value"`
}

// newValue is a value as it is written, in an array.
type newValue struct {
	NameKey string `json:"name_key"`
	Value   any    `json:"value"`
}

type fieldsBody struct {
	CustomFields []newValue `json:"custom_fields"`
}

// ownerKind says where the fields of an owner are.
type ownerKind struct {
	owner     ats.FieldOwner
	fieldType string
	from      resource
	id        string
	path      string // of the id in the request
}

// SetFields implements ats.Feedback: at most four requests for one owner,
// seven for both. All fields are checked before the first one is written.
func (a *adapter) SetFields(ctx context.Context, r *ats.FieldsRequest) (*ats.FeedbackReceipt, error) {
	return a.feedback(&r.Connection, func(h *harvest, receipt *ats.FeedbackReceipt) error {
		plans, err := h.planFields(ctx, r)
		if err != nil {
			return err
		}
		receipt.Existed = true
		for _, p := range plans {
			wrote, err := h.writeFields(ctx, p)
			receipt.Existed = receipt.Existed && !wrote
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// fieldPlan is what one owner gets.
type fieldPlan struct {
	ownerKind
	values []newValue
}

func (h *harvest) planFields(ctx context.Context, r *ats.FieldsRequest) ([]fieldPlan, error) {
	if len(r.Fields) == 0 {
		return nil, fault.InvalidField("fields", "REQUIRED", "There is no field to write. Nothing was sent.")
	}
	kinds := []ownerKind{
		{ats.OwnerCandidate, "candidate", resourceCandidates, r.CandidateID, "candidateId"},
		{ats.OwnerApplication, "application", resourceApplications, r.ApplicationID, "applicationId"},
	}
	known := map[ats.FieldOwner]map[string]customField{}
	for _, k := range kinds {
		if !owns(r.Fields, k.owner) {
			continue
		}
		if _, err := numeric(k.path, k.id); err != nil {
			return nil, err
		}
		var err error
		if known[k.owner], err = h.definitions(ctx, k.fieldType); err != nil {
			return nil, err
		}
	}
	values, err := h.fieldValues(ctx, r.Fields, known)
	if err != nil {
		return nil, err
	}
	var plans []fieldPlan
	for _, k := range kinds {
		if len(values[k.owner]) > 0 {
			plans = append(plans, fieldPlan{k, values[k.owner]})
		}
	}
	return plans, nil
}

func owns(fields []ats.FieldValue, owner ats.FieldOwner) bool {
	for _, f := range fields {
		if f.Owner == owner {
			return true
		}
	}
	return false
}

// definitions returns the active fields of one type, by key.
func (h *harvest) definitions(ctx context.Context, fieldType string) (map[string]customField, error) {
	byKey := map[string]customField{}
	err := scan(ctx, h, resourceFields, first(maxPageSize, "field_type", fieldType), func(f customField) bool {
		if f.Active {
			byKey[f.NameKey] = f
		}
		return false
	})
	return byKey, err
}

// fieldValues turns all values into Greenhouse's, and names every one that
// does not fit.
func (h *harvest) fieldValues(ctx context.Context, fields []ats.FieldValue, known map[ats.FieldOwner]map[string]customField) (map[ats.FieldOwner][]newValue, error) {
	options, err := h.optionsFor(ctx, fields, known)
	if err != nil {
		return nil, err
	}
	n := &notes{}
	values := map[ats.FieldOwner][]newValue{}
	for _, f := range fields {
		path := "fields." + f.Key
		definition, ok := known[f.Owner][f.Key]
		if !ok {
			n.problem(path, "NOT_FOUND", "is not an active custom field of Greenhouse's for %ss", strings.ToLower(string(f.Owner)))
			continue
		}
		value, code, what := fieldValue(f, definition.ValueType, options[definition.ID])
		if code != "" {
			n.problem(path, code, "%s", what)
			continue
		}
		values[f.Owner] = append(values[f.Owner], newValue{NameKey: f.Key, Value: value})
	}
	return values, fieldProblems(n)
}

func fieldProblems(n *notes) error {
	if len(n.problems) == 0 {
		return nil
	}
	messages := make([]string, len(n.problems))
	for i, p := range n.problems {
		messages[i] = p.Message
	}
	e := fault.New(fault.Invalid, "No custom field was written: %s. Correct the mapping.", strings.Join(messages, "; "))
	e.Source, e.Fields = fault.ATS, n.problems
	return e
}

// optionsFor reads the options of the select fields, if there are any.
func (h *harvest) optionsFor(ctx context.Context, fields []ats.FieldValue, known map[ats.FieldOwner]map[string]customField) (map[identifier][]customOption, error) {
	var ids []string
	for _, f := range fields {
		if d, ok := known[f.Owner][f.Key]; ok && selects(d.ValueType) {
			ids = append(ids, string(d.ID))
		}
	}
	if len(ids) == 0 {
		return nil, nil //nolint:nilnil // no select field, no options
	}
	joined, err := idList("fields", ids)
	if err != nil {
		return nil, err
	}
	byField := map[identifier][]customOption{}
	err = scan(ctx, h, resourceOptions, first(maxPageSize, "custom_field_ids", joined), func(o customOption) bool {
		if o.Active {
			byField[o.FieldID] = append(byField[o.FieldID], o)
		}
		return false
	})
	return byField, err
}

// holder is a candidate or an application with its fields.
type holder struct {
	ID           identifier             `json:"id"`
	CustomFields map[string]customValue `json:"custom_fields"`
}

// writeFields reads what is there, so that nothing is written twice and, by
// field_updates, all other fields are sent along: whether Greenhouse keeps
// those that are left out is not documented (facts/greenhouse.md 4.6).
func (h *harvest) writeFields(ctx context.Context, p fieldPlan) (wrote bool, err error) {
	rows, _, err := list[holder](ctx, h, p.from, first(1, identifiersFilter, p.id))
	if err != nil {
		return false, err
	}
	if len(rows) == 0 || string(rows[0].ID) != p.id {
		return false, answered(fault.NotFound, 0, "Greenhouse has no %s %s that the acting user may see. No field of it was written.", p.fieldType, p.id)
	}
	present := rows[0].CustomFields
	if holds(present, p.values) {
		return false, nil
	}
	values := p.values
	if setting(h.c, settingFieldUpdates, fieldsAll) == fieldsAll {
		values = append(values, others(present, p.values)...)
	}
	_, err = h.do(ctx, call{
		method: http.MethodPatch, path: string(p.from) + "/" + p.id, scope: scopeOf(p.from, "update"), body: fieldsBody{values},
	}, nil)
	return err == nil, err
}
