// Package wire carries the adapter contract over gRPC: core/ats to protobuf and
// back, errors to gRPC status and back, a client and a server that speak it.
// Nothing generated leaves plugins/.
package wire

import (
	"github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"
)

// Major is the major version of the contract, the number in the protobuf
// package's name. Host and adapter must have the same; what is added within a
// major is negotiated by what is served.
const Major = 1

// PluginName is the one plugin that an adapter's process serves.
const PluginName = "adapter"

// Lifeline is the environment variable by which the host says that it holds
// the other end of the adapter's stdin, and that its end means the host's.
const Lifeline = "TRELLIS_ADAPTER_LIFELINE"

// Limits of a message and of what may be on the way, in bytes. The windows are
// as large as measured useful; the message cap is a few times the largest
// honest message, an inbound body of 1 MiB, an attachment of 4 MiB or a receipt
// full of exchanges.
const (
	MaxMessage   = 16 << 20
	streamWindow = 1 << 20
	connWindow   = 4 << 20
)

// Handshake returns what host and adapter must agree on before they speak.
func Handshake() plugin.HandshakeConfig {
	return plugin.HandshakeConfig{
		ProtocolVersion:  Major,
		MagicCookieKey:   "TRELLIS_ADAPTER",
		MagicCookieValue: "d2f6c3b8a1e94f50",
	}
}

// DialOptions returns the limits of the host's side.
func DialOptions() []grpc.DialOption {
	return []grpc.DialOption{
		grpc.WithInitialWindowSize(streamWindow),
		grpc.WithInitialConnWindowSize(connWindow),
		grpc.WithStatsHandler(watcher{}),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(MaxMessage), grpc.MaxCallSendMsgSize(MaxMessage)),
	}
}

// serverOptions returns the limits of the adapter's side.
func serverOptions() []grpc.ServerOption {
	return []grpc.ServerOption{
		grpc.InitialWindowSize(streamWindow),
		grpc.InitialConnWindowSize(connWindow),
		grpc.MaxRecvMsgSize(MaxMessage),
		grpc.MaxSendMsgSize(MaxMessage),
	}
}
