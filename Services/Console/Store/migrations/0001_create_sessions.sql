-- Who is signed in. What a browser holds is a secret; here is its SHA-256, so that who reads the table can sign in as nobody.
CREATE TABLE sessions (
  secret_hash bytea       PRIMARY KEY,
  issuer      text        NOT NULL,
  subject     text        NOT NULL,
  name        text        NOT NULL,
  staff       text,
  roles       text        NOT NULL,
  began_at    timestamptz NOT NULL,
  seen_at     timestamptz NOT NULL,
  ends_at     timestamptz NOT NULL,
  -- Of an identity provider: its tokens, sealed; NULL: the console makes tokens itself.
  tokens      bytea
);
CREATE INDEX sessions_by_end ON sessions (ends_at);

-- Codes that were used, until nobody could use them anyway.
CREATE TABLE used_codes (
  code_hash bytea       PRIMARY KEY,
  ends_at   timestamptz NOT NULL
);
CREATE INDEX used_codes_by_end ON used_codes (ends_at);
