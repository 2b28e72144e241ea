-- +goose Up
CREATE TABLE routing_rules (
    id              TEXT NOT NULL PRIMARY KEY,
    organization_id TEXT NOT NULL,
    connection_id   TEXT NOT NULL REFERENCES connections (id),
    job_id          TEXT NOT NULL,
    test_id         TEXT NOT NULL,
    version         INTEGER NOT NULL,
    state           TEXT NOT NULL,
    terms           TEXT NOT NULL,
    proposer        TEXT NOT NULL,
    proposed_by     TEXT NOT NULL,
    proposed_at     TEXT NOT NULL,
    approver        TEXT NOT NULL,
    approved_by     TEXT NOT NULL,
    approved_at     TEXT,
    effective_from  TEXT,
    changer         TEXT NOT NULL,
    changed_by      TEXT NOT NULL,
    changed_at      TEXT,
    note            TEXT NOT NULL,
    counted_from    TEXT
) STRICT;
CREATE UNIQUE INDEX routing_rules_version ON routing_rules (connection_id, job_id, test_id, version);
CREATE INDEX routing_rules_approved ON routing_rules (organization_id, job_id) WHERE approved_at IS NOT NULL;
CREATE INDEX routing_rules_list ON routing_rules (organization_id, connection_id, id);

CREATE TABLE routing_switches (
    organization_id TEXT NOT NULL,
    connection_id   TEXT NOT NULL REFERENCES connections (id),
    job_id          TEXT NOT NULL,
    off             INTEGER NOT NULL,
    note            TEXT NOT NULL,
    changed_by      TEXT NOT NULL,
    changed_at      TEXT NOT NULL,
    PRIMARY KEY (connection_id, job_id)
) STRICT;

-- What a rule said and was told is kept with each decision: a rule can be looked
-- up, but the decision must stand by itself.
CREATE TABLE routing_decisions (
    id              TEXT NOT NULL PRIMARY KEY,
    organization_id TEXT NOT NULL,
    connection_id   TEXT NOT NULL,
    assessment_id   TEXT NOT NULL REFERENCES assessments (id),
    job_id          TEXT NOT NULL,
    test_id         TEXT NOT NULL,
    revision        INTEGER NOT NULL,
    rule_id         TEXT NOT NULL,
    rule_version    INTEGER NOT NULL,
    terms           TEXT NOT NULL,
    inputs          TEXT NOT NULL,
    suggestion      TEXT NOT NULL,
    indicator       TEXT NOT NULL,
    state           TEXT NOT NULL,
    action          TEXT NOT NULL,
    hold            TEXT NOT NULL,
    note            TEXT NOT NULL,
    reason          TEXT NOT NULL,
    actor_role      TEXT NOT NULL,
    actor_name      TEXT NOT NULL,
    application_id  TEXT NOT NULL,
    stage_id        TEXT NOT NULL,
    to_stage_id     TEXT NOT NULL,
    round           INTEGER NOT NULL,
    fault_code      TEXT NOT NULL,
    due_at          TEXT,
    sent_at         TEXT,
    rejected_at     TEXT,
    done_at         TEXT,
    created_at      TEXT NOT NULL,
    updated_at      TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX routing_decisions_result ON routing_decisions (connection_id, assessment_id, revision);
CREATE INDEX routing_decisions_list ON routing_decisions (organization_id, id);
CREATE INDEX routing_decisions_state ON routing_decisions (organization_id, state, id);
CREATE INDEX routing_decisions_assessment ON routing_decisions (organization_id, assessment_id, id);
CREATE INDEX routing_decisions_rule ON routing_decisions (rule_id, id);
CREATE INDEX routing_decisions_rejected ON routing_decisions (connection_id, rejected_at) WHERE rejected_at IS NOT NULL;

-- Rows are only added.
CREATE TABLE routing_decision_steps (
    id              TEXT NOT NULL PRIMARY KEY,
    organization_id TEXT NOT NULL,
    decision_id     TEXT NOT NULL REFERENCES routing_decisions (id),
    assessment_id   TEXT NOT NULL,
    from_state      TEXT NOT NULL,
    to_state        TEXT NOT NULL,
    action          TEXT NOT NULL,
    hold            TEXT NOT NULL,
    note            TEXT NOT NULL,
    reason          TEXT NOT NULL,
    rule_id         TEXT NOT NULL,
    rule_version    INTEGER NOT NULL,
    actor_role      TEXT NOT NULL,
    actor_id        TEXT NOT NULL,
    actor_name      TEXT NOT NULL,
    at              TEXT NOT NULL
) STRICT;
CREATE INDEX routing_decision_steps_list ON routing_decision_steps (organization_id, decision_id, id);

ALTER TABLE results ADD COLUMN integrity_flags TEXT NOT NULL DEFAULT '[]';
ALTER TABLE results ADD COLUMN accommodation INTEGER NOT NULL DEFAULT 0;

-- +goose Down
ALTER TABLE results DROP COLUMN accommodation;
ALTER TABLE results DROP COLUMN integrity_flags;
DROP TABLE routing_decision_steps;
DROP TABLE routing_decisions;
DROP TABLE routing_switches;
DROP TABLE routing_rules;
