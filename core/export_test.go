package core

import "context"

// RequestPush asks for a push as a rule does.
func RequestPush(ctx context.Context, tx Tx, by Actor, a *Assessment, c *Connection, m PushMode, now Clock) (*Push, error) {
	return requestPush(ctx, tx, by, pushOrder{Assessment: a, Revision: 1, Connection: c, Trigger: m, At: now.Now()})
}
