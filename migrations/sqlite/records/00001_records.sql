-- +goose Up
-- +goose StatementBegin
-- Sealed records: noise without their key slots, which live in another database.
-- The big column comes last, so that listing rows does not read it.
CREATE TABLE sealed_records (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    tenant_id     BLOB NOT NULL CHECK (length(tenant_id) = 16),
    credential_id BLOB NOT NULL CHECK (length(credential_id) = 16),
    record_hash   BLOB NOT NULL UNIQUE CHECK (length(record_hash) = 32),
    kem_key_id    BLOB NOT NULL CHECK (length(kem_key_id) = 32),
    kept_us       INTEGER NOT NULL,
    record        BLOB NOT NULL
) STRICT;
-- +goose StatementEnd
