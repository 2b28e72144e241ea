// Package ats is the contract between Trellis and the code that knows one
// applicant tracking system (ATS). It is plain Go: an adapter implements the
// interfaces that it can, Describe says which and under what constraints, and
// plugins/ carries the calls to the adapter's process.
//
// An adapter only translates. It keeps no state between calls, opens no
// listening socket and never calls back into the host. Settings, secrets and
// the acting user travel with each call. Errors are *fault.Error; the adapter
// chooses the class.
package ats

import (
	"context"
	"time"
)

// Adapter is what every adapter implements.
type Adapter interface {
	// Describe returns what the adapter is and can do. It makes no network
	// call and gives the same answer for the life of the process.
	Describe(ctx context.Context) (*Manifest, error)

	// CheckConnection asks the ATS who we are there and what is missing.
	// What cannot be checked, or fails, is reported as a Check; an error is
	// returned only if the adapter could not look at all.
	CheckConnection(ctx context.Context, c *Connection) (*ConnectionReport, error)
}

// Inbound is implemented by adapters whose ATS calls us and waits for an answer.
type Inbound interface {
	// Decode turns the ATS's request into a command.
	// Errors: fault.Invalid (with Fields) for a request that breaks the ATS's own contract.
	Decode(ctx context.Context, r *InboundRequest) (Command, error)

	// Encode turns what came of the command, or a Refused, into the answer
	// that this ATS expects.
	Encode(ctx context.Context, r *InboundRequest, o Outcome) (*HTTPResponse, error)
}

// Results is implemented by adapters that bring a result back to the ATS.
type Results interface {
	// Deliver tells the ATS about a result, or about the state of an order.
	// It is safe to ask for twice.
	// Errors: every class; the class decides what the host does next. The
	// receipt comes with an error too, with the exchanges that were made.
	Deliver(ctx context.Context, d *Delivery) (*DeliveryReceipt, error)
}

// Connection is one organization's link to one ATS account, as it travels with
// each call. It is never kept.
type Connection struct {
	ID       string
	Settings map[string]string // by the names of Manifest.Settings; defaults filled in
	Secrets  map[string]string // decrypted for this call only
	Actor    string            // who acts in the ATS; empty if the ATS has no such notion
	Vendor   map[string]string // what the vendor configures once for all customers
}

// SecretPartnerKey names the secret that Trellis issues and the ATS presents.
const SecretPartnerKey = "partner_key"

// SecretWebhook names the secret that signs the ATS's web hooks.
const SecretWebhook = "webhook_secret"

// ConnectionReport is what CheckConnection found.
type ConnectionReport struct {
	Identity     string        // who we are there: an account or user name
	Account      string        // the tenant's id at the ATS; refuses a mix-up at re-connect
	Missing      []string      // permissions that are missing
	ClockSkew    time.Duration // the ATS's clock minus ours
	Checks       []Check
	Capabilities []Capability // what is effective for this connection, with reasons
	Exchanges    []Exchange
}

// Check is one thing that was looked at.
type Check struct {
	Name    string
	OK      bool
	Message string // what is wrong and how to mend it, or what was found
}
