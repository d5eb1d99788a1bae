-- +goose Up
-- +goose StatementBegin
-- Rows of these tables hold secrets under other keys. Backups of this schema are
-- to be dropped soon: their retention is how long a destroyed key may survive.
CREATE TABLE key_slots (
    id          BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tenant_id   BYTEA NOT NULL CHECK (length(tenant_id) = 16),
    record_hash BYTEA NOT NULL UNIQUE CHECK (length(record_hash) = 32),
    kept_us     BIGINT NOT NULL,
    slot        BYTEA NOT NULL CHECK (length(slot) = 256)
);

CREATE TABLE wrapped_keys (
    id         BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tenant_id  BYTEA NOT NULL CHECK (length(tenant_id) = 16),
    purpose    TEXT NOT NULL,
    subject_id BYTEA NOT NULL CHECK (length(subject_id) = 16),
    epoch      BIGINT NOT NULL,
    wrapped    BYTEA NOT NULL CHECK (length(wrapped) % 256 = 0),
    UNIQUE (tenant_id, purpose, subject_id, epoch)
);

-- The one row says which deployment this is. All of it is public.
CREATE TABLE deployment (
    id              INTEGER PRIMARY KEY CHECK (id = 1),
    origin          TEXT NOT NULL,
    root_public_key BYTEA NOT NULL,
    created_us      BIGINT NOT NULL,
    nonce           BYTEA NOT NULL CHECK (length(nonce) = 32),
    log_id          BYTEA NOT NULL CHECK (length(log_id) = 32)
);
-- +goose StatementEnd
