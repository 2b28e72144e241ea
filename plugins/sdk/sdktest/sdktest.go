// Package sdktest tests an adapter over real gRPC without a process: what comes
// back went through the wire and was held against the contract, as at the host.
package sdktest

import (
	"context"
	"log/slog"
	"net"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/test/bufconn"

	"github.com/trellis-ats/trellis/core/ats"
	"github.com/trellis-ats/trellis/plugins/internal/wire"
	"github.com/trellis-ats/trellis/plugins/sdk"
)

// Options configures the harness. The zero value is good for most tests.
type Options struct {
	Log  *slog.Logger    // nil: silent
	HTTP *sdk.HTTPClient // nil: as in production; private addresses need an allow-list
}

// Client is the adapter, seen from the host. What the adapter does not offer
// answers with fault.Unsupported.
type Client interface {
	ats.Adapter
	ats.Inbound
	ats.Results
	ats.Candidates
	ats.Applications
	ats.Feedback
	ats.Reference
	ats.Authorization
	ats.Webhooks
}

// Serve serves the factory's adapter until the test ends.
func Serve(t testing.TB, factory sdk.Factory, o Options) Client {
	t.Helper()
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.HTTP == nil {
		o.HTTP = sdk.NewHTTPClient(sdk.HTTPOptions{Log: o.Log})
	}
	listener := bufconn.Listen(1 << 20)
	server := wire.NewServer(o.Log, nil)
	wire.Register(server, factory(&sdk.Runtime{Log: o.Log, HTTP: o.HTTP}), o.Log)
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		_ = server.Serve(listener)
	}()
	conn := dial(t, listener)
	t.Cleanup(func() {
		_ = conn.Close()
		server.Stop()
		<-stopped
		o.HTTP.CloseIdle()
	})
	return wire.NewClient(conn)
}

func dial(t testing.TB, listener *bufconn.Listener) *grpc.ClientConn {
	t.Helper()
	options := append(wire.DialOptions(),
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return listener.DialContext(ctx) }),
	)
	conn, err := grpc.NewClient("passthrough:adapter", options...)
	if err != nil {
		t.Fatalf("dial the adapter: %v", err)
	}
	return conn
}
