-- What ingest knows: which facts came, where orders are at home, what waits for its order, mappings, sources, counts.

-- One row for the natural key of a fact and one for its event id, where the source gave one (I-06). The digest tells a repetition from
-- another content; the place says where the first of them can be looked at.
CREATE TABLE facts (
  fact_key      uuid        PRIMARY KEY,
  digest        int8        NOT NULL,
  received_at   timestamptz NOT NULL,
  source_offset int8        NOT NULL,
  part          int4        NOT NULL,
  topic         text        NOT NULL
);

-- The identifiers an order came with first. A row without any is a placeholder: facts wait for it.
CREATE TABLE orders (
  order_key uuid PRIMARY KEY,
  home      text
) WITH (fillfactor = 90);

-- Facts of an order whose customer is not known yet, encoded; published in the transaction that learns of the customer.
CREATE TABLE waiting (
  id           int8        GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  order_key    uuid        NOT NULL,
  event        bytea       NOT NULL,
  trace_parent text        NOT NULL,
  waits_since  timestamptz NOT NULL
);
CREATE INDEX waiting_order ON waiting (order_key);

-- Every version of every mapping there ever was (I-03): the id names the content, so a row never changes.
CREATE TABLE mappings (
  id            text        PRIMARY KEY,
  name          text        NOT NULL,
  version       int4        NOT NULL,
  source        text        NOT NULL,
  owner         text        NOT NULL,
  yaml          text        NOT NULL,
  registered_at timestamptz NOT NULL
);

-- The registered sources (I-01). A source may have a mapping that reads its records where they name none.
CREATE TABLE sources (
  name          text        PRIMARY KEY,
  owner         text        NOT NULL,
  mapping_id    text        REFERENCES mappings (id),
  first_seen_at timestamptz NOT NULL
);

-- What became of the records of an import; one row per lane, so that partitions do not wait for each other.
CREATE TABLE imports (
  import_id text        NOT NULL,
  lane      text        NOT NULL,
  outcome   text        NOT NULL,
  reason    text        NOT NULL,
  records   int8        NOT NULL,
  lines     int8        NOT NULL,
  first_at  timestamptz NOT NULL,
  last_at   timestamptz NOT NULL,
  PRIMARY KEY (import_id, lane, outcome, reason)
) WITH (fillfactor = 50);

-- Records by source and day of arrival (I-07).
CREATE TABLE source_days (
  source     text NOT NULL,
  day        date NOT NULL,
  lane       text NOT NULL,
  records    int8 NOT NULL,
  accepted   int8 NOT NULL,
  duplicates int8 NOT NULL,
  refused    int8 NOT NULL,
  PRIMARY KEY (source, day, lane)
) WITH (fillfactor = 50);
