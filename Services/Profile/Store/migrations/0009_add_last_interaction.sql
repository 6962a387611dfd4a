-- The newest business day of a contact, a behaviour or an answer of each customer (T-06); NULL: none. Orders are in the ledger.
ALTER TABLE customers ADD COLUMN last_interaction_day date;

-- What came before is summed up once for each customer by due work, which knows the business's time zone.
INSERT INTO due_work (kind, id, due_at)
SELECT DISTINCT 7, i.customer_id, '-infinity'::timestamptz FROM interactions n JOIN identities i ON i.id = n.identity_id;
