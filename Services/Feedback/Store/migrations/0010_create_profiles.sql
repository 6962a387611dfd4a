-- What is known of customers' orders: steps of their lives (F-02), segments (F-04), orders of those who were unhappy (F-05).

-- The newest snapshot of each customer. One that became part of another keeps its version alone. Only the primary key is an index, so that a row is
-- rewritten in place.
CREATE TABLE profiles (
  customer_id int8 PRIMARY KEY,
  version     int8 NOT NULL,
  is_merged   bool NOT NULL,
  -- Of the first paid order; NULL: none.
  first_day   date,
  -- Purchases by day, and the sum of those before.
  days        bytea NOT NULL,
  older       bytea NOT NULL,
  -- By the rules of which version, and counted from which first order, the steps were planned; NULL: not yet.
  asked_rules int4,
  asked_day   date
) WITH (fillfactor = 75);
ALTER TABLE profiles ALTER COLUMN days SET STORAGE MAIN;

-- Means of everybody who had paid for an order, to divide customers by, as they were when first needed on a day: sums over so many customers.
CREATE TABLE segment_borders (
  day          date        PRIMARY KEY,
  drawn_at     timestamptz NOT NULL,
  -- Rows of profiles at that moment.
  profiles     int8        NOT NULL,
  customers    int8        NOT NULL,
  recency_days int8        NOT NULL,
  frequency    int8        NOT NULL,
  monetary     int8        NOT NULL
);

-- In which segments the customer was on the day of the answer, and on the day when it was asked; NULL: not decided yet, empty: not to be known. Decided anew
-- until segment_open (NULL: for good) when the profile has another version than the one it was decided by.
ALTER TABLE answers ADD COLUMN rfm text, ADD COLUMN contribution text, ADD COLUMN segment_version int8, ADD COLUMN segment_open timestamptz;
CREATE INDEX answers_without_segment ON answers (customer_id) WHERE rfm IS NULL;
CREATE INDEX answers_open_segment ON answers (customer_id) WHERE segment_open IS NOT NULL;
ALTER TABLE invitations ADD COLUMN rfm text, ADD COLUMN contribution text, ADD COLUMN segment_version int8, ADD COLUMN segment_open timestamptz;
CREATE INDEX invitations_without_segment ON invitations (customer_id) WHERE rfm IS NULL AND sent_at IS NOT NULL;
CREATE INDEX invitations_open_segment ON invitations (customer_id) WHERE segment_open IS NOT NULL;
CREATE INDEX invitations_of_steps ON invitations (customer_id) WHERE cause = 'lifecycle';
