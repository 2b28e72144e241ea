package store

import (
	"context"
	"strings"

	"github.com/trellis-ats/trellis/core"
	"github.com/trellis-ats/trellis/core/fault"
)

type pushStepRow struct {
	PushID    core.ID        `db:"push_id"`
	Place     int            `db:"place"`
	Kind      core.StepKind  `db:"kind"`
	State     core.StepState `db:"state"`
	Reference string         `db:"reference"`
	Existed   bool           `db:"existed"`
	Attempts  int            `db:"attempts"`
	SentAt    Time           `db:"sent_at"`
	DoneAt    Time           `db:"done_at"`
	FaultCode fault.Code     `db:"fault_code"`
	Message   string         `db:"message"`
}

func newPushStepRow(push core.ID, place int, s core.PushStep) pushStepRow {
	return pushStepRow{
		PushID: push, Place: place, Kind: s.Kind, State: s.State, Reference: cleaned(s.Reference), Existed: s.Existed,
		Attempts: s.Attempts, SentAt: Time{s.SentAt}, DoneAt: Time{s.DoneAt}, FaultCode: s.FaultCode, Message: cleaned(s.Message),
	}
}

func (r pushStepRow) pushStep() core.PushStep {
	return core.PushStep{
		Kind: r.Kind, State: r.State, Reference: r.Reference, Existed: r.Existed, Attempts: r.Attempts,
		SentAt: r.SentAt.Time, DoneAt: r.DoneAt.Time, FaultCode: r.FaultCode, Message: r.Message,
	}
}

// withSteps reads the steps of pushes, with one statement for all.
func (r reader) withSteps(ctx context.Context, rows []pushRow) ([]core.Push, error) {
	pushes := convertAll(rows, pushRow.push)
	if len(pushes) == 0 {
		return pushes, nil
	}
	var w where
	ids, of := make([]core.ID, len(pushes)), make(map[core.ID]*core.Push, len(pushes))
	for i := range pushes {
		ids[i], of[pushes[i].ID] = pushes[i].ID, &pushes[i]
	}
	in(&w, "push_id %s", ids)
	steps := []pushStepRow{}
	query := selectFrom[pushStepRow]("push_steps") + w.String() + " ORDER BY push_id, place"
	err := r.q.list(ctx, &steps, query, w.arguments...)
	for _, s := range steps {
		p := of[s.PushID]
		p.Steps = append(p.Steps, s.pushStep())
	}
	return pushes, err
}

// savePushSteps keeps the steps of a push that changed, with one statement.
func (t *tx) savePushSteps(ctx context.Context, p *core.Push) error {
	if len(p.Steps) == 0 {
		return nil
	}
	columns := columnsOf[pushStepRow]()
	rows, arguments := make([]string, len(p.Steps)), []any{}
	for i, s := range p.Steps {
		rows[i] = "(" + placeholders(1+i*len(columns), len(columns)) + ")"
		arguments = append(arguments, valuesOf(newPushStepRow(p.ID, i, s))...)
	}
	_, err := t.q.exec(ctx, "INSERT INTO push_steps ("+strings.Join(columns, ", ")+") VALUES "+strings.Join(rows, ", ")+
		` ON CONFLICT (push_id, place) DO UPDATE SET state = excluded.state, reference = excluded.reference,
			existed = excluded.existed, attempts = excluded.attempts, sent_at = excluded.sent_at, done_at = excluded.done_at,
			fault_code = excluded.fault_code, message = excluded.message
		WHERE (push_steps.state, push_steps.reference, push_steps.attempts, push_steps.message, push_steps.fault_code)
			<> (excluded.state, excluded.reference, excluded.attempts, excluded.message, excluded.fault_code)
			OR push_steps.existed <> excluded.existed
			OR push_steps.sent_at IS DISTINCT FROM excluded.sent_at OR push_steps.done_at IS DISTINCT FROM excluded.done_at`, arguments...)
	return err
}
