-- +goose Up
CREATE TABLE applications (
    organization_id       TEXT NOT NULL,
    connection_id         TEXT NOT NULL REFERENCES connections (id),
    external_id           TEXT NOT NULL,
    candidate_external_id TEXT NOT NULL,
    job_external_id       TEXT NOT NULL,
    assessment_id         TEXT NOT NULL REFERENCES assessments (id),
    candidate_id          TEXT NOT NULL REFERENCES candidates (id),
    origin                TEXT NOT NULL,
    state                 TEXT NOT NULL,
    stage_id              TEXT NOT NULL,
    stage_name            TEXT NOT NULL,
    profile_url           TEXT NOT NULL,
    changed_at            TEXT,
    staged_at             TEXT,
    updated_at            TEXT NOT NULL,
    own_state             TEXT NOT NULL,
    own_stage_id          TEXT NOT NULL,
    own_at                TEXT,
    PRIMARY KEY (connection_id, external_id, assessment_id)
) STRICT;
CREATE INDEX applications_person ON applications (connection_id, candidate_external_id);
CREATE INDEX applications_assessment ON applications (organization_id, assessment_id);
CREATE INDEX applications_candidate ON applications (candidate_id);

-- sealed_request is empty once it is forgotten. No foreign keys: a busy hook
-- would lock its connection's row with each of its inserts.
CREATE TABLE webhooks (
    id              TEXT NOT NULL PRIMARY KEY,
    organization_id TEXT NOT NULL,
    connection_id   TEXT NOT NULL,
    event_id        TEXT NOT NULL,
    content         TEXT NOT NULL,
    action          TEXT NOT NULL,
    state           TEXT NOT NULL,
    deliveries      INTEGER NOT NULL,
    person          TEXT NOT NULL,
    message         TEXT NOT NULL,
    received_at     TEXT NOT NULL,
    applied_at      TEXT,
    sealed_request  BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX webhooks_event ON webhooks (connection_id, event_id) WHERE event_id <> '';
CREATE INDEX webhooks_list ON webhooks (organization_id, id);
CREATE INDEX webhooks_connection ON webhooks (organization_id, connection_id, id);
CREATE INDEX webhooks_content ON webhooks (connection_id, content, id);
CREATE INDEX webhooks_person ON webhooks (connection_id, person) WHERE person <> '';

CREATE TABLE webhook_syncs (
    organization_id TEXT NOT NULL,
    connection_id   TEXT NOT NULL PRIMARY KEY REFERENCES connections (id),
    enabled         INTEGER NOT NULL,
    scope           TEXT NOT NULL,
    enabled_at      TEXT,
    previous_until  TEXT,
    pinged_at       TEXT,
    silent_since    TEXT,
    strangers       INTEGER NOT NULL,
    stranger_at     TEXT
) STRICT;
CREATE INDEX webhook_syncs_enabled ON webhook_syncs (connection_id) WHERE enabled;

CREATE TABLE webhook_counts (
    organization_id TEXT NOT NULL,
    connection_id   TEXT NOT NULL,
    action          TEXT NOT NULL,
    n               INTEGER NOT NULL,
    first_at        TEXT NOT NULL,
    last_at         TEXT NOT NULL,
    PRIMARY KEY (connection_id, action)
) STRICT;

CREATE TABLE stage_triggers (
    id                TEXT NOT NULL PRIMARY KEY,
    organization_id   TEXT NOT NULL REFERENCES organizations (id),
    connection_id     TEXT NOT NULL REFERENCES connections (id),
    external_job_id   TEXT NOT NULL,
    external_job_name TEXT NOT NULL,
    stage_id          TEXT NOT NULL,
    stage_name        TEXT NOT NULL,
    test_id           TEXT NOT NULL REFERENCES tests (id),
    retake_days       INTEGER NOT NULL,
    created_at        TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX stage_triggers_stage ON stage_triggers (connection_id, external_job_id, stage_id);
CREATE INDEX stage_triggers_list ON stage_triggers (organization_id, id);

CREATE TABLE stage_entries (
    organization_id TEXT NOT NULL,
    connection_id   TEXT NOT NULL,
    application_id  TEXT NOT NULL,
    stage_id        TEXT NOT NULL,
    entered_at      TEXT NOT NULL,
    assessment_id   TEXT NOT NULL,
    PRIMARY KEY (connection_id, application_id, stage_id)
) STRICT;

CREATE TABLE erasures (
    id              TEXT NOT NULL PRIMARY KEY,
    organization_id TEXT NOT NULL,
    connection_id   TEXT NOT NULL,
    candidate_id    TEXT NOT NULL,
    person_hash     TEXT NOT NULL,
    webhook_id      TEXT NOT NULL,
    cause           TEXT NOT NULL,
    actor_name      TEXT NOT NULL,
    emptied         INTEGER NOT NULL,
    at              TEXT NOT NULL
) STRICT;
CREATE INDEX erasures_list ON erasures (organization_id, id);
CREATE INDEX erasures_person ON erasures (connection_id, person_hash) WHERE person_hash <> '';

ALTER TABLE candidates ADD COLUMN erased_at TEXT;
CREATE INDEX candidates_address ON candidates (organization_id, lower(email));
ALTER TABLE assessments ADD COLUMN erased_at TEXT;

-- +goose Down
ALTER TABLE assessments DROP COLUMN erased_at;
DROP INDEX candidates_address;
ALTER TABLE candidates DROP COLUMN erased_at;
DROP TABLE erasures;
DROP TABLE stage_entries;
DROP TABLE stage_triggers;
DROP TABLE webhook_counts;
DROP TABLE webhook_syncs;
DROP TABLE webhooks;
DROP TABLE applications;
