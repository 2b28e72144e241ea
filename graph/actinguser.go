package graph

import (
	"context"

	"github.com/trellis-ats/trellis/graph/generated"
	"github.com/trellis-ats/trellis/graph/model"
)

func (r mutationResolver) SetActingUser(ctx context.Context, input generated.SetActingUserInput) (*generated.SetActingUserPayload, error) {
	c, err := r.ActingUsers.Set(ctx, actorOf(ctx), input.ConnectionID, input.UserID)
	refused, err := refusals(err, "userId")
	return &generated.SetActingUserPayload{Connection: model.NewATSConnection(c), UserErrors: refused}, err
}
