// Package app wires the server. It is the only package that knows everybody.
package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"

	"github.com/trellis-ats/trellis/core"
	"github.com/trellis-ats/trellis/core/fault"
	"github.com/trellis-ats/trellis/graph"
	"github.com/trellis-ats/trellis/internal/bus"
	"github.com/trellis-ats/trellis/internal/config"
	"github.com/trellis-ats/trellis/internal/httpd"
	"github.com/trellis-ats/trellis/internal/mail"
	"github.com/trellis-ats/trellis/internal/store"
	"github.com/trellis-ats/trellis/internal/tasks"
	"github.com/trellis-ats/trellis/plugins/host"
)

// stopWithin bounds how long a stopping server waits for what runs.
const stopWithin = 15 * time.Second

// Options is what an App is made of.
type Options struct {
	Config config.Config
	Log    *slog.Logger
	Clock  core.Clock // default: the system's
	// Demo opens what only a demo may: the mailbox at /dev/mail.
	Demo bool
	// Adapters are the processes to launch.
	Adapters []Adapter
	// Backoff is the tasks' waiting time before the next attempt; nil is the default.
	Backoff func(attempt int, err error) time.Duration
}

// Adapter is one adapter's process.
type Adapter struct {
	Name    string
	Command []string // the program's absolute path, then its arguments
}

// App is the program: Open it, Serve it or Setup an organization, Close it.
type App struct {
	o       Options
	store   *store.DB
	host    *host.Host
	tasks   *tasks.Engine
	bus     bus.Bus
	remote  *bus.Redis // the bus, if there are other processes
	events  *bus.Sequencer
	endings *graph.Endings
	mailbox *mail.Mailbox
	core    *useCases
	health  *httpd.Health
	edges   *edges
}

// Open opens and migrates the database and starts the adapters' processes. What
// was opened is closed again if it fails.
func Open(ctx context.Context, o Options) (_ *App, err error) {
	if err := o.Config.Check(); err != nil {
		return nil, err
	}
	if o.Clock == nil {
		o.Clock = core.SystemClock{}
	}
	key, err := o.Config.Key()
	if err != nil {
		return nil, err
	}
	a := &App{o: o}
	defer func() {
		if err != nil {
			err = errors.Join(err, a.Close())
		}
	}()
	if err := a.openBus(); err != nil {
		return nil, err
	}
	if err := a.openStore(ctx, key); err != nil {
		return nil, err
	}
	a.host = host.New(host.Options{Log: o.Log, Launches: launches(o.Adapters)})
	if err := a.host.Start(ctx); err != nil {
		return nil, fmt.Errorf("adapters: %w", err)
	}
	mailer, err := a.mailer()
	if err != nil {
		return nil, err
	}
	if a.core, err = newUseCases(o, key, a.store, adapters{a.host}, mailer); err != nil {
		return nil, err
	}
	a.endings = graph.NewEndings(a.core.feed, a.bus, o.Log)
	a.health = a.newHealth()
	if a.edges, err = a.newEdges(key); err != nil {
		return nil, err
	}
	return a, a.openTasks()
}

func launches(adapters []Adapter) []host.Launch {
	out := make([]host.Launch, 0, len(adapters))
	for _, a := range adapters {
		out = append(out, host.Launch{Name: a.Name, Command: a.Command})
	}
	return out
}

// openBus carries events within this process, or with Redis between several.
func (a *App) openBus() error {
	if a.o.Config.RedisURL == "" {
		a.bus = bus.NewLocal()
		return nil
	}
	remote, err := bus.NewRedis(bus.RedisOptions{URL: a.o.Config.RedisURL, Channel: "trellis:events", Log: a.o.Log})
	a.bus, a.remote = remote, remote
	return err
}

func (a *App) openStore(ctx context.Context, key []byte) error {
	if a.o.Config.Embedded() {
		if err := os.MkdirAll(a.o.Config.DataDir, 0o700); err != nil {
			return fmt.Errorf("the data directory cannot be made: %w", err)
		}
	}
	db, err := store.Open(ctx, store.Options{URL: a.o.Config.Database(), MasterKey: key, Log: a.o.Log})
	if err != nil {
		return err
	}
	a.store = db
	a.events = bus.NewSequencer(bus.SequencerOptions{Events: db, Bus: a.bus, Log: a.o.Log})
	db.OnCommit(a.events.Wake)
	return db.Migrate(ctx)
}

// mailer is SMTP, or in a demo a local mailbox. Without either, invitations
// wait as dead letters that say what to set.
func (a *App) mailer() (core.Mailer, error) {
	c := a.o.Config
	switch {
	case c.SMTPURL != "":
		return mail.NewSMTP(mail.SMTPOptions{URL: c.SMTPURL, From: c.MailFrom, FromName: "Assessments", Log: a.o.Log})
	case a.o.Demo:
		a.mailbox = mail.NewMailbox(200)
		return a.mailbox, nil
	default:
		return noMailer{}, nil
	}
}

func (a *App) openTasks() error {
	engine, err := tasks.New(tasks.Options{
		DB: a.store, Log: a.o.Log, Backoff: a.o.Backoff,
		Handlers: map[core.TaskKind]tasks.Handler{
			core.TaskSendInvitation: a.core.invitations.Send,
			core.TaskDeliverResult:  a.core.deliveries.Run,

			core.TaskApplyWebhook:   a.core.webhooks.Apply,
			core.TaskWatchWebhooks:  a.core.webhooks.Watch,
			core.TaskSendWithdrawal: a.core.invitations.SendWithdrawal,

			core.TaskRefreshAuthorizations: a.core.authorizations.RefreshDue,
			core.TaskRefreshAuthorization:  a.core.authorizations.Refresh,
			core.TaskPush:                  a.core.pushes.Run,
			core.TaskSweepPushes:           a.core.pushes.Sweep,
			core.TaskResumePushes:          a.core.pushes.ResumeRefused,
			core.TaskCarryOutDecision:      a.core.decisions.CarryOut,

			core.TaskReconcileAll: a.core.reconciliations.RunAll,
			core.TaskReconcile:    a.core.reconciliations.Run,
			core.TaskReadBack:     a.core.reconciliations.ReadBack,

			core.TaskCheckConnection: a.core.connections.Recheck,
			core.TaskPurge:           a.core.retention.Run,
		},
		Periodic: []tasks.Periodic{
			{Kind: core.TaskRefreshAuthorizations, Every: time.Minute},
			{Kind: core.TaskSweepPushes, Every: time.Minute},
			{Kind: core.TaskWatchWebhooks, Every: time.Hour},
			{Kind: core.TaskReconcileAll, Every: a.o.Config.ReconcileInterval()},
			{Kind: core.TaskPurge, Every: 6 * time.Hour},
		},
	})
	a.tasks = engine
	return err
}

// Serve listens and works until ctx ends, then lets what runs finish. ready is
// called once with the address.
func (a *App) Serve(ctx context.Context, ready func(addr string)) error {
	server, err := httpd.New(httpd.Options{
		Listen: a.o.Config.Listen, Handler: a.edges.mux, Log: a.o.Log, PublicURL: a.o.Config.BaseURL(),
		TrustedProxies: a.edges.proxies,
	})
	if err != nil {
		return err
	}
	if a.o.Config.SMTPURL == "" && a.mailbox == nil {
		a.o.Log.Warn("no mail will be sent: set TRELLIS_SMTP_URL; invitations are kept until then as failed tasks")
	}
	running := context.WithoutCancel(ctx) // what runs is stopped below, in order
	if err := a.tasks.Start(running); err != nil {
		return err
	}
	stopBackground := a.startBackground(running)
	err = server.Start(running)
	if err == nil {
		a.o.Log.Info("listening", "address", server.Addr().String(), "config", a.o.Config)
		ready(server.Addr().String())
		select {
		case <-ctx.Done():
		case <-server.Done():
			err = server.Err()
		}
	}
	a.health.Drain()
	stopCtx, cancel := context.WithTimeout(running, stopWithin)
	defer cancel()
	err = errors.Join(err, a.edges.graph.Close(stopCtx), server.Shutdown(stopCtx), a.tasks.Stop(stopCtx))
	stopBackground()
	return err
}

// startBackground runs what works beside requests until the returned function
// is called.
func (a *App) startBackground(ctx context.Context) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	var running sync.WaitGroup
	running.Go(func() { a.events.Run(ctx) })
	running.Go(func() { a.endings.Run(ctx) })
	if a.remote != nil {
		running.Go(func() { a.remote.Run(ctx) })
	}
	return func() {
		cancel()
		running.Wait()
	}
}

// Setup makes an organization; see core.Setup.
func (a *App) Setup(ctx context.Context, o core.SetupOptions) (*core.SetupOutcome, error) {
	return a.core.setup.Run(ctx, o)
}

// Knows reports whether an API token is one of this database's.
func (a *App) Knows(ctx context.Context, token core.Secret) (bool, error) {
	_, err := a.core.tokens.Authenticate(ctx, token)
	if fault.Is(err, fault.Unauthenticated) {
		return false, nil
	}
	return err == nil, err
}

// WebhookURL is where a connection's ATS sends its web hooks.
func (a *App) WebhookURL(c *core.Connection) string { return a.core.links.Webhook(c) }

// Close stops the adapters and closes the database.
func (a *App) Close() error {
	var errs []error
	if a.edges != nil {
		errs = append(errs, a.edges.close())
	}
	if a.host != nil {
		errs = append(errs, a.host.Close())
	}
	if a.store != nil {
		errs = append(errs, a.store.Close())
	}
	return errors.Join(errs...)
}
