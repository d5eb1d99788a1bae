-- +goose Up
-- +goose StatementBegin
-- How far each reactor has come, and whose turn it is until when (Unix
-- microseconds). It is folded from nothing: a reactor without a row begins at the
-- end of the log.
CREATE TABLE reactors (
    reactor    TEXT PRIMARY KEY,
    position   INTEGER NOT NULL,
    holder     BLOB NOT NULL CHECK (length(holder) = 16),
    held_until INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Whom the reconciler looks at: who accepted and broke off may be among them.
CREATE INDEX users_invited ON users (tenant_id, user_id) WHERE registered_at = 0;
-- +goose StatementEnd
