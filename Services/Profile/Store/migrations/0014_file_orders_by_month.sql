-- Orders are filed by the month of the event that first spoke of them, so that those of today meet on few pages of the index, however many are stored.
-- What is there already is filed under no month (0), which changes no row; nor is one changed by the marks, which say of everybody that there may be such.
ALTER TABLE orders ADD COLUMN month int2 NOT NULL DEFAULT 0;
ALTER TABLE orders ALTER COLUMN month DROP DEFAULT;
ALTER TABLE orders DROP CONSTRAINT orders_pkey;
ALTER TABLE orders ADD PRIMARY KEY (month, identity_id, order_key, tie);
ALTER TABLE cold_orders ADD COLUMN month int2 NOT NULL DEFAULT 0;
ALTER TABLE cold_orders ALTER COLUMN month DROP DEFAULT;
ALTER TABLE cold_orders DROP CONSTRAINT cold_orders_pkey;
ALTER TABLE cold_orders ADD PRIMARY KEY (month, identity_id, order_key, tie);
DROP VIEW all_orders;
CREATE VIEW all_orders AS SELECT *, false AS is_cold FROM orders UNION ALL SELECT *, true FROM cold_orders;

-- The months that orders are filed under: one look into the index for each.
CREATE VIEW order_months AS
  WITH RECURSIVE
    warm(month) AS (
      (SELECT month FROM orders ORDER BY month LIMIT 1)
      UNION ALL
      SELECT (SELECT o.month FROM orders o WHERE o.month > w.month ORDER BY o.month LIMIT 1) FROM warm w WHERE w.month IS NOT NULL),
    cold(month) AS (
      (SELECT month FROM cold_orders ORDER BY month LIMIT 1)
      UNION ALL
      SELECT (SELECT o.month FROM cold_orders o WHERE o.month > c.month ORDER BY o.month LIMIT 1) FROM cold c WHERE c.month IS NOT NULL)
  SELECT month FROM warm WHERE month IS NOT NULL UNION SELECT month FROM cold WHERE month IS NOT NULL;

-- Month and 16 bits of the key of each order, four bytes each; four bytes of zeros: some are filed under no month.
ALTER TABLE customers ADD COLUMN order_marks bytea NOT NULL DEFAULT '\x00000000';
ALTER TABLE customers ALTER COLUMN order_marks DROP DEFAULT;
ALTER TABLE customers ALTER COLUMN order_marks SET STORAGE MAIN;

-- The round through the orders begins anew, in the new order.
ALTER TABLE cold_round ADD COLUMN month int2 NOT NULL DEFAULT 0;
UPDATE cold_round SET identity_id = 0, order_key = (-9223372036854775808)::int8, tie = 0;
