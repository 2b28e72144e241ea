package account

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"slices"
)

// Whose a custom field is, and what it holds.
const (
	ownerCandidate   = "candidate"
	ownerApplication = "application"

	fieldNumber       = "number"
	fieldSingleSelect = "single_select"
	fieldURL          = "url"
	fieldLongText     = "long_text"
)

type customField struct {
	record
	FieldType       string  `json:"field_type"`
	Name            string  `json:"name"`
	NameKey         string  `json:"name_key"`
	ValueType       string  `json:"value_type"`
	Active          bool    `json:"active"`
	Private         bool    `json:"private"`
	Required        bool    `json:"required"`
	SortOrder       int     `json:"sort_order"`
	Description     *string `json:"description"`
	DefaultValue    any     `json:"default_value"`
	Placeholder     *string `json:"placeholder"`
	InternalType    *string `json:"internal_type"`
	ApplicationType *string `json:"application_type"`
	APIOnly         bool    `json:"api_only"`
	ExposeInJobs    bool    `json:"expose_in_job_board_api"`
	RequireApproval bool    `json:"require_approval"`
	NewVersion      bool    `json:"trigger_new_version"`
	JobApprovals    bool    `json:"use_for_job_approvals"`
	OfferApprovals  bool    `json:"use_for_offer_approvals"`
	TemplateToken   *string `json:"template_token_string"`
	UpdatedByID     *int64  `json:"updated_by_id"`
}

type fieldOption struct {
	record
	FieldID    int64   `json:"custom_field_id"`
	Name       string  `json:"name"`
	ExternalID *string `json:"external_id"`
	SortOrder  int     `json:"sort_order"`
	Active     bool    `json:"active"`
}

// fieldValues are values by the id of their field.
type fieldValues map[int64]any

// shownField is a value as it is read: under the field's key.
type shownField struct {
	Name  string `json:"name"`
	Type  string `json:"type"`
	Value any    `json:"value"`
}

// fieldInput is a value as it is written.
type fieldInput struct {
	ID    *int64          `json:"custom_field_id"`
	Key   *string         `json:"name_key"`
	Value json.RawMessage `json:"value"`
}

func listFields() func(*call) answer {
	return list(listing[*customField]{
		rows: func(w *world) []*customField { return w.fields.rows },
		filters: func(*world) filters[*customField] {
			return filters[*customField]{
				"field_type": choiceOf(func(f *customField) string { return f.FieldType }, "job", "opening", "standard", "offer", "compensation_frequency",
					ownerCandidate, "referral_question", ownerApplication, "rejection_question", "form", "agency_question", "user_attribute"),
				"active":   boolOf(func(f *customField) bool { return f.Active }),
				"name":     textOf(func(f *customField) string { return f.Name }),
				"name_key": textOf(func(f *customField) string { return f.NameKey }),
			}
		},
	})
}

func listFieldOptions() func(*call) answer {
	return list(listing[*fieldOption]{
		rows: func(w *world) []*fieldOption { return w.options.rows },
		filters: func(w *world) filters[*fieldOption] {
			return filters[*fieldOption]{
				"custom_field_ids": idsOf(func(o *fieldOption) int64 { return o.FieldID }),
				"active":           boolOf(func(o *fieldOption) bool { return o.Active }),
				"custom_field_key": matching(func(o *fieldOption, key string) bool {
					f, ok := w.fields.find(o.FieldID)
					return ok && f.NameKey == key
				}),
			}
		},
	})
}

// chose reports whether an option is among the values.
func (w *world) chose(values fieldValues, option string) bool {
	o, ok := w.options.find(number(option))
	return ok && values[o.FieldID] == o.Name
}

// showFields gives each active field of the owner, null without a value.
func (w *world) showFields(owner string, values fieldValues) map[string]shownField {
	shown := map[string]shownField{}
	for _, f := range w.fields.rows {
		if f.FieldType == owner && f.Active {
			shown[f.NameKey] = shownField{f.Name, f.ValueType, values[f.ID]}
		}
	}
	return shown
}

// fieldFor finds the field of an input by exactly one of its two names.
func (w *world) fieldFor(owner string, in fieldInput) (*customField, string) {
	if (in.ID == nil) == (in.Key == nil) {
		return nil, "exactly one of custom_field_id and name_key is required"
	}
	at := slices.IndexFunc(w.fields.rows, func(f *customField) bool {
		return f.FieldType == owner && f.Active && (in.ID != nil && f.ID == *in.ID || in.Key != nil && f.NameKey == *in.Key)
	})
	if at < 0 {
		return nil, "is not a custom field of the " + owner
	}
	return w.fields.rows[at], ""
}

func (w *world) checkFields(owner string, inputs []fieldInput) []problem {
	var problems []problem
	for i, in := range inputs {
		f, why := w.fieldFor(owner, in)
		if why == "" {
			_, why = w.fieldValue(f, in.Value)
		}
		if why != "" {
			problems = append(problems, problem{fmt.Sprintf("custom_fields.%d", i), why})
		}
	}
	return problems
}

// fieldValue reads a value as its field wants it; null clears.
func (w *world) fieldValue(f *customField, raw json.RawMessage) (any, string) {
	var v any
	if len(raw) == 0 || json.Unmarshal(raw, &v) != nil {
		return nil, "value is missing"
	}
	if v == nil {
		return nil, ""
	}
	text, isText := v.(string)
	_, isNumber := v.(float64)
	switch f.ValueType {
	case fieldNumber:
		if !isNumber {
			return nil, f.NameKey + " must be a number"
		}
	case fieldSingleSelect:
		if !isText || !slices.ContainsFunc(w.options.rows, func(o *fieldOption) bool { return o.FieldID == f.ID && o.Active && o.Name == text }) {
			return nil, f.NameKey + " must be the name of an option"
		}
	case fieldURL:
		if u, err := url.Parse(text); !isText || err != nil || u.Host == "" {
			return nil, f.NameKey + " must be a web address"
		}
	default:
		if !isText {
			return nil, f.NameKey + " must be text"
		}
	}
	return v, ""
}

// putFields returns the values after inputs that were checked.
func (w *world) putFields(owner string, before fieldValues, inputs []fieldInput, replace bool) fieldValues {
	after := maps.Clone(before)
	if replace || after == nil {
		after = fieldValues{}
	}
	for _, in := range inputs {
		f, _ := w.fieldFor(owner, in)
		v, _ := w.fieldValue(f, in.Value)
		delete(after, f.ID)
		if v != nil {
			after[f.ID] = v
		}
	}
	return after
}
