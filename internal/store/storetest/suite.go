package storetest

import (
	"context"
	"maps"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/trellis-ats/trellis/core"
	"github.com/trellis-ats/trellis/core/fault"
	"github.com/trellis-ats/trellis/internal/store"
)

// Run is what every database must pass. open returns a new, migrated database.
func Run(t *testing.T, open func(t testing.TB) *store.DB) {
	t.Helper()
	shared := open(t) // tests that make their own organizations share it
	t.Run("nouns", func(t *testing.T) {
		all := nouns()
		maps.Copy(all, nounsOfATS())
		for name, test := range all {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				test(t, shared)
			})
		}
	})
	for name, test := range wholes() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, open(t))
		})
	}
}

type suiteTest = func(t *testing.T, db *store.DB)

// nouns are tests that touch only what they made.
func nouns() map[string]suiteTest {
	return map[string]suiteTest{
		"organization":                     testOrganization,
		"token":                            testToken,
		"token update":                     testTokenUpdate,
		"token lock":                       testTokenLock,
		"tokens of a page":                 testTokenPages,
		"session":                          testSession,
		"job":                              testJob,
		"job's external id":                testJobExternalID,
		"job shares":                       testJobShares,
		"audit log":                        testAuditLog,
		"outcome":                          testOutcome,
		"outcome of a rollback":            testOutcomeOfRollback,
		"concurrent claims":                testConcurrentClaims,
		"connection update":                testConnectionUpdate,
		"sight":                            testSight,
		"cursor out of sight":              testCursorOutOfSight,
		"pipeline":                         testPipeline,
		"search":                           testSearch,
		"assessments by score":             testAssessmentsByScore,
		"events of subjects":               testEventsOfSubjects,
		"pages of sorted assessments":      testSortedPages,
		"pages of candidates":              testCandidatePages,
		"connection":                       testConnection,
		"connection secrets":               testConnectionSecrets,
		"test":                             testTest,
		"candidate":                        testCandidate,
		"candidate updated":                testCandidateUpdated,
		"candidate saved twice":            testCandidateSavedTwice,
		"candidate without external id":    testCandidateByEmail,
		"candidate of a foreign connect.":  testCandidateOfForeignConnection,
		"assessment":                       testAssessment,
		"assessment update":                testAssessmentUpdate,
		"assessment order key":             testAssessmentOrderKey,
		"assessment filters":               testAssessmentFilters,
		"result":                           testResult,
		"result revisions":                 testResultRevisions,
		"standing":                         testStanding,
		"event timeline":                   testEventTimeline,
		"nothing is there":                 testNothingIsThere,
		"other organization sees nothing":  testOtherOrganization,
		"pages of assessments":             testAssessmentPages,
		"pages of tests":                   testTestPages,
		"texts that cannot be kept":        testBadTexts,
		"one of many orders is fresh":      testConcurrentOrders,
		"lock excludes":                    testLockExcludes,
		"readers do not wait for a writer": testReadersDoNotWait,
		"rollback leaves nothing":          testRollback,
		"panic rolls back":                 testPanic,
		"own writes are read":              testOwnWrites,
		"cancelled context":                testCancelled,
		"no task engine":                   testNoTaskEngine,
	}
}

// nounsOfATS are those of nouns that tell of connections with an ATS and of what
// goes over them.
func nounsOfATS() map[string]suiteTest {
	return map[string]suiteTest{
		"web hook":                       testWebhook,
		"web hook once":                  testWebhookOnce,
		"earlier web hook":               testEarlierWebhook,
		"web hook settings":              testWebhookSync,
		"web hook counts":                testWebhookCounts,
		"stage trigger":                  testStageTrigger,
		"stage entry":                    testStageEntry,
		"assessed":                       testAssessed,
		"erasure record":                 testErasureRecord,
		"purged sync log":                testPurgeSyncLog,
		"purged web hooks":               testPurgeWebhooks,
		"purged sessions":                testPurgeSessions,
		"purged issues":                  testPurgeIssues,
		"idle candidates":                testIdleCandidates,
		"erased candidate":               testEraseCandidate,
		"merged person":                  testMergePerson,
		"who somebody is by now":         testKeepMerge,
		"sync entries of assessments":    testSyncEntriesOf,
		"consent":                        testConsent,
		"rate window":                    testRateWindow,
		"rate claims":                    testRateClaims,
		"partner key":                    testPartnerKey,
		"partner key in use":             testPartnerKeyInUse,
		"partner key expiry":             testPartnerKeyExpiry,
		"sync log":                       testSyncLog,
		"sync entry update":              testSyncEntryUpdate,
		"sync log filters":               testSyncLogFilters,
		"sync log keeps what is hostile": testSyncLogHostile,
		"pages of the sync log":          testSyncLogPages,
		"authorization":                  testAuthorization,
		"reference list":                 testReferenceList,
		"push":                           testPush,
		"push update":                    testPushUpdate,
		"push filters":                   testPushFilters,
		"person of an ATS":               testPerson,
		"job mapping":                    testJobMapping,
		"push rule":                      testPushRule,
		"push rules for a job":           testPushRulesFor,
		"push profile":                   testPushProfile,
		"routing rule":                   testRoutingRule,
		"routing rules for a job":        testRoutingRulesFor,
		"routing switch":                 testRoutingSwitch,
		"routing decision":               testRoutingDecision,
		"routing decision update":        testRoutingDecisionUpdate,
		"routing decision filters":       testRoutingDecisionFilters,
		"routing counts":                 testRoutingCounts,
		"activities":                     testActivities,
		"application":                    testApplication,
		"application saved twice":        testApplicationSavedTwice,
		"forgotten applications":         testApplicationForgotten,
		"issue":                          testIssue,
		"issues close":                   testIssuesClose,
		"issue found by many at once":    testConcurrentIssues,
		"suspects":                       testSuspects,
		"overdue assessments":            testOverdueAssessments,
		"pushes to check":                testPushesToCheck,
		"stage entered":                  testStageEntered,
		"read back":                      testReadBack,
	}
}

// wholes are tests that need a database to themselves.
func wholes() map[string]suiteTest {
	return map[string]suiteTest{
		"event positions":          testEventPositions,
		"overdue pushes":           testOverduePushes,
		"reconciliation scopes":    testReconciliationScopes,
		"purged events":            testPurgeEvents,
		"purged strangers":         testPurgeStrangers,
		"purged audit log":         testPurgeAuditLog,
		"only added to":            testOnlyAddedTo,
		"event filter":             testEventFilter,
		"enabled web hooks":        testEnabledWebhookSyncs,
		"forgotten outcomes":       testForgetOutcomes,
		"forgetting does not wait": testForgettingDoesNotWait,
		"no event is skipped":      testNoEventIsSkipped,
		"call after a commit":      testOnCommit,
		"due authorizations":       testDueAuthorizations,
		"secrets are not readable": testSecretsAreNotReadable,
		"migrated":                 testMigrated,
	}
}

// change runs f in a transaction.
func change(t testing.TB, db *store.DB, f func(ctx context.Context, tx core.Tx) error) {
	t.Helper()
	ctx := t.Context()
	if err := db.Atomically(ctx, func(tx core.Tx) error { return f(ctx, tx) }); err != nil {
		t.Fatalf("change: %v", err)
	}
}

// same fails unless both are equal.
func same(t testing.TB, what string, want, got any) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

// found returns v, which a reader gave without an error.
func found[T any](t testing.TB) func(v T, err error) T {
	t.Helper()
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// expectCode fails unless err is of a class.
func expectCode(t testing.TB, what string, err error, code fault.Code) {
	t.Helper()
	if !fault.Is(err, code) {
		t.Errorf("%s: got %v, want %s", what, err, code)
	}
}
