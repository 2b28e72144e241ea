// Package sdk is all that an adapter's author imports, with core/ats and
// core/fault. A whole adapter is
//
//	func main() { sdk.Serve(myats.New) }
//
// plus the methods that it can do. What the value implements is what is
// offered: ats.Adapter always, each other interface of core/ats if it has its
// methods. Calls come concurrently. Their context ends a little before the host
// gives up: an adapter that obeys it gets its answer through.
package sdk

import (
	"context"
	"errors"
	"log/slog"
	"os"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"

	"github.com/trellis-ats/trellis/core/ats"
	"github.com/trellis-ats/trellis/plugins/internal/wire"
)

// Runtime is what an adapter works with.
type Runtime struct {
	Log  *slog.Logger // reaches the host's log; never log secrets or personal data
	HTTP *HTTPClient  // the only way out
}

// Factory returns an adapter. It is called once in a process.
type Factory func(*Runtime) ats.Adapter

// Serve runs the adapter until the host ends it or is gone. It is the last call
// in main. Started by anything but a Trellis host, it says so and exits with 1.
// stdout and stdin belong to the protocol.
func Serve(factory Factory) {
	stderr := &lineWriter{to: os.Stderr}
	log := newLogger(stderr)
	go leaveWithHost(os.Stdin)
	plugin.Serve(&plugin.ServeConfig{
		HandshakeConfig: wire.Handshake(),
		Plugins:         plugin.PluginSet{wire.PluginName: &served{factory: factory, log: log}},
		GRPCServer: func(options []grpc.ServerOption) *grpc.Server {
			return wire.NewServer(log, options)
		},
		Logger: hclog.New(&hclog.LoggerOptions{Output: stderr, JSONFormat: true, Level: hclog.Warn}),
	})
}

// served registers the adapter with go-plugin, after it made sure that a host
// started the process.
type served struct {
	plugin.NetRPCUnsupportedPlugin
	factory Factory
	log     *slog.Logger
}

// GRPCServer implements plugin.GRPCPlugin.
func (s *served) GRPCServer(_ *plugin.GRPCBroker, server *grpc.Server) error {
	runtime := &Runtime{Log: s.log, HTTP: NewHTTPClient(HTTPOptions{Log: s.log})}
	wire.Register(server, s.factory(runtime), s.log)
	return nil
}

// GRPCClient implements plugin.GRPCPlugin; the host has its own.
func (s *served) GRPCClient(context.Context, *plugin.GRPCBroker, *grpc.ClientConn) (any, error) {
	return nil, errors.New("an adapter has no client of its own")
}
