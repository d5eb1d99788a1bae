-- +goose Up
-- +goose StatementBegin
-- Read models. Every row is folded from the log and can be dropped and folded
-- again; nothing is believed because it stands here. Times are Unix microseconds,
-- 0 = none; ids and hashes are bytes. No address, no secret.
CREATE TABLE checkpoints (
    projection TEXT PRIMARY KEY,
    position   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE tenants (
    tenant_id     BLOB PRIMARY KEY CHECK (length(tenant_id) = 16),
    tenant_index  INTEGER NOT NULL,
    account_ref   BLOB NOT NULL CHECK (length(account_ref) = 16),
    owner_id      BLOB NOT NULL CHECK (length(owner_id) = 16),
    name          TEXT NOT NULL,
    plan          TEXT NOT NULL,
    trial_ends_at INTEGER NOT NULL,
    added_at      INTEGER NOT NULL,
    registered_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX tenants_unregistered ON tenants (tenant_index) WHERE registered_at = 0;

-- The address of a user is read from the log, at registered_seq.
CREATE TABLE users (
    tenant_id      BLOB NOT NULL CHECK (length(tenant_id) = 16),
    user_id        BLOB NOT NULL CHECK (length(user_id) = 16),
    account_ref    BLOB NOT NULL CHECK (length(account_ref) = 16),
    role           TEXT NOT NULL,
    verified       INTEGER NOT NULL,
    registered_seq INTEGER NOT NULL,
    registered_at  INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, user_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE sessions (
    tenant_id    BLOB NOT NULL CHECK (length(tenant_id) = 16),
    session_id   BLOB NOT NULL CHECK (length(session_id) = 16),
    user_id      BLOB NOT NULL CHECK (length(user_id) = 16),
    created_at   INTEGER NOT NULL,
    refreshed_at INTEGER NOT NULL,
    expires_at   INTEGER NOT NULL,
    revoked_at   INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, session_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX sessions_of_user ON sessions (tenant_id, user_id, created_at);

CREATE TABLE api_keys (
    tenant_id    BLOB NOT NULL CHECK (length(tenant_id) = 16),
    key_id       BLOB NOT NULL CHECK (length(key_id) = 16),
    lookup       TEXT NOT NULL UNIQUE,
    name         TEXT NOT NULL,
    prefix       TEXT NOT NULL,
    owner_id     BLOB NOT NULL CHECK (length(owner_id) = 16),
    scopes       TEXT NOT NULL,
    environment  TEXT NOT NULL,
    created_seq  INTEGER NOT NULL,
    created_at   INTEGER NOT NULL,
    expires_at   INTEGER NOT NULL,
    revoked_at   INTEGER NOT NULL,
    last_used_at INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, key_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX api_keys_in_order ON api_keys (tenant_id, created_seq);

-- status: 0 active, 1 retired, 2 ended. When a credential was last opened is asked
-- of audit_index, so that opening one writes nothing here.
CREATE TABLE credentials (
    tenant_id     BLOB NOT NULL CHECK (length(tenant_id) = 16),
    credential_id BLOB NOT NULL CHECK (length(credential_id) = 16),
    environment   TEXT NOT NULL,
    status        INTEGER NOT NULL,
    created_seq   INTEGER NOT NULL,
    name          TEXT NOT NULL,
    type          TEXT NOT NULL,
    class         TEXT NOT NULL,
    algorithm     TEXT NOT NULL,
    owner_id      BLOB NOT NULL CHECK (length(owner_id) = 16),
    version       INTEGER NOT NULL,
    record_hash   BLOB NOT NULL CHECK (length(record_hash) = 32),
    kem_key_id    BLOB NOT NULL CHECK (length(kem_key_id) = 32),
    ttl_days      INTEGER NOT NULL,
    created_at    INTEGER NOT NULL,
    sealed_at     INTEGER NOT NULL,
    updated_at    INTEGER NOT NULL,
    expires_at    INTEGER NOT NULL,
    restore_until INTEGER NOT NULL,
    metadata      BLOB,
    PRIMARY KEY (tenant_id, credential_id)
) STRICT;
CREATE INDEX credentials_in_order ON credentials (tenant_id, environment, status, created_seq);
CREATE INDEX credentials_to_expire ON credentials (expires_at) WHERE expires_at > 0 AND status < 2;
CREATE INDEX credentials_to_delete ON credentials (restore_until) WHERE status = 1;

-- The versions that are over; the current one stands in credentials.
-- state: 1 superseded, 2 ended with its credential.
CREATE TABLE credential_versions (
    tenant_id     BLOB NOT NULL CHECK (length(tenant_id) = 16),
    credential_id BLOB NOT NULL CHECK (length(credential_id) = 16),
    version       INTEGER NOT NULL,
    state         INTEGER NOT NULL,
    record_hash   BLOB NOT NULL CHECK (length(record_hash) = 32),
    kem_key_id    BLOB NOT NULL CHECK (length(kem_key_id) = 32),
    sealed_at     INTEGER NOT NULL,
    expires_at    INTEGER NOT NULL,
    shredded_at   INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, credential_id, version)
) STRICT, WITHOUT ROWID;
CREATE INDEX credential_versions_to_shred ON credential_versions (tenant_id) WHERE shredded_at = 0;

-- What a question about the log filters by. The answer itself is read from the log.
CREATE TABLE audit_index (
    tenant_id      BLOB NOT NULL CHECK (length(tenant_id) = 16),
    seq            INTEGER NOT NULL,
    time_us        INTEGER NOT NULL,
    event_type     TEXT NOT NULL,
    actor_kind     INTEGER NOT NULL,
    actor_id       BLOB NOT NULL CHECK (length(actor_id) = 16),
    outcome        INTEGER NOT NULL,
    aggregate_kind INTEGER NOT NULL,
    aggregate_id   BLOB NOT NULL CHECK (length(aggregate_id) = 16),
    request_id     BLOB NOT NULL CHECK (length(request_id) = 16),
    PRIMARY KEY (tenant_id, seq)
) STRICT, WITHOUT ROWID;
CREATE INDEX audit_index_by_type ON audit_index (tenant_id, event_type, seq);
CREATE INDEX audit_index_by_actor ON audit_index (tenant_id, actor_id, event_type, seq);
CREATE INDEX audit_index_by_aggregate ON audit_index (tenant_id, aggregate_kind, aggregate_id, event_type, seq);
-- +goose StatementEnd
