package store

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/trellis-ats/trellis/core"
)

// authorizationRow leaves the sealed tokens out: lists must not carry them.
type authorizationRow struct {
	ConnectionID     core.ID                 `db:"connection_id"`
	OrganizationID   core.ID                 `db:"organization_id"`
	Mode             string                  `db:"mode"`
	State            core.AuthorizationState `db:"state"`
	Reason           string                  `db:"reason"`
	Account          string                  `db:"account"`
	AccountName      string                  `db:"account_name"`
	Subject          string                  `db:"subject"`
	Scopes           JSON[[]string]          `db:"scopes"`
	Version          int                     `db:"version"`
	ExpiresAt        Time                    `db:"expires_at"`
	RefreshExpiresAt Time                    `db:"refresh_expires_at"`
	ConnectedAt      Time                    `db:"connected_at"`
	RefreshedAt      Time                    `db:"refreshed_at"`
	RefreshAt        Time                    `db:"refresh_at"`
	LeaseID          string                  `db:"lease_id"`
	LeaseUntil       Time                    `db:"lease_until"`
	DoubtSince       Time                    `db:"doubt_since"`
}

func newAuthorizationRow(a *core.Authorization) authorizationRow {
	return authorizationRow{
		ConnectionID: a.ConnectionID, OrganizationID: a.OrganizationID, Mode: a.Mode, State: a.State, Reason: a.Reason,
		Account: a.Account, AccountName: a.AccountName, Subject: a.Subject, Scopes: JSON[[]string]{a.Scopes}, Version: a.Version,
		ExpiresAt: Time{a.ExpiresAt}, RefreshExpiresAt: Time{a.RefreshExpiresAt}, ConnectedAt: Time{a.ConnectedAt},
		RefreshedAt: Time{a.RefreshedAt}, RefreshAt: Time{a.RefreshAt},
		LeaseID: a.LeaseID, LeaseUntil: Time{a.LeaseUntil}, DoubtSince: Time{a.DoubtSince},
	}
}

func (r authorizationRow) authorization() core.Authorization {
	return core.Authorization{
		ConnectionID: r.ConnectionID, OrganizationID: r.OrganizationID, Mode: r.Mode, State: r.State, Reason: r.Reason,
		Account: r.Account, AccountName: r.AccountName, Subject: r.Subject, Scopes: r.Scopes.V, Version: r.Version,
		ExpiresAt: r.ExpiresAt.Time, RefreshExpiresAt: r.RefreshExpiresAt.Time, ConnectedAt: r.ConnectedAt.Time,
		RefreshedAt: r.RefreshedAt.Time, RefreshAt: r.RefreshAt.Time,
		LeaseID: r.LeaseID, LeaseUntil: r.LeaseUntil.Time, DoubtSince: r.DoubtSince.Time,
	}
}

// Authorization implements core.AuthorizationReader.
func (r reader) Authorization(ctx context.Context, organization, connection core.ID) (*core.Authorization, error) {
	return r.authorizationOf(ctx, organization, connection, "")
}

// LockAuthorization implements core.AuthorizationWriter.
func (t *tx) LockAuthorization(ctx context.Context, organization, connection core.ID) (*core.Authorization, error) {
	return t.authorizationOf(ctx, organization, connection, t.dialect.lock())
}

func (r reader) authorizationOf(ctx context.Context, organization, connection core.ID, lock string) (*core.Authorization, error) {
	var row authorizationRow
	query := selectFrom[authorizationRow]("connection_authorizations") + " WHERE organization_id = $1 AND connection_id = $2" + lock
	if err := r.q.get(ctx, &row, query, organization, connection); err != nil {
		return nil, notFound(err, "authorization")
	}
	a := row.authorization()
	return &a, nil
}

// AuthorizationsOf implements core.AuthorizationReader.
func (r reader) AuthorizationsOf(ctx context.Context, organization core.ID, connections []core.ID) ([]core.Authorization, error) {
	if len(connections) == 0 {
		return nil, nil
	}
	w := owned(organization)
	in(&w, "connection_id %s", connections)
	rows := []authorizationRow{}
	err := r.q.list(ctx, &rows, selectFrom[authorizationRow]("connection_authorizations")+w.String(), w.arguments...)
	return convertAll(rows, authorizationRow.authorization), err
}

// tokensOf is what a connection's tokens are sealed for.
func tokensOf(connection core.ID) string {
	return strings.Join([]string{"tokens", string(connection)}, "\x00")
}

// AuthorizationTokens implements core.AuthorizationReader.
func (r reader) AuthorizationTokens(ctx context.Context, organization, connection core.ID) (map[string]core.Secret, error) {
	var blob []byte
	const query = "SELECT sealed_tokens FROM connection_authorizations WHERE organization_id = $1 AND connection_id = $2"
	if err := r.q.get(ctx, &blob, query, organization, connection); err != nil {
		return nil, notFound(err, "authorization")
	}
	plain, err := r.keys.open(tokensOf(connection), blob)
	if err != nil {
		return nil, err
	}
	tokens := map[string]core.Secret{}
	if err := json.Unmarshal(plain, &tokens); err != nil {
		return nil, fmt.Errorf("store: tokens of %s: %w", connection, err)
	}
	return tokens, nil
}

// SaveAuthorization implements core.AuthorizationWriter.
// Errors: fault.NotFound for one without tokens that was never kept;
// fault.Config without a master key.
func (t *tx) SaveAuthorization(ctx context.Context, a *core.Authorization, tokens map[string]core.Secret) error {
	row := newAuthorizationRow(a)
	if tokens == nil {
		return t.updateAuthorization(ctx, row)
	}
	plain, err := json.Marshal(tokens)
	if err != nil {
		return fmt.Errorf("store: tokens of %s: %w", a.ConnectionID, err)
	}
	blob, err := t.keys.seal(tokensOf(a.ConnectionID), plain)
	if err != nil {
		return err
	}
	columns, values := columnsOf[authorizationRow](), valuesOf(row)
	var changes []string
	for _, c := range columns[2:] { // whose it is does not change
		changes = append(changes, c+" = excluded."+c)
	}
	var connection core.ID
	err = t.q.get(ctx, &connection, fmt.Sprintf(`INSERT INTO connection_authorizations AS a (%s, sealed_tokens) VALUES (%s)
		ON CONFLICT (connection_id) DO UPDATE SET %s, sealed_tokens = excluded.sealed_tokens
		WHERE a.organization_id = excluded.organization_id RETURNING connection_id`,
		strings.Join(columns, ", "), placeholders(1, len(columns)+1), strings.Join(changes, ", ")), append(values, blob)...)
	return notFound(err, "authorization")
}

func (t *tx) updateAuthorization(ctx context.Context, row authorizationRow) error {
	columns, values := columnsOf[authorizationRow](), valuesOf(row)
	var changes []string
	for i, c := range columns[2:] {
		changes = append(changes, fmt.Sprintf("%s = $%d", c, i+3))
	}
	var connection core.ID
	query := "UPDATE connection_authorizations SET " + strings.Join(changes, ", ") + " WHERE connection_id = $1 AND organization_id = $2 RETURNING connection_id"
	return notFound(t.q.get(ctx, &connection, query, values...), "authorization")
}

// DueAuthorizations implements core.AuthorizationWriter.
func (t *tx) DueAuthorizations(ctx context.Context, now time.Time, limit int) ([]core.Authorization, error) {
	rows := []authorizationRow{}
	query := selectFrom[authorizationRow]("connection_authorizations") + " WHERE refresh_at <= $1 ORDER BY refresh_at LIMIT $2" + t.dialect.lockFree()
	err := t.q.list(ctx, &rows, query, Time{now}, limit)
	return convertAll(rows, authorizationRow.authorization), err
}
