-- Tickets with their clocks, their history, and what is known of identities and tiers.

-- Whose an identity is, as the newest message says; only those that have tickets or have moved.
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

-- state: 0 new, 1 open, 2 waiting for the customer, 3 for a third party, 4 reopened, 5 resolved, 6 closed.
CREATE TABLE tickets (
  ticket_id         int8        PRIMARY KEY,
  version           int8        NOT NULL,
  identity_id       int8        NOT NULL,
  customer_id       int8        NOT NULL,
  state             int2        NOT NULL,
  kind              text,
  category          text        NOT NULL,
  urgency           text,
  priority          int2        NOT NULL,
  tier              text,
  channel           text        NOT NULL,
  source            text        NOT NULL,
  reference         text        NOT NULL,
  order_id          text,
  body              text        NOT NULL,
  attachments       text,
  owner             text        NOT NULL,
  opened_at         timestamptz NOT NULL,
  last_message_at   timestamptz NOT NULL,
  last_reply_at     timestamptz,
  last_step_at      timestamptz NOT NULL,
  replies           int4        NOT NULL,
  -- Clocks and pauses, as JSON.
  clocks            text        NOT NULL,
  pauses            text,
  resolution_code   text,
  root_cause        text,
  resolved_at       timestamptz,
  closed_at         timestamptz,
  times_reopened    int4        NOT NULL,
  merged_into       int8,
  events            int4        NOT NULL,
  -- The oldest files that a running clock was promised by; NULL: none runs.
  standards_version int4,
  calendars_version int4
) WITH (fillfactor = 75);
CREATE INDEX tickets_unclosed ON tickets (customer_id) WHERE state < 6;
CREATE INDEX tickets_of_customer ON tickets (customer_id, opened_at, ticket_id);
CREATE INDEX tickets_of_identity ON tickets (identity_id);
CREATE INDEX tickets_queue ON tickets (opened_at, ticket_id) WHERE state < 5;
CREATE INDEX tickets_age ON tickets (opened_at, ticket_id);
CREATE INDEX tickets_owned ON tickets (owner, opened_at, ticket_id) WHERE state < 5;
CREATE INDEX tickets_promised ON tickets (standards_version, calendars_version) WHERE standards_version IS NOT NULL;

-- What happened, in the order in which it became known. Never changed.
CREATE TABLE ticket_events (
  ticket_id int8        NOT NULL,
  number    int4        NOT NULL,
  kind      text        NOT NULL,
  at        timestamptz NOT NULL,
  known_at  timestamptz NOT NULL,
  actor     text        NOT NULL,
  reason    text        NOT NULL,
  before    int2        NOT NULL,
  after     int2        NOT NULL,
  clock     text,
  percent   int4,
  role      text,
  body      text        NOT NULL,
  PRIMARY KEY (ticket_id, number)
);

-- Contacts that a ticket was opened by or took in: none counts twice.
CREATE TABLE contacts (
  contact_id int8 PRIMARY KEY,
  ticket_id  int8 NOT NULL
);

-- The files that clocks were promised by, as they were. A version never changes.
CREATE TABLE rule_files (
  kind          text        NOT NULL,
  version       int4        NOT NULL,
  yaml          text        NOT NULL,
  registered_at timestamptz NOT NULL,
  PRIMARY KEY (kind, version)
);
