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

func (r queryResolver) Connections(ctx context.Context) ([]model.ATSConnection, error) {
	all, err := r.Options.Connections.List(ctx, actorOf(ctx))
	return model.NewATSConnections(all), err
}

func (r mutationResolver) CreateConnection(ctx context.Context, input generated.CreateConnectionInput) (*generated.CreateConnectionPayload, error) {
	settings, err := settingsOf(input.Settings)
	var made *core.Created
	if err == nil {
		made, err = r.Connections.Create(ctx, actorOf(ctx), core.NewConnection{Adapter: input.Adapter, Name: input.Name, Settings: settings})
	}
	refused, err := refusals(err, "")
	payload := &generated.CreateConnectionPayload{UserErrors: refused}
	if made != nil {
		key, webhook, secret := made.PartnerKey.Reveal(), r.Links.Webhook(made.Connection), made.WebhookSecret.Reveal()
		payload.Connection = model.NewATSConnection(made.Connection)
		payload.PartnerKey, payload.WebhookURL, payload.WebhookSecret = &key, &webhook, &secret
	}
	return payload, err
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
