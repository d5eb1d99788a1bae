-- +goose Up
-- +goose StatementBegin
-- Rows of these tables hold secrets under other keys and must leave as little
-- behind as SQLite allows: integer primary keys, which grow at one end, and keys
-- padded to a fixed size, so that neither growth nor rebalancing copies them.
CREATE TABLE key_slots (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    tenant_id   BLOB NOT NULL CHECK (length(tenant_id) = 16),
    record_hash BLOB NOT NULL UNIQUE CHECK (length(record_hash) = 32),
    kept_us     INTEGER NOT NULL,
    slot        BLOB NOT NULL CHECK (length(slot) = 256)
) STRICT;

CREATE TABLE wrapped_keys (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    tenant_id  BLOB NOT NULL CHECK (length(tenant_id) = 16),
    purpose    TEXT NOT NULL,
    subject_id BLOB NOT NULL CHECK (length(subject_id) = 16),
    epoch      INTEGER NOT NULL,
    wrapped    BLOB NOT NULL CHECK (length(wrapped) % 256 = 0),
    UNIQUE (tenant_id, purpose, subject_id, epoch)
) STRICT;

-- The one row says which deployment this is. All of it is public.
CREATE TABLE deployment (
    id              INTEGER PRIMARY KEY CHECK (id = 1),
    origin          TEXT NOT NULL,
    root_public_key BLOB NOT NULL,
    created_us      INTEGER NOT NULL,
    nonce           BLOB NOT NULL CHECK (length(nonce) = 32),
    log_id          BLOB NOT NULL CHECK (length(log_id) = 32)
) STRICT;
-- +goose StatementEnd
