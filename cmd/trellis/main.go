// Command trellis connects assessments with applicant tracking systems. It is
// one binary: the server, its tools, and the built-in adapters that the server
// runs as processes of their own.
package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/alecthomas/kong"

	"github.com/trellis-ats/trellis/internal/app"
	"github.com/trellis-ats/trellis/internal/config"
)

// commands is the command line.
type commands struct {
	Serve   serveCommand   `cmd:"" help:"Run the server."`
	Demo    demoCommand    `cmd:"" help:"Run the server with a sandbox: a stand-in Greenhouse, candidates and an engine."`
	Sandbox sandboxCommand `cmd:"" help:"Run the sandbox alone, against a server that runs elsewhere."`
	Setup   setupCommand   `cmd:"" help:"Make an organization with tokens and a connection."`
	Migrate migrateCommand `cmd:"" help:"Bring the database to this version's tables."`
	Doctor  doctorCommand  `cmd:"" help:"Say what is wrong with the configuration and how to mend it."`
	Adapter adapterCommand `cmd:"" help:"Run a built-in adapter; the server does this." hidden:""`
}

// program is what commands act with.
type program struct {
	ctx    context.Context //nolint:containedctx // kong binds values, not arguments
	out    io.Writer
	errOut io.Writer
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	forgetEmpty()
	var c commands
	parser := kong.Must(&c,
		kong.Name("trellis"),
		kong.Description("Connects assessments with applicant tracking systems."),
	)
	parser.FatalIfErrorf(config.UseFile(variables(parser.Model.Node)))
	command, err := parser.Parse(os.Args[1:])
	parser.FatalIfErrorf(err)
	err = command.Run(&program{ctx: ctx, out: os.Stdout, errOut: os.Stderr})
	if err != nil {
		fmt.Fprintln(os.Stderr, "trellis:", err)
		stop()
		os.Exit(1)
	}
}

// forgetEmpty makes an empty variable the same as none, as compose files and
// the like write them. It runs before anything else reads the environment.
func forgetEmpty() {
	for _, entry := range os.Environ() {
		if name, value, _ := strings.Cut(entry, "="); value == "" && strings.HasPrefix(name, "TRELLIS_") {
			_ = os.Unsetenv(name) // a name from the environment is a valid one
		}
	}
}

// variables are the names of those that set a flag of the command n, or of one below it.
func variables(n *kong.Node) []string {
	var names []string
	for _, f := range n.Flags {
		names = append(names, f.Envs...)
	}
	for _, below := range n.Children {
		names = append(names, variables(below)...)
	}
	return names
}

// logger writes what the server does to standard error.
func (p *program) logger(c config.Config) *slog.Logger {
	return slog.New(slog.NewTextHandler(p.errOut, &slog.HandlerOptions{Level: c.Level()}))
}

// options puts together what an App is made of.
func (p *program) options(c config.Config, demo bool) (app.Options, error) {
	self, err := os.Executable()
	if err != nil {
		return app.Options{}, fmt.Errorf("the adapters' program cannot be found: %w", err)
	}
	o := app.Options{Config: c, Log: p.logger(c), Demo: demo}
	for _, name := range builtInNames() {
		o.Adapters = append(o.Adapters, app.Adapter{Name: name, Command: []string{self, "adapter", name}})
	}
	return o, nil
}
