-- +goose Up
-- +goose StatementBegin
-- Counters of rate limits, one row for each tenant or network that asked lately.
-- Nothing here is worth keeping: a crash empties the table, and every limit begins
-- anew. So it is unlogged, and the sessions that write it do not wait for the disk.
-- A key names no one in clear: a network stands here as a keyed digest.
CREATE UNLOGGED TABLE counters (
    key        BYTEA PRIMARY KEY CHECK (length(key) BETWEEN 1 AND 64),
    full_at_ns BIGINT NOT NULL -- when the whole limit is there again, Unix nanoseconds
) WITH (
    fillfactor = 50, -- no index has full_at_ns, so that an update stays on its page
    autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000
);
-- +goose StatementEnd
