-- Customers who refused automated tiering and became part of another since (S-07), each with the one that stands for it. Written by the lane of due work,
-- which works it out from the customers' rows.
CREATE TABLE opt_out_parts (
  part     int8 PRIMARY KEY,
  survivor int8 NOT NULL
);

-- Who became part of a customer.
CREATE INDEX customers_parts ON customers (merged_into) WHERE merged_into IS NOT NULL;

-- Those from before are looked at once.
INSERT INTO due_work (kind, id, due_at)
SELECT 3, customer_id, '-infinity' FROM customers WHERE merged_into IS NOT NULL AND (review::jsonb ->> 'opted_out')::bool;
