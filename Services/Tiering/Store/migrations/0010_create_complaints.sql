-- Tickets that are, or once were, complaints that were upheld, as their newest snapshot says (T-06).
CREATE TABLE complaints (
  ticket_id   int8 PRIMARY KEY,
  version     int8 NOT NULL,
  customer_id int8 NOT NULL,
  is_upheld   bool NOT NULL,
  day         date NOT NULL
);

CREATE INDEX complaints_of_customer ON complaints (customer_id, day) WHERE is_upheld;

-- The days of a customer's upheld complaints, as the lane of due work counted them last; NULL: none.
ALTER TABLE customers ADD COLUMN complaint_days text;
