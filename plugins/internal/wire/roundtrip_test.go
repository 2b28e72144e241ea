package wire_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/trellis-ats/trellis/core/ats"
	"github.com/trellis-ats/trellis/core/fault"
	atsv1 "github.com/trellis-ats/trellis/plugins/proto/ats/v1"
	"github.com/trellis-ats/trellis/plugins/sdk"
	"github.com/trellis-ats/trellis/plugins/sdk/sdktest"
)

// stub answers with what a test gave it and keeps what it got.
type stub struct {
	manifest *ats.Manifest
	report   *ats.ConnectionReport
	command  ats.Command
	response *ats.HTTPResponse
	receipt  *ats.DeliveryReceipt
	answers  []any // of the calls in answers_test.go, one of a type
	err      error
	panics   any
	got      []any
}

func (s *stub) answer(got ...any) error {
	s.got = got
	if s.panics != nil {
		panic(s.panics)
	}
	return s.err
}

func (s *stub) Describe(context.Context) (*ats.Manifest, error) { return s.manifest, s.answer() }

func (s *stub) CheckConnection(_ context.Context, c *ats.Connection) (*ats.ConnectionReport, error) {
	return s.report, s.answer(c)
}

func (s *stub) Decode(_ context.Context, r *ats.InboundRequest) (ats.Command, error) {
	return s.command, s.answer(r)
}

func (s *stub) Encode(_ context.Context, r *ats.InboundRequest, o ats.Outcome) (*ats.HTTPResponse, error) {
	return s.response, s.answer(r, o)
}

func (s *stub) Deliver(_ context.Context, d *ats.Delivery) (*ats.DeliveryReceipt, error) {
	return s.receipt, s.answer(d)
}

func serve(t *testing.T, s *stub) sdktest.Client {
	t.Helper()
	return sdktest.Serve(t, func(*sdk.Runtime) ats.Adapter { return s }, sdktest.Options{})
}

// serveBare serves nothing but the adapter itself.
func serveBare(t *testing.T, s *stub) sdktest.Client {
	t.Helper()
	type bare struct{ ats.Adapter }
	return sdktest.Serve(t, func(*sdk.Runtime) ats.Adapter { return bare{s} }, sdktest.Options{})
}

func same(t *testing.T, what string, want, got any) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s did not survive (-sent +received):\n%s", what, diff)
	}
}

func must[T any](t *testing.T) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func TestEveryFieldSurvives(t *testing.T) {
	t.Parallel()
	s := &stub{
		manifest: filled[ats.Manifest](t), report: filled[ats.ConnectionReport](t),
		response: filled[ats.HTTPResponse](t), receipt: filled[ats.DeliveryReceipt](t),
	}
	lawful(s)
	client, ctx := serve(t, s), t.Context()

	same(t, "Manifest", s.manifest, must[*ats.Manifest](t)(client.Describe(ctx)))

	connection := filled[ats.Connection](t)
	same(t, "ConnectionReport", s.report, must[*ats.ConnectionReport](t)(client.CheckConnection(ctx, connection)))
	same(t, "Connection", []any{connection}, s.got)

	delivery := filled[ats.Delivery](t)
	same(t, "DeliveryReceipt", s.receipt, must[*ats.DeliveryReceipt](t)(client.Deliver(ctx, delivery)))
	same(t, "Delivery", []any{delivery}, s.got)
}

// lawful replaces the values that must be more than non-zero.
func lawful(s *stub) {
	s.manifest.Name = "every-field"
	for i := range s.manifest.Routes {
		r := &s.manifest.Routes[i]
		r.Name, r.Method, r.Path, r.Credential = fmt.Sprintf("r%d", i), "GET", fmt.Sprintf("r/%d", i), ats.CredentialBearer
	}
	s.response.Status = 418
	s.response.Header = map[string][]string{"X-Some": {"a", "b"}}
}

func TestEveryCommandSurvives(t *testing.T) {
	t.Parallel()
	kinds := (&atsv1.Command{}).ProtoReflect().Descriptor().Oneofs().ByName("kind").Fields().Len()
	all := commands(t)
	if len(all) != kinds {
		t.Fatalf("the test knows %d commands, the protobuf %d", len(all), kinds)
	}
	for _, command := range all {
		t.Run(fmt.Sprintf("%T", command), func(t *testing.T) {
			t.Parallel()
			s := &stub{command: command}
			request := filled[ats.InboundRequest](t)
			same(t, "command", command, must[ats.Command](t)(serve(t, s).Decode(t.Context(), request)))
			same(t, "request", []any{request}, s.got)
		})
	}
}

func TestEveryOutcomeSurvives(t *testing.T) {
	t.Parallel()
	kinds := (&atsv1.Outcome{}).ProtoReflect().Descriptor().Oneofs().ByName("kind").Fields().Len()
	all := outcomes(t)
	if len(all) != kinds {
		t.Fatalf("the test knows %d outcomes, the protobuf %d", len(all), kinds)
	}
	for _, outcome := range all {
		t.Run(fmt.Sprintf("%T", outcome), func(t *testing.T) {
			t.Parallel()
			s := &stub{response: &ats.HTTPResponse{Status: 200, Body: []byte("ok")}}
			request := filled[ats.InboundRequest](t)
			same(t, "response", s.response, must[*ats.HTTPResponse](t)(serve(t, s).Encode(t.Context(), request, outcome)))
			same(t, "request and outcome", []any{request, outcome}, s.got)
		})
	}
}

func TestEveryFaultSurvives(t *testing.T) {
	t.Parallel()
	if n := len(atsv1.FaultCode_name) - 1; n != len(faultCodes()) {
		t.Fatalf("the test knows %d codes, the protobuf %d", len(faultCodes()), n)
	}
	for _, code := range faultCodes() {
		t.Run(string(code), func(t *testing.T) {
			t.Parallel()
			sent := filled[fault.Error](t)
			sent.Code = code
			withCause := *sent
			withCause.Cause = errors.New("stays")
			s := &stub{err: &withCause, receipt: filled[ats.DeliveryReceipt](t)}
			client := serve(t, s)

			_, err := client.Decode(t.Context(), filled[ats.InboundRequest](t))
			same(t, "fault in a status", error(sent), err)
			receipt, err := client.Deliver(t.Context(), filled[ats.Delivery](t))
			same(t, "fault in a reply", error(sent), err)
			same(t, "receipt beside a fault", s.receipt, receipt)
		})
	}
}

func TestUnknownErrorsAreInternalAndSilent(t *testing.T) {
	t.Parallel()
	for _, s := range []*stub{{err: errors.New("hunter2")}, {panics: "hunter2"}, {err: &fault.Error{Code: "FROM_THE_FUTURE", Message: "m"}}} {
		var log bytes.Buffer
		client := sdktest.Serve(t, func(*sdk.Runtime) ats.Adapter { return s }, sdktest.Options{Log: slog.New(slog.NewTextHandler(&log, nil))})
		_, err := client.Describe(t.Context())
		if got := fault.From(err); got.Code != fault.Internal || got.Source != fault.Adapter || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("got %+v, want a silent Internal of the adapter", got)
		}
		if fault.CodeOf(s.err) == fault.Internal && !strings.Contains(log.String(), "hunter2") {
			t.Errorf("the adapter's log does not have the cause: %s", log.String())
		}
		s.err, s.panics, s.manifest = nil, nil, &ats.Manifest{Name: "alive", Version: "1.0.0"}
		if _, err := client.Describe(t.Context()); err != nil {
			t.Errorf("the server did not survive: %v", err)
		}
	}
}

func TestTextIsMadeValid(t *testing.T) {
	t.Parallel()
	s := &stub{receipt: &ats.DeliveryReceipt{Reference: "a\xffb"}}
	d := &ats.Delivery{Key: "k\xfe", Connection: ats.Connection{Settings: map[string]string{"x\xff": "\xff"}}}
	receipt := must[*ats.DeliveryReceipt](t)(serve(t, s).Deliver(t.Context(), d))
	same(t, "receipt", "a\uFFFDb", receipt.Reference)
	same(t, "key", "k\uFFFD", s.got[0].(*ats.Delivery).Key)
	same(t, "settings", map[string]string{"x\uFFFD": "\uFFFD"}, s.got[0].(*ats.Delivery).Connection.Settings)
}
