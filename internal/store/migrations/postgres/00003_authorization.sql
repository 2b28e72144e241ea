-- +goose Up
-- version counts the tokens that were stored; a refresh stores only over those
-- that it began with. lease_* is the refresh that is under way.
CREATE TABLE connection_authorizations (
    connection_id      text COLLATE "C" NOT NULL PRIMARY KEY REFERENCES connections (id),
    organization_id    text COLLATE "C" NOT NULL REFERENCES organizations (id),
    mode               text NOT NULL,
    state              text NOT NULL,
    reason             text NOT NULL,
    account            text NOT NULL,
    account_name       text NOT NULL,
    subject            text NOT NULL,
    scopes             text NOT NULL,
    sealed_tokens      bytea NOT NULL,
    version            integer NOT NULL,
    expires_at         timestamptz,
    refresh_expires_at timestamptz,
    connected_at       timestamptz,
    refreshed_at       timestamptz,
    refresh_at         timestamptz,
    lease_id           text COLLATE "C" NOT NULL,
    lease_until        timestamptz,
    doubt_since        timestamptz
);
CREATE INDEX connection_authorizations_due ON connection_authorizations (refresh_at);

CREATE TABLE consents (
    hash            text NOT NULL PRIMARY KEY,
    organization_id text COLLATE "C" NOT NULL REFERENCES organizations (id),
    connection_id   text COLLATE "C" NOT NULL REFERENCES connections (id),
    principal       text NOT NULL,
    expires_at      timestamptz NOT NULL
);
CREATE INDEX consents_expiry ON consents (expires_at);

CREATE TABLE rate_windows (
    connection_id   text COLLATE "C" NOT NULL REFERENCES connections (id),
    organization_id text COLLATE "C" NOT NULL REFERENCES organizations (id),
    scope           text NOT NULL,
    request_limit   integer NOT NULL,
    length_ns       bigint NOT NULL,
    spent           integer NOT NULL,
    resets_at       timestamptz NOT NULL,
    announced       boolean NOT NULL,
    closed_until    timestamptz,
    PRIMARY KEY (connection_id, scope)
);

CREATE TABLE rate_claims (
    id            text COLLATE "C" NOT NULL PRIMARY KEY,
    connection_id text COLLATE "C" NOT NULL,
    scope         text NOT NULL,
    cost          integer NOT NULL,
    expires_at    timestamptz NOT NULL
);
CREATE INDEX rate_claims_window ON rate_claims (connection_id, scope);

CREATE TABLE reference_lists (
    connection_id   text COLLATE "C" NOT NULL REFERENCES connections (id),
    organization_id text COLLATE "C" NOT NULL REFERENCES organizations (id),
    kind            text NOT NULL,
    parent          text NOT NULL,
    items           text NOT NULL,
    truncated       boolean NOT NULL,
    fetched_at      timestamptz,
    fetching_until  timestamptz,
    PRIMARY KEY (connection_id, kind, parent)
);

-- +goose Down
DROP TABLE reference_lists;
DROP TABLE rate_claims;
DROP TABLE rate_windows;
DROP TABLE consents;
DROP TABLE connection_authorizations;
