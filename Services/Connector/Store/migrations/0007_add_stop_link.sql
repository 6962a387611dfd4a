-- Where one POST says that a customer wants no surveys (RFC 8058). A secret of the customer's like the link; empty: there is none.
ALTER TABLE deliveries ADD COLUMN stop_link text NOT NULL DEFAULT '';
