-- +goose Up
-- While a transaction keeps a row here, the audit log's entries from before
-- its moment may be deleted. Nobody else sees the row: it is taken away again
-- before the commit.
CREATE TABLE audit_releases (before timestamptz NOT NULL);

-- +goose StatementBegin
CREATE FUNCTION guard_audit_log() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        IF EXISTS (SELECT 1 FROM audit_releases AS r WHERE OLD.at < r.before) THEN
            RETURN OLD;
        END IF;
    END IF;
    RAISE EXCEPTION 'the audit log is only added to';
END $$;
-- +goose StatementEnd
CREATE TRIGGER audit_log_change BEFORE UPDATE OR DELETE ON audit_log FOR EACH ROW EXECUTE FUNCTION guard_audit_log();
CREATE TRIGGER audit_log_truncate BEFORE TRUNCATE ON audit_log FOR EACH STATEMENT EXECUTE FUNCTION guard_audit_log();

-- The words of people are emptied by an erasure; nothing else of a step changes.
-- +goose StatementBegin
CREATE FUNCTION guard_routing_decision_steps() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' THEN
        OLD.note := '';
        OLD.reason := '';
        IF NEW = OLD THEN
            RETURN NEW;
        END IF;
    END IF;
    RAISE EXCEPTION 'the register of decisions is only added to';
END $$;
-- +goose StatementEnd
CREATE TRIGGER routing_decision_steps_change BEFORE UPDATE OR DELETE ON routing_decision_steps
    FOR EACH ROW EXECUTE FUNCTION guard_routing_decision_steps();
CREATE TRIGGER routing_decision_steps_truncate BEFORE TRUNCATE ON routing_decision_steps
    FOR EACH STATEMENT EXECUTE FUNCTION guard_routing_decision_steps();

-- Events up to the position may have been deleted.
CREATE TABLE event_floor (
    id       integer NOT NULL PRIMARY KEY CHECK (id = 1),
    position bigint NOT NULL
);
INSERT INTO event_floor (id, position) VALUES (1, 0);

CREATE INDEX sync_log_payload ON sync_log (organization_id, id) WHERE exchanges <> '[]';
CREATE INDEX webhooks_payload ON webhooks (organization_id, id) WHERE length(sealed_request) > 0;

-- +goose Down
DROP INDEX webhooks_payload;
DROP INDEX sync_log_payload;
DROP TABLE event_floor;
DROP TRIGGER routing_decision_steps_truncate ON routing_decision_steps;
DROP TRIGGER routing_decision_steps_change ON routing_decision_steps;
DROP FUNCTION guard_routing_decision_steps();
DROP TRIGGER audit_log_truncate ON audit_log;
DROP TRIGGER audit_log_change ON audit_log;
DROP FUNCTION guard_audit_log();
DROP TABLE audit_releases;
