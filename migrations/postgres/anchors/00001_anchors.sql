-- +goose Up
-- +goose StatementBegin
-- What was committed to outside the log: never restored together with it. Rows are
-- only ever added; nothing here is secret.
CREATE TABLE anchors (
    anchor_no BIGINT PRIMARY KEY, -- dense, from 0
    position  BIGINT NOT NULL,    -- the heads are those of the log up to here
    record    BYTEA NOT NULL CHECK (length(record) = 132)
);

-- Complete subtrees of the tree over all anchors.
CREATE TABLE nodes (
    level INTEGER NOT NULL,
    place BIGINT NOT NULL,
    hash  BYTEA NOT NULL CHECK (length(hash) = 32),
    PRIMARY KEY (level, place)
);

-- A head that an anchor changed. It holds until a later one changes it again.
CREATE TABLE heads (
    tenant_index BIGINT NOT NULL,
    anchor_no    BIGINT NOT NULL,
    next_seq     BIGINT NOT NULL,
    leaf         BYTEA NOT NULL CHECK (length(leaf) = 68),
    PRIMARY KEY (tenant_index, anchor_no)
);
CREATE INDEX heads_of_anchor ON heads (anchor_no);
CREATE INDEX heads_by_seq ON heads (tenant_index, next_seq);

-- A defence against mistakes, not against whoever owns the database.
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'anchors are never changed or removed';
END
$$;
CREATE TRIGGER anchors_keep BEFORE UPDATE OR DELETE OR TRUNCATE ON anchors
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
ALTER TABLE anchors ENABLE ALWAYS TRIGGER anchors_keep;
-- +goose StatementEnd
