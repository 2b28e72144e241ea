-- +goose Up
CREATE TABLE routing_rules (
    id              text COLLATE "C" NOT NULL PRIMARY KEY,
    organization_id text COLLATE "C" NOT NULL,
    connection_id   text COLLATE "C" NOT NULL REFERENCES connections (id),
    job_id          text COLLATE "C" NOT NULL,
    test_id         text COLLATE "C" NOT NULL,
    version         bigint NOT NULL,
    state           text NOT NULL,
    terms           text NOT NULL,
    proposer        text NOT NULL,
    proposed_by     text NOT NULL,
    proposed_at     timestamptz NOT NULL,
    approver        text NOT NULL,
    approved_by     text NOT NULL,
    approved_at     timestamptz,
    effective_from  timestamptz,
    changer         text NOT NULL,
    changed_by      text NOT NULL,
    changed_at      timestamptz,
    note            text NOT NULL,
    counted_from    timestamptz
);
CREATE UNIQUE INDEX routing_rules_version ON routing_rules (connection_id, job_id, test_id, version);
CREATE INDEX routing_rules_approved ON routing_rules (organization_id, job_id) WHERE approved_at IS NOT NULL;
CREATE INDEX routing_rules_list ON routing_rules (organization_id, connection_id, id);

CREATE TABLE routing_switches (
    organization_id text COLLATE "C" NOT NULL,
    connection_id   text COLLATE "C" NOT NULL REFERENCES connections (id),
    job_id          text COLLATE "C" NOT NULL,
    off             boolean NOT NULL,
    note            text NOT NULL,
    changed_by      text NOT NULL,
    changed_at      timestamptz NOT NULL,
    PRIMARY KEY (connection_id, job_id)
);

-- What a rule said and was told is kept with each decision: a rule can be looked
-- up, but the decision must stand by itself.
CREATE TABLE routing_decisions (
    id              text COLLATE "C" NOT NULL PRIMARY KEY,
    organization_id text COLLATE "C" NOT NULL,
    connection_id   text COLLATE "C" NOT NULL,
    assessment_id   text COLLATE "C" NOT NULL REFERENCES assessments (id),
    job_id          text COLLATE "C" NOT NULL,
    test_id         text COLLATE "C" NOT NULL,
    revision        bigint NOT NULL,
    rule_id         text COLLATE "C" NOT NULL,
    rule_version    bigint NOT NULL,
    terms           text NOT NULL,
    inputs          text NOT NULL,
    suggestion      text NOT NULL,
    indicator       text NOT NULL,
    state           text NOT NULL,
    action          text NOT NULL,
    hold            text NOT NULL,
    note            text NOT NULL,
    reason          text NOT NULL,
    actor_role      text NOT NULL,
    actor_name      text NOT NULL,
    application_id  text NOT NULL,
    stage_id        text NOT NULL,
    to_stage_id     text NOT NULL,
    round           bigint NOT NULL,
    fault_code      text NOT NULL,
    due_at          timestamptz,
    sent_at         timestamptz,
    rejected_at     timestamptz,
    done_at         timestamptz,
    created_at      timestamptz NOT NULL,
    updated_at      timestamptz NOT NULL
);
CREATE UNIQUE INDEX routing_decisions_result ON routing_decisions (connection_id, assessment_id, revision);
CREATE INDEX routing_decisions_list ON routing_decisions (organization_id, id);
CREATE INDEX routing_decisions_state ON routing_decisions (organization_id, state, id);
CREATE INDEX routing_decisions_assessment ON routing_decisions (organization_id, assessment_id, id);
CREATE INDEX routing_decisions_rule ON routing_decisions (rule_id, id);
CREATE INDEX routing_decisions_rejected ON routing_decisions (connection_id, rejected_at) WHERE rejected_at IS NOT NULL;

-- Rows are only added.
CREATE TABLE routing_decision_steps (
    id              text COLLATE "C" NOT NULL PRIMARY KEY,
    organization_id text COLLATE "C" NOT NULL,
    decision_id     text COLLATE "C" NOT NULL REFERENCES routing_decisions (id),
    assessment_id   text COLLATE "C" NOT NULL,
    from_state      text NOT NULL,
    to_state        text NOT NULL,
    action          text NOT NULL,
    hold            text NOT NULL,
    note            text NOT NULL,
    reason          text NOT NULL,
    rule_id         text NOT NULL,
    rule_version    bigint NOT NULL,
    actor_role      text NOT NULL,
    actor_id        text NOT NULL,
    actor_name      text NOT NULL,
    at              timestamptz NOT NULL
);
CREATE INDEX routing_decision_steps_list ON routing_decision_steps (organization_id, decision_id, id);

ALTER TABLE results ADD COLUMN integrity_flags text NOT NULL DEFAULT '[]';
ALTER TABLE results ADD COLUMN accommodation boolean NOT NULL DEFAULT FALSE;

-- +goose Down
ALTER TABLE results DROP COLUMN accommodation;
ALTER TABLE results DROP COLUMN integrity_flags;
DROP TABLE routing_decision_steps;
DROP TABLE routing_decisions;
DROP TABLE routing_switches;
DROP TABLE routing_rules;
