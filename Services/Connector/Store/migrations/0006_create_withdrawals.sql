-- Invitations about which nothing is to be brought to their customers any more (F-02). They may come before the requests that they call back.
CREATE TABLE withdrawals (
  invitation_id int8        PRIMARY KEY,
  reason        text        NOT NULL,
  at            timestamptz NOT NULL
);
CREATE INDEX deliveries_waiting_about ON deliveries (invitation_id) WHERE state = 'waiting';
