package app

import (
	"crypto/hkdf"
	"crypto/sha256"
	"fmt"

	"golang.org/x/time/rate"

	"github.com/trellis-ats/trellis/core"
	"github.com/trellis-ats/trellis/internal/rest"
)

// useCases is core, put together.
type useCases struct {
	links         *core.Links
	tokens        *core.Tokens
	tests         *core.Tests
	candidates    *core.Candidates
	events        *core.Events
	organizations *core.Organizations
	connections   *core.Connections
	assessments   *core.Assessments
	invitations   *core.Invitations
	deliveries    *core.Deliveries
	reports       *core.Reports
	syncLog       *core.SyncLog
	jobs          *core.Jobs
	sessions      *core.Sessions
	audit         *core.AuditLog
	feed          *core.Feed
	inbound       *core.Inbound
	setup         *core.Setup
}

// strangersPerSecond bounds how many callers without a known key are written
// into the sync log, with ten times as many at once.
const strangersPerSecond = 20

func newUseCases(o Options, key []byte, s core.Store, a core.Adapters, m core.Mailer) (*useCases, error) {
	linkKey, err := hkdf.Key(sha256.New, key, nil, "trellis links v1", 32)
	if err != nil {
		return nil, fmt.Errorf("the key of links: %w", err)
	}
	u := &useCases{links: core.NewLinks(core.LinkOptions{
		PublicURL: o.Config.BaseURL(), EngineURL: o.Config.EngineURL, Key: linkKey,
	})}
	u.tokens = core.NewTokens(s, o.Clock)
	u.organizations = core.NewOrganizations(s)
	u.candidates = core.NewCandidates(s)
	u.events = core.NewEvents(s)
	u.tests = core.NewTests(s, o.Clock)
	u.connections = core.NewConnections(s, o.Clock, a)
	u.assessments = core.NewAssessments(s, o.Clock, u.links)
	u.invitations = core.NewInvitations(s, o.Clock, u.links, m)
	u.deliveries = core.NewDeliveries(s, o.Clock, a, u.links)
	u.reports = core.NewReports(s, o.Clock, u.links)
	u.syncLog = core.NewSyncLog(s)
	u.jobs = core.NewJobs(s, o.Clock)
	u.sessions = core.NewSessions(s, o.Clock, u.tokens)
	u.audit = core.NewAuditLog(s)
	u.feed = core.NewFeed(s)
	u.setup = core.NewSetup(s, o.Clock, u.tokens, u.tests, u.connections)
	u.inbound = core.NewInbound(core.InboundOptions{
		Store: s, Clock: o.Clock, Adapters: a, Connections: u.connections, Assessments: u.assessments,
		Reports: u.reports, Links: u.links, Shape: rest.Shape,
		NoteStranger: rate.NewLimiter(strangersPerSecond, 10*strangersPerSecond).Allow,
	})
	return u, nil
}
