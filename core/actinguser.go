package core

import (
	"context"

	"github.com/trellis-ats/trellis/core/ats"
	"github.com/trellis-ats/trellis/core/fault"
)

// ActingUsers are the use cases around the user of an ATS in whose name we act there.
type ActingUsers struct {
	connections *Connections
	choices     Choices
}

// NewActingUsers returns the use cases.
func NewActingUsers(connections *Connections, choices Choices) *ActingUsers {
	return &ActingUsers{connections: connections, choices: choices}
}

// Set chooses a connection's acting user, who must be active and, where the ATS
// tells who is, a site admin.
// Errors: fault.Forbidden, fault.NotFound, fault.Invalid; fault.Conflict with
// Kind "CONSENTED" if the connection acts for whoever consented to it; those of
// the ATS.
func (us *ActingUsers) Set(ctx context.Context, by Actor, connection ID, user string) (*Connection, error) {
	if err := by.Require(PermitConfigure); err != nil {
		return nil, err
	}
	c, err := us.connections.Get(ctx, by, connection)
	if err != nil {
		return nil, unknownField(err, "connectionId", "connection")
	}
	if c.Settings[ats.SettingAuthMode] == ats.AuthModeAuthorizationCode {
		return nil, fault.ConflictField("userId", "CONSENTED", "CONSENTED", "On this connection acts who consented to it, or a service account. Nothing was changed; connect anew to let another user act.")
	}
	found, err := chosen(ctx, us.choices, by, choice{
		ChoiceQuery: ChoiceQuery{ConnectionID: connection, Kind: ats.ReferenceUsers}, path: "userId", noun: "user", id: user,
	})
	if err != nil {
		return nil, err
	}
	if admin, told := found.Details["site_admin"]; told && admin != "true" {
		return nil, fault.InvalidField("userId", "NOT_SITE_ADMIN", "The user %s is no site admin in the ATS, whose API shows its data to site admins alone. Nothing was changed; choose a site admin, or make the user one.", user)
	}
	update := ConnectionUpdate{Settings: map[string]string{ats.SettingActingUser: found.ID}}
	return us.connections.Update(ctx, by, connection, update)
}
