-- +goose Up
CREATE TABLE issues (
    id              TEXT NOT NULL PRIMARY KEY,
    organization_id TEXT NOT NULL REFERENCES organizations (id),
    connection_id   TEXT NOT NULL,
    kind            TEXT NOT NULL,
    subject         TEXT NOT NULL,
    assessment_id   TEXT NOT NULL,
    push_id         TEXT NOT NULL,
    application_id  TEXT NOT NULL,
    cause           TEXT NOT NULL,
    found_at        TEXT NOT NULL,
    seen_at         TEXT NOT NULL,
    repaired_at     TEXT,
    closed_at       TEXT
) STRICT;
CREATE UNIQUE INDEX issues_open ON issues (organization_id, connection_id, kind, subject) WHERE closed_at IS NULL;
CREATE INDEX issues_list ON issues (organization_id, id);
CREATE INDEX issues_connection ON issues (organization_id, connection_id, id);
CREATE INDEX issues_assessment ON issues (organization_id, assessment_id, id) WHERE assessment_id <> '';

CREATE TABLE read_backs (
    organization_id TEXT NOT NULL,
    connection_id   TEXT NOT NULL PRIMARY KEY REFERENCES connections (id),
    queued_at       TEXT,
    since           TEXT,
    cursor          TEXT NOT NULL,
    began_at        TEXT,
    caught_up_at    TEXT,
    message         TEXT NOT NULL
) STRICT;

ALTER TABLE pushes ADD COLUMN checked_at TEXT;
CREATE INDEX pushes_finished ON pushes (organization_id, connection_id, finished_at) WHERE state = 'DONE';

-- +goose Down
DROP INDEX pushes_finished;
ALTER TABLE pushes DROP COLUMN checked_at;
DROP TABLE read_backs;
DROP TABLE issues;
