package core

import (
	"cmp"
	"context"
	"slices"

	"github.com/trellis-ats/trellis/core/ats"
	"github.com/trellis-ats/trellis/core/fault"
)

// Choices are what people can choose in an ATS.
type Choices interface {
	// Choices returns all of a kind; with a parent, those of a job or a field.
	// fresh asks the ATS, and not what was kept of its last answer.
	// Errors: fault.Unsupported if the ATS lists nothing, and those of the call.
	Choices(ctx context.Context, by Actor, q ChoiceQuery) ([]ats.ReferenceItem, error)
}

// ChoiceQuery asks for choices.
type ChoiceQuery struct {
	ConnectionID ID
	Kind         ats.ReferenceKind
	Parent       string // the ATS's id; empty where there is none
	Fresh        bool
}

// choice is what a person chose.
type choice struct {
	ChoiceQuery
	path string // of the input's field
	noun string // "job", for the messages
	id   string // the ATS's
	// is tells the item where its id alone does not; nil: the id does.
	is func(ats.ReferenceItem) bool
	// name is as it was typed, for an ATS without lists; empty: the id.
	name string
}

// chosen finds what a person chose, in the ATS itself if what was kept does not
// have it. What an ATS without lists has is taken as it was typed.
// Errors: fault.Invalid for what is not there, closed or deactivated, and those
// of the call.
func chosen(ctx context.Context, cs Choices, by Actor, c choice) (*ats.ReferenceItem, error) {
	if err := requireText(c.path, c.id, 200); err != nil {
		return nil, err
	}
	is := c.is
	if is == nil {
		is = func(i ats.ReferenceItem) bool { return i.ID == c.id }
	}
	var found *ats.ReferenceItem
	for _, fresh := range []bool{false, true} {
		c.Fresh = fresh
		items, err := cs.Choices(ctx, by, c.ChoiceQuery)
		if fault.Is(err, fault.Unsupported) {
			return &ats.ReferenceItem{ID: c.id, Name: cmp.Or(c.name, c.id), Parent: c.Parent, Active: true}, nil
		}
		if err != nil {
			return nil, err
		}
		if at := slices.IndexFunc(items, is); at >= 0 {
			found = &items[at]
		}
		if found != nil && found.Active {
			return found, nil
		}
	}
	if found == nil {
		return nil, fault.InvalidField(c.path, "UNKNOWN", "The ATS has no %s %q. Nothing was changed; choose one that it lists.", c.noun, c.id)
	}
	return nil, fault.InvalidField(c.path, "INACTIVE", "The %s %q is closed or deactivated in the ATS. Nothing was changed; choose another one.", c.noun, found.Name)
}
