-- +goose Up
-- Times are UTC text of fixed width with microseconds, so that they sort.
CREATE TABLE organizations (
    id         TEXT NOT NULL PRIMARY KEY,
    name       TEXT NOT NULL UNIQUE,
    created_at TEXT NOT NULL
) STRICT;

CREATE TABLE tokens (
    id              TEXT NOT NULL PRIMARY KEY,
    organization_id TEXT NOT NULL REFERENCES organizations (id),
    name            TEXT NOT NULL,
    role            TEXT NOT NULL,
    hash            TEXT NOT NULL UNIQUE,
    created_at      TEXT NOT NULL,
    expires_at      TEXT,
    revoked_at      TEXT,
    last_used_at    TEXT
) STRICT;

CREATE TABLE connections (
    id              TEXT NOT NULL PRIMARY KEY,
    organization_id TEXT NOT NULL REFERENCES organizations (id),
    adapter         TEXT NOT NULL,
    name            TEXT NOT NULL,
    settings        TEXT NOT NULL,
    sealed_secrets  BLOB NOT NULL,
    disabled        INTEGER NOT NULL,
    created_at      TEXT NOT NULL
) STRICT;
CREATE INDEX connections_list ON connections (organization_id, id);

CREATE TABLE partner_keys (
    id              TEXT NOT NULL PRIMARY KEY,
    organization_id TEXT NOT NULL REFERENCES organizations (id),
    connection_id   TEXT NOT NULL REFERENCES connections (id),
    adapter         TEXT NOT NULL,
    hash            TEXT NOT NULL,
    sealed_key      BLOB NOT NULL,
    created_at      TEXT NOT NULL,
    expires_at      TEXT,
    last_used_at    TEXT
) STRICT;
CREATE UNIQUE INDEX partner_keys_hash ON partner_keys (adapter, hash);
CREATE INDEX partner_keys_connection ON partner_keys (connection_id, id);

CREATE TABLE tests (
    id               TEXT NOT NULL PRIMARY KEY,
    organization_id  TEXT NOT NULL REFERENCES organizations (id),
    name             TEXT NOT NULL,
    description      TEXT NOT NULL,
    modality         TEXT NOT NULL,
    duration_minutes INTEGER NOT NULL,
    traits           TEXT NOT NULL,
    archived         INTEGER NOT NULL,
    created_at       TEXT NOT NULL
) STRICT;
CREATE INDEX tests_list ON tests (organization_id, id);

CREATE TABLE candidates (
    id              TEXT NOT NULL PRIMARY KEY,
    organization_id TEXT NOT NULL REFERENCES organizations (id),
    connection_id   TEXT NOT NULL,
    external_id     TEXT NOT NULL,
    first_name      TEXT NOT NULL,
    last_name       TEXT NOT NULL,
    preferred_name  TEXT NOT NULL,
    email           TEXT NOT NULL,
    phone           TEXT NOT NULL,
    profile_url     TEXT NOT NULL,
    created_at      TEXT NOT NULL,
    updated_at      TEXT NOT NULL
) STRICT;
CREATE INDEX candidates_list ON candidates (organization_id, id);
CREATE UNIQUE INDEX candidates_external ON candidates (connection_id, external_id) WHERE external_id <> '';
CREATE UNIQUE INDEX candidates_email ON candidates (organization_id, connection_id, email) WHERE external_id = '';

CREATE TABLE assessments (
    id                 TEXT NOT NULL PRIMARY KEY,
    organization_id    TEXT NOT NULL,
    test_id            TEXT NOT NULL REFERENCES tests (id),
    candidate_id       TEXT NOT NULL REFERENCES candidates (id),
    connection_id      TEXT NOT NULL,
    order_key          TEXT NOT NULL,
    ats_order          TEXT NOT NULL,
    ordered_by         TEXT NOT NULL,
    status             TEXT NOT NULL,
    delivery           TEXT NOT NULL,
    delivery_note      TEXT NOT NULL,
    delivered_revision INTEGER NOT NULL,
    delivered_at       TEXT,
    report_link_gen    INTEGER NOT NULL,
    ordered_at         TEXT,
    invited_at         TEXT,
    consented_at       TEXT,
    started_at         TEXT,
    completed_at       TEXT,
    scored_at          TEXT,
    closed_at          TEXT,
    expires_at         TEXT,
    updated_at         TEXT
) STRICT;
CREATE UNIQUE INDEX assessments_order ON assessments (connection_id, order_key) WHERE connection_id <> '';
CREATE INDEX assessments_list ON assessments (organization_id, id);
CREATE INDEX assessments_status ON assessments (organization_id, status, id);
CREATE INDEX assessments_test ON assessments (test_id, id);
CREATE INDEX assessments_candidate ON assessments (candidate_id, id);
CREATE INDEX assessments_connection ON assessments (connection_id, id) WHERE connection_id <> '';

-- latest marks the current revision; InsertResult moves it.
CREATE TABLE results (
    id              TEXT NOT NULL PRIMARY KEY,
    organization_id TEXT NOT NULL,
    assessment_id   TEXT NOT NULL REFERENCES assessments (id),
    test_id         TEXT NOT NULL,
    revision        INTEGER NOT NULL,
    latest          INTEGER NOT NULL,
    score           INTEGER NOT NULL,
    raw_score       REAL NOT NULL,
    raw_maximum     REAL NOT NULL,
    traits          TEXT NOT NULL,
    report          TEXT NOT NULL,
    digest          TEXT NOT NULL,
    created_at      TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX results_revision ON results (assessment_id, revision);
CREATE UNIQUE INDEX results_latest ON results (assessment_id) WHERE latest;
CREATE INDEX results_standing ON results (organization_id, test_id, score) WHERE latest;

-- position is given after the commit, by the sequencer.
CREATE TABLE events (
    id              TEXT NOT NULL PRIMARY KEY,
    organization_id TEXT NOT NULL,
    type            TEXT NOT NULL,
    subject_id      TEXT NOT NULL,
    actor_role      TEXT NOT NULL,
    actor_id        TEXT NOT NULL,
    actor_name      TEXT NOT NULL,
    at              TEXT NOT NULL,
    data            TEXT NOT NULL,
    position        INTEGER UNIQUE
) STRICT;
CREATE INDEX events_position ON events (organization_id, position);
CREATE INDEX events_subject ON events (organization_id, subject_id, id);
CREATE INDEX events_unnumbered ON events (id) WHERE position IS NULL;

CREATE TABLE event_sequence (
    id            INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    last_position INTEGER NOT NULL
) STRICT;
INSERT INTO event_sequence (id, last_position) VALUES (1, 0);

-- organization_id is NULL for a caller whose key is unknown.
CREATE TABLE sync_log (
    id              TEXT NOT NULL PRIMARY KEY,
    organization_id TEXT,
    connection_id   TEXT NOT NULL,
    assessment_id   TEXT NOT NULL,
    adapter         TEXT NOT NULL,
    direction       TEXT NOT NULL,
    operation       TEXT NOT NULL,
    outcome         TEXT NOT NULL,
    fault_code      TEXT NOT NULL,
    message         TEXT NOT NULL,
    attempt         INTEGER NOT NULL,
    request_id      TEXT NOT NULL,
    exchanges       TEXT NOT NULL,
    started_at      TEXT,
    duration_ns     INTEGER NOT NULL
) STRICT;
CREATE INDEX sync_log_list ON sync_log (organization_id, id);
CREATE INDEX sync_log_assessment ON sync_log (assessment_id, id) WHERE assessment_id <> '';
CREATE INDEX sync_log_connection ON sync_log (connection_id, id) WHERE connection_id <> '';

-- +goose Down
DROP TABLE sync_log;
DROP TABLE event_sequence;
DROP TABLE events;
DROP TABLE results;
DROP TABLE assessments;
DROP TABLE candidates;
DROP TABLE tests;
DROP TABLE partner_keys;
DROP TABLE connections;
DROP TABLE tokens;
DROP TABLE organizations;
