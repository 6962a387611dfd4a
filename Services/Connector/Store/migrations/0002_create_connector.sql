-- Where customers are reached, and messages on their way to them.

-- Whose an identity is, as the newest message says.
CREATE TABLE identities (
  identity_id int8        PRIMARY KEY,
  customer_id int8        NOT NULL,
  version     int8        NOT NULL,
  since       timestamptz NOT NULL
) WITH (fillfactor = 75);

-- Readable personal data: no other table of the suite but profile's has it.
CREATE TABLE addresses (
  identity_id   int8        PRIMARY KEY,
  customer_id   int8        NOT NULL,
  kind          text        NOT NULL,
  value         text        NOT NULL,
  is_verified   bool        NOT NULL,
  is_shared     bool        NOT NULL,
  first_seen_at timestamptz NOT NULL,
  -- NULL: nobody refused it.
  bounced_at    timestamptz
) WITH (fillfactor = 90);
CREATE INDEX addresses_of_customer ON addresses (customer_id);

-- A number is made of the request: one that comes again finds itself here.
CREATE TABLE deliveries (
  delivery_id    int8        PRIMARY KEY,
  kind           text        NOT NULL,
  invitation_id  int8        NOT NULL,
  -- As the request named it.
  customer_id    int8        NOT NULL,
  survey         text        NOT NULL,
  survey_version int8        NOT NULL,
  metric         text        NOT NULL,
  purpose        text        NOT NULL,
  channel        text        NOT NULL,
  language       text,
  title_en       text        NOT NULL,
  title_zh       text        NOT NULL,
  -- A secret of the customer's; empty once it was taken over.
  link           text        NOT NULL,
  expires_at     timestamptz NOT NULL,
  asked_at       timestamptz NOT NULL,
  state          text        NOT NULL DEFAULT 'waiting',
  attempts       int4        NOT NULL DEFAULT 0,
  -- Of them before somebody let it be tried anew.
  attempts_before int4       NOT NULL DEFAULT 0,
  -- By the machine's time: when it is tried next ('epoch': at once), and until when somebody is at it.
  due_at         timestamptz NOT NULL DEFAULT 'epoch',
  leased_until   timestamptz,
  way            text,
  reason         text        NOT NULL DEFAULT '',
  finished_at    timestamptz,
  delivered_at   timestamptz,
  opened_at      timestamptz
) WITH (fillfactor = 75);
CREATE INDEX deliveries_due ON deliveries (due_at, delivery_id) WHERE state = 'waiting';
CREATE INDEX deliveries_asked ON deliveries (asked_at, delivery_id);
CREATE INDEX deliveries_of_customer ON deliveries (customer_id, asked_at, delivery_id);

-- Each attempt. result NULL: it began, and how it ended was not heard.
CREATE TABLE attempts (
  delivery_id int8        NOT NULL,
  number      int4        NOT NULL,
  at          timestamptz NOT NULL,
  way         text,
  result      text,
  -- Of the server; 0: it said nothing.
  code        int4        NOT NULL DEFAULT 0,
  PRIMARY KEY (delivery_id, number)
);
