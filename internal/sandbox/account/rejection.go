package account

// reason is why one is rejected.
type reason struct {
	record
	Name string     `json:"name"`
	Type reasonType `json:"type"`

	builtIn bool
}

type reasonType struct {
	ID   int64  `json:"id"`
	Key  string `json:"key"`
	Name string `json:"name"`
}

// rejection is one that was made.
type rejection struct {
	record
	ApplicationID int64          `json:"application_id"`
	RejectedByID  int64          `json:"rejected_by_id"`
	ReasonID      int64          `json:"rejection_reason_id"`
	NoteID        *int64         `json:"rejection_note_id"`
	RejectedAt    stamp          `json:"rejected_at"`
	Answers       map[string]any `json:"question_custom_fields"`

	template *int64 // of the mail that went out; nil: silent
}

func listReasons() func(*call) answer {
	return list(listing[*reason]{
		rows: func(w *world) []*reason { return w.reasons.rows }, hidden: func(r *reason) bool { return r.builtIn }, unhide: "include_defaults",
	})
}

func listRejections() func(*call) answer {
	return list(listing[*rejection]{
		rows: func(w *world) []*rejection { return w.rejections.rows },
		visible: func(w *world, u *user, r *rejection) bool {
			a, ok := w.applications.find(r.ApplicationID)
			return ok && w.seesApplication(u, a)
		},
		filters: func(*world) filters[*rejection] {
			return filters[*rejection]{
				"application_ids":        idsOf(func(r *rejection) int64 { return r.ApplicationID }),
				"custom_field_option_id": noneOf[*rejection](),
				"rejection_reason_ids":   idsOf(func(r *rejection) int64 { return r.ReasonID }),
			}
		},
	})
}

func patchRejection(c *call) answer {
	var b struct {
		Reason *int64 `json:"rejection_reason_id"`
	}
	r, ok := c.w.rejections.find(c.id)
	if !ok {
		return missing("Rejection detail", c.id)
	}
	if problems := read(c.body, &b, ""); len(problems) > 0 {
		return unprocessable(problems...)
	}
	if b.Reason != nil {
		if _, ok := c.w.reasons.find(*b.Reason); !ok {
			return wrong("rejection_reason_id", "does not exist")
		}
		r.ReasonID = *b.Reason
		if a, ok := c.w.applications.find(r.ApplicationID); ok {
			a.ReasonID = b.Reason
		}
	}
	touch(r, c.now)
	return done(r)
}
