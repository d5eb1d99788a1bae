-- +goose Up
-- +goose StatementBegin
-- A row is a record of a chain; beside its bytes stands only what constraints and
-- lookups need, and every read compares that with the header.
CREATE TABLE events (
    pos               BIGINT PRIMARY KEY, -- dense, from 1: the order of all chains
    seq               BIGINT NOT NULL,
    aggregate_version BIGINT CHECK (aggregate_version > 0), -- NULL: changes nothing
    aggregate_kind    SMALLINT NOT NULL,
    tenant_id         BYTEA NOT NULL CHECK (length(tenant_id) = 16),
    event_id          BYTEA NOT NULL CHECK (length(event_id) = 16),
    aggregate_id      BYTEA NOT NULL CHECK (length(aggregate_id) = 16),
    hash              BYTEA NOT NULL CHECK (length(hash) = 32), -- what the next record links to
    header            BYTEA NOT NULL,
    payload           BYTEA NOT NULL,
    detached          BYTEA,
    signature         BYTEA NOT NULL
);

-- Signatures and what is encrypted do not compress.
ALTER TABLE events
    ALTER COLUMN header SET STORAGE PLAIN,
    ALTER COLUMN payload SET STORAGE EXTERNAL,
    ALTER COLUMN detached SET STORAGE EXTERNAL,
    ALTER COLUMN signature SET STORAGE EXTERNAL;

CREATE UNIQUE INDEX events_chain ON events (tenant_id, seq);
CREATE UNIQUE INDEX events_id ON events (tenant_id, event_id);
CREATE UNIQUE INDEX events_aggregate ON events (tenant_id, aggregate_kind, aggregate_id, aggregate_version)
    WHERE aggregate_version IS NOT NULL;

-- A defence against mistakes, not against whoever owns the database.
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'events are never changed or removed';
END
$$;
CREATE TRIGGER events_keep BEFORE UPDATE OR DELETE OR TRUNCATE ON events
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
ALTER TABLE events ENABLE ALWAYS TRIGGER events_keep;
REVOKE UPDATE, DELETE, TRUNCATE ON events FROM PUBLIC, CURRENT_USER;
-- +goose StatementEnd
