-- Customers with the rating in force, the history of all ratings, and the rules they were made by.

-- One row per customer ever heard of; one that was merged away keeps its last rating. Only the primary key is an index, so that a rating
-- is rewritten in place.
CREATE TABLE customers (
  customer_id       int8        PRIMARY KEY,
  profile_version   int8        NOT NULL,
  merged_into       int8,
  member_id         text,
  first_seen_at     timestamptz NOT NULL,
  stage             int2        NOT NULL,
  industry          text,
  days              bytea       NOT NULL,
  older             bytea       NOT NULL,
  facts_at          timestamptz NOT NULL,
  -- The rating; all empty until the first one.
  rating_version    int8        NOT NULL DEFAULT 0,
  tier              text,
  score             int2,
  exact_score       text,
  scorecard         text,
  scorecard_version int4,
  policy            text,
  policy_version    int4,
  tier_since        timestamptz,
  rated_at          timestamptz,
  rated_day         date,
  next_review       date,
  confirmed_by      text,
  inputs            text,
  recency_days      int4,
  frequency         int8,
  monetary          int8,
  retired           bool        NOT NULL DEFAULT false,
  -- The machine's time of the last rating, and from when on a waiting change may be rated.
  rated_real_at     timestamptz,
  rate_after        timestamptz,
  due_day           date
) WITH (fillfactor = 75);
ALTER TABLE customers ALTER COLUMN days SET STORAGE MAIN;

-- Every rating ever given, with what it was made of: explained anew from here at any time. Never changed.
CREATE TABLE ratings (
  customer_id       int8        NOT NULL,
  version           int8        NOT NULL,
  reason            text        NOT NULL,
  tier              text        NOT NULL,
  tier_before       text,
  score             int2,
  exact_score       text,
  scorecard         text        NOT NULL,
  scorecard_version int4        NOT NULL,
  policy            text        NOT NULL,
  policy_version    int4        NOT NULL,
  tier_since        timestamptz NOT NULL,
  rated_at          timestamptz NOT NULL,
  rated_day         date        NOT NULL,
  next_review       date        NOT NULL,
  confirmed_by      text,
  inputs            text        NOT NULL,
  recency_days      int4,
  frequency         int8        NOT NULL,
  monetary          int8        NOT NULL,
  retired           bool        NOT NULL,
  PRIMARY KEY (customer_id, version)
);

-- The files ratings were made by, as they were. A version never changes.
CREATE TABLE scorecards (
  name          text        NOT NULL,
  version       int4        NOT NULL,
  state         text        NOT NULL,
  yaml          text        NOT NULL,
  registered_at timestamptz NOT NULL,
  PRIMARY KEY (name, version)
);
CREATE TABLE policies (
  version       int4        PRIMARY KEY,
  yaml          text        NOT NULL,
  registered_at timestamptz NOT NULL
);
