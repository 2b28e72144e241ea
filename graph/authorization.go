package graph

import (
	"context"
	"time"

	"github.com/trellis-ats/trellis/core"
	"github.com/trellis-ats/trellis/graph/generated"
	"github.com/trellis-ats/trellis/graph/model"
)

// greenhouse is the adapter's name that some mutations are about.
const greenhouse = "greenhouse"

func (r connectionResolver) Authorization(ctx context.Context, c *model.ATSConnection) (*model.Authorization, error) {
	return of(ctx, loadersOf(ctx).authorizations, "authorization", c.Batch, c.Connection, connectionID)
}

// readAuthorizations gives each connection one: those that were never
// connected have one too.
func (o Options) readAuthorizations(ctx context.Context, by core.Actor, connections []core.ID) (map[core.ID]*model.Authorization, error) {
	found, err := o.Authorizations.Of(ctx, by, connections)
	if err != nil {
		return nil, err
	}
	all := make(map[core.ID]*model.Authorization, len(connections))
	for _, id := range connections {
		all[id] = model.NewAuthorization(found[id])
	}
	return all, nil
}

// connect connects with a credential of an adapter; empty is any.
func (r mutationResolver) connect(ctx context.Context, adapter string, in generated.ConnectCredentialsInput) (*model.ATSConnection, []model.UserError, error) {
	c, err := r.Authorizations.Connect(ctx, actorOf(ctx), core.Credentials{
		ConnectionID: in.ConnectionID, Adapter: adapter, ClientID: in.ClientID,
		ClientSecret: core.Secret(in.ClientSecret), ActingUser: orZero(in.ActingUserID),
	})
	refused, err := refusals(err, "connectionId")
	return model.NewATSConnection(c), refused, err
}

func (r mutationResolver) ConnectCredentials(ctx context.Context, input generated.ConnectCredentialsInput) (*generated.ConnectCredentialsPayload, error) {
	c, refused, err := r.connect(ctx, "", input)
	return &generated.ConnectCredentialsPayload{Connection: c, UserErrors: refused}, err
}

func (r mutationResolver) ConnectGreenhouseCredentials(ctx context.Context, input generated.ConnectGreenhouseCredentialsInput) (*generated.ConnectGreenhouseCredentialsPayload, error) {
	c, refused, err := r.connect(ctx, greenhouse, generated.ConnectCredentialsInput(input))
	return &generated.ConnectGreenhouseCredentialsPayload{Connection: c, UserErrors: refused}, err
}

// begin begins a consent at the ATS of an adapter; empty is any.
func (r mutationResolver) begin(ctx context.Context, adapter string, connection core.ID) (*string, *time.Time, []model.UserError, error) {
	p, err := r.Authorizations.BeginConsent(ctx, actorOf(ctx), connection, adapter)
	refused, err := refusals(err, "connectionId")
	if p == nil {
		return nil, nil, refused, err
	}
	return &p.URL, &p.ExpiresAt, refused, err
}

func (r mutationResolver) BeginAuthorization(ctx context.Context, input generated.BeginAuthorizationInput) (*generated.BeginAuthorizationPayload, error) {
	address, until, refused, err := r.begin(ctx, "", input.ConnectionID)
	return &generated.BeginAuthorizationPayload{AuthorizationURL: address, ExpiresAt: until, UserErrors: refused}, err
}

func (r mutationResolver) BeginGreenhouseAuthorization(ctx context.Context, input generated.BeginGreenhouseAuthorizationInput) (*generated.BeginGreenhouseAuthorizationPayload, error) {
	address, until, refused, err := r.begin(ctx, greenhouse, input.ConnectionID)
	return &generated.BeginGreenhouseAuthorizationPayload{AuthorizationURL: address, ExpiresAt: until, UserErrors: refused}, err
}

func (r mutationResolver) DisconnectConnection(ctx context.Context, input generated.DisconnectConnectionInput) (*generated.DisconnectConnectionPayload, error) {
	c, err := r.Authorizations.Disconnect(ctx, actorOf(ctx), input.ConnectionID)
	refused, err := refusals(err, "connectionId")
	return &generated.DisconnectConnectionPayload{Connection: model.NewATSConnection(c), UserErrors: refused}, err
}
