-- Service records that were drawn to be looked at, and what came of it (K-11).

-- month: months since the beginning of year 0.
CREATE TABLE spot_checks (
  month    int4        PRIMARY KEY,
  seed     int8        NOT NULL,
  drawn_at timestamptz NOT NULL,
  actor    text        NOT NULL,
  reason   text        NOT NULL
);

-- tier '': it was not known.
CREATE TABLE spot_check_strata (
  month      int4 NOT NULL,
  tier       text NOT NULL,
  population int8 NOT NULL,
  PRIMARY KEY (month, tier)
);

-- version 0: nobody has looked at it yet. marks: JSON, by point of the checklist.
CREATE TABLE spot_check_tickets (
  month      int4        NOT NULL,
  ticket_id  int8        NOT NULL,
  tier       text        NOT NULL,
  version    int4        NOT NULL,
  is_passed  bool,
  marks      text,
  note       text,
  checked_by text,
  reason     text,
  checked_at timestamptz,
  PRIMARY KEY (month, ticket_id)
);
