-- Whose tickets are: teams, people who look after customers, absences, and how much everybody has to do.

-- Empty: it is from before there were teams.
ALTER TABLE tickets ADD COLUMN team text NOT NULL DEFAULT '';
CREATE INDEX tickets_of_team ON tickets (team, opened_at, ticket_id) WHERE state < 5;

-- Who looks after the customer by name; version 0: nobody was named yet.
ALTER TABLE customers ADD COLUMN attendant text NOT NULL DEFAULT '', ADD COLUMN attendant_version int4 NOT NULL DEFAULT 0;

-- Everybody who ever looked after a customer. Never changed.
CREATE TABLE attendants (
  customer_id int8        NOT NULL,
  version     int4        NOT NULL,
  person      text        NOT NULL,
  since       timestamptz NOT NULL,
  actor       text        NOT NULL,
  reason      text        NOT NULL,
  PRIMARY KEY (customer_id, version)
);

-- Open tickets of each person and each team, counted with every change of a ticket.
CREATE TABLE loads (
  is_team bool NOT NULL,
  name    text NOT NULL,
  open    int8 NOT NULL,
  PRIMARY KEY (is_team, name)
) WITH (fillfactor = 50);
INSERT INTO loads (is_team, name, open) SELECT false, owner, count(*) FROM tickets WHERE state < 5 AND owner <> '' GROUP BY owner;

-- From when until when somebody is away; one that ends when it begins was called off.
CREATE TABLE absences (
  absence_id int8        GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  person     text        NOT NULL,
  starts_at  timestamptz NOT NULL,
  ends_at    timestamptz NOT NULL,
  actor      text        NOT NULL,
  reason     text        NOT NULL,
  UNIQUE (person, starts_at)
);
CREATE INDEX absences_end ON absences (ends_at);
