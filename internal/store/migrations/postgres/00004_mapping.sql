-- +goose Up
CREATE TABLE job_mappings (
    id                  text COLLATE "C" NOT NULL PRIMARY KEY,
    organization_id     text COLLATE "C" NOT NULL REFERENCES organizations (id),
    connection_id       text COLLATE "C" NOT NULL REFERENCES connections (id),
    job_id              text COLLATE "C" NOT NULL,
    external_job_id     text NOT NULL,
    external_job_name   text NOT NULL,
    external_stage_id   text NOT NULL,
    external_stage_name text NOT NULL,
    created_at          timestamptz NOT NULL,
    updated_at          timestamptz NOT NULL,
    FOREIGN KEY (organization_id, job_id) REFERENCES jobs (organization_id, id)
);
CREATE UNIQUE INDEX job_mappings_job ON job_mappings (organization_id, connection_id, job_id);
CREATE INDEX job_mappings_list ON job_mappings (organization_id, id);
CREATE INDEX job_mappings_external ON job_mappings (organization_id, connection_id, external_job_id, id);

CREATE TABLE push_profiles (
    organization_id    text COLLATE "C" NOT NULL REFERENCES organizations (id),
    connection_id      text COLLATE "C" NOT NULL REFERENCES connections (id),
    bands              text NOT NULL,
    report_only_traits text NOT NULL,
    destinations       text NOT NULL,
    policies           text NOT NULL,
    source_id          text NOT NULL,
    source_name        text NOT NULL,
    version            integer NOT NULL,
    updated_at         timestamptz NOT NULL,
    PRIMARY KEY (organization_id, connection_id)
);

-- job_id is empty for the connection's default.
CREATE TABLE push_rules (
    organization_id text COLLATE "C" NOT NULL REFERENCES organizations (id),
    connection_id   text COLLATE "C" NOT NULL REFERENCES connections (id),
    job_id          text COLLATE "C" NOT NULL,
    mode            text NOT NULL,
    minimum         integer NOT NULL,
    updated_at      timestamptz NOT NULL,
    PRIMARY KEY (organization_id, connection_id, job_id)
);
CREATE INDEX push_rules_job ON push_rules (organization_id, job_id, connection_id);

-- +goose Down
DROP TABLE push_rules;
DROP TABLE push_profiles;
DROP TABLE job_mappings;
