-- +goose Up
-- Reconciliation looks for them often, and nearly always there are none.
CREATE INDEX webhooks_failed ON webhooks (organization_id, connection_id, id) WHERE state = 'FAILED';

-- +goose Down
DROP INDEX webhooks_failed;
