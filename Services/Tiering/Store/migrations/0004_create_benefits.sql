-- The benefits' files that were in force, as they were: what a tier had at some time can be said later. A version never changes.
CREATE TABLE benefits (
  version       int4        PRIMARY KEY,
  yaml          text        NOT NULL,
  registered_at timestamptz NOT NULL
);
