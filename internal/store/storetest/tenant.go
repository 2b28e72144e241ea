package storetest

import (
	"context"
	"maps"
	"testing"

	"github.com/trellis-ats/trellis/core"
	"github.com/trellis-ats/trellis/core/ats"
	"github.com/trellis-ats/trellis/core/fault"
	"github.com/trellis-ats/trellis/internal/store"
)

// known are the ids that one organization has, for another to try.
type known struct {
	connection, test, candidate, job, token, assessment, sync, push, hook, trigger, rule, decision core.ID
}

// readers calls every reader that finds one thing, with the given ids.
func readers(t testing.TB, db *store.DB, org core.ID, k known) map[string]error {
	t.Helper()
	ctx := t.Context()
	errs := map[string]error{}
	_, errs["Connection"] = db.Connection(ctx, org, k.connection)
	_, errs["ConnectionSecrets"] = db.ConnectionSecrets(ctx, org, k.connection)
	_, errs["Authorization"] = db.Authorization(ctx, org, k.connection)
	_, errs["AuthorizationTokens"] = db.AuthorizationTokens(ctx, org, k.connection)
	_, errs["RateWindow"] = db.RateWindow(ctx, org, k.connection, "api")
	_, errs["ReferenceList"] = db.ReferenceList(ctx, org, k.connection, ats.ReferenceJobs, "")
	_, errs["PartnerKeyInUse"] = db.PartnerKeyInUse(ctx, org, k.connection)
	_, errs["Test"] = db.Test(ctx, org, k.test)
	_, errs["Candidate"] = db.Candidate(ctx, org, k.candidate)
	_, errs["Job"] = db.Job(ctx, org, k.job)
	_, errs["JobMapping"] = db.JobMapping(ctx, org, k.connection, k.job)
	_, errs["Token"] = db.Token(ctx, org, k.token)
	_, errs["Assessment"] = db.Assessment(ctx, org, k.assessment)
	_, errs["Result"] = db.Result(ctx, org, k.assessment, 1)
	_, errs["ApplicationOf"] = db.ApplicationOf(ctx, org, k.connection, k.assessment)
	_, errs["Push"] = db.Push(ctx, org, k.push)
	_, errs["PushOf"] = db.PushOf(ctx, org, k.connection, k.assessment, 1)
	_, errs["RoutingRule"] = db.RoutingRule(ctx, org, k.rule)
	_, errs["RoutingDecision"] = db.RoutingDecision(ctx, org, k.decision)
	_, errs["Webhook"] = db.Webhook(ctx, org, k.hook)
	_, errs["StageTrigger"] = db.StageTrigger(ctx, org, k.trigger)
	_, errs["LatestResult"] = db.LatestResult(ctx, org, k.assessment)
	return errs
}

// writer changes one thing.
type writer = func(ctx context.Context, tx core.Tx) error

// writers calls every writer that changes one thing, with the given ids.
func writers(t testing.TB, db *store.DB, org core.ID, k known) map[string]error {
	t.Helper()
	all, errs := writersOfNouns(org, k), map[string]error{}
	maps.Copy(all, writersOfATS(org, k))
	for name, write := range all {
		errs[name] = db.Atomically(t.Context(), func(tx core.Tx) error { return write(t.Context(), tx) })
	}
	return errs
}

func writersOfNouns(org core.ID, k known) map[string]writer {
	return map[string]writer{
		"LockAssessment": func(ctx context.Context, tx core.Tx) error {
			_, err := tx.LockAssessment(ctx, org, k.assessment)
			return err
		},
		"LockToken": func(ctx context.Context, tx core.Tx) error {
			_, err := tx.LockToken(ctx, org, k.token)
			return err
		},
		"LockConnection": func(ctx context.Context, tx core.Tx) error {
			_, err := tx.LockConnection(ctx, org, k.connection)
			return err
		},
		"UpdateAssessment": func(ctx context.Context, tx core.Tx) error {
			return tx.UpdateAssessment(ctx, &core.Assessment{ID: k.assessment, OrganizationID: org, Status: core.StatusFailed})
		},
		"UpdateToken": func(ctx context.Context, tx core.Tx) error {
			return tx.UpdateToken(ctx, &core.Token{ID: k.token, OrganizationID: org, Hash: "stolen " + string(org)})
		},
		"UpdateConnection": func(ctx context.Context, tx core.Tx) error {
			return tx.UpdateConnection(ctx, &core.Connection{ID: k.connection, OrganizationID: org})
		},
		"ShareJob": func(ctx context.Context, tx core.Tx) error {
			return tx.ShareJob(ctx, org, k.job, "eve@example.com", moment(1))
		},
		"DeleteJobMapping": func(ctx context.Context, tx core.Tx) error {
			return tx.DeleteJobMapping(ctx, org, k.connection, k.job)
		},
		"DeletePushRule": func(ctx context.Context, tx core.Tx) error {
			return tx.DeletePushRule(ctx, org, k.connection, k.job)
		},
	}
}

// writersOfATS call those of what goes over connections with an ATS.
func writersOfATS(org core.ID, k known) map[string]writer {
	return map[string]writer{
		"LockPush": func(ctx context.Context, tx core.Tx) error {
			_, err := tx.LockPush(ctx, org, k.push)
			return err
		},
		"UpdatePush": func(ctx context.Context, tx core.Tx) error {
			return tx.UpdatePush(ctx, &core.Push{ID: k.push, OrganizationID: org, RequestedAt: moment(1), UpdatedAt: moment(1)})
		},
		"LockRoutingRule": func(ctx context.Context, tx core.Tx) error {
			_, err := tx.LockRoutingRule(ctx, org, k.rule)
			return err
		},
		"UpdateRoutingRule": func(ctx context.Context, tx core.Tx) error {
			return tx.UpdateRoutingRule(ctx, &core.RoutingRule{ID: k.rule, OrganizationID: org})
		},
		"LockRoutingDecision": func(ctx context.Context, tx core.Tx) error {
			_, err := tx.LockRoutingDecision(ctx, org, k.decision)
			return err
		},
		"UpdateRoutingDecision": func(ctx context.Context, tx core.Tx) error {
			return tx.UpdateRoutingDecision(ctx, &core.RoutingDecision{ID: k.decision, OrganizationID: org, UpdatedAt: moment(1)})
		},
		"UpdateSyncEntry": func(ctx context.Context, tx core.Tx) error {
			return tx.UpdateSyncEntry(ctx, &core.SyncEntry{ID: k.sync, OrganizationID: org})
		},
		"LockWebhook": func(ctx context.Context, tx core.Tx) error {
			_, err := tx.LockWebhook(ctx, org, k.hook)
			return err
		},
		"UpdateWebhook": func(ctx context.Context, tx core.Tx) error {
			return tx.UpdateWebhook(ctx, &core.Webhook{ID: k.hook, OrganizationID: org}, true)
		},
		"DeleteStageTrigger": func(ctx context.Context, tx core.Tx) error { return tx.DeleteStageTrigger(ctx, org, k.trigger) },
		"LockAuthorization": func(ctx context.Context, tx core.Tx) error {
			_, err := tx.LockAuthorization(ctx, org, k.connection)
			return err
		},
		"SaveAuthorization": func(ctx context.Context, tx core.Tx) error {
			return tx.SaveAuthorization(ctx, &core.Authorization{ConnectionID: k.connection, OrganizationID: org}, nil)
		},
		"SaveSecrets": func(ctx context.Context, tx core.Tx) error {
			return tx.SaveSecrets(ctx, org, k.connection, map[string]core.Secret{"api_key": "stolen"})
		},
	}
}

func testNothingIsThere(t *testing.T, db *store.DB) {
	ctx := t.Context()
	k := known{"con_0", "tst_0", "cnd_0", "job_0", "tok_0", "asm_0", "syn_0", "psh_0", "whk_0", "trg_0", "rul_0", "dec_0"}
	errs := readers(t, db, "org_0", k)
	maps.Copy(errs, writers(t, db, "org_0", k))
	_, errs["SessionByHash"] = db.SessionByHash(ctx, "0")
	_, errs["Organization"] = db.Organization(ctx, "org_0")
	_, errs["OrganizationByName"] = db.OrganizationByName(ctx, "nobody")
	_, errs["TokenByHash"] = db.TokenByHash(ctx, "0")
	_, errs["PartnerKeyByHash"] = db.PartnerKeyByHash(ctx, "greenhouse", "0")
	_, errs["AssessmentByLink"] = db.AssessmentByLink(ctx, "asm_0")
	_, errs["AssessmentByOrder"] = db.AssessmentByOrder(ctx, "con_0", "0")
	for name, err := range errs {
		expectCode(t, name, err, fault.NotFound)
	}
}

func testOtherOrganization(t *testing.T, db *store.DB) {
	f, other := newFixture(t, db), newFixture(t, db)
	k := f.populate(t)
	for name, err := range readers(t, db, other.org, k) {
		expectCode(t, name, err, fault.NotFound)
	}
	for name, err := range writers(t, db, other.org, k) {
		expectCode(t, name, err, fault.NotFound)
	}
	for name, n := range listers(t, db, other.org, k) {
		same(t, name, 0, n)
	}
	for name, n := range listers(t, db, f.org, k) {
		same(t, name, 1, n)
	}
	for name, err := range readers(t, db, f.org, k) {
		if err != nil {
			t.Errorf("the owner's %s: %v", name, err)
		}
	}
	for name, err := range writers(t, db, f.org, k) {
		if err != nil {
			t.Errorf("the owner's %s: %v", name, err)
		}
	}
}

// populate makes one of everything.
func (f *fixture) populate(t testing.TB) known {
	t.Helper()
	job := f.newJob(t)
	a := f.newAssessment(t, func(a *core.Assessment) { a.JobID = job.ID })
	f.newAuthorization(t, map[string]core.Secret{})
	f.newWindow(t, "api")
	f.newReferenceList(t, ats.ReferenceJobs, "")
	f.newKey(t, moment(0).AddDate(100, 0, 0), moment(0))
	f.newResult(t, a, 1, 100)
	f.newApplication(t, a)
	f.newErasure(t)
	f.newEvent(t, a.ID)
	f.newAuditEntry(t, job.ID)
	f.share(t, job.ID, "ada@example.com")
	f.mapJob(t, job.ID)
	f.newPushProfile(t)
	f.newPushRule(t, f.connection.ID, job.ID, core.PushOnComplete) // it is disabled
	f.newPushRule(t, f.newEnabledConnection(t).ID, job.ID, core.PushOnComplete)
	e := f.newSyncEntry(t, func(e *core.SyncEntry) { e.AssessmentID = a.ID })
	rule := f.newRoutingRule(t, nil).ID
	decision := f.newDecision(t, a, func(d *core.RoutingDecision) { d.RuleID, d.Action = rule, core.RouteReject }).ID
	f.newDecisionStep(t, decision)
	change(t, f.db, func(ctx context.Context, tx core.Tx) error {
		return tx.SaveRoutingSwitch(ctx, &core.RoutingSwitch{OrganizationID: f.org, ConnectionID: f.connection.ID, ChangedAt: moment(1)})
	})
	return known{
		f.connection.ID, f.test.ID, f.candidate.ID, job.ID, f.newToken(t).ID, a.ID, e.ID, f.newPush(t, a, 1, nil).ID,
		f.newWebhook(t).ID, f.newStageTrigger(t).ID, rule, decision,
	}
}

// listers counts what every reader that finds several things gives for the ids.
func listers(t testing.TB, db *store.DB, org core.ID, k known) map[string]int {
	t.Helper()
	ctx, n, job := t.Context(), routingListers(t, db, org, k), limited(k.job)
	n["ApplicationsOf"] = len(found[[]core.Application](t)(db.ApplicationsOf(ctx, org, []core.ID{k.assessment})))
	n["ApplicationsByExternal"] = len(found[[]core.Application](t)(db.ApplicationsByExternal(ctx, org, k.connection, "application "+string(k.assessment))))
	n["ApplicationsOfPerson"] = len(found[[]core.Application](t)(db.ApplicationsOfPerson(ctx, org, k.connection, "person "+string(k.assessment))))
	n["Webhooks"] = len(found[*core.Paged[core.Webhook]](t)(db.Webhooks(ctx, org, core.WebhookFilter{}, core.Page{})).Items)
	n["WebhookSyncs"] = len(found[[]core.WebhookSync](t)(db.WebhookSyncs(ctx, org, []core.ID{k.connection})))
	n["StageTriggers"] = len(found[[]core.StageTrigger](t)(db.StageTriggers(ctx, org, "")))
	n["Erasures"] = len(found[*core.Paged[core.Erasure]](t)(db.Erasures(ctx, org, core.Page{})).Items)
	n["TestsByID"] = len(found[[]core.Test](t)(db.TestsByID(ctx, org, []core.ID{k.test})))
	n["JobsByID"] = len(found[[]core.Job](t)(db.JobsByID(ctx, org, []core.ID{k.job})))
	n["JobMappings"] = len(found[*core.Paged[core.JobMapping]](t)(db.JobMappings(ctx, org, core.JobMappingFilter{}, core.Page{})).Items)
	n["PushRulesOf"] = len(found[[]core.PushRule](t)(db.PushRulesOf(ctx, org, k.connection)))
	n["PushRulesFor"] = len(found[[]core.PushRule](t)(db.PushRulesFor(ctx, org, k.job)))
	n["PushProfile"] = min(1, found[*core.PushProfile](t)(db.PushProfile(ctx, org, k.connection)).Version)
	n["SharedJobs"] = len(found[[]core.ID](t)(db.SharedJobs(ctx, org, "ada@example.com")))
	n["JobShares"] = len(found[map[core.ID][]string](t)(db.JobShares(ctx, org, []core.ID{k.job})))
	n["TokensByID"] = len(found[[]core.Token](t)(db.TokensByID(ctx, org, []core.ID{k.token})))
	n["Tokens"] = len(found[*core.Paged[core.Token]](t)(db.Tokens(ctx, org, core.Page{})).Items)
	n["AuthorizationsOf"] = len(found[[]core.Authorization](t)(db.AuthorizationsOf(ctx, org, []core.ID{k.connection})))
	n["ConnectionsByID"] = len(found[[]core.Connection](t)(db.ConnectionsByID(ctx, org, []core.ID{k.connection})))
	n["LatestResults"] = len(found[[]core.Result](t)(db.LatestResults(ctx, org, core.Sight{}, []core.ID{k.assessment}, true)))
	n["LatestResults in sight"] = len(found[[]core.Result](t)(db.LatestResults(ctx, org, job, []core.ID{k.assessment}, false)))
	n["Standing"] = found[core.Standing](t)(db.Standing(ctx, org, k.test, 1)).Count
	n["Standings"] = found[[]core.Standing](t)(db.Standings(ctx, org, []core.Ranked{{TestID: k.test, Score: 1}}))[0].Count
	n["EventsOf"] = len(found[[]core.Event](t)(db.EventsOf(ctx, org, k.assessment)))
	n["EventsOfSubjects"] = len(found[[]core.Event](t)(db.EventsOfSubjects(ctx, org, []core.ID{k.assessment}, 9)))
	n["SyncEntriesByID"] = len(found[[]core.SyncEntry](t)(db.SyncEntriesByID(ctx, org, []core.ID{k.sync})))
	n["SyncEntriesOf"] = len(found[[]core.SyncEntry](t)(db.SyncEntriesOf(ctx, org, []core.ID{k.assessment}, 9)))
	n["SyncLog"] = len(found[*core.Paged[core.SyncEntry]](t)(db.SyncLog(ctx, org, core.SyncFilter{AssessmentID: k.assessment}, core.Page{})).Items)
	n["Activities"] = len(found[[]core.Activity](t)(db.Activities(ctx, org, []core.ID{k.connection})))
	n["AuditLog"] = len(found[*core.Paged[core.AuditEntry]](t)(db.AuditLog(ctx, org, core.AuditFilter{SubjectID: k.job}, core.Page{})).Items)
	n["LatestPush"] = found[int](t)(db.LatestPush(ctx, org, k.connection, k.assessment))
	for name, s := range map[string]core.Sight{"": {}, " in sight": job} {
		n["PushesByID"+name] = len(found[[]core.Push](t)(db.PushesByID(ctx, org, s, []core.ID{k.push})))
		n["PushesOf"+name] = len(found[[]core.Push](t)(db.PushesOf(ctx, org, s, []core.ID{k.assessment}, 9)))
		n["Pushes"+name] = len(found[*core.Paged[core.Push]](t)(db.Pushes(ctx, org, core.PushFilter{Sight: s}, core.Page{})).Items)
		n["CandidatesByID"+name] = len(found[[]core.Candidate](t)(db.CandidatesByID(ctx, org, s, []core.ID{k.candidate})))
		n["AssessmentsByID"+name] = len(found[[]core.Assessment](t)(db.AssessmentsByID(ctx, org, s, []core.ID{k.assessment})))
		filter := core.AssessmentFilter{JobID: k.job, Sight: s}
		n["Assessments"+name] = len(found[*core.Paged[core.Assessment]](t)(db.Assessments(ctx, org, filter, core.AssessmentSort{}, core.Page{})).Items)
		n["Pipeline"+name] = found[*core.Pipeline](t)(db.Pipeline(ctx, org, s)).Total
	}
	n["Jobs"] = len(found[*core.Paged[core.Job]](t)(db.Jobs(ctx, org, job, core.Page{})).Items)
	n["Candidates"] = len(found[*core.Paged[core.Candidate]](t)(db.Candidates(ctx, org, core.CandidateFilter{Sight: job}, core.Page{})).Items)
	return n
}

// routingListers are those of listers that find rules and decisions.
func routingListers(t testing.TB, db *store.DB, org core.ID, k known) map[string]int {
	t.Helper()
	ctx, n := t.Context(), map[string]int{}
	n["RoutingRules"] = len(found[[]core.RoutingRule](t)(db.RoutingRules(ctx, org, k.connection)))
	n["RoutingRulesByID"] = len(found[[]core.RoutingRule](t)(db.RoutingRulesByID(ctx, org, []core.ID{k.rule})))
	n["RoutingSwitches"] = len(found[[]core.RoutingSwitch](t)(db.RoutingSwitches(ctx, org, k.connection)))
	n["DecisionSteps"] = len(found[[]core.DecisionStep](t)(db.DecisionSteps(ctx, org, []core.ID{k.decision})))
	n["LastSuggestions"] = len(found[[]core.RoutingAction](t)(db.LastSuggestions(ctx, org, k.rule, moment(0), 9)))
	n["RejectionsSince"] = found[int](t)(db.RejectionsSince(ctx, org, k.connection, moment(0)))
	for name, s := range map[string]core.Sight{"": {}, " in sight": limited(k.job)} {
		n["RoutingDecisionsByID"+name] = len(found[[]core.RoutingDecision](t)(db.RoutingDecisionsByID(ctx, org, s, []core.ID{k.decision})))
		n["RoutingDecisionsOf"+name] = len(found[[]core.RoutingDecision](t)(db.RoutingDecisionsOf(ctx, org, s, []core.ID{k.assessment})))
		n["RoutingDecisions"+name] = len(found[*core.Paged[core.RoutingDecision]](t)(db.RoutingDecisions(ctx, org, core.DecisionFilter{Sight: s}, core.Page{})).Items)
	}
	return n
}
