-- Messages that are wanted no longer are called back (F-02). NULL: this one was not.
ALTER TABLE invitations ADD COLUMN withdrawn_at timestamptz;

-- What is under way to those who wanted no surveys before.
INSERT INTO due_work (kind, id, due_at) SELECT DISTINCT 4, customer_id, '-infinity'::timestamptz FROM opt_outs;
