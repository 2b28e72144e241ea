package host

import (
	"context"
	"errors"
	"time"

	"github.com/trellis-ats/trellis/core/ats"
	"github.com/trellis-ats/trellis/plugins/internal/wire"
)

// fairChance is the least time that a call must have had before its being late
// says something about the adapter.
const fairChance = time.Second

// proxy implements the contract by calls to the live process. A call waits for
// one within its deadline.
//
// Errors: those of the adapter; fault.Retryable with source Adapter if there is
// no process, no reply in time, or the process died; fault.Internal with source
// Adapter if the reply breaks the contract; fault.Unsupported for what is not
// offered. A call that writes in the ATS fails with fault.OutcomeUnknown where
// the adapter may have got it and did not tell what it came to.
type proxy struct{ a *adapter }

var (
	_ ats.Adapter       = proxy{}
	_ ats.Inbound       = proxy{}
	_ ats.Results       = proxy{}
	_ ats.Candidates    = proxy{}
	_ ats.Applications  = proxy{}
	_ ats.Feedback      = proxy{}
	_ ats.Reference     = proxy{}
	_ ats.Authorization = proxy{}
	_ ats.Webhooks      = proxy{}
)

// Describe implements ats.Adapter.
func (p proxy) Describe(ctx context.Context) (*ats.Manifest, error) {
	return call(ctx, p.a.short(), func(ctx context.Context, c *wire.Client) (*ats.Manifest, error) {
		return c.Describe(ctx)
	})
}

// CheckConnection implements ats.Adapter.
func (p proxy) CheckConnection(ctx context.Context, connection *ats.Connection) (*ats.ConnectionReport, error) {
	return call(ctx, p.a.long(true), func(ctx context.Context, c *wire.Client) (*ats.ConnectionReport, error) {
		return c.CheckConnection(ctx, connection)
	})
}

// Decode implements ats.Inbound.
func (p proxy) Decode(ctx context.Context, r *ats.InboundRequest) (ats.Command, error) {
	return call(ctx, p.a.short(), func(ctx context.Context, c *wire.Client) (ats.Command, error) {
		return c.Decode(ctx, r)
	})
}

// Encode implements ats.Inbound.
func (p proxy) Encode(ctx context.Context, r *ats.InboundRequest, o ats.Outcome) (*ats.HTTPResponse, error) {
	return call(ctx, p.a.short(), func(ctx context.Context, c *wire.Client) (*ats.HTTPResponse, error) {
		return c.Encode(ctx, r, o)
	})
}

// Deliver implements ats.Results. It is not repeated here when the process
// dies: the caller decides when, and records each attempt.
func (p proxy) Deliver(ctx context.Context, d *ats.Delivery) (*ats.DeliveryReceipt, error) {
	return call(ctx, p.a.long(false), func(ctx context.Context, c *wire.Client) (*ats.DeliveryReceipt, error) {
		return c.Deliver(ctx, d)
	})
}

// how says how a call is made.
type how struct {
	a      *adapter
	limit  time.Duration
	repeat bool // once, if the process dies in its middle
}

func (a *adapter) short() how { return how{a: a, limit: a.options.CallTimeout, repeat: true} }

func (a *adapter) long(repeat bool) how {
	return how{a: a, limit: a.options.LongCallTimeout, repeat: repeat}
}

func call[T any](ctx context.Context, h how, do func(context.Context, *wire.Client) (T, error)) (T, error) {
	ctx, cancel := context.WithTimeout(ctx, h.limit)
	defer cancel()
	var gone *process
	for {
		p, err := h.a.acquire(ctx, gone)
		if err != nil {
			var none T
			return none, err
		}
		began := time.Now()
		reply, err := do(ctx, p.calls)
		h.judge(ctx, p, err, time.Since(began))
		if !h.repeat || !errors.Is(err, wire.ErrLost) {
			return reply, err
		}
		h.repeat, gone = false, p
	}
}

// judge draws from a call's end what it says about the process.
func (h how) judge(ctx context.Context, p *process, err error, took time.Duration) {
	switch {
	case errors.Is(err, wire.ErrLost):
		wish(p.suspect)
	case errors.Is(err, wire.ErrLate):
		if took >= min(h.limit*9/10, fairChance) {
			p.noteLate()
		}
	case ctx.Err() == nil:
		p.noteReply()
	}
}
