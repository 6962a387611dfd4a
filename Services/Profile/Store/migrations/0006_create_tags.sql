-- Tags of customers (P-10): what rules and people have given them, found from both sides.

-- Ids of rules in order, then a bar and what people gave; NULL for none, which most have.
ALTER TABLE customers ADD COLUMN tags text;

-- The same from the side of the tag.
CREATE TABLE customer_tags (
  tag         text COLLATE "C" NOT NULL,
  customer_id int8 NOT NULL,
  PRIMARY KEY (tag, customer_id)
);

-- One row per tag that a person gave, for ever, under the identity whose number the customer had: it follows merges and undone merges.
CREATE TABLE manual_tags (
  id             int8        GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  identity_id    int8        NOT NULL,
  tag            text        NOT NULL,
  actor          text        NOT NULL,
  reason         text        NOT NULL,
  at             timestamptz NOT NULL,
  until          date,
  removed_at     timestamptz,
  removed_by     text,
  removal_reason text
);
CREATE INDEX manual_tags_identity ON manual_tags (identity_id);

-- The files of rules that were in force, as they were. A version never changes.
CREATE TABLE tag_rules (
  version       int4        PRIMARY KEY,
  yaml          text        NOT NULL,
  registered_at timestamptz NOT NULL
);

-- Which of them was in force from when on. marked_through: customers up to this one are marked to be judged by it; all are once is_marked.
CREATE TABLE tag_rules_in_force (
  id             int8        GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  version        int4        NOT NULL REFERENCES tag_rules,
  since          timestamptz NOT NULL,
  marked_through int8        NOT NULL,
  is_marked      bool        NOT NULL
);
