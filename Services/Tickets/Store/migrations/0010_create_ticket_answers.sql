-- What customers said of how a ticket was solved (K-13): scores from 1 to 5. Of the ticket that the answer names, whether or not it is known yet.
CREATE TABLE ticket_answers (
  answer_id   int8        PRIMARY KEY,
  ticket_id   int8        NOT NULL,
  score       int2        NOT NULL,
  answered_at timestamptz NOT NULL
);
CREATE INDEX ticket_answers_ticket ON ticket_answers (ticket_id);
