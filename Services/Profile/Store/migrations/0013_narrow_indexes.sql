-- Most identities belong to the customer who was born from them and has their number: their own key says so, and they need no second index. What is
-- left of it are the identities of others, found by the customer.
DROP INDEX identities_customer;
CREATE INDEX identities_of_others ON identities (customer_id) WHERE customer_id <> id;
-- And nobody asks by day for customers who have none.
DROP INDEX customers_due;
CREATE INDEX customers_due ON customers (due_day) WHERE due_day IS NOT NULL;
