-- +goose Up
-- Ids compare by byte, as they do in Go and SQLite.
CREATE TABLE organizations (
    id         text COLLATE "C" NOT NULL PRIMARY KEY,
    name       text NOT NULL UNIQUE,
    created_at timestamptz NOT NULL
);

CREATE TABLE tokens (
    id              text COLLATE "C" NOT NULL PRIMARY KEY,
    organization_id text COLLATE "C" NOT NULL REFERENCES organizations (id),
    name            text NOT NULL,
    role            text NOT NULL,
    hash            text NOT NULL UNIQUE,
    created_at      timestamptz NOT NULL,
    expires_at      timestamptz,
    revoked_at      timestamptz,
    last_used_at    timestamptz
);

CREATE TABLE connections (
    id              text COLLATE "C" NOT NULL PRIMARY KEY,
    organization_id text COLLATE "C" NOT NULL REFERENCES organizations (id),
    adapter         text NOT NULL,
    name            text NOT NULL,
    settings        text NOT NULL,
    sealed_secrets  bytea NOT NULL,
    disabled        boolean NOT NULL,
    created_at      timestamptz NOT NULL
);
CREATE INDEX connections_list ON connections (organization_id, id);

CREATE TABLE partner_keys (
    id              text COLLATE "C" NOT NULL PRIMARY KEY,
    organization_id text COLLATE "C" NOT NULL REFERENCES organizations (id),
    connection_id   text COLLATE "C" NOT NULL REFERENCES connections (id),
    adapter         text NOT NULL,
    hash            text NOT NULL,
    sealed_key      bytea NOT NULL,
    created_at      timestamptz NOT NULL,
    expires_at      timestamptz,
    last_used_at    timestamptz
);
CREATE UNIQUE INDEX partner_keys_hash ON partner_keys (adapter, hash);
CREATE INDEX partner_keys_connection ON partner_keys (connection_id, id);

CREATE TABLE tests (
    id               text COLLATE "C" NOT NULL PRIMARY KEY,
    organization_id  text COLLATE "C" NOT NULL REFERENCES organizations (id),
    name             text NOT NULL,
    description      text NOT NULL,
    modality         text NOT NULL,
    duration_minutes integer NOT NULL,
    traits           text NOT NULL,
    archived         boolean NOT NULL,
    created_at       timestamptz NOT NULL
);
CREATE INDEX tests_list ON tests (organization_id, id);

CREATE TABLE candidates (
    id              text COLLATE "C" NOT NULL PRIMARY KEY,
    organization_id text COLLATE "C" NOT NULL REFERENCES organizations (id),
    connection_id   text COLLATE "C" NOT NULL,
    external_id     text NOT NULL,
    first_name      text NOT NULL,
    last_name       text NOT NULL,
    preferred_name  text NOT NULL,
    email           text NOT NULL,
    phone           text NOT NULL,
    profile_url     text NOT NULL,
    created_at      timestamptz NOT NULL,
    updated_at      timestamptz NOT NULL
);
CREATE INDEX candidates_list ON candidates (organization_id, id);
CREATE UNIQUE INDEX candidates_external ON candidates (connection_id, external_id) WHERE external_id <> '';
CREATE UNIQUE INDEX candidates_email ON candidates (organization_id, connection_id, email) WHERE external_id = '';

CREATE TABLE assessments (
    id                 text COLLATE "C" NOT NULL PRIMARY KEY,
    organization_id    text COLLATE "C" NOT NULL,
    test_id            text COLLATE "C" NOT NULL REFERENCES tests (id),
    candidate_id       text COLLATE "C" NOT NULL REFERENCES candidates (id),
    connection_id      text COLLATE "C" NOT NULL,
    order_key          text NOT NULL,
    ats_order          text NOT NULL,
    ordered_by         text NOT NULL,
    status             text NOT NULL,
    delivery           text NOT NULL,
    delivery_note      text NOT NULL,
    delivered_revision integer NOT NULL,
    delivered_at       timestamptz,
    report_link_gen    integer NOT NULL,
    ordered_at         timestamptz,
    invited_at         timestamptz,
    consented_at       timestamptz,
    started_at         timestamptz,
    completed_at       timestamptz,
    scored_at          timestamptz,
    closed_at          timestamptz,
    expires_at         timestamptz,
    updated_at         timestamptz
);
CREATE UNIQUE INDEX assessments_order ON assessments (connection_id, order_key) WHERE connection_id <> '';
CREATE INDEX assessments_list ON assessments (organization_id, id);
CREATE INDEX assessments_status ON assessments (organization_id, status, id);
CREATE INDEX assessments_test ON assessments (test_id, id);
CREATE INDEX assessments_candidate ON assessments (candidate_id, id);
CREATE INDEX assessments_connection ON assessments (connection_id, id) WHERE connection_id <> '';

-- latest marks the current revision; InsertResult moves it.
CREATE TABLE results (
    id              text COLLATE "C" NOT NULL PRIMARY KEY,
    organization_id text COLLATE "C" NOT NULL,
    assessment_id   text COLLATE "C" NOT NULL REFERENCES assessments (id),
    test_id         text COLLATE "C" NOT NULL,
    revision        integer NOT NULL,
    latest          boolean NOT NULL,
    score           integer NOT NULL,
    raw_score       double precision NOT NULL,
    raw_maximum     double precision NOT NULL,
    traits          text NOT NULL,
    report          text NOT NULL,
    digest          text NOT NULL,
    created_at      timestamptz NOT NULL
);
CREATE UNIQUE INDEX results_revision ON results (assessment_id, revision);
CREATE UNIQUE INDEX results_latest ON results (assessment_id) WHERE latest;
CREATE INDEX results_standing ON results (organization_id, test_id, score) WHERE latest;

-- position is given after the commit, by the sequencer.
CREATE TABLE events (
    id              text COLLATE "C" NOT NULL PRIMARY KEY,
    organization_id text COLLATE "C" NOT NULL,
    type            text NOT NULL,
    subject_id      text COLLATE "C" NOT NULL,
    actor_role      text NOT NULL,
    actor_id        text COLLATE "C" NOT NULL,
    actor_name      text NOT NULL,
    at              timestamptz NOT NULL,
    data            text NOT NULL,
    position        bigint UNIQUE
);
CREATE INDEX events_position ON events (organization_id, position);
CREATE INDEX events_subject ON events (organization_id, subject_id, id);
CREATE INDEX events_unnumbered ON events (id) WHERE position IS NULL;

CREATE TABLE event_sequence (
    id            integer NOT NULL PRIMARY KEY CHECK (id = 1),
    last_position bigint NOT NULL
);
INSERT INTO event_sequence (id, last_position) VALUES (1, 0);

-- organization_id is NULL for a caller whose key is unknown.
CREATE TABLE sync_log (
    id              text COLLATE "C" NOT NULL PRIMARY KEY,
    organization_id text COLLATE "C",
    connection_id   text COLLATE "C" NOT NULL,
    assessment_id   text COLLATE "C" NOT NULL,
    adapter         text NOT NULL,
    direction       text NOT NULL,
    operation       text NOT NULL,
    outcome         text NOT NULL,
    fault_code      text NOT NULL,
    message         text NOT NULL,
    attempt         integer NOT NULL,
    request_id      text NOT NULL,
    exchanges       text NOT NULL,
    started_at      timestamptz,
    duration_ns     bigint NOT NULL
);
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
