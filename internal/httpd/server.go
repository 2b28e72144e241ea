// Package httpd is the frame around the server's handlers: the listener with
// its time-outs, the middleware that every request passes, and the health
// endpoints. It knows no use case.
package httpd

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"github.com/trellis-ats/trellis/core/fault"
)

// Options are what a server is made of. Zero durations and sizes mean the defaults.
type Options struct {
	Listen         string // host:port; port 0 takes a free one
	Handler        http.Handler
	Log            *slog.Logger
	PublicURL      string         // where browsers reach the server; its origin is trusted
	TrustedProxies []netip.Prefix // whose X-Forwarded-For is believed

	ReadHeaderTimeout time.Duration // 5 s
	ReadTimeout       time.Duration // 30 s
	WriteTimeout      time.Duration // 60 s; a long-lived handler lifts it through http.ResponseController
	IdleTimeout       time.Duration // 2 min
	MaxHeaderBytes    int           // 64 KiB
}

// Server is one HTTP listener. Its methods are safe for concurrent use.
type Server struct {
	http   *http.Server
	listen string
	log    *slog.Logger
	cancel context.CancelFunc // ends the requests' contexts
	done   chan struct{}

	mu    sync.Mutex
	addr  net.Addr
	err   error
	begun bool
}

// New returns a server that does not listen yet.
// Errors: fault.Config for a public URL that is not one.
func New(o Options) (*Server, error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	handler, err := Middleware(MiddlewareOptions{Handler: o.Handler, Log: o.Log, PublicURL: o.PublicURL, TrustedProxies: o.TrustedProxies})
	if err != nil {
		return nil, err
	}
	s := &Server{listen: o.Listen, log: o.Log, done: make(chan struct{})}
	s.http = &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: or(o.ReadHeaderTimeout, 5*time.Second),
		ReadTimeout:       or(o.ReadTimeout, 30*time.Second),
		WriteTimeout:      or(o.WriteTimeout, time.Minute),
		IdleTimeout:       or(o.IdleTimeout, 2*time.Minute),
		MaxHeaderBytes:    or(o.MaxHeaderBytes, 64<<10),
		ErrorLog:          slog.NewLogLogger(o.Log.Handler(), slog.LevelWarn),
	}
	return s, nil
}

func or[T comparable](value, otherwise T) T {
	var zero T
	if value == zero {
		return otherwise
	}
	return value
}

// Start binds and serves in the background until Shutdown. The values of ctx
// reach every request; its end does not. It can be called once.
// Errors: fault.Config if the address cannot be bound.
func (s *Server) Start(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.begun {
		return errors.New("httpd: started twice")
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", s.listen)
	if err != nil {
		return fault.Wrap(err, fault.Config, "Cannot listen on %s: choose another address, or stop what is using it.", s.listen)
	}
	base, cancel := context.WithCancel(context.WithoutCancel(ctx))
	s.begun, s.addr, s.cancel = true, listener.Addr(), cancel
	s.http.BaseContext = func(net.Listener) context.Context { return base }
	go s.serve(listener)
	return nil
}

func (s *Server) serve(l net.Listener) {
	defer close(s.done)
	err := s.http.Serve(l)
	if errors.Is(err, http.ErrServerClosed) {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.err = err
	s.log.Error("http server ended", "error", err)
}

// Addr returns where the server listens; nil before Start.
func (s *Server) Addr() net.Addr {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.addr
}

// Done is closed when the server no longer accepts connections. Err then tells why.
func (s *Server) Done() <-chan struct{} { return s.done }

// Err returns why the server ended by itself; nil while it runs and after Shutdown.
func (s *Server) Err() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}

// Shutdown stops accepting and waits for open requests until ctx ends; then it
// cuts them off. Either way the contexts of all requests have ended after it,
// those of websockets too. It returns nil if every request could finish, and
// does nothing before Start.
func (s *Server) Shutdown(ctx context.Context) error {
	s.mu.Lock()
	begun, cancel := s.begun, s.cancel
	s.mu.Unlock()
	if !begun {
		return nil
	}
	err := s.http.Shutdown(ctx)
	cancel()
	if err != nil {
		err = fmt.Errorf("httpd: requests were cut off: %w", errors.Join(err, s.http.Close()))
	}
	<-s.done
	return err
}
