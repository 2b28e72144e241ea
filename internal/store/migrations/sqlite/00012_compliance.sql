-- +goose Up
-- While a transaction keeps a row here, the audit log's entries from before
-- its moment may be deleted. Nobody else sees the row: it is taken away again
-- before the commit.
CREATE TABLE audit_releases (before TEXT NOT NULL) STRICT;

-- +goose StatementBegin
CREATE TRIGGER audit_log_update BEFORE UPDATE ON audit_log
BEGIN
    SELECT RAISE(ABORT, 'the audit log is only added to');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER audit_log_delete BEFORE DELETE ON audit_log
WHEN NOT EXISTS (SELECT 1 FROM audit_releases AS r WHERE OLD.at < r.before)
BEGIN
    SELECT RAISE(ABORT, 'the audit log is only added to');
END;
-- +goose StatementEnd
-- The words of people are emptied by an erasure; nothing else of a step changes.
-- +goose StatementBegin
CREATE TRIGGER routing_decision_steps_update BEFORE UPDATE ON routing_decision_steps
WHEN NEW.note <> '' OR NEW.reason <> ''
    OR NEW.id <> OLD.id OR NEW.organization_id <> OLD.organization_id OR NEW.decision_id <> OLD.decision_id
    OR NEW.assessment_id <> OLD.assessment_id OR NEW.from_state <> OLD.from_state OR NEW.to_state <> OLD.to_state
    OR NEW.action <> OLD.action OR NEW.hold <> OLD.hold OR NEW.rule_id <> OLD.rule_id OR NEW.rule_version <> OLD.rule_version
    OR NEW.actor_role <> OLD.actor_role OR NEW.actor_id <> OLD.actor_id OR NEW.actor_name <> OLD.actor_name OR NEW.at <> OLD.at
BEGIN
    SELECT RAISE(ABORT, 'the register of decisions is only added to');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER routing_decision_steps_delete BEFORE DELETE ON routing_decision_steps
BEGIN
    SELECT RAISE(ABORT, 'the register of decisions is only added to');
END;
-- +goose StatementEnd

-- Events up to the position may have been deleted.
CREATE TABLE event_floor (
    id       INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    position INTEGER NOT NULL
) STRICT;
INSERT INTO event_floor (id, position) VALUES (1, 0);

CREATE INDEX sync_log_payload ON sync_log (organization_id, id) WHERE exchanges <> '[]';
CREATE INDEX webhooks_payload ON webhooks (organization_id, id) WHERE length(sealed_request) > 0;

-- +goose Down
DROP INDEX webhooks_payload;
DROP INDEX sync_log_payload;
DROP TABLE event_floor;
DROP TRIGGER routing_decision_steps_delete;
DROP TRIGGER routing_decision_steps_update;
DROP TRIGGER audit_log_delete;
DROP TRIGGER audit_log_update;
DROP TABLE audit_releases;
