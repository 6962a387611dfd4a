-- When the first of what is still to be done of a ticket is due, for queues by deadline (K-05). The end of time: nothing counts just now.
ALTER TABLE tickets ADD COLUMN due_at timestamptz NOT NULL DEFAULT '9999-12-31 23:59:59.999999+00';

-- A clock that was missed is due until what it waits for is done.
UPDATE tickets t SET due_at = first.due
FROM (
  SELECT o.ticket_id, min('epoch'::timestamptz + (c ->> 'due')::int8 * interval '1 microsecond') AS due
  FROM tickets o, jsonb_array_elements(o.clocks::jsonb) AS c
  WHERE o.state < 5 AND c ? 'due' AND NOT c ? 'met' AND NOT c ? 'withdrawn' AND (NOT c ? 'missed' OR c -> 'missed' = 'null')
  GROUP BY o.ticket_id
) first WHERE t.ticket_id = first.ticket_id;

CREATE INDEX tickets_due ON tickets (due_at, ticket_id) WHERE state < 5;
