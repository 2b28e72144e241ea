-- +goose Up
-- version counts the tokens that were stored; a refresh stores only over those
-- that it began with. lease_* is the refresh that is under way.
CREATE TABLE connection_authorizations (
    connection_id      TEXT NOT NULL PRIMARY KEY REFERENCES connections (id),
    organization_id    TEXT NOT NULL REFERENCES organizations (id),
    mode               TEXT NOT NULL,
    state              TEXT NOT NULL,
    reason             TEXT NOT NULL,
    account            TEXT NOT NULL,
    account_name       TEXT NOT NULL,
    subject            TEXT NOT NULL,
    scopes             TEXT NOT NULL,
    sealed_tokens      BLOB NOT NULL,
    version            INTEGER NOT NULL,
    expires_at         TEXT,
    refresh_expires_at TEXT,
    connected_at       TEXT,
    refreshed_at       TEXT,
    refresh_at         TEXT,
    lease_id           TEXT NOT NULL,
    lease_until        TEXT,
    doubt_since        TEXT
) STRICT;
CREATE INDEX connection_authorizations_due ON connection_authorizations (refresh_at);

CREATE TABLE consents (
    hash            TEXT NOT NULL PRIMARY KEY,
    organization_id TEXT NOT NULL REFERENCES organizations (id),
    connection_id   TEXT NOT NULL REFERENCES connections (id),
    principal       TEXT NOT NULL,
    expires_at      TEXT NOT NULL
) STRICT;
CREATE INDEX consents_expiry ON consents (expires_at);

CREATE TABLE rate_windows (
    connection_id   TEXT NOT NULL REFERENCES connections (id),
    organization_id TEXT NOT NULL REFERENCES organizations (id),
    scope           TEXT NOT NULL,
    request_limit   INTEGER NOT NULL,
    length_ns       INTEGER NOT NULL,
    spent           INTEGER NOT NULL,
    resets_at       TEXT NOT NULL,
    announced       INTEGER NOT NULL,
    closed_until    TEXT,
    PRIMARY KEY (connection_id, scope)
) STRICT;

CREATE TABLE rate_claims (
    id            TEXT NOT NULL PRIMARY KEY,
    connection_id TEXT NOT NULL,
    scope         TEXT NOT NULL,
    cost          INTEGER NOT NULL,
    expires_at    TEXT NOT NULL
) STRICT;
CREATE INDEX rate_claims_window ON rate_claims (connection_id, scope);

CREATE TABLE reference_lists (
    connection_id   TEXT NOT NULL REFERENCES connections (id),
    organization_id TEXT NOT NULL REFERENCES organizations (id),
    kind            TEXT NOT NULL,
    parent          TEXT NOT NULL,
    items           TEXT NOT NULL,
    truncated       INTEGER NOT NULL,
    fetched_at      TEXT,
    fetching_until  TEXT,
    PRIMARY KEY (connection_id, kind, parent)
) STRICT;

-- +goose Down
DROP TABLE reference_lists;
DROP TABLE rate_claims;
DROP TABLE rate_windows;
DROP TABLE consents;
DROP TABLE connection_authorizations;
