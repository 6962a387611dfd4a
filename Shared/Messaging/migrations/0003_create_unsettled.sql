-- Customers whose last snapshot in the log may be older than another one there: looked at until it is certain that it is their newest.
-- after_row: outbox rows up to this one may hold an older snapshot. look_at, by the machine's time: before it a producer that was given up may
-- still have something under way. version: the one that was published again at the last look, by the transaction sent_in; NULL: none since there
-- was a reason to look.
CREATE TABLE unsettled (
  id        int8        PRIMARY KEY,
  after_row int8        NOT NULL,
  look_at   timestamptz NOT NULL,
  version   int8,
  sent_in   xid
) WITH (fillfactor = 75);
CREATE INDEX unsettled_at ON unsettled (look_at, id);

-- Snapshots that an operator wanted again were due work of their own kind.
INSERT INTO unsettled (id, after_row, look_at) SELECT id, 0, '-infinity' FROM due_work WHERE kind = 3;
DELETE FROM due_work WHERE kind = 3;
