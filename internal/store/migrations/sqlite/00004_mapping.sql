-- +goose Up
CREATE TABLE job_mappings (
    id                  TEXT NOT NULL PRIMARY KEY,
    organization_id     TEXT NOT NULL REFERENCES organizations (id),
    connection_id       TEXT NOT NULL REFERENCES connections (id),
    job_id              TEXT NOT NULL,
    external_job_id     TEXT NOT NULL,
    external_job_name   TEXT NOT NULL,
    external_stage_id   TEXT NOT NULL,
    external_stage_name TEXT NOT NULL,
    created_at          TEXT NOT NULL,
    updated_at          TEXT NOT NULL,
    FOREIGN KEY (organization_id, job_id) REFERENCES jobs (organization_id, id)
) STRICT;
CREATE UNIQUE INDEX job_mappings_job ON job_mappings (organization_id, connection_id, job_id);
CREATE INDEX job_mappings_list ON job_mappings (organization_id, id);
CREATE INDEX job_mappings_external ON job_mappings (organization_id, connection_id, external_job_id, id);

CREATE TABLE push_profiles (
    organization_id    TEXT NOT NULL REFERENCES organizations (id),
    connection_id      TEXT NOT NULL REFERENCES connections (id),
    bands              TEXT NOT NULL,
    report_only_traits TEXT NOT NULL,
    destinations       TEXT NOT NULL,
    policies           TEXT NOT NULL,
    source_id          TEXT NOT NULL,
    source_name        TEXT NOT NULL,
    version            INTEGER NOT NULL,
    updated_at         TEXT NOT NULL,
    PRIMARY KEY (organization_id, connection_id)
) STRICT;

-- job_id is empty for the connection's default.
CREATE TABLE push_rules (
    organization_id TEXT NOT NULL REFERENCES organizations (id),
    connection_id   TEXT NOT NULL REFERENCES connections (id),
    job_id          TEXT NOT NULL,
    mode            TEXT NOT NULL,
    minimum         INTEGER NOT NULL,
    updated_at      TEXT NOT NULL,
    PRIMARY KEY (organization_id, connection_id, job_id)
) STRICT;
CREATE INDEX push_rules_job ON push_rules (organization_id, job_id, connection_id);

-- +goose Down
DROP TABLE push_rules;
DROP TABLE push_profiles;
DROP TABLE job_mappings;
