-- +goose Up
CREATE INDEX sync_log_outcome ON sync_log (organization_id, connection_id, outcome, id);
CREATE INDEX assessments_delivery ON assessments (organization_id, connection_id, delivery);

-- +goose Down
DROP INDEX assessments_delivery;
DROP INDEX sync_log_outcome;
