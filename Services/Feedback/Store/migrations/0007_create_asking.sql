-- Invitations that are sent by themselves, and how often customers were asked (F-02).

ALTER TABLE invitations
  -- NULL: made by hand.
  ADD COLUMN planned_at  timestamptz,
  ADD COLUMN not_after   timestamptz,
  ADD COLUMN purpose     text NOT NULL DEFAULT 'research',
  -- How often it was put off, and why last.
  ADD COLUMN holds       int4 NOT NULL DEFAULT 0,
  ADD COLUMN held        text,
  ADD COLUMN dropped_at  timestamptz,
  ADD COLUMN dropped     text,
  ADD COLUMN reminded_at timestamptz;
CREATE INDEX invitations_planned ON invitations (customer_id) WHERE planned_at IS NOT NULL AND sent_at IS NULL AND dropped_at IS NULL;
CREATE INDEX invitations_planned_about ON invitations (ticket_id) WHERE planned_at IS NOT NULL AND sent_at IS NULL AND dropped_at IS NULL;

-- Each time that an invitation was put off.
CREATE TABLE invitation_holds (
  invitation_id int8        NOT NULL,
  at            timestamptz NOT NULL,
  reason        text        NOT NULL,
  until         timestamptz NOT NULL,
  PRIMARY KEY (invitation_id, at)
);

-- Each time that a customer was asked; it follows the identity of its invitation.
CREATE TABLE contacts (
  invitation_id int8        PRIMARY KEY,
  identity_id   int8        NOT NULL,
  customer_id   int8        NOT NULL,
  purpose       text        NOT NULL,
  at            timestamptz NOT NULL
);
CREATE INDEX contacts_of_customer ON contacts (customer_id, at);
CREATE INDEX contacts_of_identity ON contacts (identity_id);

-- Those from before count as well.
INSERT INTO contacts (invitation_id, identity_id, customer_id, purpose, at)
SELECT invitation_id, identity_id, customer_id, purpose, sent_at FROM invitations WHERE sent_at IS NOT NULL;
