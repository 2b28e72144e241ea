// Package sandbox is a stand-in for everything around Trellis: a Greenhouse
// whose recruiter presses "Send Test", with an account that takes Harvest v3
// calls and sends web hooks, a candidate who takes the test and an engine that
// scores it. It knows Trellis only through its public surface and behaves as
// facts/greenhouse.md 1, 2 and 4 say. For demos and tests on one machine: its
// pages ask for no password.
package sandbox

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/trellis-ats/trellis/internal/sandbox/account"
)

// The modes: how the stand-in Greenhouse learns of news.
const (
	ModePatch = "patch" // it is told, then asks
	ModePoll  = "poll"  // it asks again and again, as before 2019
)

const (
	maxTasks    = 2000 // background tasks at a time
	maxCalls    = 16   // outbound calls at a time
	callTimeout = 10 * time.Second
	closeWait   = 5 * time.Second
)

// Options configures a Sandbox.
type Options struct {
	Listen      string        // default 127.0.0.1:8090; for Run
	PublicURL   string        // how Trellis and browsers reach the sandbox; default http://Listen
	TrellisURL  string        // required
	PartnerKey  string        // required; as Trellis issued it
	EngineToken string        // required; an API token with the role ENGINE
	Vendor      Vendor        // who pushes; the zero value: nobody
	Mode        string        // ModePatch (default) or ModePoll
	PollEvery   time.Duration // default 2 s; Greenhouse took an hour
	Pace        time.Duration // how long the pretended candidate takes; default 3 s
	Manual      bool          // the automatic candidate is off at first
	Log         *slog.Logger  // nil: silent
	// Begun is called in the background once Run listens and the web hooks are
	// configured; its context ends with Close. Nil: nothing.
	Begun func(ctx context.Context)

	// Of the Harvest v3 side; a secret that is empty is made up, see Credentials.
	ClientID      string // a customer's own; default sandbox-1
	ClientSecret  string
	PartnerID     string // default trellis-2
	PartnerSecret string
	Offset        int64                // added to the ids that the account gives out
	Hooks         []account.HookInput  // web hooks that are configured when Run begins
	Rules         func(*account.Rules) // changes the defaults
	Clock         account.Clock        // of the account; nil: the real one
}

// Sandbox is the stand-in. It is safe for concurrent use.
type Sandbox struct {
	o       Options
	book    *book
	faults  *faults
	calls   *caller
	pages   *pages
	account *account.Account

	attending sync.Once // begins attend with the vendor's first assessment

	ctx    context.Context //nolint:containedctx // ends with Close; background tasks live in it
	cancel context.CancelFunc
	mu     sync.Mutex // guards tasks against Close
	closed bool
	tasks  int
	done   sync.WaitGroup
}

// New returns a Sandbox that does nothing yet. End it with Close, or let Run do so.
func New(o Options) (*Sandbox, error) {
	o, err := o.complete()
	if err != nil {
		return nil, err
	}
	s := &Sandbox{o: o, book: newBook(!o.Manual), faults: &faults{}, calls: newCaller()}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	if s.pages, err = newPages(); err != nil {
		return nil, fmt.Errorf("sandbox: %w", err)
	}
	if s.account, err = account.New(s.accountOptions()); err != nil {
		return nil, fmt.Errorf("sandbox: %w", err)
	}
	return s, nil
}

// complete fills in defaults and checks the rest.
func (o Options) complete() (Options, error) {
	o.Listen = either(o.Listen, "127.0.0.1:8090")
	o.PublicURL = strings.TrimRight(either(o.PublicURL, "http://"+o.Listen), "/")
	o.TrellisURL = strings.TrimRight(o.TrellisURL, "/")
	o.Mode = either(o.Mode, ModePatch)
	if o.PollEvery <= 0 {
		o.PollEvery = 2 * time.Second
	}
	if o.Pace <= 0 {
		o.Pace = 3 * time.Second
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Begun == nil {
		o.Begun = func(context.Context) {}
	}
	return o, errors.Join(
		webAddress("PublicURL", o.PublicURL), webAddress("TrellisURL", o.TrellisURL),
		present("PartnerKey", o.PartnerKey), present("EngineToken", o.EngineToken), knownMode(o.Mode), o.Vendor.check(),
	)
}

func either(s, otherwise string) string {
	if s != "" {
		return s
	}
	return otherwise
}

func webAddress(name, value string) error {
	u, err := url.Parse(value)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return fmt.Errorf("sandbox: %s %q is not a web address", name, value)
	}
	return nil
}

func present(name, value string) error {
	if value == "" {
		return fmt.Errorf("sandbox: %s is missing", name)
	}
	return nil
}

func knownMode(mode string) error {
	if mode != ModePatch && mode != ModePoll {
		return fmt.Errorf("sandbox: mode %q is neither %s nor %s", mode, ModePatch, ModePoll)
	}
	return nil
}

// Run listens until ctx ends, then stops everything that the sandbox started.
// It returns nil after an orderly end.
func (s *Sandbox) Run(ctx context.Context) error {
	defer s.Close()
	var lc net.ListenConfig
	listener, err := lc.Listen(ctx, "tcp", s.o.Listen)
	if err != nil {
		return fmt.Errorf("sandbox: %w", err)
	}
	server := &http.Server{
		Handler: s.Handler(), ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 30 * time.Second, IdleTimeout: time.Minute,
		ErrorLog: slog.NewLogLogger(s.o.Log.Handler(), slog.LevelDebug),
	}
	s.o.Log.Info("sandbox listens", "address", s.o.PublicURL)
	s.background(s.begin)
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener) }()
	select {
	case err = <-ended:
	case <-ctx.Done():
		s.cancel() // long answers end with it
		s.account.Close()
		wait, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeWait)
		defer cancel()
		err = errors.Join(server.Shutdown(wait), <-ended)
	}
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

// Close stops all background tasks and waits for them. It may be called twice.
func (s *Sandbox) Close() {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.cancel()
	s.done.Wait()
	s.account.Close()
	s.calls.closeIdle()
}

// background runs task in a goroutine that Close ends. It reports false,
// without running it, if the sandbox is closed or has too many.
func (s *Sandbox) background(task func(ctx context.Context)) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || s.tasks >= maxTasks {
		return false
	}
	s.tasks++
	s.done.Go(func() {
		defer func() {
			s.mu.Lock()
			s.tasks--
			s.mu.Unlock()
		}()
		task(s.ctx)
	})
	return true
}

// pause waits for d and reports whether ctx is still alive then.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

// Handler serves the sandbox's pages, the callback of the stand-in Greenhouse,
// its account and the engine. What it starts ends with Close.
func (s *Sandbox) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", s.home)
	mux.HandleFunc("GET /sandbox/board", s.board)
	mux.HandleFunc("GET /sandbox/state", s.state)
	mux.HandleFunc("GET /sandbox/assets/{name}", s.asset)
	mux.HandleFunc("POST /sandbox/send", s.send)
	mux.HandleFunc("POST /sandbox/assess", s.assess)
	mux.HandleFunc("POST /sandbox/auto", s.setAuto)
	mux.HandleFunc("POST /sandbox/faults", s.setFaults)
	mux.HandleFunc("PATCH "+callbackPath+"{number}", s.callback)
	mux.HandleFunc("GET /people/{number}", s.profile)
	mux.HandleFunc("GET /engine", s.engine)
	mux.HandleFunc("POST /engine/take", s.take)
	mux.HandleFunc("GET /engine/done", s.engineDone)
	outside := http.NewServeMux()
	s.account.Mount(outside, mux)
	outside.Handle("/", http.NewCrossOriginProtection().Handler(headers(mux)))
	return outside
}

// headers keeps the pages to themselves: nothing is loaded from elsewhere.
func headers(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "same-origin")
		h.Set("Cache-Control", "no-store")
		r.Body = http.MaxBytesReader(w, r.Body, 64<<10)
		next.ServeHTTP(w, r)
	})
}
