package transport

import (
	"encoding/json"
	"errors"
	"fmt"
	"unicode/utf8"

	"github.com/99designs/gqlgen/graphql"
	"github.com/coder/websocket"
	"github.com/vektah/gqlparser/v2/gqlerror"
)

// The types of messages.
const (
	wsInit      = "connection_init"
	wsAck       = "connection_ack"
	wsPing      = "ping"
	wsPong      = "pong"
	wsSubscribe = "subscribe"
	wsNext      = "next"
	wsError     = "error"
	wsComplete  = "complete"
)

// wsMessage is a message from the client.
type wsMessage struct {
	Type    string          `json:"type"`
	ID      *string         `json:"id"`
	Payload json.RawMessage `json:"payload"`
}

func (m wsMessage) id() string {
	if m.ID == nil {
		return ""
	}
	return *m.ID
}

// wsParse reads a message and checks what the protocol says about its form.
func wsParse(kind websocket.MessageType, data []byte) (wsMessage, error) {
	var m wsMessage
	if kind != websocket.MessageText {
		return m, errors.New("Invalid message: not text") //nolint:staticcheck // a close reason, spelled like the protocol's
	}
	if err := decode(data, &m); err != nil {
		return m, errors.New("Invalid message: not a JSON object of the protocol") //nolint:staticcheck // as above
	}
	switch m.Type {
	case wsInit, wsPing, wsPong:
		if !m.plain() {
			return m, fmt.Errorf("Invalid message: payload of %s is not an object", m.Type) //nolint:staticcheck // as above
		}
	case wsSubscribe, wsComplete:
		if m.id() == "" {
			return m, fmt.Errorf("Invalid message: %s without id", m.Type) //nolint:staticcheck // as above
		}
	default:
		return m, fmt.Errorf("Invalid message type %q", m.Type) //nolint:staticcheck // as above
	}
	return m, nil
}

// plain reports whether the payload is absent, null or an object.
func (m wsMessage) plain() bool {
	return len(m.Payload) == 0 || m.Payload[0] == '{' || string(m.Payload) == "null"
}

func (m wsMessage) object() (map[string]any, error) {
	if len(m.Payload) == 0 {
		return nil, nil //nolint:nilnil // no payload
	}
	var object map[string]any
	err := json.Unmarshal(m.Payload, &object)
	return object, err
}

// params reads the payload of subscribe. The query must be there; it may be
// empty if an extension brings it.
func (m wsMessage) params() (*graphql.RawParams, error) {
	var q request
	if len(m.Payload) == 0 || decode(m.Payload, &q) != nil || q.Query == nil {
		return nil, errors.New("Invalid message: payload of subscribe needs a query") //nolint:staticcheck // as above
	}
	p := &graphql.RawParams{Query: *q.Query, Variables: q.Variables, Extensions: q.Extensions}
	if q.OperationName != nil {
		p.OperationName = *q.OperationName
	}
	return p, nil
}

// wsEnvelope writes a message; id and payload may be empty.
func wsEnvelope(kind, id string, payload []byte) []byte {
	b := make([]byte, 0, len(kind)+len(id)+len(payload)+40)
	b = append(b, '{')
	if id != "" {
		quoted, _ := json.Marshal(id) // a string always can be
		b = append(append(append(b, `"id":`...), quoted...), ',')
	}
	b = append(append(append(b, `"type":"`...), kind...), '"')
	if len(payload) > 0 {
		b = append(append(b, `,"payload":`...), payload...)
	}
	return append(b, '}')
}

// wsPayload encodes a payload; nil is none.
func wsPayload(v any) ([]byte, error) {
	if v == nil {
		return nil, nil
	}
	return json.Marshal(v)
}

// wsResult encodes an execution result. Data is absent, not null, if nothing
// was executed.
func wsResult(r *graphql.Response) []byte {
	if len(r.Errors) == 0 && len(r.Extensions) == 0 && r.HasNext == nil && r.Data != nil {
		return append(append([]byte(`{"data":`), r.Data...), '}')
	}
	var result any = body{Errors: r.Errors, Data: r.Data, Extensions: r.Extensions}
	if r.HasNext != nil { // a part of a deferred result
		result = r
	}
	encoded, err := json.Marshal(result)
	if err != nil { // an extension that is not JSON
		return []byte(`{"errors":[{"message":"Something went wrong on our side."}]}`)
	}
	return encoded
}

// wsFailure is the result that carries errors alone.
func wsFailure(errs gqlerror.List) []byte { return wsResult(&graphql.Response{Errors: errs}) }

// wsReason shortens a text to what a close frame can hold, 123 bytes.
func wsReason(text string) string {
	const most = 123
	if len(text) <= most {
		return text
	}
	text = text[:most]
	for !utf8.ValidString(text) {
		text = text[:len(text)-1]
	}
	return text
}
