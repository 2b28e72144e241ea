-- +goose Up
CREATE TABLE pushes (
    id                      text COLLATE "C" NOT NULL PRIMARY KEY,
    organization_id         text COLLATE "C" NOT NULL REFERENCES organizations (id),
    connection_id           text COLLATE "C" NOT NULL,
    assessment_id           text COLLATE "C" NOT NULL REFERENCES assessments (id),
    candidate_id            text COLLATE "C" NOT NULL,
    job_id                  text COLLATE "C" NOT NULL,
    revision                integer NOT NULL,
    state                   text NOT NULL,
    requested_as            text NOT NULL,
    requested_by            text NOT NULL,
    round                   integer NOT NULL,
    run_token               text NOT NULL,
    attempts                integer NOT NULL,
    fault_code              text NOT NULL,
    message                 text NOT NULL,
    advice                  text NOT NULL,
    question                text NOT NULL,
    answer                  text NOT NULL,
    plan                    text NOT NULL,
    external_candidate_id   text NOT NULL,
    external_application_id text NOT NULL,
    profile_url             text NOT NULL,
    requested_at            timestamptz NOT NULL,
    started_at              timestamptz,
    finished_at             timestamptz,
    due_at                  timestamptz,
    updated_at              timestamptz NOT NULL
);
CREATE UNIQUE INDEX pushes_result ON pushes (connection_id, assessment_id, revision);
CREATE INDEX pushes_list ON pushes (organization_id, id);
CREATE INDEX pushes_state ON pushes (organization_id, state, id);
CREATE INDEX pushes_assessment ON pushes (organization_id, assessment_id, id);
CREATE INDEX pushes_candidate ON pushes (organization_id, candidate_id, id);
CREATE INDEX pushes_person ON pushes (connection_id, external_candidate_id) WHERE external_candidate_id <> '';
CREATE INDEX pushes_due ON pushes (due_at) WHERE state IN ('PENDING', 'RUNNING', 'WAITING');

CREATE TABLE push_steps (
    push_id    text COLLATE "C" NOT NULL REFERENCES pushes (id) ON DELETE CASCADE,
    place      integer NOT NULL,
    kind       text NOT NULL,
    state      text NOT NULL,
    reference  text NOT NULL,
    existed    boolean NOT NULL,
    attempts   integer NOT NULL,
    sent_at    timestamptz,
    done_at    timestamptz,
    fault_code text NOT NULL,
    message    text NOT NULL,
    PRIMARY KEY (push_id, place)
);

-- key is the e-mail address in lower case.
CREATE TABLE ats_people (
    organization_id text COLLATE "C" NOT NULL REFERENCES organizations (id),
    connection_id   text COLLATE "C" NOT NULL,
    key             text NOT NULL,
    external_id     text NOT NULL,
    held_by         text COLLATE "C" NOT NULL,
    free_at         timestamptz,
    updated_at      timestamptz NOT NULL,
    PRIMARY KEY (organization_id, connection_id, key)
);
CREATE INDEX ats_people_external ON ats_people (organization_id, connection_id, external_id) WHERE external_id <> '';

ALTER TABLE sync_log ADD COLUMN push_id text COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE sync_log ADD COLUMN advice text NOT NULL DEFAULT '';
ALTER TABLE sync_log ADD COLUMN steps text NOT NULL DEFAULT '[]';
CREATE INDEX sync_log_push ON sync_log (organization_id, push_id, id) WHERE push_id <> '';

-- +goose Down
DROP INDEX sync_log_push;
ALTER TABLE sync_log DROP COLUMN steps;
ALTER TABLE sync_log DROP COLUMN advice;
ALTER TABLE sync_log DROP COLUMN push_id;
DROP TABLE ats_people;
DROP TABLE push_steps;
DROP TABLE pushes;
