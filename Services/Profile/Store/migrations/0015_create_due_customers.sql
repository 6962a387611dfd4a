-- Who is due when, beside the customers. As long as a day of the customer's row stood in an index, each change of it (an order of somebody who was long away)
-- was a new entry in all indexes of the row, on pages that lie anywhere. Several entries of one customer are as good as one.
CREATE TABLE due_customers (
  day         date NOT NULL,
  customer_id int8 NOT NULL
);
INSERT INTO due_customers (day, customer_id) SELECT due_day, id FROM customers WHERE due_day IS NOT NULL ORDER BY due_day, id;
CREATE INDEX due_customers_day ON due_customers (day, customer_id);
DROP INDEX customers_due;

-- A row grows with each of its first orders, to half as much again: on a fuller page it would soon have to move to another, with a new entry in the index.
ALTER TABLE customers SET (fillfactor = 65);
