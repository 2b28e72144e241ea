package account

const rejectionMail = "candidate_rejection"

type emailTemplate struct {
	record
	Name          string  `json:"name"`
	Default       bool    `json:"default"`
	Description   *string `json:"description"`
	EmailType     string  `json:"email_type"`
	FromType      string  `json:"from_type"`
	Subject       string  `json:"subject"`
	Body          string  `json:"body"`
	HTMLBody      string  `json:"html_body"`
	Recipients    *string `json:"recipients"`
	CCCoordinator bool    `json:"cc_coordinator"`
	CCRecruiter   bool    `json:"cc_recruiter"`
	Anywhere      bool    `json:"office_anywhere"`
	UserID        *int64  `json:"user_id"`
}

type source struct {
	record
	Name string     `json:"name"`
	Type sourceType `json:"type"`
}

type sourceType struct {
	ID   int64  `json:"id"`
	Name string `json:"name"`
}

type referrer struct {
	record
	Name   string `json:"name"`
	UserID int64  `json:"user_id"`
}

func listTemplates() func(*call) answer {
	return list(listing[*emailTemplate]{
		rows: func(w *world) []*emailTemplate { return w.templates.rows },
		filters: func(*world) filters[*emailTemplate] {
			return filters[*emailTemplate]{
				"email_type": textOf(func(t *emailTemplate) string { return t.EmailType }),
				"from_type": choiceOf(func(t *emailTemplate) string { return t.FromType },
					"user_email", "organization_email", "my_email_address", "inviter", "organizer", "not_applicable"),
			}
		},
	})
}

func listSources() func(*call) answer {
	return list(listing[*source]{rows: func(w *world) []*source { return w.sources.rows }})
}

func listReferrers() func(*call) answer {
	return list(listing[*referrer]{
		rows: func(w *world) []*referrer { return w.referrers.rows },
		filters: func(*world) filters[*referrer] {
			return filters[*referrer]{"user_ids": idsOf(func(r *referrer) int64 { return r.UserID })}
		},
	})
}
