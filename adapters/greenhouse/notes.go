package greenhouse

import (
	"context"
	"strings"
	"unicode/utf8"

	"github.com/trellis-ats/trellis/core/ats"
	"github.com/trellis-ats/trellis/core/fault"
)

const (
	maxNoteLength = 50_000 // characters; Greenhouse's own limit is not documented
	notePage      = 100    // notes are long, and an answer has a size cap
	noteType      = "NOTE" // read as type, written as note_type
)

// note is a note as Harvest lists it.
type note struct {
	ID   identifier `json:"id"`
	Body string     `json:"body"`
}

// newNote is the body of POST /v3/notes. Its visibility is spelled otherwise
// than the one that is read (facts/greenhouse.md 4.6).
type newNote struct {
	CandidateID   int64  `json:"candidate_id"`
	ApplicationID *int64 `json:"application_id,omitempty"`
	UserID        *int64 `json:"user_id,omitempty"`
	Body          string `json:"body"`
	Visibility    string `json:"visibility"`
	Type          string `json:"note_type"`
}

// AddNote implements ats.Feedback. The candidate's notes are looked through for
// the marker: a note can never be changed or deleted.
func (a *adapter) AddNote(ctx context.Context, r *ats.NoteRequest) (*ats.FeedbackReceipt, error) {
	return a.feedback(&r.Connection, func(h *harvest, receipt *ats.FeedbackReceipt) error {
		body, err := h.noteBody(r)
		if err != nil {
			return err
		}
		found := func(n note) bool {
			if strings.Contains(n.Body, r.Marker) {
				receipt.Reference, receipt.Existed = string(n.ID), true
			}
			return receipt.Existed
		}
		query := first(notePage, candidatesFilter, r.CandidateID, "type", noteType)
		if err := scan(ctx, h, resourceNotes, query, found); err != nil || receipt.Existed {
			return err
		}
		receipt.Reference, err = h.create(ctx, resourceNotes, body)
		return err
	})
}

func (h *harvest) noteBody(r *ats.NoteRequest) (*newNote, error) {
	if r.Marker == "" || !strings.Contains(r.Body, r.Marker) {
		return nil, fault.InvalidField("marker", "REQUIRED", "The note does not hold the marker by which a repeat is recognised. Nothing was sent.")
	}
	candidate, err := numeric("candidateId", r.CandidateID)
	if err != nil {
		return nil, err
	}
	application, err := optional("applicationId", r.ApplicationID)
	if err != nil {
		return nil, err
	}
	author, err := optional("settings."+settingNoteAuthor, setting(h.c, settingNoteAuthor, ""))
	if err != nil {
		return nil, err
	}
	return &newNote{
		CandidateID: candidate, ApplicationID: application, UserID: author, Type: noteType,
		Body: h.fitting(r.Body, r.Marker), Visibility: setting(h.c, settingNoteVisibility, visibilityPrivate),
	}, nil
}

// fitting cuts a long body and keeps the marker.
func (h *harvest) fitting(body, marker string) string {
	if utf8.RuneCountInString(body) <= maxNoteLength {
		return body
	}
	h.degrade("The note was shortened; the report has all of it.")
	room := maxNoteLength - utf8.RuneCountInString(marker) - 2
	return shorten(body, max(room, 1)) + "\n\n" + marker
}
