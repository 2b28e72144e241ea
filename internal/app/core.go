package app

import (
	"crypto/hkdf"
	"crypto/sha256"
	"fmt"
	"time"

	"golang.org/x/time/rate"

	"github.com/trellis-ats/trellis/core"
	"github.com/trellis-ats/trellis/internal/report"
	"github.com/trellis-ats/trellis/internal/rest"
	"github.com/trellis-ats/trellis/internal/tasks"
)

// useCases is core, put together.
type useCases struct {
	links          *core.Links
	tokens         *core.Tokens
	tests          *core.Tests
	candidates     *core.Candidates
	events         *core.Events
	organizations  *core.Organizations
	connections    *core.Connections
	assessments    *core.Assessments
	invitations    *core.Invitations
	deliveries     *core.Deliveries
	reports        *core.Reports
	syncLog        *core.SyncLog
	jobs           *core.Jobs
	jobMappings    *core.JobMappings
	pushProfiles   *core.PushProfiles
	pushRules      *core.PushRules
	actingUsers    *core.ActingUsers
	sessions       *core.Sessions
	audit          *core.AuditLog
	feed           *core.Feed
	inbound        *core.Inbound
	calls          *core.Calls
	authorizations *core.Authorizations
	referenceData  *core.ReferenceData
	pushes         *core.Pushes
	paper          *report.Printer
	webhooks       *core.Webhooks
	stageTriggers  *core.StageTriggers
	erasures       *core.Erasures
	routingRules   *core.RoutingRules
	decisions      *core.RoutingDecisions
	issues         *core.Issues
	retention      *core.Retention
	exports        *core.Exports

	reconciliations *core.Reconciliations
	setup           *core.Setup
}

// strangersPerSecond bounds how many callers without a known key are written
// into the sync log, with ten times as many at once.
const strangersPerSecond = 20

func newUseCases(o Options, key []byte, s core.Store, a core.Adapters, m core.Mailer) (*useCases, error) {
	linkKey, err := hkdf.Key(sha256.New, key, nil, "trellis links v1", 32)
	if err != nil {
		return nil, fmt.Errorf("the key of links: %w", err)
	}
	vendor, err := o.Config.VendorValues()
	if err != nil {
		return nil, err
	}
	u := &useCases{links: core.NewLinks(core.LinkOptions{
		PublicURL: o.Config.BaseURL(), EngineURL: o.Config.EngineURL, Key: linkKey,
	})}
	u.addPeople(o, s)
	u.addConnecting(o, s, a, vendor)
	u.addAssessing(o, s, a, m)
	u.addPushing(o, s, a)
	u.addListening(o, s, a)
	u.addRouting(o, s, a)
	u.addKeeping(o, s)
	u.setup = core.NewSetup(s, o.Clock, u.tokens, u.tests, u.connections)
	return u, nil
}

// addPeople adds what says who somebody is and what they may see.
func (u *useCases) addPeople(o Options, s core.Store) {
	u.tokens = core.NewTokens(s, o.Clock)
	u.sessions = core.NewSessions(s, o.Clock, u.tokens)
	u.organizations = core.NewOrganizations(s)
	u.candidates = core.NewCandidates(s, o.Clock)
	u.jobs = core.NewJobs(s, o.Clock)
	u.tests = core.NewTests(s, o.Clock)
}

// addConnecting adds the link to ATSs' accounts.
func (u *useCases) addConnecting(o Options, s core.Store, a core.Adapters, vendor map[string]map[string]string) {
	u.calls = core.NewCalls(core.CallsOptions{Store: s, Clock: o.Clock, Adapters: a, Vendor: vendor})
	u.connections = core.NewConnections(s, o.Clock, a, u.calls)
	u.authorizations = core.NewAuthorizations(core.AuthorizationOptions{
		Store: s, Clock: o.Clock, Adapters: a, Calls: u.calls, Connections: u.connections, Links: u.links,
	})
	u.referenceData = core.NewReferenceData(core.ReferenceOptions{Store: s, Clock: o.Clock, Adapters: a, Calls: u.calls})
	u.actingUsers = core.NewActingUsers(u.connections, u.referenceData)
}

// addAssessing adds the way from an order to its result in the ATS.
func (u *useCases) addAssessing(o Options, s core.Store, a core.Adapters, m core.Mailer) {
	u.assessments = core.NewAssessments(s, o.Clock, u.links)
	u.invitations = core.NewInvitations(s, o.Clock, u.links, m)
	u.deliveries = core.NewDeliveries(s, o.Clock, a, u.links)
	u.reports = core.NewReports(s, o.Clock, u.links)
	u.paper = report.NewPrinter()
	u.inbound = core.NewInbound(core.InboundOptions{
		Store: s, Clock: o.Clock, Adapters: a, Connections: u.connections, Assessments: u.assessments,
		Reports: u.reports, Links: u.links, Shape: rest.Shape,
		NoteStranger: rate.NewLimiter(strangersPerSecond, 10*strangersPerSecond).Allow,
	})
}

// addPushing adds the way of an assessed candidate into the ATS.
func (u *useCases) addPushing(o Options, s core.Store, a core.Adapters) {
	u.pushes = core.NewPushes(core.PushesOptions{
		Store: s, Clock: o.Clock, Adapters: a, Calls: u.calls, Links: u.links, Printer: u.paper, Assessments: u.assessments,
		Deadline: o.Config.PushDeadline, Settle: o.Config.PushSettle, Attempts: o.Config.PushAttempts, Backoff: pushBackoff(o),
	})
	u.jobMappings = core.NewJobMappings(s, o.Clock, u.referenceData)
	u.pushProfiles = core.NewPushProfiles(s, o.Clock, u.connections, u.referenceData)
	u.pushRules = core.NewPushRules(s, o.Clock)
}

// addListening adds what is made of what ATSs tell, and of what they do not.
func (u *useCases) addListening(o Options, s core.Store, a core.Adapters) {
	u.webhooks = core.NewWebhooks(core.WebhooksOptions{Store: s, Clock: o.Clock, Adapters: a, Calls: u.calls, Shape: rest.Shape})
	u.stageTriggers = core.NewStageTriggers(s, o.Clock, a, u.referenceData)
	u.erasures = core.NewErasures(s, o.Clock)
	u.issues = core.NewIssues(s, u.assessments)
	u.reconciliations = core.NewReconciliations(core.ReconciliationOptions{
		Store: s, Clock: o.Clock, Webhooks: u.webhooks, ReconciliationLimits: reconciliationLimits(o),
	})
}

// addRouting adds what becomes of a score.
func (u *useCases) addRouting(o Options, s core.Store, a core.Adapters) {
	u.routingRules = core.NewRoutingRules(core.RoutingRulesOptions{Store: s, Clock: o.Clock, Choices: u.referenceData})
	u.decisions = core.NewRoutingDecisions(core.RoutingDecisionsOptions{
		Store: s, Clock: o.Clock, Adapters: a, Calls: u.calls, Choices: u.referenceData,
	})
}

// addKeeping adds what was written down, and until when.
func (u *useCases) addKeeping(o Options, s core.Store) {
	u.events = core.NewEvents(s)
	u.feed = core.NewFeed(s)
	u.syncLog = core.NewSyncLog(s)
	u.audit = core.NewAuditLog(s)
	u.exports = core.NewExports(s, o.Clock)
	u.retention = core.NewRetention(core.RetentionOptions{Store: s, Clock: o.Clock, Log: o.Log, Keep: keep(o.Config.Retention)})
}

// reconciliationLimits are from when on something is an issue.
func reconciliationLimits(o Options) core.ReconciliationLimits {
	c := o.Config
	return core.ReconciliationLimits{
		Undelivered: c.ReconcileUndelivered, Uninvited: c.ReconcileUninvited, Unopened: c.ReconcileUnopened,
		Unfinished: c.ReconcileUnfinished, Unscored: c.ReconcileUnscored, PushVisible: c.ReconcilePushes,
	}
}

// pushBackoff is how long a push waits after a failed attempt; nil is core's default.
func pushBackoff(o Options) func(attempt int, err error) time.Duration {
	if o.Backoff != nil || o.Config.PushBackoff == 0 {
		return o.Backoff
	}
	return tasks.BackoffFrom(o.Config.PushBackoff)
}
