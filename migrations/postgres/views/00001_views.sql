-- +goose Up
-- +goose StatementBegin
-- Read models. Every row is folded from the log and can be dropped and folded
-- again; nothing is believed because it stands here. Times are Unix microseconds,
-- 0 = none; ids and hashes are bytes. No address, no secret. Text has the collation
-- that SQLite has, so that both engines order and digest alike.
CREATE TABLE checkpoints (
    projection TEXT COLLATE "C" PRIMARY KEY,
    position   BIGINT NOT NULL
);

CREATE TABLE tenants (
    tenant_id     BYTEA PRIMARY KEY CHECK (length(tenant_id) = 16),
    tenant_index  BIGINT NOT NULL,
    account_ref   BYTEA NOT NULL CHECK (length(account_ref) = 16),
    owner_id      BYTEA NOT NULL CHECK (length(owner_id) = 16),
    name          TEXT COLLATE "C" NOT NULL,
    plan          TEXT COLLATE "C" NOT NULL,
    trial_ends_at BIGINT NOT NULL,
    added_at      BIGINT NOT NULL,
    registered_at BIGINT NOT NULL
);
CREATE INDEX tenants_unregistered ON tenants (tenant_index) WHERE registered_at = 0;

-- The address of a user is read from the log, at registered_seq.
CREATE TABLE users (
    tenant_id      BYTEA NOT NULL CHECK (length(tenant_id) = 16),
    user_id        BYTEA NOT NULL CHECK (length(user_id) = 16),
    account_ref    BYTEA NOT NULL CHECK (length(account_ref) = 16),
    role           TEXT COLLATE "C" NOT NULL,
    verified       BIGINT NOT NULL,
    registered_seq BIGINT NOT NULL,
    registered_at  BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, user_id)
);

CREATE TABLE sessions (
    tenant_id    BYTEA NOT NULL CHECK (length(tenant_id) = 16),
    session_id   BYTEA NOT NULL CHECK (length(session_id) = 16),
    user_id      BYTEA NOT NULL CHECK (length(user_id) = 16),
    created_at   BIGINT NOT NULL,
    refreshed_at BIGINT NOT NULL,
    expires_at   BIGINT NOT NULL,
    revoked_at   BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, session_id)
);
CREATE INDEX sessions_of_user ON sessions (tenant_id, user_id, created_at);

CREATE TABLE api_keys (
    tenant_id    BYTEA NOT NULL CHECK (length(tenant_id) = 16),
    key_id       BYTEA NOT NULL CHECK (length(key_id) = 16),
    lookup       TEXT COLLATE "C" NOT NULL UNIQUE,
    name         TEXT COLLATE "C" NOT NULL,
    prefix       TEXT COLLATE "C" NOT NULL,
    owner_id     BYTEA NOT NULL CHECK (length(owner_id) = 16),
    scopes       TEXT COLLATE "C" NOT NULL,
    environment  TEXT COLLATE "C" NOT NULL,
    created_seq  BIGINT NOT NULL,
    created_at   BIGINT NOT NULL,
    expires_at   BIGINT NOT NULL,
    revoked_at   BIGINT NOT NULL,
    last_used_at BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, key_id)
);
CREATE INDEX api_keys_in_order ON api_keys (tenant_id, created_seq);

-- status: 0 active, 1 retired, 2 ended. When a credential was last opened is asked
-- of audit_index, so that opening one writes nothing here.
CREATE TABLE credentials (
    tenant_id     BYTEA NOT NULL CHECK (length(tenant_id) = 16),
    credential_id BYTEA NOT NULL CHECK (length(credential_id) = 16),
    environment   TEXT COLLATE "C" NOT NULL,
    status        BIGINT NOT NULL,
    created_seq   BIGINT NOT NULL,
    name          TEXT COLLATE "C" NOT NULL,
    type          TEXT COLLATE "C" NOT NULL,
    class         TEXT COLLATE "C" NOT NULL,
    algorithm     TEXT COLLATE "C" NOT NULL,
    owner_id      BYTEA NOT NULL CHECK (length(owner_id) = 16),
    version       BIGINT NOT NULL,
    record_hash   BYTEA NOT NULL CHECK (length(record_hash) = 32),
    kem_key_id    BYTEA NOT NULL CHECK (length(kem_key_id) = 32),
    ttl_days      BIGINT NOT NULL,
    created_at    BIGINT NOT NULL,
    sealed_at     BIGINT NOT NULL,
    updated_at    BIGINT NOT NULL,
    expires_at    BIGINT NOT NULL,
    restore_until BIGINT NOT NULL,
    metadata      BYTEA,
    PRIMARY KEY (tenant_id, credential_id)
);
CREATE INDEX credentials_in_order ON credentials (tenant_id, environment, status, created_seq);
CREATE INDEX credentials_to_expire ON credentials (expires_at) WHERE expires_at > 0 AND status < 2;
CREATE INDEX credentials_to_delete ON credentials (restore_until) WHERE status = 1;

-- The versions that are over; the current one stands in credentials.
-- state: 1 superseded, 2 ended with its credential.
CREATE TABLE credential_versions (
    tenant_id     BYTEA NOT NULL CHECK (length(tenant_id) = 16),
    credential_id BYTEA NOT NULL CHECK (length(credential_id) = 16),
    version       BIGINT NOT NULL,
    state         BIGINT NOT NULL,
    record_hash   BYTEA NOT NULL CHECK (length(record_hash) = 32),
    kem_key_id    BYTEA NOT NULL CHECK (length(kem_key_id) = 32),
    sealed_at     BIGINT NOT NULL,
    expires_at    BIGINT NOT NULL,
    shredded_at   BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, credential_id, version)
);
CREATE INDEX credential_versions_to_shred ON credential_versions (tenant_id) WHERE shredded_at = 0;

-- What a question about the log filters by. The answer itself is read from the log.
CREATE TABLE audit_index (
    tenant_id      BYTEA NOT NULL CHECK (length(tenant_id) = 16),
    seq            BIGINT NOT NULL,
    time_us        BIGINT NOT NULL,
    event_type     TEXT COLLATE "C" NOT NULL,
    actor_kind     BIGINT NOT NULL,
    actor_id       BYTEA NOT NULL CHECK (length(actor_id) = 16),
    outcome        BIGINT NOT NULL,
    aggregate_kind BIGINT NOT NULL,
    aggregate_id   BYTEA NOT NULL CHECK (length(aggregate_id) = 16),
    request_id     BYTEA NOT NULL CHECK (length(request_id) = 16),
    PRIMARY KEY (tenant_id, seq)
);
CREATE INDEX audit_index_by_type ON audit_index (tenant_id, event_type, seq);
CREATE INDEX audit_index_by_actor ON audit_index (tenant_id, actor_id, event_type, seq);
CREATE INDEX audit_index_by_aggregate ON audit_index (tenant_id, aggregate_kind, aggregate_id, event_type, seq);
-- +goose StatementEnd
