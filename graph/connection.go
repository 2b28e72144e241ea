package graph

import (
	"context"

	"github.com/trellis-ats/trellis/core"
	"github.com/trellis-ats/trellis/core/fault"
	"github.com/trellis-ats/trellis/graph/generated"
	"github.com/trellis-ats/trellis/graph/model"
)

type connectionResolver struct{ *root }

var _ generated.ConnectionResolver = connectionResolver{}

// Connection returns the resolvers of a connection's fields.
func (r *root) Connection() generated.ConnectionResolver { return connectionResolver{r} }

func (r connectionResolver) WebhookURL(_ context.Context, c *model.ATSConnection) (string, error) {
	return r.Links.Webhook(c.Connection), nil
}

func (r connectionResolver) Capabilities(ctx context.Context, c *model.ATSConnection) ([]model.Capability, error) {
	all, err := r.Connections.Capabilities(ctx, actorOf(ctx), c.Connection)
	return model.NewCapabilities(all), err
}

func (r queryResolver) Connections(ctx context.Context) ([]model.ATSConnection, error) {
	all, err := r.Options.Connections.List(ctx, actorOf(ctx))
	return model.Views(all, model.ViewATSConnection), err
}

func (r queryResolver) Connection(ctx context.Context, id core.ID) (*model.ATSConnection, error) {
	c, err := orNull(r.Options.Connections.Get(ctx, actorOf(ctx), id))
	return model.NewATSConnection(c), err
}

func (r mutationResolver) CreateConnection(ctx context.Context, input generated.CreateConnectionInput) (*generated.CreateConnectionPayload, error) {
	made, err := r.createConnection(ctx, input)
	refused, err := refusals(err, "")
	payload := &generated.CreateConnectionPayload{UserErrors: refused}
	if made != nil {
		key, webhook, secret := made.PartnerKey.Reveal(), r.Links.Webhook(made.Connection), made.WebhookSecret.Reveal()
		payload.Connection = model.NewATSConnection(made.Connection)
		payload.PartnerKey, payload.WebhookURL, payload.WebhookSecret = &key, &webhook, &secret
	}
	return payload, err
}

func (r mutationResolver) createConnection(ctx context.Context, input generated.CreateConnectionInput) (*core.Created, error) {
	settings, err := settingsOf(input.Settings)
	if err != nil {
		return nil, err
	}
	n := core.NewConnection{Adapter: input.Adapter, Name: input.Name, Settings: settings}
	key, err := keyOf(orZero(input.IdempotencyKey), n)
	if err != nil {
		return nil, err
	}
	return r.Connections.Create(ctx, actorOf(ctx), n, key)
}

// settingsOf refuses a setting that is there twice: one of the two would be lost.
func settingsOf(given []generated.ConnectionSettingInput) (map[string]string, error) {
	settings := make(map[string]string, len(given))
	for _, s := range given {
		if _, twice := settings[s.Name]; twice {
			return nil, fault.InvalidField("settings."+s.Name, "DUPLICATE", "The setting %q is there twice.", s.Name)
		}
		settings[s.Name] = s.Value
	}
	return settings, nil
}

func (r mutationResolver) UpdateConnection(ctx context.Context, input generated.UpdateConnectionInput) (*generated.UpdateConnectionPayload, error) {
	settings, err := settingsOf(input.Settings)
	var c *core.Connection
	if err == nil {
		update := core.ConnectionUpdate{Name: input.Name, Settings: settings, Disabled: input.Disabled}
		c, err = r.Connections.Update(ctx, actorOf(ctx), input.ConnectionID, update)
	}
	refused, err := refusals(err, "connectionId")
	return &generated.UpdateConnectionPayload{Connection: model.NewATSConnection(c), UserErrors: refused}, err
}

func (r mutationResolver) CheckConnection(ctx context.Context, input generated.CheckConnectionInput) (*generated.CheckConnectionPayload, error) {
	c, err := r.Connections.Check(ctx, actorOf(ctx), input.ConnectionID)
	refused, err := refusals(err, "connectionId")
	return &generated.CheckConnectionPayload{Connection: model.NewATSConnection(c), UserErrors: refused}, err
}

func (r mutationResolver) RotatePartnerKey(ctx context.Context, input generated.RotatePartnerKeyInput) (*generated.RotatePartnerKeyPayload, error) {
	c, key, err := r.Connections.RotatePartnerKey(ctx, actorOf(ctx), input.ConnectionID)
	refused, err := refusals(err, "connectionId")
	payload := &generated.RotatePartnerKeyPayload{Connection: model.NewATSConnection(c), UserErrors: refused}
	if c != nil {
		text := key.Reveal()
		payload.PartnerKey = &text
	}
	return payload, err
}
