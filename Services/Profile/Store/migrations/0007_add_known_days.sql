-- When facts became known (P-12): a customer of a day as known on another. NULL: taken in before that was kept. Of an order it lies in its labels.
ALTER TABLE registrations ADD COLUMN known_on date;
ALTER TABLE interactions ADD COLUMN known_on date;

-- Revisions of an order that stood for some days and were replaced; NULL for nearly all.
ALTER TABLE orders ADD COLUMN earlier text;
