package transport_test

import (
	"net"
	"net/http"
	"os"
	"os/signal"
	"testing"
	"time"

	"github.com/99designs/gqlgen/graphql/handler"
	"github.com/99designs/gqlgen/graphql/handler/extension"
	"github.com/99designs/gqlgen/graphql/handler/lru"
	stock "github.com/99designs/gqlgen/graphql/handler/transport"

	"github.com/trellis-ats/trellis/graph/transport"
	"github.com/trellis-ats/trellis/graph/transport/transporttest"
)

// TestListen serves the test schema until it is interrupted, for suites and
// clients that others wrote.
func TestListen(t *testing.T) {
	address := os.Getenv("TRELLIS_TRANSPORT_LISTEN")
	if address == "" {
		t.Skip("set TRELLIS_TRANSPORT_LISTEN=127.0.0.1:8090 to serve the test schema there until interrupted")
	}
	ws, sse := &transport.Websocket{InitTimeout: 3 * time.Second}, &transport.SSE{}
	s := handler.New(transporttest.New())
	s.AddTransport(ws)
	s.AddTransport(sse)
	s.AddTransport(stock.GET{})
	s.AddTransport(stock.POST{})
	s.Use(extension.AutomaticPersistedQuery{Cache: lru.New[string](100)})

	listener, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: s, ReadTimeout: time.Second, WriteTimeout: time.Second}
	go func() { _ = server.Serve(listener) }()
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, os.Interrupt)
	<-stop
	if err := ws.Close(t.Context()); err != nil {
		t.Error(err)
	}
	if err := sse.Close(t.Context()); err != nil {
		t.Error(err)
	}
	if err := server.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
}
