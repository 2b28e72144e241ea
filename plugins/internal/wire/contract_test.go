package wire_test

import (
	"context"
	"errors"
	"net"
	"strings"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/test/bufconn"

	"github.com/trellis-ats/trellis/core/ats"
	"github.com/trellis-ats/trellis/core/fault"
	"github.com/trellis-ats/trellis/plugins/internal/wire"
	atsv1 "github.com/trellis-ats/trellis/plugins/proto/ats/v1"
)

func TestBrokenRepliesAreRefused(t *testing.T) {
	t.Parallel()
	manifest := func(change func(*ats.Manifest)) *stub {
		m := &ats.Manifest{Name: "liar", Version: "1.0.0", Routes: []ats.Route{{Name: "a", Method: "GET", Path: "a/{id}", Credential: ats.CredentialBearer}}}
		change(m)
		return &stub{manifest: m}
	}
	tests := map[string]*stub{
		"nothing":           {},
		"manifest name":     manifest(func(m *ats.Manifest) { m.Name = "../etc" }),
		"manifest version":  manifest(func(m *ats.Manifest) { m.Version = "" }),
		"route name":        manifest(func(m *ats.Manifest) { m.Routes = append(m.Routes, m.Routes[0]) }),
		"route pattern":     manifest(func(m *ats.Manifest) { m.Routes[0].Path = "a/{id" }),
		"route rooted":      manifest(func(m *ats.Manifest) { m.Routes[0].Path = "/a" }),
		"route credential":  manifest(func(m *ats.Manifest) { m.Routes[0].Credential = "NONE" }),
		"no item":           {command: &ats.PlaceOrder{}},
		"same key":          {command: &ats.PlaceOrder{Items: []ats.OrderItem{{Key: "k", TestID: "t"}, {Key: "k", TestID: "u"}}}},
		"status 42":         {response: &ats.HTTPResponse{Status: 42}},
		"status 1000":       {response: &ats.HTTPResponse{Status: 1000}},
		"header injection":  {response: &ats.HTTPResponse{Status: 200, Header: map[string][]string{"X": {"a\r\nB: c"}}}},
		"header name":       {response: &ats.HTTPResponse{Status: 200, Header: map[string][]string{"a b": {"c"}}}},
		"oversized":         {response: &ats.HTTPResponse{Status: 200, Body: make([]byte, wire.MaxMessage)}},
		"typed nil command": {command: (*ats.PlaceOrder)(nil)},
	}
	for name, s := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client, ctx := serve(t, s), t.Context()
			_, err1 := client.Describe(ctx)
			_, err2 := client.CheckConnection(ctx, &ats.Connection{})
			_, err3 := client.Decode(ctx, &ats.InboundRequest{})
			_, err4 := client.Encode(ctx, &ats.InboundRequest{}, &ats.ErrorRecorded{})
			_, err5 := client.Deliver(ctx, &ats.Delivery{})
			for i, err := range []error{err1, err2, err3, err4, err5} {
				if e := fault.From(err); e == nil || e.Code != fault.Internal || e.Source != fault.Adapter {
					t.Errorf("call %d: got %v, want Internal of the adapter", i+1, err)
				}
			}
		})
	}
}

func TestReportsAreBounded(t *testing.T) {
	t.Parallel()
	exchanges := make([]ats.Exchange, 300)
	exchanges[299] = ats.Exchange{Method: "LAST", RequestBody: strings.Repeat("ä", 10<<10)}
	s := &stub{receipt: &ats.DeliveryReceipt{Exchanges: exchanges}}
	got := must[*ats.DeliveryReceipt](t)(serve(t, s).Deliver(t.Context(), &ats.Delivery{})).Exchanges
	if len(got) != 200 || got[199].Method != "LAST" || len(got[199].RequestBody) != 16<<10 {
		t.Errorf("got %d exchanges, the last with %d bytes", len(got), len(got[199].RequestBody))
	}
}

func TestWhatIsNotServedIsNotOffered(t *testing.T) {
	t.Parallel()
	s := &stub{manifest: &ats.Manifest{Name: "bare", Version: "1.0.0"}}
	client := serveBare(t, s)
	_, offer, err := client.(*wire.Client).Introduce(t.Context())
	if err != nil || offer.Serves(ats.CapabilityInbound) || offer.Serves("FROM_THE_FUTURE") {
		t.Errorf("offer is %+v, error %v", offer, err)
	}
	if _, err := client.Decode(t.Context(), &ats.InboundRequest{}); !fault.Is(err, fault.Unsupported) {
		t.Errorf("Decode: %v, want Unsupported", err)
	}
	s.manifest.Capabilities = []ats.Capability{{Name: ats.CapabilityResults, Available: true}}
	if _, err := client.Describe(t.Context()); !fault.Is(err, fault.Internal) {
		t.Errorf("Describe of what is announced and not served: %v, want Internal", err)
	}
}

func TestTooLargeARequestIsNotSent(t *testing.T) {
	t.Parallel()
	s := &stub{}
	_, err := serve(t, s).Decode(t.Context(), &ats.InboundRequest{HTTP: ats.HTTPRequest{Body: make([]byte, wire.MaxMessage+1)}})
	if !fault.Is(err, fault.TooLarge) || s.got != nil {
		t.Errorf("got %v, sent %v", err, s.got != nil)
	}
}

// stranger is a peer that is not built with the SDK.
type stranger struct {
	atsv1.UnimplementedInboundServiceServer
	atsv1.UnimplementedResultsServiceServer
	err error
}

func (s stranger) Decode(context.Context, *atsv1.DecodeRequest) (*atsv1.DecodeResponse, error) {
	return nil, s.err
}

func (s stranger) Encode(_ context.Context, r *atsv1.EncodeRequest) (*atsv1.EncodeResponse, error) {
	return nil, s.err
}

func (s stranger) Deliver(context.Context, *atsv1.DeliverRequest) (*atsv1.DeliverResponse, error) {
	return &atsv1.DeliverResponse{Fault: &atsv1.Fault{Code: 4711, Message: "from a newer peer"}}, nil
}

func TestStatusesOfStrangers(t *testing.T) {
	t.Parallel()
	newer, err := status.New(codes.Aborted, "x").WithDetails(&atsv1.Fault{Code: 4711, Message: "from a newer peer"})
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		err  error
		want fault.Code
		is   error
	}{
		{newer.Err(), fault.Internal, nil},
		{status.Error(codes.Unavailable, "x"), fault.Retryable, wire.ErrLost},
		{status.Error(codes.DeadlineExceeded, "x"), fault.Retryable, wire.ErrLate},
		{status.Error(codes.Unimplemented, "x"), fault.Unsupported, nil},
		{status.Error(codes.PermissionDenied, "x"), fault.Internal, nil},
	}
	for _, test := range tests {
		client := dialStranger(t, stranger{err: test.err}, silence{})
		_, err := client.Decode(t.Context(), &ats.InboundRequest{})
		if fault.CodeOf(err) != test.want || test.is != nil && !errors.Is(err, test.is) {
			t.Errorf("%v: got %v, want %s", test.err, err, test.want)
		}
		if _, err := client.Deliver(t.Context(), &ats.Delivery{}); fault.From(err).Message != "from a newer peer" || !fault.Is(err, fault.Internal) {
			t.Errorf("unknown code in a reply: %v", err)
		}
	}
}

func dialStranger(t *testing.T, s stranger, mute silence) *wire.Client {
	t.Helper()
	listener, server := bufconn.Listen(1<<20), grpc.NewServer()
	atsv1.RegisterInboundServiceServer(server, s)
	atsv1.RegisterResultsServiceServer(server, s)
	atsv1.RegisterCandidatesServiceServer(server, mute)
	done := make(chan struct{})
	go func() { defer close(done); _ = server.Serve(listener) }()
	conn := dial(t, listener)
	t.Cleanup(func() { _ = conn.Close(); server.Stop(); <-done })
	return wire.NewClient(conn)
}

// dialNobody returns a client to where nobody listens any more.
func dialNobody(t *testing.T) *wire.Client {
	t.Helper()
	listener := bufconn.Listen(1 << 20)
	_ = listener.Close()
	conn := dial(t, listener)
	t.Cleanup(func() { _ = conn.Close() })
	return wire.NewClient(conn)
}

func dial(t *testing.T, listener *bufconn.Listener) *grpc.ClientConn {
	t.Helper()
	options := append(wire.DialOptions(), grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return listener.DialContext(ctx) }))
	conn, err := grpc.NewClient("passthrough:stranger", options...)
	if err != nil {
		t.Fatal(err)
	}
	return conn
}
