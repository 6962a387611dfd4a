-- The files that customers were asked by, as they were. A version never changes.
CREATE TABLE rule_files (
  kind          text        NOT NULL,
  version       int4        NOT NULL,
  yaml          text        NOT NULL,
  registered_at timestamptz NOT NULL,
  PRIMARY KEY (kind, version)
);
