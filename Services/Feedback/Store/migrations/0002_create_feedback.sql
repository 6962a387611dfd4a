-- Answers to surveys, and what is known of identities and tiers.

-- Whose an identity is, as the newest message says; only those that have answered or have moved.
CREATE TABLE identities (
  identity_id int8        PRIMARY KEY,
  customer_id int8        NOT NULL,
  version     int8        NOT NULL,
  since       timestamptz NOT NULL
) WITH (fillfactor = 75);

-- The tier of each customer; version 0: none came yet.
CREATE TABLE customers (
  customer_id  int8        PRIMARY KEY,
  tier_version int8        NOT NULL DEFAULT 0,
  tier         text,
  tier_before  text,
  tier_since   timestamptz
) WITH (fillfactor = 75);

-- A number is made of identity, source and event id: an answer that comes again finds itself here.
CREATE TABLE answers (
  answer_id      int8        PRIMARY KEY,
  identity_id    int8        NOT NULL,
  customer_id    int8        NOT NULL,
  -- Of the customer, at the moment of the answer; NULL: none is known.
  tier           text,
  source         text        NOT NULL,
  event_id       text        NOT NULL,
  occurred_at    timestamptz NOT NULL,
  survey         text        NOT NULL,
  survey_version int8        NOT NULL,
  metric         text        NOT NULL,
  score          int2        NOT NULL,
  comment        text        NOT NULL,
  channel        text        NOT NULL,
  ticket_id      text,
  order_id       text,
  item           text        NOT NULL,
  -- Further questions and their answers, as JSON; NULL: there were none.
  follow_ups     text
) WITH (fillfactor = 90);
CREATE INDEX answers_figures ON answers (metric, occurred_at, answer_id);
CREATE INDEX answers_of_customer ON answers (customer_id, occurred_at, answer_id);
CREATE INDEX answers_of_identity ON answers (identity_id);
CREATE INDEX answers_without_tier ON answers (customer_id) WHERE tier IS NULL;
