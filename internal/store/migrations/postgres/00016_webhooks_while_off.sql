-- +goose Up
-- Whether the connection was switched off when the web hook came.
ALTER TABLE webhooks ADD COLUMN while_off BOOLEAN NOT NULL DEFAULT FALSE;

-- +goose Down
ALTER TABLE webhooks DROP COLUMN while_off;
