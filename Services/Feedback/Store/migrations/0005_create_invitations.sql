-- Invitations to surveys, how far customers came with them, and who wants none.

-- A number is made of survey, identity, cause and reference: an invitation that is made again finds itself here.
CREATE TABLE invitations (
  invitation_id  int8        PRIMARY KEY,
  identity_id    int8        NOT NULL,
  customer_id    int8        NOT NULL,
  survey         text        NOT NULL,
  survey_version int4        NOT NULL,
  metric         text        NOT NULL,
  -- Of the customer, when it was made; NULL: none was known.
  tier           text,
  cause          text        NOT NULL,
  reason         text        NOT NULL,
  reference      text        NOT NULL,
  ticket_id      text,
  order_id       text,
  item           text        NOT NULL,
  channel        text        NOT NULL,
  -- NULL: as the customer's browser prefers.
  language       text,
  actor          text        NOT NULL,
  created_at     timestamptz NOT NULL,
  -- NULL: not yet.
  sent_at        timestamptz,
  expires_at     timestamptz NOT NULL,
  opened_at      timestamptz,
  score          int2,
  -- What was said besides, as JSON; NULL: nothing was.
  said           text,
  scored_at      timestamptz,
  said_at        timestamptz,
  answered_at    timestamptz
) WITH (fillfactor = 75);
CREATE INDEX invitations_made ON invitations (created_at, invitation_id);
CREATE INDEX invitations_sent ON invitations (metric, sent_at) WHERE sent_at IS NOT NULL;
CREATE INDEX invitations_of_customer ON invitations (customer_id, created_at, invitation_id);
CREATE INDEX invitations_of_identity ON invitations (identity_id);

-- Who wants no surveys; it follows the identity by which it was said, like answers.
CREATE TABLE opt_outs (
  identity_id int8        PRIMARY KEY,
  customer_id int8        NOT NULL,
  since       timestamptz NOT NULL,
  actor       text        NOT NULL,
  reason      text        NOT NULL
);
CREATE INDEX opt_outs_of_customer ON opt_outs (customer_id);
