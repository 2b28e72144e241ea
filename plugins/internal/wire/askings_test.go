package wire_test

import (
	"context"
	"testing"

	"github.com/trellis-ats/trellis/core/ats"
	"github.com/trellis-ats/trellis/plugins/sdk/sdktest"
)

// answerOf returns the stub's answer of a type, or nil.
func answerOf[T any](s *stub, got any) (*T, error) {
	err := s.answer(got)
	for _, a := range s.answers {
		if answer, ok := a.(*T); ok {
			return answer, err
		}
	}
	return nil, err
}

func (s *stub) Find(_ context.Context, q *ats.CandidateQuery) (*ats.CandidateMatches, error) {
	return answerOf[ats.CandidateMatches](s, q)
}

func (s *stub) Create(_ context.Context, n *ats.NewCandidate) (*ats.CandidateReceipt, error) {
	return answerOf[ats.CandidateReceipt](s, n)
}

func (s *stub) Apply(_ context.Context, n *ats.NewApplication) (*ats.ApplicationReceipt, error) {
	return answerOf[ats.ApplicationReceipt](s, n)
}

func (s *stub) Get(_ context.Context, q *ats.ApplicationQuery) (*ats.ApplicationList, error) {
	return answerOf[ats.ApplicationList](s, q)
}

func (s *stub) Move(_ context.Context, m *ats.MoveRequest) (*ats.ApplicationReceipt, error) {
	return answerOf[ats.ApplicationReceipt](s, m)
}

func (s *stub) Reject(_ context.Context, r *ats.RejectRequest) (*ats.ApplicationReceipt, error) {
	return answerOf[ats.ApplicationReceipt](s, r)
}

func (s *stub) Unreject(_ context.Context, r *ats.UnrejectRequest) (*ats.ApplicationReceipt, error) {
	return answerOf[ats.ApplicationReceipt](s, r)
}

func (s *stub) SetFields(_ context.Context, r *ats.FieldsRequest) (*ats.FeedbackReceipt, error) {
	return answerOf[ats.FeedbackReceipt](s, r)
}

func (s *stub) Attach(_ context.Context, r *ats.AttachRequest) (*ats.FeedbackReceipt, error) {
	return answerOf[ats.FeedbackReceipt](s, r)
}

func (s *stub) AddNote(_ context.Context, r *ats.NoteRequest) (*ats.FeedbackReceipt, error) {
	return answerOf[ats.FeedbackReceipt](s, r)
}

func (s *stub) AddTag(_ context.Context, r *ats.TagRequest) (*ats.FeedbackReceipt, error) {
	return answerOf[ats.FeedbackReceipt](s, r)
}

func (s *stub) Scorecard(_ context.Context, r *ats.ScorecardRequest) (*ats.FeedbackReceipt, error) {
	return answerOf[ats.FeedbackReceipt](s, r)
}

func (s *stub) List(_ context.Context, q *ats.ReferenceQuery) (*ats.ReferencePage, error) {
	return answerOf[ats.ReferencePage](s, q)
}

func (s *stub) Begin(_ context.Context, r *ats.ConsentRequest) (*ats.ConsentPage, error) {
	return answerOf[ats.ConsentPage](s, r)
}

func (s *stub) Complete(_ context.Context, r *ats.ConsentCode) (*ats.Grant, error) {
	return answerOf[ats.Grant](s, r)
}

func (s *stub) Refresh(_ context.Context, r *ats.RefreshRequest) (*ats.Grant, error) {
	return answerOf[ats.Grant](s, r)
}

func (s *stub) Receive(_ context.Context, r *ats.WebhookRequest) (*ats.Verdict, error) {
	return answerOf[ats.Verdict](s, r)
}

func (s *stub) Translate(_ context.Context, r *ats.WebhookRequest) (*ats.Translation, error) {
	return answerOf[ats.Translation](s, r)
}

// asking is one method of the contract: a request with every field filled, a
// lawful answer with every field filled, and the call.
type asking struct {
	name            string
	writes, traced  bool
	request, answer any
	call            func(context.Context, sdktest.Client) (any, error)
}

// asked builds an asking; the call gives back an untyped nil for no answer.
func asked[Q, A any](t *testing.T, name string, lawful func(*A), do func(sdktest.Client, context.Context, *Q) (*A, error)) asking {
	t.Helper()
	request, answer := filled[Q](t), filled[A](t)
	lawful(answer)
	_, traced := any(answer).(interface{ LeftBehind() *ats.Trace })
	return asking{name: name, traced: traced, request: request, answer: answer, call: func(ctx context.Context, c sdktest.Client) (any, error) {
		got, err := do(c, ctx, request)
		if got == nil {
			return nil, err
		}
		return got, err
	}}
}

func (a asking) writing() asking {
	a.writes = true
	return a
}

func anything[A any](*A) {}

func inState(l []ats.ApplicationRecord) {
	for i := range l {
		l[i].State = ats.ApplicationHired
	}
}

func askings(t *testing.T) []asking {
	t.Helper()
	return []asking{
		asked(t, "Find", func(m *ats.CandidateMatches) { inState(m.Matches[0].Applications); inState(m.Matches[1].Applications) }, sdktest.Client.Find),
		asked(t, "Create", anything[ats.CandidateReceipt], sdktest.Client.Create).writing(),
		asked(t, "Apply", anything[ats.ApplicationReceipt], sdktest.Client.Apply).writing(),
		asked(t, "Get", func(l *ats.ApplicationList) { inState(l.Applications) }, sdktest.Client.Get),
		asked(t, "Move", anything[ats.ApplicationReceipt], sdktest.Client.Move).writing(),
		asked(t, "Reject", anything[ats.ApplicationReceipt], sdktest.Client.Reject).writing(),
		asked(t, "Unreject", anything[ats.ApplicationReceipt], sdktest.Client.Unreject).writing(),
		asked(t, "SetFields", anything[ats.FeedbackReceipt], sdktest.Client.SetFields).writing(),
		asked(t, "Attach", anything[ats.FeedbackReceipt], sdktest.Client.Attach).writing(),
		asked(t, "AddNote", anything[ats.FeedbackReceipt], sdktest.Client.AddNote).writing(),
		asked(t, "AddTag", anything[ats.FeedbackReceipt], sdktest.Client.AddTag).writing(),
		asked(t, "Scorecard", anything[ats.FeedbackReceipt], sdktest.Client.Scorecard).writing(),
		asked(t, "List", anything[ats.ReferencePage], sdktest.Client.List),
		asked(t, "Begin", func(p *ats.ConsentPage) { p.URL = "https://ats.example.com/ä" }, sdktest.Client.Begin),
		asked(t, "Complete", withToken, sdktest.Client.Complete).writing(),
		asked(t, "Refresh", withToken, sdktest.Client.Refresh).writing(),
		asked(t, "Receive", lawfulVerdict, sdktest.Client.Receive),
		asked(t, "Translate", lawfulTranslation, sdktest.Client.Translate),
	}
}

func withToken(g *ats.Grant) { g.Secrets[ats.SecretAccessToken] = "token" }

func lawfulVerdict(v *ats.Verdict) {
	v.Integrity = ats.IntegrityBody
	v.Answer.Status, v.Answer.Header = 418, map[string][]string{"X-Some": {"a", "b"}}
}

func lawfulTranslation(tr *ats.Translation) {
	for i := range tr.Events {
		tr.Events[i].State = ats.ApplicationHired
	}
}
