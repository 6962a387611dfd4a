-- Named snapshots of all figures, taken before a measure (F-07). figures: JSON, by metric and group how often each score was given.
CREATE TABLE baselines (
  name      text        PRIMARY KEY,
  first_day date        NOT NULL,
  last_day  date        NOT NULL,
  taken_at  timestamptz NOT NULL,
  actor     text        NOT NULL,
  reason    text        NOT NULL,
  figures   text        NOT NULL
);
