package wire_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/trellis-ats/trellis/core/ats"
	"github.com/trellis-ats/trellis/core/fault"
	"github.com/trellis-ats/trellis/plugins/internal/wire"
	atsv1 "github.com/trellis-ats/trellis/plugins/proto/ats/v1"
)

func TestEveryAskingSurvives(t *testing.T) {
	t.Parallel()
	for _, a := range askings(t) {
		t.Run(a.name, func(t *testing.T) {
			t.Parallel()
			s := &stub{answers: []any{a.answer}}
			same(t, "answer", a.answer, must[any](t)(a.call(t.Context(), serve(t, s))))
			same(t, "request", []any{a.request}, s.got)
		})
	}
}

// A fault comes whole, and the answer with its trace beside it.
func TestFaultsComeWithTheirTrace(t *testing.T) {
	t.Parallel()
	for _, a := range askings(t) {
		t.Run(a.name, func(t *testing.T) {
			t.Parallel()
			sent := filled[fault.Error](t)
			s := &stub{answers: []any{a.answer}, err: sent}
			client := serve(t, s)
			got, err := a.call(t.Context(), client)
			same(t, "fault", error(sent), err)
			if !a.traced {
				return
			}
			same(t, "answer beside a fault", a.answer, got)
			s.answers = nil
			if got, err := a.call(t.Context(), client); got == nil || !fault.Is(err, sent.Code) {
				t.Errorf("without an answer: %v, %v; want an empty answer and the fault", got, err)
			}
		})
	}
}

// What is not known of a write is never said to be repeatable.
func TestAWriteWhoseEndIsUnknownIsOutcomeUnknown(t *testing.T) {
	t.Parallel()
	silent := map[string]*stub{
		"panic": {panics: "boom"}, "an error without a class": {err: errors.New("boom")}, "no answer": {}, "out of time": {err: context.DeadlineExceeded},
	}
	for how, s := range silent {
		for _, a := range askings(t) {
			t.Run(how+"/"+a.name, func(t *testing.T) {
				t.Parallel()
				mine := &stub{panics: s.panics, err: s.err}
				got, err := a.call(t.Context(), serve(t, mine))
				want := fault.Internal
				switch {
				case a.writes:
					want = fault.OutcomeUnknown
				case how == "out of time":
					want = fault.Retryable
				}
				if e := fault.From(err); e == nil || e.Code != want || e.Source != fault.Adapter || (got != nil) != a.traced {
					t.Errorf("got %v, %v; want %s of the adapter", got, err, want)
				}
			})
		}
	}
}

// silence answers nothing but a status.
type silence struct {
	atsv1.UnimplementedCandidatesServiceServer
	err error
}

func (s silence) Find(context.Context, *atsv1.FindRequest) (*atsv1.FindResponse, error) {
	return nil, s.err
}

func (s silence) Create(context.Context, *atsv1.CreateRequest) (*atsv1.CreateResponse, error) {
	return nil, s.err
}

// A request that may have left counts as done; one that surely did not, not.
func TestOnlyWhatMayHaveLeftIsUnknown(t *testing.T) {
	t.Parallel()
	tests := []struct {
		err   error
		write fault.Code
		chain error
	}{
		{status.Error(codes.Unavailable, "x"), fault.OutcomeUnknown, wire.ErrLost},
		{status.Error(codes.DeadlineExceeded, "x"), fault.OutcomeUnknown, wire.ErrLate},
		{status.Error(codes.ResourceExhausted, "x"), fault.OutcomeUnknown, nil},
		{status.Error(codes.Unimplemented, "x"), fault.Unsupported, nil},
	}
	for _, test := range tests {
		client := dialStranger(t, stranger{}, silence{err: test.err})
		if _, err := client.Find(t.Context(), &ats.CandidateQuery{}); fault.Is(err, fault.OutcomeUnknown) {
			t.Errorf("a read after %v: %v", test.err, err)
		}
		_, err := client.Create(t.Context(), &ats.NewCandidate{})
		if !fault.Is(err, test.write) || test.chain != nil && !errors.Is(err, test.chain) {
			t.Errorf("a write after %v: %v, want %s", test.err, err, test.write)
		}
	}
	given, cancel := context.WithCancel(t.Context())
	cancel()
	client := dialStranger(t, stranger{}, silence{})
	if _, err := client.Create(given, &ats.NewCandidate{}); !fault.Is(err, fault.Retryable) || fault.From(err).Source != fault.Caller {
		t.Errorf("given up before it was sent: %v, want Retryable of the caller", err)
	}
	gone := dialNobody(t)
	if answer, err := gone.Create(t.Context(), &ats.NewCandidate{}); answer == nil || !fault.Is(err, fault.Retryable) || !errors.Is(err, wire.ErrLost) {
		t.Errorf("nobody there: %v, %v; want Retryable", answer, err)
	}
}

func TestBrokenAnswersAreRefused(t *testing.T) {
	t.Parallel()
	application := ats.ApplicationRecord{ID: "1", CandidateID: "2", State: ats.ApplicationActive}
	odd := application
	odd.State = "ODD"
	event := ats.Event{Kind: ats.EventHired, ApplicationID: "1"}
	ok := ats.HTTPResponse{Status: 200}
	tests := []struct {
		call   string
		answer any
	}{
		{"Find", &ats.CandidateMatches{Matches: make([]ats.CandidateMatch, 101)}},
		{"Find", &ats.CandidateMatches{Matches: []ats.CandidateMatch{{}}}},
		{"Find", &ats.CandidateMatches{Matches: []ats.CandidateMatch{{CandidateID: "1", Applications: []ats.ApplicationRecord{odd}}}}},
		{"Create", &ats.CandidateReceipt{ApplicationID: "1"}},
		{"Apply", &ats.ApplicationReceipt{}},
		{"Get", &ats.ApplicationList{Applications: []ats.ApplicationRecord{{CandidateID: "1", State: ats.ApplicationActive}}}},
		{"Get", &ats.ApplicationList{Applications: []ats.ApplicationRecord{odd}}},
		{"Get", &ats.ApplicationList{Applications: repeat(application, 501)}},
		{"Get", &ats.ApplicationList{Next: "same"}},
		{"Move", &ats.ApplicationReceipt{}},
		{"List", &ats.ReferencePage{Items: repeat(ats.ReferenceItem{ID: "1"}, 501)}},
		{"List", &ats.ReferencePage{Items: []ats.ReferenceItem{{Name: "n"}}}},
		{"List", &ats.ReferencePage{Next: "same"}},
		{"Begin", &ats.ConsentPage{}},
		{"Begin", &ats.ConsentPage{URL: "javascript:alert(1)"}},
		{"Complete", &ats.Grant{}},
		{"Refresh", &ats.Grant{Secrets: map[string]string{ats.SecretRefreshToken: "r"}}},
		{"Receive", &ats.Verdict{Integrity: ats.IntegrityBody}},
		{"Receive", &ats.Verdict{Answer: ok}},
		{"Receive", &ats.Verdict{Verified: true, Integrity: ats.IntegrityBody, Answer: ok}},
		{"Receive", &ats.Verdict{Integrity: ats.IntegrityBody, Answer: ats.HTTPResponse{Status: 200, Header: map[string][]string{"X": {"a\nb: c"}}}}},
		{"Translate", &ats.Translation{Events: repeat(event, 501)}},
		{"Translate", &ats.Translation{Events: []ats.Event{{Kind: ats.EventHired}}}},
		{"Translate", &ats.Translation{Events: []ats.Event{{ApplicationID: "1"}}}},
		{"Translate", &ats.Translation{Events: []ats.Event{{Kind: ats.EventHired, ApplicationID: "1", State: "ODD"}}}},
	}
	byName := make(map[string]asking)
	for _, a := range askings(t) {
		byName[a.name] = a
	}
	for i, test := range tests {
		t.Run(fmt.Sprintf("%d %s", i, test.call), func(t *testing.T) {
			t.Parallel()
			a := byName[test.call]
			client := serve(t, &stub{answers: []any{test.answer}})
			_, err := a.call(t.Context(), client)
			if cursor := (&ats.ReferenceQuery{Cursor: "same"}); test.call == "List" {
				_, err = client.List(t.Context(), cursor)
			} else if test.call == "Get" {
				_, err = client.Get(t.Context(), &ats.ApplicationQuery{Cursor: "same"})
			}
			want := fault.Internal
			if a.writes {
				want = fault.OutcomeUnknown
			}
			if !fault.Is(err, want) || !strings.Contains(err.Error(), "broke its contract") {
				t.Errorf("got %v, want a breach that is %s", err, want)
			}
		})
	}
}

func repeat[T any](one T, n int) []T {
	list := make([]T, n)
	for i := range list {
		list[i] = one
	}
	return list
}

func TestTracesAreBounded(t *testing.T) {
	t.Parallel()
	receipt := &ats.FeedbackReceipt{Trace: ats.Trace{
		Exchanges: make([]ats.Exchange, 300), Degraded: repeat("x", 300), Budget: &ats.RateBudget{Scope: "api", Limit: 0},
	}}
	receipt.Exchanges[299] = ats.Exchange{Method: "LAST", RequestBody: strings.Repeat("ä", 10<<10)}
	got := must[*ats.FeedbackReceipt](t)(serve(t, &stub{answers: []any{receipt}}).AddTag(t.Context(), &ats.TagRequest{}))
	if len(got.Exchanges) != 200 || got.Exchanges[199].Method != "LAST" || len(got.Exchanges[199].RequestBody) != 16<<10 {
		t.Errorf("got %d exchanges", len(got.Exchanges))
	}
	if len(got.Degraded) != 100 || got.Budget != nil {
		t.Errorf("got %d remarks and the budget %v", len(got.Degraded), got.Budget)
	}
}

// The largest attachment travels; a larger one does not leave.
func TestAttachmentsHaveALimit(t *testing.T) {
	t.Parallel()
	s := &stub{answers: []any{&ats.FeedbackReceipt{}}}
	client := serve(t, s)
	most := make([]byte, 4<<20)
	must[*ats.FeedbackReceipt](t)(client.Attach(t.Context(), &ats.AttachRequest{FileName: "a.pdf", Content: most}))
	if len(s.got[0].(*ats.AttachRequest).Content) != len(most) {
		t.Error("the largest attachment did not arrive whole")
	}
	s.got = nil
	if _, err := client.Attach(t.Context(), &ats.AttachRequest{Content: append(most, 0)}); !fault.Is(err, fault.TooLarge) || s.got != nil {
		t.Errorf("a larger one: %v, sent %t; want TooLarge and not sent", err, s.got != nil)
	}
}

// Each part of Feedback needs the one service.
func TestWhatIsAnnouncedIsServed(t *testing.T) {
	t.Parallel()
	for _, name := range []ats.CapabilityName{
		ats.CapabilityInbound, ats.CapabilityResults, ats.CapabilityCandidates, ats.CapabilityApplications, ats.CapabilityReference,
		ats.CapabilityAuthorization, ats.CapabilityWebhooks, ats.CapabilityFields, ats.CapabilityAttachments, ats.CapabilityNotes,
		ats.CapabilityTags, ats.CapabilityScorecards,
	} {
		s := &stub{manifest: &ats.Manifest{Name: "some", Version: "1.0.0", Capabilities: []ats.Capability{{Name: name, Available: true}}}}
		if _, err := serve(t, s).Describe(t.Context()); err != nil {
			t.Errorf("%s, served: %v", name, err)
		}
		if _, err := serveBare(t, s).Describe(t.Context()); !fault.Is(err, fault.Internal) {
			t.Errorf("%s, not served: %v, want Internal", name, err)
		}
	}
	for _, a := range askings(t) {
		if _, err := a.call(t.Context(), serveBare(t, &stub{})); !fault.Is(err, fault.Unsupported) {
			t.Errorf("%s, not served: %v, want Unsupported", a.name, err)
		}
	}
}
