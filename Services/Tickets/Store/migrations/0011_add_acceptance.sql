-- Acceptance of delivered work (K-09): of the solution that holds, as JSON; and until when it is awaited, as long as it is.
ALTER TABLE tickets ADD COLUMN acceptance text, ADD COLUMN acceptance_due date;
CREATE INDEX tickets_to_accept ON tickets (acceptance_due, ticket_id) WHERE acceptance_due IS NOT NULL;
