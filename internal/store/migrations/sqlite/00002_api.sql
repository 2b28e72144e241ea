-- +goose Up
CREATE TABLE sessions (
    id              TEXT NOT NULL PRIMARY KEY,
    organization_id TEXT NOT NULL REFERENCES organizations (id),
    token_id        TEXT NOT NULL,
    role            TEXT NOT NULL,
    name            TEXT NOT NULL,
    principal       TEXT NOT NULL,
    hash            TEXT NOT NULL UNIQUE,
    created_at      TEXT NOT NULL,
    expires_at      TEXT,
    ended_at        TEXT
) STRICT;

CREATE TABLE jobs (
    id              TEXT NOT NULL PRIMARY KEY,
    organization_id TEXT NOT NULL REFERENCES organizations (id),
    connection_id   TEXT NOT NULL,
    external_id     TEXT NOT NULL,
    name            TEXT NOT NULL,
    created_at      TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX jobs_list ON jobs (organization_id, id);
CREATE UNIQUE INDEX jobs_external ON jobs (organization_id, connection_id, external_id) WHERE external_id <> '';

CREATE TABLE job_shares (
    organization_id TEXT NOT NULL,
    job_id          TEXT NOT NULL,
    principal       TEXT NOT NULL,
    created_at      TEXT NOT NULL,
    PRIMARY KEY (organization_id, job_id, principal),
    FOREIGN KEY (organization_id, job_id) REFERENCES jobs (organization_id, id)
) STRICT;
CREATE INDEX job_shares_principal ON job_shares (organization_id, principal, job_id);

CREATE TABLE audit_log (
    id              TEXT NOT NULL PRIMARY KEY,
    organization_id TEXT NOT NULL REFERENCES organizations (id),
    action          TEXT NOT NULL,
    subject_id      TEXT NOT NULL,
    actor_role      TEXT NOT NULL,
    actor_id        TEXT NOT NULL,
    actor_name      TEXT NOT NULL,
    at              TEXT NOT NULL,
    value_before    TEXT NOT NULL,
    value_after     TEXT NOT NULL
) STRICT;
CREATE INDEX audit_log_list ON audit_log (organization_id, id);
CREATE INDEX audit_log_subject ON audit_log (organization_id, subject_id, id);

-- sealed_outcome is empty from the claim to the end of the claim's transaction.
CREATE TABLE outcomes (
    organization_id TEXT NOT NULL REFERENCES organizations (id),
    principal       TEXT NOT NULL,
    key             TEXT NOT NULL,
    operation       TEXT NOT NULL,
    digest          TEXT NOT NULL,
    sealed_outcome  BLOB,
    expires_at      TEXT NOT NULL,
    PRIMARY KEY (organization_id, principal, key)
) STRICT;
CREATE INDEX outcomes_expiry ON outcomes (expires_at);

ALTER TABLE tokens ADD COLUMN scopes TEXT NOT NULL DEFAULT 'null';
ALTER TABLE tokens ADD COLUMN previous_hash TEXT NOT NULL DEFAULT '';
ALTER TABLE tokens ADD COLUMN previous_until TEXT;
CREATE UNIQUE INDEX tokens_previous ON tokens (previous_hash) WHERE previous_hash <> '';
CREATE INDEX tokens_list ON tokens (organization_id, id);

ALTER TABLE connections ADD COLUMN health TEXT NOT NULL DEFAULT '{"status":"UNKNOWN"}';

-- Go makes these of the names, so that case is the same on both databases.
-- For rows of before, letters beyond ASCII keep theirs until the next save.
ALTER TABLE candidates ADD COLUMN sort_name TEXT NOT NULL DEFAULT '';
ALTER TABLE candidates ADD COLUMN search_text TEXT NOT NULL DEFAULT '';
UPDATE candidates SET
    sort_name = lower(trim(last_name || ' ' || first_name)),
    search_text = lower(first_name || ' ' || last_name || char(10) || preferred_name || ' ' || last_name || char(10) || email);

-- score is that of the latest result; InsertResult keeps it so.
ALTER TABLE assessments ADD COLUMN job_id TEXT NOT NULL DEFAULT '';
ALTER TABLE assessments ADD COLUMN decision TEXT NOT NULL DEFAULT 'NONE';
ALTER TABLE assessments ADD COLUMN ats_outcome TEXT NOT NULL DEFAULT 'UNKNOWN';
ALTER TABLE assessments ADD COLUMN score INTEGER;
UPDATE assessments SET score = (SELECT r.score FROM results AS r WHERE r.assessment_id = assessments.id AND r.latest);
CREATE INDEX assessments_job ON assessments (organization_id, job_id, id);
CREATE INDEX assessments_pipeline ON assessments (organization_id, job_id, status, delivery, decision);
CREATE INDEX assessments_ordered ON assessments (organization_id, ordered_at);
-- The expressions are those of assessmentKey.
CREATE INDEX assessments_updated ON assessments (organization_id, COALESCE(updated_at, '0001-01-01T00:00:00.000000Z'), id);
CREATE INDEX assessments_score_down ON assessments (organization_id, COALESCE(score, -1), id);
CREATE INDEX assessments_score_up ON assessments (organization_id, COALESCE(score, 10001), id);

DROP INDEX sync_log_assessment;
CREATE INDEX sync_log_assessment ON sync_log (organization_id, assessment_id, id);

-- +goose Down
DROP INDEX sync_log_assessment;
CREATE INDEX sync_log_assessment ON sync_log (assessment_id, id) WHERE assessment_id <> '';
DROP INDEX assessments_score_up;
DROP INDEX assessments_score_down;
DROP INDEX assessments_updated;
DROP INDEX assessments_ordered;
DROP INDEX assessments_pipeline;
DROP INDEX assessments_job;
ALTER TABLE assessments DROP COLUMN score;
ALTER TABLE assessments DROP COLUMN ats_outcome;
ALTER TABLE assessments DROP COLUMN decision;
ALTER TABLE assessments DROP COLUMN job_id;
ALTER TABLE candidates DROP COLUMN search_text;
ALTER TABLE candidates DROP COLUMN sort_name;
ALTER TABLE connections DROP COLUMN health;
DROP INDEX tokens_list;
DROP INDEX tokens_previous;
ALTER TABLE tokens DROP COLUMN previous_until;
ALTER TABLE tokens DROP COLUMN previous_hash;
ALTER TABLE tokens DROP COLUMN scopes;
DROP TABLE outcomes;
DROP TABLE audit_log;
DROP TABLE job_shares;
DROP TABLE jobs;
DROP TABLE sessions;
