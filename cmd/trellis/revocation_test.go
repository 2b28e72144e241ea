package main

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/coder/websocket/wsjson"
)

// newToken makes an API token of a recruiter; expires may be nil.
func (s *server) newToken(expires any) (id, secret string) {
	s.t.Helper()
	var data struct {
		CreateApiToken struct {
			APIToken struct{ ID string } `json:"apiToken"`
			Secret   string
		}
	}
	s.graphql(s.made.AdminToken, `mutation($input: CreateApiTokenInput!) { createApiToken(input: $input) { apiToken { id } secret } }`,
		map[string]any{"input": map[string]any{"name": "for a while", "role": "RECRUITER", "expiresAt": expires}}, &data)
	return data.CreateApiToken.APIToken.ID, data.CreateApiToken.Secret
}

// live opens a websocket with a running subscription.
func (s *server) live(ctx context.Context, secret string) *websocket.Conn {
	s.t.Helper()
	socket, _, err := websocket.Dial(ctx, strings.Replace(s.base, "http", "ws", 1)+"/graphql", &websocket.DialOptions{Subprotocols: []string{"graphql-transport-ws"}})
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = socket.CloseNow() })
	for _, m := range []map[string]any{
		{"type": "connection_init", "payload": map[string]any{"authorization": "Bearer " + secret}},
		{"type": "subscribe", "id": "1", "payload": map[string]any{"query": `subscription { events(after: "ZmVlZDow") { cursor } }`}},
	} {
		if err := wsjson.Write(ctx, socket, m); err != nil {
			s.t.Fatal(err)
		}
		var answer struct{ Type string }
		if err := wsjson.Read(ctx, socket, &answer); err != nil || (answer.Type != "connection_ack" && answer.Type != "next") {
			s.t.Fatalf("%v: %+v", err, answer)
		}
	}
	return socket
}

// closing reads until the server closes and returns the code.
func closing(ctx context.Context, socket *websocket.Conn) websocket.StatusCode {
	for {
		if _, _, err := socket.Read(ctx); err != nil {
			return websocket.CloseStatus(err)
		}
	}
}

// pinged asks for a sign of life and waits for it.
func pinged(ctx context.Context, socket *websocket.Conn) error {
	if err := wsjson.Write(ctx, socket, map[string]string{"type": "ping"}); err != nil {
		return err
	}
	for {
		var m struct{ Type string }
		if err := wsjson.Read(ctx, socket, &m); err != nil || m.Type == "pong" {
			return err
		}
	}
}

func TestRevokedTokensEndOpenConnections(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, d database) {
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		s := newServer(t, d)
		other := s // where the token is revoked
		if d.name != "SQLite" {
			other = s.replica()
		}
		id, secret := s.newToken(nil)
		socket, bystander := s.live(ctx, secret), s.live(ctx, s.made.AdminToken)
		var data any
		began := time.Now()
		other.graphql(s.made.AdminToken, `mutation($id: ID!) { revokeApiToken(input: {tokenId: $id}) { userErrors { message } } }`, map[string]any{"id": id}, &data)
		if code := closing(ctx, socket); code != 4403 {
			t.Errorf("the socket was closed with %d", code)
		}
		if took := time.Since(began); took > 3*time.Second {
			t.Errorf("after %v", took)
		}
		if err := pinged(ctx, bystander); err != nil {
			t.Errorf("another token's socket ended too: %v", err)
		}
		_, secret = s.newToken(time.Now().Add(2 * time.Second).UTC().Format("2006-01-02T15:04:05.000Z"))
		if code := closing(ctx, s.live(ctx, secret)); code != 4403 {
			t.Errorf("at the end of its token, the socket was closed with %d", code)
		}
	})
}
