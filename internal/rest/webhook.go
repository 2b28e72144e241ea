package rest

import (
	"context"
	"log/slog"
	"net/http"

	"github.com/trellis-ats/trellis/core"
	"github.com/trellis-ats/trellis/core/ats"
)

// Receiver keeps what an ATS tells; *core.Webhooks is one.
type Receiver interface {
	Receive(ctx context.Context, call *core.WebhookCall) *ats.HTTPResponse
}

// Webhooks serves the address of web hooks, POST /api/webhooks/{adapter}. Whose
// they are is in the query; that they are authentic is for the adapter to say.
// It is safe for concurrent use.
type Webhooks struct {
	receiver Receiver
	log      *slog.Logger
}

// NewWebhooks returns the endpoint.
func NewWebhooks(r Receiver, log *slog.Logger) *Webhooks { return &Webhooks{receiver: r, log: log} }

// Register mounts the endpoint.
func (h *Webhooks) Register(mux *http.ServeMux) {
	mux.HandleFunc("POST /api/webhooks/{adapter}", h.serve)
}

func (h *Webhooks) serve(w http.ResponseWriter, r *http.Request) {
	call := &core.WebhookCall{
		Adapter: r.PathValue("adapter"), Connection: r.URL.Query().Get("connection"), HTTP: requestOf(r, nil),
	}
	if basic := r.Header.Values("Authorization"); len(basic) > 0 {
		call.HTTP.Header["Authorization"] = basic // part of the proof, and not kept
	}
	call.HTTP.Body, call.Problem = readBody(w, r)
	writeAnswer(w, r, h.log, h.receiver.Receive(r.Context(), call))
}
