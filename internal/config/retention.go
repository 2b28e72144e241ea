package config

import (
	"errors"
	"math"
)

// Retention tells for how many days each kind is kept; 0 for ever.
type Retention struct {
	Exchanges       int `env:"TRELLIS_RETENTION_EXCHANGES" default:"90" help:"Days to keep what was said to and by an ATS, request by request; 0 for ever."`
	SyncLog         int `env:"TRELLIS_RETENTION_SYNC_LOG" default:"400" help:"Days to keep entries of the sync log; 0 for ever."`
	WebhookRequests int `env:"TRELLIS_RETENTION_WEBHOOK_REQUESTS" default:"30" help:"Days to keep the content of web hooks; 0 for ever."`
	Webhooks        int `env:"TRELLIS_RETENTION_WEBHOOKS" default:"400" help:"Days to keep that a web hook came; 0 for ever."`
	Events          int `env:"TRELLIS_RETENTION_EVENTS" default:"400" help:"Days to keep events: timelines, subscriptions, who opened a report; 0 for ever."`
	AuditLog        int `env:"TRELLIS_RETENTION_AUDIT_LOG" default:"0" help:"Days to keep the audit log; 0 for ever."`
	Sessions        int `env:"TRELLIS_RETENTION_SESSIONS" default:"30" help:"Days to keep a session after its end; 0 for ever."`
	Issues          int `env:"TRELLIS_RETENTION_ISSUES" default:"400" help:"Days to keep an issue after it closed; 0 for ever."`
	Candidates      int `env:"TRELLIS_RETENTION_CANDIDATES" default:"0" help:"Days after which a candidate of whom nothing happened is erased; 0 for never."`
}

// longestRetention is what a time.Duration can hold, in days.
const longestRetention = math.MaxInt64 / int(24*60*60*1e9)

func (r Retention) validate() error {
	for _, days := range []int{r.Exchanges, r.SyncLog, r.WebhookRequests, r.Webhooks, r.Events, r.AuditLog, r.Sessions, r.Issues, r.Candidates} {
		if days < 0 || days > longestRetention {
			return errors.New("TRELLIS_RETENTION_… is a number of days, or 0 for ever")
		}
	}
	return nil
}
