package app

import (
	"time"

	"github.com/trellis-ats/trellis/core"
	"github.com/trellis-ats/trellis/internal/config"
)

// keep is how long each kind is kept.
func keep(r config.Retention) map[core.Retained]time.Duration {
	days := map[core.Retained]int{
		core.RetainExchanges: r.Exchanges, core.RetainSyncLog: r.SyncLog, core.RetainWebhookRequests: r.WebhookRequests,
		core.RetainWebhooks: r.Webhooks, core.RetainEvents: r.Events, core.RetainAuditLog: r.AuditLog, core.RetainSessions: r.Sessions,
		core.RetainIssues: r.Issues, core.RetainCandidates: r.Candidates,
	}
	kept := map[core.Retained]time.Duration{}
	for kind, n := range days {
		kept[kind] = time.Duration(n) * 24 * time.Hour
	}
	return kept
}
