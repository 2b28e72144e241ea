-- +goose Up
CREATE TABLE pushes (
    id                      TEXT NOT NULL PRIMARY KEY,
    organization_id         TEXT NOT NULL REFERENCES organizations (id),
    connection_id           TEXT NOT NULL,
    assessment_id           TEXT NOT NULL REFERENCES assessments (id),
    candidate_id            TEXT NOT NULL,
    job_id                  TEXT NOT NULL,
    revision                INTEGER NOT NULL,
    state                   TEXT NOT NULL,
    requested_as            TEXT NOT NULL,
    requested_by            TEXT NOT NULL,
    round                   INTEGER NOT NULL,
    run_token               TEXT NOT NULL,
    attempts                INTEGER NOT NULL,
    fault_code              TEXT NOT NULL,
    message                 TEXT NOT NULL,
    advice                  TEXT NOT NULL,
    question                TEXT NOT NULL,
    answer                  TEXT NOT NULL,
    plan                    TEXT NOT NULL,
    external_candidate_id   TEXT NOT NULL,
    external_application_id TEXT NOT NULL,
    profile_url             TEXT NOT NULL,
    requested_at            TEXT NOT NULL,
    started_at              TEXT,
    finished_at             TEXT,
    due_at                  TEXT,
    updated_at              TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX pushes_result ON pushes (connection_id, assessment_id, revision);
CREATE INDEX pushes_list ON pushes (organization_id, id);
CREATE INDEX pushes_state ON pushes (organization_id, state, id);
CREATE INDEX pushes_assessment ON pushes (organization_id, assessment_id, id);
CREATE INDEX pushes_candidate ON pushes (organization_id, candidate_id, id);
CREATE INDEX pushes_person ON pushes (connection_id, external_candidate_id) WHERE external_candidate_id <> '';
CREATE INDEX pushes_due ON pushes (due_at) WHERE state IN ('PENDING', 'RUNNING', 'WAITING');

CREATE TABLE push_steps (
    push_id    TEXT NOT NULL REFERENCES pushes (id) ON DELETE CASCADE,
    place      INTEGER NOT NULL,
    kind       TEXT NOT NULL,
    state      TEXT NOT NULL,
    reference  TEXT NOT NULL,
    existed    INTEGER NOT NULL,
    attempts   INTEGER NOT NULL,
    sent_at    TEXT,
    done_at    TEXT,
    fault_code TEXT NOT NULL,
    message    TEXT NOT NULL,
    PRIMARY KEY (push_id, place)
) STRICT;

-- key is the e-mail address in lower case.
CREATE TABLE ats_people (
    organization_id TEXT NOT NULL REFERENCES organizations (id),
    connection_id   TEXT NOT NULL,
    key             TEXT NOT NULL,
    external_id     TEXT NOT NULL,
    held_by         TEXT NOT NULL,
    free_at         TEXT,
    updated_at      TEXT NOT NULL,
    PRIMARY KEY (organization_id, connection_id, key)
) STRICT;
CREATE INDEX ats_people_external ON ats_people (organization_id, connection_id, external_id) WHERE external_id <> '';

ALTER TABLE sync_log ADD COLUMN push_id TEXT NOT NULL DEFAULT '';
ALTER TABLE sync_log ADD COLUMN advice TEXT NOT NULL DEFAULT '';
ALTER TABLE sync_log ADD COLUMN steps TEXT NOT NULL DEFAULT '[]';
CREATE INDEX sync_log_push ON sync_log (organization_id, push_id, id) WHERE push_id <> '';

-- +goose Down
DROP INDEX sync_log_push;
ALTER TABLE sync_log DROP COLUMN steps;
ALTER TABLE sync_log DROP COLUMN advice;
ALTER TABLE sync_log DROP COLUMN push_id;
DROP TABLE ats_people;
DROP TABLE push_steps;
DROP TABLE pushes;
