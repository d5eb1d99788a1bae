-- +goose Up
-- +goose StatementBegin
-- What was committed to outside the log: never restored together with it. Rows are
-- only ever added; nothing here is secret.
CREATE TABLE anchors (
    anchor_no INTEGER PRIMARY KEY, -- dense, from 0
    position  INTEGER NOT NULL,    -- the heads are those of the log up to here
    record    BLOB NOT NULL CHECK (length(record) = 132)
) STRICT;

-- Complete subtrees of the tree over all anchors.
CREATE TABLE nodes (
    level INTEGER NOT NULL,
    place INTEGER NOT NULL,
    hash  BLOB NOT NULL CHECK (length(hash) = 32),
    PRIMARY KEY (level, place)
) STRICT, WITHOUT ROWID;

-- A head that an anchor changed. It holds until a later one changes it again.
CREATE TABLE heads (
    tenant_index INTEGER NOT NULL,
    anchor_no    INTEGER NOT NULL,
    next_seq     INTEGER NOT NULL,
    leaf         BLOB NOT NULL CHECK (length(leaf) = 68),
    PRIMARY KEY (tenant_index, anchor_no)
) STRICT, WITHOUT ROWID;
CREATE INDEX heads_of_anchor ON heads (anchor_no);
CREATE INDEX heads_by_seq ON heads (tenant_index, next_seq);

-- A defence against mistakes, not against whoever owns the file.
CREATE TRIGGER anchors_no_update BEFORE UPDATE ON anchors BEGIN SELECT RAISE(ABORT, 'anchors are never changed'); END;
CREATE TRIGGER anchors_no_delete BEFORE DELETE ON anchors BEGIN SELECT RAISE(ABORT, 'anchors are never removed'); END;
-- +goose StatementEnd
