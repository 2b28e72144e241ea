-- +goose Up
CREATE TABLE applications (
    organization_id       text COLLATE "C" NOT NULL,
    connection_id         text COLLATE "C" NOT NULL REFERENCES connections (id),
    external_id           text COLLATE "C" NOT NULL,
    candidate_external_id text COLLATE "C" NOT NULL,
    job_external_id       text COLLATE "C" NOT NULL,
    assessment_id         text COLLATE "C" NOT NULL REFERENCES assessments (id),
    candidate_id          text COLLATE "C" NOT NULL REFERENCES candidates (id),
    origin                text NOT NULL,
    state                 text NOT NULL,
    stage_id              text NOT NULL,
    stage_name            text NOT NULL,
    profile_url           text NOT NULL,
    changed_at            timestamptz,
    staged_at             timestamptz,
    updated_at            timestamptz NOT NULL,
    own_state             text NOT NULL,
    own_stage_id          text NOT NULL,
    own_at                timestamptz,
    PRIMARY KEY (connection_id, external_id, assessment_id)
);
CREATE INDEX applications_person ON applications (connection_id, candidate_external_id);
CREATE INDEX applications_assessment ON applications (organization_id, assessment_id);
CREATE INDEX applications_candidate ON applications (candidate_id);

-- sealed_request is empty once it is forgotten. No foreign keys: a busy hook
-- would lock its connection's row with each of its inserts.
CREATE TABLE webhooks (
    id              text COLLATE "C" NOT NULL PRIMARY KEY,
    organization_id text COLLATE "C" NOT NULL,
    connection_id   text COLLATE "C" NOT NULL,
    event_id        text COLLATE "C" NOT NULL,
    content         text COLLATE "C" NOT NULL,
    action          text NOT NULL,
    state           text NOT NULL,
    deliveries      bigint NOT NULL,
    person          text COLLATE "C" NOT NULL,
    message         text NOT NULL,
    received_at     timestamptz NOT NULL,
    applied_at      timestamptz,
    sealed_request  bytea NOT NULL
);
CREATE UNIQUE INDEX webhooks_event ON webhooks (connection_id, event_id) WHERE event_id <> '';
CREATE INDEX webhooks_list ON webhooks (organization_id, id);
CREATE INDEX webhooks_connection ON webhooks (organization_id, connection_id, id);
CREATE INDEX webhooks_content ON webhooks (connection_id, content, id);
CREATE INDEX webhooks_person ON webhooks (connection_id, person) WHERE person <> '';

CREATE TABLE webhook_syncs (
    organization_id text COLLATE "C" NOT NULL,
    connection_id   text COLLATE "C" NOT NULL PRIMARY KEY REFERENCES connections (id),
    enabled         boolean NOT NULL,
    scope           text NOT NULL,
    enabled_at      timestamptz,
    previous_until  timestamptz,
    pinged_at       timestamptz,
    silent_since    timestamptz,
    strangers       bigint NOT NULL,
    stranger_at     timestamptz
);
CREATE INDEX webhook_syncs_enabled ON webhook_syncs (connection_id) WHERE enabled;

CREATE TABLE webhook_counts (
    organization_id text COLLATE "C" NOT NULL,
    connection_id   text COLLATE "C" NOT NULL,
    action          text COLLATE "C" NOT NULL,
    n               bigint NOT NULL,
    first_at        timestamptz NOT NULL,
    last_at         timestamptz NOT NULL,
    PRIMARY KEY (connection_id, action)
);

CREATE TABLE stage_triggers (
    id                text COLLATE "C" NOT NULL PRIMARY KEY,
    organization_id   text COLLATE "C" NOT NULL REFERENCES organizations (id),
    connection_id     text COLLATE "C" NOT NULL REFERENCES connections (id),
    external_job_id   text COLLATE "C" NOT NULL,
    external_job_name text NOT NULL,
    stage_id          text COLLATE "C" NOT NULL,
    stage_name        text NOT NULL,
    test_id           text COLLATE "C" NOT NULL REFERENCES tests (id),
    retake_days       bigint NOT NULL,
    created_at        timestamptz NOT NULL
);
CREATE UNIQUE INDEX stage_triggers_stage ON stage_triggers (connection_id, external_job_id, stage_id);
CREATE INDEX stage_triggers_list ON stage_triggers (organization_id, id);

CREATE TABLE stage_entries (
    organization_id text COLLATE "C" NOT NULL,
    connection_id   text COLLATE "C" NOT NULL,
    application_id  text COLLATE "C" NOT NULL,
    stage_id        text COLLATE "C" NOT NULL,
    entered_at      timestamptz NOT NULL,
    assessment_id   text COLLATE "C" NOT NULL,
    PRIMARY KEY (connection_id, application_id, stage_id)
);

CREATE TABLE erasures (
    id              text COLLATE "C" NOT NULL PRIMARY KEY,
    organization_id text COLLATE "C" NOT NULL,
    connection_id   text COLLATE "C" NOT NULL,
    candidate_id    text COLLATE "C" NOT NULL,
    person_hash     text COLLATE "C" NOT NULL,
    webhook_id      text COLLATE "C" NOT NULL,
    cause           text NOT NULL,
    actor_name      text NOT NULL,
    emptied         bigint NOT NULL,
    at              timestamptz NOT NULL
);
CREATE INDEX erasures_list ON erasures (organization_id, id);
CREATE INDEX erasures_person ON erasures (connection_id, person_hash) WHERE person_hash <> '';

ALTER TABLE candidates ADD COLUMN erased_at timestamptz;
CREATE INDEX candidates_address ON candidates (organization_id, lower(email));
ALTER TABLE assessments ADD COLUMN erased_at timestamptz;

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
