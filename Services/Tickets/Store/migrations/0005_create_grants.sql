-- What customers were given, and what waits for somebody to agree (K-08).

-- state: 0 waits, 1 granted, 2 rejected. Amounts in minor units of the base currency. A grant belongs to its ticket, and to whomever that belongs to.
CREATE TABLE grants (
  grant_id        int8        PRIMARY KEY,
  ticket_id       int8        NOT NULL,
  state           int2        NOT NULL,
  -- NULL: compensation.
  upgrade         text,
  amount          int8        NOT NULL,
  asked_at        timestamptz NOT NULL,
  asked_by        text        NOT NULL,
  reason          text        NOT NULL,
  decided_at      timestamptz,
  decided_by      text,
  decision_reason text
);
CREATE INDEX grants_of_ticket ON grants (ticket_id);
CREATE INDEX grants_age ON grants (asked_at, grant_id);
CREATE INDEX grants_waiting ON grants (asked_at, grant_id) WHERE state = 0;
