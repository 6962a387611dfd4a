-- Looks at contact data in full (S-02, S-06): why, and of whom which fields, as JSON. Empty for changes, whose hashes stay what they are.
ALTER TABLE audit ADD COLUMN reason text NOT NULL DEFAULT '', ADD COLUMN seen text NOT NULL DEFAULT '';
CREATE INDEX audit_looks ON audit (day, entry) WHERE seen <> '';
