-- Where customers are reached is told to whoever sends (E-05). What came before is told once for each customer by due work: phones, e-mail, messengers.
INSERT INTO due_work (kind, id, due_at)
SELECT DISTINCT 8, customer_id, '-infinity'::timestamptz FROM identities WHERE kind IN (4, 5, 6);
