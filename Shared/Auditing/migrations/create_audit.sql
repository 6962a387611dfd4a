-- What callers changed, and by whom (S-05). Each entry's hash holds the one before it; a day's row has its last. Every service has a trail of its own.
CREATE TABLE audit (
  day     date        NOT NULL,
  entry   int8        NOT NULL,
  at      timestamptz NOT NULL,
  actor   text        NOT NULL,
  subject text        NOT NULL,
  issuer  text        NOT NULL,
  roles   text        NOT NULL,
  method  text        NOT NULL,
  route   text        NOT NULL,
  path    text        NOT NULL,
  -- SHA-256 of what was sent, and of this entry and the one before.
  body    bytea       NOT NULL,
  hash    bytea       NOT NULL,
  PRIMARY KEY (day, entry)
);
CREATE INDEX audit_of_actor ON audit (actor, day, entry);

CREATE TABLE audit_days (
  day      date  PRIMARY KEY,
  entries  int8  NOT NULL,
  previous bytea NOT NULL,
  hash     bytea NOT NULL
);
