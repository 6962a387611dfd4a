-- The unified view: identities, the customers they belong to, and the facts both are worked out from.

-- One row per identifier ever seen. The key is a keyed hash, so that no index holds readable personal data.
CREATE TABLE identities (
  key           uuid        PRIMARY KEY,
  id            int8        NOT NULL,
  kind          int2        NOT NULL,
  value         text        NOT NULL,
  customer_id   int8        NOT NULL,
  strong        bool        NOT NULL,
  first_seen_at timestamptz NOT NULL,
  link_id       int8,
  link_weak     bool,
  link_at       timestamptz,
  partners      int8[]      NOT NULL
);
CREATE INDEX identities_customer ON identities (customer_id);

-- One row per customer number ever given; one that was merged away keeps its version and says into whom.
CREATE TABLE customers (
  id            int8        PRIMARY KEY,
  version       int8        NOT NULL,
  membership    int8        NOT NULL,
  merged_into   int8,
  member_id     text,
  first_seen_at timestamptz NOT NULL,
  days          bytea       NOT NULL,
  older         bytea       NOT NULL,
  attributes    text        NOT NULL,
  due_day       date
) WITH (fillfactor = 75);
ALTER TABLE customers ALTER COLUMN days SET STORAGE MAIN;
CREATE INDEX customers_due ON customers (due_day);

-- The daily round through customers that are due: one row for all of them.
INSERT INTO due_work (kind, id, due_at) VALUES (1, 0, '-infinity');

-- One row per order (or credit note), under the identity it came in with. order_key is a 64-bit hash of source and order id; two orders
-- whose keys meet are told apart by tie. What is never searched lies together in labels: currency, channel and credit note, each behind its length.
CREATE TABLE orders (
  identity_id      int8 NOT NULL,
  order_key        int8 NOT NULL,
  revision         int8,
  ordered_at       timestamptz,
  paid_at          timestamptz,
  minor_units      int8,
  base_minor_units int8,
  tie              int2 NOT NULL,
  source           text NOT NULL,
  order_id         text NOT NULL,
  labels           bytea NOT NULL,
  lines            text,
  movements        text,
  PRIMARY KEY (identity_id, order_key, tie)
) WITH (fillfactor = 90);

CREATE TABLE registrations (
  identity_id int8        NOT NULL,
  source      text        NOT NULL,
  event_id    text        NOT NULL,
  occurred_at timestamptz NOT NULL,
  attributes  text        NOT NULL,
  PRIMARY KEY (identity_id, source, event_id)
);

-- What became of events that named two customers: merged, or stopped by a guard and waiting for a person.
CREATE TABLE merges (
  id       int8        GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  survivor int8        NOT NULL,
  absorbed int8        NOT NULL,
  outcome  text        NOT NULL,
  evidence text        NOT NULL,
  at       timestamptz NOT NULL
);
CREATE INDEX merges_survivor ON merges (survivor);

-- Customers whose aggregates a rebuild found different from their facts: none, unless something is wrong.
CREATE TABLE rebuild_differences (
  id          int8        GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  customer_id int8        NOT NULL,
  found_at    timestamptz NOT NULL,
  days_before bytea       NOT NULL,
  days_after  bytea       NOT NULL
);
