-- +goose Up
-- +goose StatementBegin
-- Counters of rate limits, one row for each tenant or network that asked lately.
-- Nothing here is worth keeping. A key names no one in clear: a network stands
-- here as a keyed digest.
CREATE TABLE counters (
    key        BLOB PRIMARY KEY CHECK (length(key) BETWEEN 1 AND 64),
    full_at_ns INTEGER NOT NULL -- when the whole limit is there again, Unix nanoseconds
) STRICT, WITHOUT ROWID;
-- +goose StatementEnd
