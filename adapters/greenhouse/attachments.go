package greenhouse

import (
	"context"
	"net/http"
	"strings"

	"github.com/trellis-ats/trellis/core/ats"
	"github.com/trellis-ats/trellis/core/fault"
)

// attachment is a file as Harvest lists it.
type attachment struct {
	ID       identifier `json:"id"`
	FileName string     `json:"filename"`
}

// newAttachment is the body of POST /v3/attachments; content travels as Base64.
type newAttachment struct {
	ApplicationID int64  `json:"application_id"`
	FileName      string `json:"filename"`
	Type          string `json:"type"`
	Visibility    string `json:"visibility,omitempty"`
	Content       []byte `json:"content"`
}

// feedback runs one write that looks before it appends, and writes its receipt.
func (a *adapter) feedback(c *ats.Connection, run func(*harvest, *ats.FeedbackReceipt) error) (*ats.FeedbackReceipt, error) {
	receipt := &ats.FeedbackReceipt{}
	h, err := a.harvest(c)
	if err != nil {
		return receipt, err
	}
	err = run(h, receipt)
	receipt.Trace = h.trace()
	return receipt, err
}

// Attach implements ats.Feedback. Greenhouse has no attachments of a person
// without an application (facts/greenhouse.md 4.6).
func (a *adapter) Attach(ctx context.Context, r *ats.AttachRequest) (*ats.FeedbackReceipt, error) {
	return a.feedback(&r.Connection, func(h *harvest, receipt *ats.FeedbackReceipt) error {
		body, err := h.attachmentBody(r)
		if err != nil {
			return err
		}
		found := func(x attachment) bool {
			if x.FileName == r.FileName {
				receipt.Reference, receipt.Existed = string(x.ID), true
			}
			return receipt.Existed
		}
		if err := scan(ctx, h, resourceAttachments, first(maxPageSize, applicationsFilter, r.ApplicationID), found); err != nil || receipt.Existed {
			return err
		}
		receipt.Reference, err = h.create(ctx, resourceAttachments, body)
		return err
	})
}

func (h *harvest) attachmentBody(r *ats.AttachRequest) (*newAttachment, error) {
	application, err := numeric("applicationId", r.ApplicationID)
	if err != nil {
		return nil, err
	}
	switch {
	case strings.TrimSpace(r.FileName) == "" || strings.ContainsFunc(r.FileName, unprintable):
		return nil, fault.InvalidField("fileName", "INVALID", "The file name is empty or holds control characters. Nothing was sent.")
	case len(r.Content) == 0:
		return nil, fault.InvalidField("content", "REQUIRED", "The file is empty. Nothing was sent.")
	}
	body := &newAttachment{
		ApplicationID: application, FileName: r.FileName, Content: r.Content,
		Type: setting(h.c, settingAttachmentType, attachmentOther), Visibility: setting(h.c, settingAttachmentVisibility, visibilityPrivate),
	}
	if body.Visibility == visibilityDefault {
		body.Visibility = ""
	}
	return body, nil
}

// create makes one thing and returns its id.
func (h *harvest) create(ctx context.Context, at resource, body any) (string, error) {
	var made struct {
		ID identifier `json:"id"`
	}
	post := call{method: http.MethodPost, path: string(at), scope: scopeOf(at, "create"), body: body}
	if _, err := h.do(ctx, post, &made); err != nil {
		return "", err
	}
	if made.ID == "" {
		return "", post.unreadable(nil)
	}
	return string(made.ID), nil
}
