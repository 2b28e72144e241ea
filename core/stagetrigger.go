package core

import (
	"context"
	"time"

	"github.com/trellis-ats/trellis/core/ats"
	"github.com/trellis-ats/trellis/core/fault"
)

// StageTrigger sends a test to whoever enters a stage of a job in the ATS. The
// names are those of the time when it was made.
type StageTrigger struct {
	ID              ID
	OrganizationID  ID
	ConnectionID    ID
	ExternalJobID   string
	ExternalJobName string
	StageID         string // the ATS's
	StageName       string
	TestID          ID
	RetakeDays      int // nobody is sent the test again within so many days
	CreatedAt       time.Time
}

// retakeDefault is the retake window that nobody chose, in days.
const retakeDefault = 180

// StageTriggerReader finds stage triggers.
type StageTriggerReader interface {
	// StageTrigger returns one of the organization's. Errors: fault.NotFound.
	StageTrigger(ctx context.Context, organization, id ID) (*StageTrigger, error)
	// StageTriggers returns a connection's, or all of the organization's if
	// connection is empty, oldest first.
	StageTriggers(ctx context.Context, organization, connection ID) ([]StageTrigger, error)
	// StageTriggerFor returns the one for a stage of a job. Errors: fault.NotFound.
	StageTriggerFor(ctx context.Context, connection ID, job, stage string) (*StageTrigger, error)
	// Assessed reports whether a person, by candidate or e-mail address in any
	// case, was sent a test since a time, and neither refused it nor lost it.
	Assessed(ctx context.Context, organization ID, q AssessedQuery) (bool, error)
}

// AssessedQuery asks whether a person was assessed.
type AssessedQuery struct {
	TestID      ID
	CandidateID ID
	Email       string
	Since       time.Time
}

// StageTriggerWriter keeps stage triggers.
type StageTriggerWriter interface {
	// InsertStageTrigger keeps t. Errors: fault.Conflict if the stage has one.
	InsertStageTrigger(ctx context.Context, t *StageTrigger) error
	// DeleteStageTrigger removes one. Errors: fault.NotFound.
	DeleteStageTrigger(ctx context.Context, organization, id ID) error
}

// StageTriggers are the use cases around stage triggers.
type StageTriggers struct {
	store    Store
	clock    Clock
	adapters Adapters
	choices  Choices
}

// NewStageTriggers returns the use cases.
func NewStageTriggers(s Store, c Clock, a Adapters, choices Choices) *StageTriggers {
	return &StageTriggers{store: s, clock: c, adapters: a, choices: choices}
}

// NewStageTrigger is what a person says of a stage trigger. The ids of the ATS
// are those that its lists have, and the names too: what is said here counts
// where it has no lists.
type NewStageTrigger struct {
	ConnectionID    ID
	ExternalJobID   string
	ExternalJobName string
	StageID         string
	StageName       string
	TestID          ID
	RetakeDays      *int // nil: 180
}

// Create adds a trigger; the same again changes nothing. Errors:
// fault.Forbidden, fault.Invalid also for a job of the ATS that is closed or not
// there, or a stage of another job, fault.NotFound for an unknown connection or
// test, fault.Conflict if the stage sends another test or with another window,
// fault.Unsupported if the ATS has no web hooks; those of the ATS.
func (ts *StageTriggers) Create(ctx context.Context, by Actor, n NewStageTrigger) (*StageTrigger, error) {
	if err := by.Require(PermitConfigure); err != nil {
		return nil, err
	}
	t, err := n.trigger(by, ts.clock.Now())
	if err != nil {
		return nil, err
	}
	c, err := ts.store.Connection(ctx, by.OrganizationID, n.ConnectionID)
	if err != nil {
		return nil, unknownField(err, "connectionId", "connection")
	}
	if _, err := abilityOf[ats.Webhooks](ts.adapters, c.Adapter, ats.CapabilityWebhooks); err != nil {
		return nil, err
	}
	if err := t.look(ctx, ts.choices, by); err != nil {
		return nil, err
	}
	err = ts.store.Atomically(ctx, func(tx Tx) error {
		if _, err := offeredTest(ctx, tx, by.OrganizationID, string(n.TestID)); err != nil {
			return unknownField(err, "testId", "test")
		}
		known, err := tx.StageTriggerFor(ctx, t.ConnectionID, t.ExternalJobID, t.StageID)
		if err == nil && known.TestID == t.TestID && known.RetakeDays == t.RetakeDays {
			t = known
			return nil
		}
		if err := tx.InsertStageTrigger(ctx, t); err != nil {
			return stageTaken(err)
		}
		return record(ctx, tx, by, change{At: t.CreatedAt, Event: EventStageTriggerCreated, Subject: t.ID, After: t.configuration()})
	})
	if err != nil {
		return nil, err
	}
	return t, nil
}

// look finds job and stage in the ATS; no transaction is open.
func (t *StageTrigger) look(ctx context.Context, cs Choices, by Actor) error {
	job, err := chosen(ctx, cs, by, choice{
		ChoiceQuery: ChoiceQuery{ConnectionID: t.ConnectionID, Kind: ats.ReferenceJobs},
		path:        "externalJobId", noun: "job", id: t.ExternalJobID, name: t.ExternalJobName,
	})
	if err != nil {
		return err
	}
	stage, err := chosen(ctx, cs, by, choice{
		ChoiceQuery: ChoiceQuery{ConnectionID: t.ConnectionID, Kind: ats.ReferenceStages, Parent: job.ID},
		path:        "stageId", noun: "stage of the job " + job.Name, id: t.StageID, name: t.StageName,
	})
	if err != nil {
		return err
	}
	t.ExternalJobName, t.StageName = job.Name, stage.Name
	return nil
}

func stageTaken(err error) error {
	if !fault.Is(err, fault.Conflict) {
		return err
	}
	e := fault.InvalidField("stageId", "EXISTS", "This stage sends a test already. Nothing was changed; delete that trigger first.")
	e.Code, e.Kind, e.Cause = fault.Conflict, "EXISTS", err
	return e
}

func (n NewStageTrigger) trigger(by Actor, now time.Time) (*StageTrigger, error) {
	days := retakeDefault
	if n.RetakeDays != nil {
		days = *n.RetakeDays
	}
	if days < 0 || days > 3650 {
		return nil, fault.InvalidField("retakeDays", "OUT_OF_RANGE", "The retake window is 0 to 3650 days.")
	}
	for _, t := range []struct {
		path, text string
		optional   bool
	}{
		{"externalJobId", n.ExternalJobID, false},
		{"stageId", n.StageID, false},
		{"externalJobName", n.ExternalJobName, true},
		{"stageName", n.StageName, true},
	} {
		check := requireText
		if t.optional {
			check = optionalText
		}
		if err := check(t.path, t.text, 200); err != nil {
			return nil, err
		}
	}
	return &StageTrigger{
		ID: NewID(PrefixTrigger), OrganizationID: by.OrganizationID, ConnectionID: n.ConnectionID,
		ExternalJobID: n.ExternalJobID, ExternalJobName: n.ExternalJobName, StageID: n.StageID, StageName: n.StageName,
		TestID: n.TestID, RetakeDays: days, CreatedAt: now,
	}, nil
}

// configuration is what the audit log keeps.
func (t *StageTrigger) configuration() map[string]any {
	return map[string]any{
		"connectionId": t.ConnectionID, "externalJobId": t.ExternalJobID, "stageId": t.StageID,
		"testId": t.TestID, "retakeDays": t.RetakeDays,
	}
}

// Delete removes a trigger and returns it as it was; what it ordered stays.
// Errors: fault.Forbidden, fault.NotFound.
func (ts *StageTriggers) Delete(ctx context.Context, by Actor, id ID) (*StageTrigger, error) {
	if err := by.Require(PermitConfigure); err != nil {
		return nil, err
	}
	var was *StageTrigger
	err := ts.store.Atomically(ctx, func(tx Tx) error {
		t, err := tx.StageTrigger(ctx, by.OrganizationID, id)
		if err != nil {
			return err
		}
		was = t
		if err := tx.DeleteStageTrigger(ctx, by.OrganizationID, id); err != nil {
			return err
		}
		return record(ctx, tx, by, change{At: ts.clock.Now(), Event: EventStageTriggerDeleted, Subject: id, Before: t.configuration()})
	})
	if err != nil {
		return nil, err
	}
	return was, nil
}

// List returns a connection's triggers, or all if connection is empty, oldest
// first. Errors: fault.Forbidden.
func (ts *StageTriggers) List(ctx context.Context, by Actor, connection ID) ([]StageTrigger, error) {
	if err := by.Require(PermitReadSetup); err != nil {
		return nil, err
	}
	return ts.store.StageTriggers(ctx, by.OrganizationID, connection)
}
