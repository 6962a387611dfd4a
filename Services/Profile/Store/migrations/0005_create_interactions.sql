-- Contacts, behaviours and answers, under the identity they came in with, as they were published (P-05): content is the message.
CREATE TABLE interactions (
  identity_id int8        NOT NULL,
  kind        int2        NOT NULL,
  source      text        COLLATE "C" NOT NULL,
  event_id    text        COLLATE "C" NOT NULL,
  occurred_at timestamptz NOT NULL,
  content     text        NOT NULL,
  PRIMARY KEY (identity_id, kind, source, event_id)
);
CREATE INDEX interactions_latest ON interactions (identity_id, occurred_at DESC, kind DESC, source DESC, event_id DESC);
