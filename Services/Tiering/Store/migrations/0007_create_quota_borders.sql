-- Where a quota cuts the population (T-04), each time it was looked at: ratings name the borders they were made by. Never changed.
CREATE TABLE quota_borders (
  number            int8        GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  policy            text        NOT NULL,
  policy_version    int4        NOT NULL,
  -- The scorecard that all customers were rated by, or, where they were not drawn from ratings, would be: what a simulation of it found.
  scorecard         text        NOT NULL,
  scorecard_version int4        NOT NULL,
  is_drawn          bool        NOT NULL,
  -- Business time, and the machine's, which says when the next ones may be drawn.
  at                timestamptz NOT NULL,
  made_at           timestamptz NOT NULL,
  -- Customers with a score.
  customers         int8        NOT NULL,
  -- The least exact score of each tier but the lowest, highest tier first; empty for one that takes nobody.
  thresholds        text[]      NOT NULL
);
CREATE INDEX quota_borders_newest ON quota_borders (policy, policy_version, scorecard, scorecard_version, number);
