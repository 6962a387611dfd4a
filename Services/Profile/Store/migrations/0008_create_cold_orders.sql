-- Orders of long ago, out of the table that every batch writes to (S-09): the same rows, read together with it. A migration that changes one table
-- changes the other in the same way, and makes the view anew.
CREATE TABLE cold_orders (LIKE orders INCLUDING ALL);
CREATE VIEW all_orders AS SELECT *, false AS is_cold FROM orders UNION ALL SELECT *, true FROM cold_orders;

-- How far the round through the orders has come, and the day before which orders were ever put away: one row.
CREATE TABLE cold_round (
  only_one    bool PRIMARY KEY DEFAULT true CHECK (only_one),
  identity_id int8 NOT NULL,
  order_key   int8 NOT NULL,
  tie         int2 NOT NULL,
  before      date,
  moved       int8 NOT NULL,
  -- The setting of the round, and the day on which it was met first: nothing is moved on that day, so that every process knows of it before.
  armed_months int4,
  armed_on     date
);
INSERT INTO cold_round (identity_id, order_key, tie, moved) VALUES (0, (-9223372036854775808)::int8, 0, 0);

-- The round: one row.
INSERT INTO due_work (kind, id, due_at) VALUES (6, 0, '-infinity');
