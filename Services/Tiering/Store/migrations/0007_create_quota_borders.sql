-- Where a quota cuts the population (T-04), each time it was looked at: ratings name the borders they were made by. Never changed.
CREATE TABLE quota_borders (
  number         int8        GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  policy         text        NOT NULL,
  policy_version int4        NOT NULL,
  -- Business time, and the machine's, which says when the next ones may be drawn.
  at             timestamptz NOT NULL,
  made_at        timestamptz NOT NULL,
  -- Customers with a score.
  customers      int8        NOT NULL,
  -- The least exact score of each tier but the lowest, highest tier first; empty for one that takes nobody.
  thresholds     text[]      NOT NULL
);
ALTER TABLE scorecards_in_force ADD COLUMN borders int8;
