-- +goose Up
-- +goose StatementBegin
-- Sealed records: noise without their key slots, which live in another schema or
-- database.
CREATE TABLE sealed_records (
    id            BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tenant_id     BYTEA NOT NULL CHECK (length(tenant_id) = 16),
    credential_id BYTEA NOT NULL CHECK (length(credential_id) = 16),
    record_hash   BYTEA NOT NULL UNIQUE CHECK (length(record_hash) = 32),
    kem_key_id    BYTEA NOT NULL CHECK (length(kem_key_id) = 32),
    kept_us       BIGINT NOT NULL,
    record        BYTEA NOT NULL
);
-- The records are noise: trying to compress them is wasted work.
ALTER TABLE sealed_records ALTER COLUMN record SET STORAGE EXTERNAL;
-- +goose StatementEnd
