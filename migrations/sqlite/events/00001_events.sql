-- +goose Up
-- +goose StatementBegin
-- A row is a record of a chain; beside its bytes stands only what constraints and
-- lookups need, and every read compares that with the header.
CREATE TABLE events (
    pos               INTEGER PRIMARY KEY, -- dense, from 1: the order of all chains
    tenant_id         BLOB NOT NULL CHECK (length(tenant_id) = 16),
    seq               INTEGER NOT NULL,
    event_id          BLOB NOT NULL CHECK (length(event_id) = 16),
    aggregate_kind    INTEGER NOT NULL,
    aggregate_id      BLOB NOT NULL CHECK (length(aggregate_id) = 16),
    aggregate_version INTEGER CHECK (aggregate_version > 0), -- NULL: changes nothing
    header            BLOB NOT NULL,
    payload           BLOB NOT NULL,
    detached          BLOB,
    signature         BLOB NOT NULL
) STRICT;

CREATE UNIQUE INDEX events_chain ON events (tenant_id, seq);
CREATE UNIQUE INDEX events_id ON events (tenant_id, event_id);
CREATE UNIQUE INDEX events_aggregate ON events (tenant_id, aggregate_kind, aggregate_id, aggregate_version)
    WHERE aggregate_version IS NOT NULL;

-- A defence against mistakes, not against whoever owns the file.
CREATE TRIGGER events_no_update BEFORE UPDATE ON events
BEGIN
    SELECT RAISE(ABORT, 'events are never changed');
END;
CREATE TRIGGER events_no_delete BEFORE DELETE ON events
BEGIN
    SELECT RAISE(ABORT, 'events are never removed');
END;
-- +goose StatementEnd
