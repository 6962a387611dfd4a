-- What every service keeps beside its own tables: positions, outgoing records, refused records, missing records, due work.

-- One row per consumed partition (and per lane that consumes nothing). The row is the fence: only the owner that knows the epoch and the
-- expected offset can move it, in the same transaction as everything the batch changed.
CREATE TABLE positions (
  consumer    text        NOT NULL,
  cluster     text        NOT NULL,
  topic       text        NOT NULL,
  part        int4        NOT NULL,
  next_offset int8        NOT NULL,
  epoch       int8        NOT NULL,
  owner       text        NOT NULL,
  owner_pid   int4        NOT NULL,
  anchor      bytea,
  lanes_in    bytea       NOT NULL,
  lanes_out   bytea       NOT NULL,
  moved_at    timestamptz NOT NULL,
  PRIMARY KEY (consumer, cluster, topic, part)
) WITH (fillfactor = 10);

-- Records to be published, framed: one row holds many records of one destination partition, numbered from first_seq.
CREATE TABLE outbox (
  id        int8        GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  lane      text        NOT NULL,
  topic     text        NOT NULL,
  part      int4        NOT NULL,
  first_seq int8        NOT NULL,
  records   int4        NOT NULL,
  body      bytea       NOT NULL,
  made_at   timestamptz NOT NULL
) WITH (autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 1000);
CREATE INDEX outbox_lane ON outbox (lane, id);
-- Rows live for milliseconds: compressing them would cost more than it saves.
ALTER TABLE outbox ALTER COLUMN body SET STORAGE EXTERNAL;

-- Records that were refused: raw, with every reason, until a person has dealt with them.
CREATE TABLE quarantine (
  id          int8        GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  topic       text        NOT NULL,
  part        int4        NOT NULL,
  source_offset int8      NOT NULL,
  source      text        NOT NULL,
  received_at timestamptz NOT NULL,
  state       int2        NOT NULL DEFAULT 0,
  settled_at  timestamptz,
  lines       int4        NOT NULL,
  reasons     jsonb       NOT NULL,
  record_key  bytea,
  value       bytea,
  headers     bytea       NOT NULL
);
CREATE INDEX quarantine_open ON quarantine (id) WHERE state = 0;

-- Ranges of records that the log no longer holds, that never came, or that are in doubt: nothing is skipped silently. The partition stands
-- until an operator has accepted the row, and settles it when it goes on.
CREATE TABLE gap_log (
  id          int8        GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  consumer    text        NOT NULL,
  cluster     text        NOT NULL,
  topic       text        NOT NULL,
  part        int4        NOT NULL,
  kind        text        NOT NULL,
  lane        text,
  from_number int8        NOT NULL,
  to_number   int8        NOT NULL,
  detail      text        NOT NULL,
  found_at    timestamptz NOT NULL,
  accepted_at timestamptz,
  settled_at  timestamptz
);
CREATE INDEX gap_log_open ON gap_log (consumer, topic, part) WHERE settled_at IS NULL;

-- Work with a moment at which it is due. What failed by itself waits until later, and keeps the moment it was due at.
CREATE TABLE due_work (
  kind        int2        NOT NULL,
  id          int8        NOT NULL,
  due_at      timestamptz NOT NULL,
  failures    int2        NOT NULL DEFAULT 0,
  not_before  timestamptz,
  PRIMARY KEY (kind, id)
) WITH (fillfactor = 75);
CREATE INDEX due_work_at ON due_work (kind, due_at, id) WHERE not_before IS NULL;
CREATE INDEX due_work_postponed ON due_work (kind, not_before) WHERE not_before IS NOT NULL;
