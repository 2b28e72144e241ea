-- +goose Up
CREATE TABLE issues (
    id              text COLLATE "C" NOT NULL PRIMARY KEY,
    organization_id text COLLATE "C" NOT NULL REFERENCES organizations (id),
    connection_id   text COLLATE "C" NOT NULL,
    kind            text NOT NULL,
    subject         text COLLATE "C" NOT NULL,
    assessment_id   text COLLATE "C" NOT NULL,
    push_id         text COLLATE "C" NOT NULL,
    application_id  text COLLATE "C" NOT NULL,
    cause           text NOT NULL,
    found_at        timestamptz NOT NULL,
    seen_at         timestamptz NOT NULL,
    repaired_at     timestamptz,
    closed_at       timestamptz
);
CREATE UNIQUE INDEX issues_open ON issues (organization_id, connection_id, kind, subject) WHERE closed_at IS NULL;
CREATE INDEX issues_list ON issues (organization_id, id);
CREATE INDEX issues_connection ON issues (organization_id, connection_id, id);
CREATE INDEX issues_assessment ON issues (organization_id, assessment_id, id) WHERE assessment_id <> '';

CREATE TABLE read_backs (
    organization_id text COLLATE "C" NOT NULL,
    connection_id   text COLLATE "C" NOT NULL PRIMARY KEY REFERENCES connections (id),
    queued_at       timestamptz,
    since           timestamptz,
    cursor          text NOT NULL,
    began_at        timestamptz,
    caught_up_at    timestamptz,
    message         text NOT NULL
);

ALTER TABLE pushes ADD COLUMN checked_at timestamptz;
CREATE INDEX pushes_finished ON pushes (organization_id, connection_id, finished_at) WHERE state = 'DONE';

-- +goose Down
DROP INDEX pushes_finished;
ALTER TABLE pushes DROP COLUMN checked_at;
DROP TABLE read_backs;
DROP TABLE issues;
