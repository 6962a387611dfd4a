-- What became of bringing an invitation to its customer (E-05). NULL: nothing was heard of it.
ALTER TABLE invitations
  ADD COLUMN delivery        text,
  ADD COLUMN delivery_at     timestamptz,
  ADD COLUMN delivery_reason text NOT NULL DEFAULT '';
