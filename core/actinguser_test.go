package core_test

import (
	"testing"

	"github.com/trellis-ats/trellis/core"
	"github.com/trellis-ats/trellis/core/ats"
	"github.com/trellis-ats/trellis/core/fault"
)

// Who acts for us in the ATS must be able to.
func TestTheActingUserIsChosenFromThoseWhoCan(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	k := listed(w)
	users := core.NewActingUsers(w.connections, k)
	set := func(user string) error {
		_, err := users.Set(t.Context(), w.admin, w.connection.ID, user)
		return err
	}
	w.about(set(""), "userId", "REQUIRED")
	w.about(set("user-9"), "userId", "UNKNOWN")
	w.about(set("user-2"), "userId", "NOT_SITE_ADMIN")
	c, err := users.Set(t.Context(), w.admin, w.connection.ID, "user-1")
	w.ok(err)
	if c.Settings[ats.SettingActingUser] != "user-1" || c.Settings["account"] != "acme" {
		t.Errorf("settings %v", c.Settings)
	}
	q := core.ChoiceQuery{ConnectionID: w.connection.ID, Kind: ats.ReferenceUsers}
	k.kept[q] = []ats.ReferenceItem{{ID: "user-3", Name: "Sam Example", Active: true}}
	w.ok(set("user-3")) // this ATS does not tell who is a site admin
	_, err = users.Set(t.Context(), w.admin, "con_0", "user-1")
	w.about(err, "connectionId", "UNKNOWN")
	_, err = users.Set(t.Context(), w.engine, w.connection.ID, "user-1")
	w.refused(err, fault.Forbidden)
}
