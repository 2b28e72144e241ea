//go:build unix

package host_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/go-plugin"
	"go.uber.org/goleak"
	"google.golang.org/grpc"

	"github.com/trellis-ats/trellis/adapters/fake"
	"github.com/trellis-ats/trellis/core/ats"
	"github.com/trellis-ats/trellis/plugins/host"
	"github.com/trellis-ats/trellis/plugins/internal/wire"
	"github.com/trellis-ats/trellis/plugins/sdk"
	"github.com/trellis-ats/trellis/plugins/sdk/sdktest"
)

// TestMain is also the main of the processes that the tests start: the host
// passes no environment on, so the arguments tell.
func TestMain(m *testing.M) {
	if len(os.Args) > 2 && os.Args[1] == "adapter" {
		beAdapter(os.Args[2], os.Args[3:])
		return
	}
	if len(os.Args) > 2 && os.Args[1] == "host" {
		beHost(os.Args[2])
		return
	}
	goleak.VerifyTestMain(m)
}

// beAdapter is one of the adapters below, good or bad.
func beAdapter(kind string, args []string) {
	switch kind {
	case "fake":
		sdk.Serve(fake.New)
	case "fake-holding": // holds a FIFO open for as long as it lives
		held, err := os.OpenFile(args[0], os.O_WRONLY, 0)
		if err != nil {
			panic(err)
		}
		defer held.Close()
		sdk.Serve(fake.New)
	case "dies-once":
		sdk.Serve(func(r *sdk.Runtime) ats.Adapter { return diesOnce{wrap(r), args[0]} })
	case "liar":
		sdk.Serve(func(r *sdk.Runtime) ats.Adapter { return liar{wrap(r)} })
	case "logs":
		sdk.Serve(logs)
	case "floods":
		sdk.Serve(floods)
	case "next-major":
		next := wire.Handshake()
		next.ProtocolVersion++
		plugin.Serve(&plugin.ServeConfig{HandshakeConfig: next, Plugins: plugin.PluginSet{wire.PluginName: nothing{}}, GRPCServer: plugin.DefaultGRPCServer})
	case "crashes":
		os.Exit(7)
	case "mute":
		_, _ = io.Copy(io.Discard, os.Stdin)
	}
}

// beHost runs an adapter until it is killed.
func beHost(fifo string) {
	h := host.New(host.Options{Launches: []host.Launch{self("fake-holding", fifo)}})
	if err := h.Start(context.Background()); err != nil {
		panic(err)
	}
	select {}
}

type whole = sdktest.Client

func wrap(r *sdk.Runtime) whole { return fake.New(r).(whole) }

// diesOnce exits in the middle of the first Decode of all its processes.
type diesOnce struct {
	whole
	marker string
}

func (d diesOnce) Decode(ctx context.Context, r *ats.InboundRequest) (ats.Command, error) {
	if f, err := os.OpenFile(d.marker, os.O_CREATE|os.O_EXCL, 0o600); err == nil {
		_ = f.Close()
		os.Exit(3)
	}
	return d.whole.Decode(ctx, r)
}

type liar struct{ whole }

func (liar) Describe(context.Context) (*ats.Manifest, error) {
	return &ats.Manifest{Name: fake.Name, Version: "1.0.0", Routes: []ats.Route{{Name: "r", Method: "GET", Path: "{", Credential: ats.CredentialBearer}}}, nil
}

func logs(r *sdk.Runtime) ats.Adapter {
	r.Log.Debug("fine detail", "n", 1)
	r.Log.Info("a fact", slog.Group("g", "k", "v"))
	r.Log.Warn("a warning")
	r.Log.Error("an error", "error", "boom")
	fmt.Fprintln(os.Stderr, `{"@message":7,"@level":{},"@timestamp":false}`)
	fmt.Fprintln(os.Stderr, "plain text")
	return fake.New(r)
}

func floods(r *sdk.Runtime) ats.Adapter {
	for range 5000 {
		r.Log.Info("again")
	}
	r.Log.Info(strings.Repeat("x", 1<<20))
	return fake.New(r)
}

type nothing struct{ plugin.NetRPCUnsupportedPlugin }

func (nothing) GRPCServer(*plugin.GRPCBroker, *grpc.Server) error { return nil }

func (nothing) GRPCClient(context.Context, *plugin.GRPCBroker, *grpc.ClientConn) (any, error) {
	return nil, nil //nolint:nilnil // it is never called
}

// self launches this test binary as an adapter. Built with -race, it would
// sleep for a second at each exit.
func self(kind string, args ...string) host.Launch {
	path, err := os.Executable()
	if err != nil {
		panic(err)
	}
	return host.Launch{Name: fake.Name, Command: append([]string{"/usr/bin/env", "GORACE=atexit_sleep_ms=0", path, "adapter", kind}, args...)}
}

// run starts a host with one adapter and closes it at the end of the test.
func run(t *testing.T, l host.Launch, o host.Options) *host.Host {
	t.Helper()
	o.Launches = []host.Launch{l}
	if o.StartTimeout == 0 {
		o.StartTimeout = 30 * time.Second
	}
	if o.CallTimeout == 0 {
		o.CallTimeout = 20 * time.Second
	}
	h := host.New(o)
	t.Cleanup(func() {
		if err := h.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	if err := h.Start(t.Context()); err != nil {
		t.Fatalf("start: %v", err)
	}
	return h
}

// await waits until the adapter's state is as wanted.
func await(t *testing.T, h *host.Host, what string, wanted func(host.State) bool) host.State {
	t.Helper()
	limit := time.After(30 * time.Second)
	for {
		changed := h.Changed()
		state := h.States()[0]
		if wanted(state) {
			return state
		}
		select {
		case <-changed:
		case <-limit:
			t.Fatalf("%s: state is %+v", what, state)
		}
	}
}

func is(s host.Status) func(host.State) bool {
	return func(state host.State) bool { return state.Status == s }
}

// runningAfter waits for another process than pid.
func runningAfter(pid int) func(host.State) bool {
	return func(s host.State) bool { return s.Status == host.Running && s.PID != pid }
}

func decode(t *testing.T, h *host.Host, settings map[string]string) (ats.Command, error) {
	t.Helper()
	inbound, err := h.Inbound(fake.Name)
	if err != nil {
		t.Fatal(err)
	}
	return inbound.Decode(t.Context(), &ats.InboundRequest{Route: "list-tests", Connection: ats.Connection{Settings: settings}})
}
