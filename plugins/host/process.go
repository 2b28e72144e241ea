package host

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"

	"github.com/trellis-ats/trellis/core/ats"
	"github.com/trellis-ats/trellis/plugins/internal/wire"
)

// mostLate is how many calls in a row may get no reply.
const mostLate = 3

// process is one live process of an adapter, and the connection to it.
type process struct {
	options  Options
	run      *runner
	client   *plugin.Client
	conn     *grpc.ClientConn
	calls    *wire.Client
	manifest *ats.Manifest
	offer    wire.Offer
	suspect  chan struct{} // holds at most one wish for a ping
	hung     chan struct{} // holds a word if too many calls in a row got no reply

	mu   sync.Mutex
	late int // calls in a row without a reply
}

// start launches a process and waits for its manifest. If it fails, nothing of
// the process is left.
// Errors: *hopelessError if another try would fail alike.
func start(ctx context.Context, l Launch, o Options, log *slog.Logger) (*process, error) {
	if err := verify(l); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, o.StartTimeout)
	defer cancel()
	p := newProcess(l, o, log)
	// go-plugin's own time limit does not cover all of its start.
	unwatch := context.AfterFunc(ctx, p.run.kill)
	defer unwatch()
	err := p.connect(ctx, l)
	if err == nil {
		return p, nil
	}
	late := ctx.Err() != nil
	p.run.kill()
	p.stop()
	if late {
		return nil, fmt.Errorf("it was not ready %s after its start", o.StartTimeout)
	}
	return nil, p.run.explain(err)
}

func newProcess(l Launch, o Options, log *slog.Logger) *process {
	p := &process{options: o, run: newRunner(l.Command), suspect: make(chan struct{}, 1), hung: make(chan struct{}, 1)}
	p.client = plugin.NewClient(&plugin.ClientConfig{
		HandshakeConfig:  wire.Handshake(),
		Plugins:          plugin.PluginSet{wire.PluginName: dialed{}},
		RunnerFunc:       p.run.prepare,
		AllowedProtocols: []plugin.Protocol{plugin.ProtocolGRPC},
		AutoMTLS:         true,
		SkipHostEnv:      true,
		StartTimeout:     o.StartTimeout,
		GRPCDialOptions:  wire.DialOptions(),
		// Off: go-plugin's reading of log lines panics on some of them. Ours is
		// behind Stderr.
		Logger:     hclog.New(&hclog.LoggerOptions{Level: hclog.Off}),
		Stderr:     newLines(log.With("stream", "stderr")),
		SyncStdout: newLines(log.With("stream", "stdout")),
		SyncStderr: newLines(log.With("stream", "stderr")),
	})
	return p
}

// connect shakes hands and learns what the adapter is.
func (p *process) connect(ctx context.Context, l Launch) error {
	protocol, err := p.client.Client()
	if err != nil {
		return err
	}
	conn, err := protocol.Dispense(wire.PluginName)
	if err != nil {
		return err
	}
	p.conn = conn.(*grpc.ClientConn)
	p.calls = wire.NewClient(p.conn)
	p.manifest, p.offer, err = p.calls.Introduce(ctx)
	if err == nil && p.manifest.Name != l.Name {
		err = &hopelessError{fmt.Sprintf("it calls itself %q and is installed as %q; install it under its own name", p.manifest.Name, l.Name)}
	}
	return err
}

// dialed gives out the bare connection.
type dialed struct{ plugin.NetRPCUnsupportedPlugin }

func (dialed) GRPCServer(*plugin.GRPCBroker, *grpc.Server) error {
	return errors.New("a host serves nothing")
}

func (dialed) GRPCClient(_ context.Context, _ *plugin.GRPCBroker, conn *grpc.ClientConn) (any, error) {
	return conn, nil
}

// stop ends the process, politely for StopTimeout, and waits for its end and
// that of everything that was started for it.
func (p *process) stop() {
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		p.client.Kill()
	}()
	select {
	case <-ended:
	case <-time.After(p.options.StopTimeout):
	}
	p.run.kill()
	<-ended
	p.run.cleanUp()
}

// ping asks the health service, which answers also when every handler hangs.
func (p *process) ping(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, p.options.PingTimeout)
	defer cancel()
	_, err := grpc_health_v1.NewHealthClient(p.conn).Check(ctx, &grpc_health_v1.HealthCheckRequest{Service: plugin.GRPCServiceName})
	if status.Code(err) == codes.Unavailable {
		return fmt.Errorf("%w: %w", wire.ErrLost, err)
	}
	return err
}

// noteReply starts the count of late calls anew.
func (p *process) noteReply() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.late = 0
}

// noteLate counts a call that got no reply in time, and asks for a ping.
func (p *process) noteLate() {
	p.mu.Lock()
	p.late++
	tooMany := p.late >= mostLate
	p.mu.Unlock()
	if tooMany {
		wish(p.hung)
	}
	wish(p.suspect)
}

// wish leaves a word in ch, where one is enough.
func wish(ch chan<- struct{}) {
	select {
	case ch <- struct{}{}:
	default:
	}
}
