package greenhouse

import (
	"context"
	"strconv"
	"strings"

	"github.com/trellis-ats/trellis/core/ats"
	"github.com/trellis-ats/trellis/core/fault"
)

// tag is a tag of the organization.
type tag struct {
	ID   identifier `json:"id"`
	Name string     `json:"name"`
}

// appliedTag is a tag on a person.
type appliedTag struct {
	ID          identifier `json:"id"`
	CandidateID identifier `json:"candidate_id"`
	TagID       identifier `json:"candidate_tag_id"`
}

type newTag struct {
	Name string `json:"name"`
}

type newAppliedTag struct {
	CandidateID int64 `json:"candidate_id"`
	TagID       int64 `json:"candidate_tag_id"`
}

// AddTag implements ats.Feedback. What Greenhouse does with a second tag of
// the same name is not documented, so it is looked for first, in any case.
func (a *adapter) AddTag(ctx context.Context, r *ats.TagRequest) (*ats.FeedbackReceipt, error) {
	return a.feedback(&r.Connection, func(h *harvest, receipt *ats.FeedbackReceipt) error {
		name := oneLine(r.Name)
		candidate, err := numeric("candidateId", r.CandidateID)
		if err != nil {
			return err
		}
		if name == "" {
			return fault.InvalidField("name", "REQUIRED", "The tag has no name. Nothing was sent.")
		}
		tagID, isNew, err := h.tag(ctx, name)
		if err != nil {
			return err
		}
		if !isNew {
			receipt.Reference, err = h.applied(ctx, r.CandidateID, tagID)
			receipt.Existed = receipt.Reference != ""
		}
		if err != nil || receipt.Existed {
			return err
		}
		receipt.Reference, receipt.Existed, err = h.applyTag(ctx, candidate, tagID)
		return err
	})
}

// applyTag ties the tag to the person. If somebody else does at the same time,
// Greenhouse refuses ours; then theirs is there.
func (h *harvest) applyTag(ctx context.Context, candidate int64, tagID string) (row string, existed bool, err error) {
	number, err := numeric("tag", tagID)
	if err != nil {
		return "", false, err
	}
	row, refused := h.create(ctx, resourceAppliedTags, newAppliedTag{CandidateID: candidate, TagID: number})
	if !fault.Is(refused, fault.Invalid) {
		return row, false, refused
	}
	if row, err = h.applied(ctx, strconv.FormatInt(candidate, 10), tagID); err != nil || row != "" {
		return row, row != "", err
	}
	return "", false, refused
}

// tag finds the tag or makes it. If somebody else makes it at the same time,
// Greenhouse may refuse ours; then theirs is there.
func (h *harvest) tag(ctx context.Context, name string) (id string, isNew bool, err error) {
	if id, err = h.findTag(ctx, name); err != nil || id != "" {
		return id, false, err
	}
	id, refused := h.create(ctx, resourceTags, newTag{Name: name})
	if !fault.Is(refused, fault.Invalid) {
		return id, true, refused
	}
	if id, err = h.findTag(ctx, name); err != nil || id != "" {
		return id, false, err
	}
	return "", false, refused
}

func (h *harvest) findTag(ctx context.Context, name string) (id string, err error) {
	err = scan(ctx, h, resourceTags, first(maxPageSize), func(t tag) bool {
		if strings.EqualFold(oneLine(t.Name), name) {
			id = string(t.ID)
		}
		return id != ""
	})
	return id, err
}

// applied returns the row that ties the tag to the person, or "".
func (h *harvest) applied(ctx context.Context, candidate, tagID string) (row string, err error) {
	query := first(maxPageSize, candidatesFilter, candidate, "candidate_tag_ids", tagID)
	err = scan(ctx, h, resourceAppliedTags, query, func(t appliedTag) bool {
		if string(t.CandidateID) == candidate && string(t.TagID) == tagID {
			row = string(t.ID)
		}
		return row != ""
	})
	return row, err
}
