-- Changes of a tier that wait for a person (T-07), and what stands between the figures and the confirmed tier (T-09).

-- With which tiers the customer's last rated business day began, and what people and time have to do with its tier (JSON, mostly empty). Older
-- rows are as if their day began with the tier they have. `tier` is the confirmed one.
ALTER TABLE customers
  ADD COLUMN decided_tier  text,
  ADD COLUMN proposed_tier text,
  ADD COLUMN day_start     date,
  ADD COLUMN day_decided   text,
  ADD COLUMN day_tier      text,
  ADD COLUMN review        text;

-- What a rating decided, what waited afterwards, and, where a person caused the line, who and why (JSON).
ALTER TABLE ratings
  ADD COLUMN decided_tier  text,
  ADD COLUMN proposed_tier text,
  ADD COLUMN action        text;

-- The queue: what waits now, one row per customer. What became of it stands in `ratings`.
CREATE TABLE proposals (
  customer_id          int8        PRIMARY KEY,
  member_id            text,
  tier                 text        NOT NULL,
  proposed_tier        text        NOT NULL,
  score                int2,
  cause                text        NOT NULL,
  rating_version       int8        NOT NULL,
  opened_at            timestamptz NOT NULL,
  expires_on           date        NOT NULL,
  -- Of an override that a person asks for.
  terms_until          date,
  terms_at_next_rating text,
  terms_actor          text,
  terms_reason         text
);
CREATE INDEX proposals_age ON proposals (opened_at, customer_id);
