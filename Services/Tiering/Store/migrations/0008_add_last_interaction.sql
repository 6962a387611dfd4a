-- The newest business day of a contact, a behaviour or an answer, as the profile said (T-06); NULL: none, or it did not say yet.
ALTER TABLE customers ADD COLUMN last_interaction_day date;
