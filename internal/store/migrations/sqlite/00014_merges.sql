-- +goose Up
-- person_hash is of who went. into_person is empty once that one is forgotten.
CREATE TABLE person_merges (
    organization_id TEXT NOT NULL,
    connection_id   TEXT NOT NULL,
    person_hash     TEXT NOT NULL,
    into_person     TEXT NOT NULL,
    PRIMARY KEY (connection_id, person_hash)
) STRICT;
CREATE INDEX person_merges_into ON person_merges (connection_id, into_person);

-- +goose Down
DROP TABLE person_merges;
