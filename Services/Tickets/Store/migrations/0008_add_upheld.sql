-- Whether a complaint that ended with this resolution code was right, by the desk's rules of that moment (T-06).
ALTER TABLE tickets ADD COLUMN upheld bool NOT NULL DEFAULT false;
