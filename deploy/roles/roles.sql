-- One role and one schema for each service, with no right beyond it. Run by psql as a superuser in the suite's database, as often as wanted.
-- Passwords come from the environment: INGEST_DB_PASSWORD, PROFILE_DB_PASSWORD, TIERING_DB_PASSWORD,
-- TICKETS_DB_PASSWORD, FEEDBACK_DB_PASSWORD, CONNECTOR_DB_PASSWORD, CONSOLE_DB_PASSWORD; connections from SERVICE_DB_CONNECTIONS.
\set ON_ERROR_STOP on
\set QUIET on
\getenv ingest_password INGEST_DB_PASSWORD
\getenv profile_password PROFILE_DB_PASSWORD
\getenv tiering_password TIERING_DB_PASSWORD
\getenv tickets_password TICKETS_DB_PASSWORD
\getenv feedback_password FEEDBACK_DB_PASSWORD
\getenv connector_password CONNECTOR_DB_PASSWORD
\getenv console_password CONSOLE_DB_PASSWORD
\set connections 60
\getenv connections SERVICE_DB_CONNECTIONS
SET client_min_messages = warning;
SET standard_conforming_strings = on;
-- A statement with a password in it must not reach the server's log.
SET log_statement = 'none';
SET log_min_error_statement = 'panic';
SET log_min_duration_statement = -1;
SET password_encryption = 'scram-sha-256';

BEGIN;
-- Two runs at once take turns.
SELECT pg_advisory_xact_lock(hashtextextended('clientele.roles', 0)) \g /dev/null

-- psql replaces its variables only outside of dollar quotes, so they go to the block by way of settings of this transaction.
SELECT set_config('clientele.passwords',
                  jsonb_build_object('ingest', :'ingest_password', 'profile', :'profile_password', 'tiering', :'tiering_password',
                                     'tickets', :'tickets_password', 'feedback', :'feedback_password',
                                     'connector', :'connector_password', 'console', :'console_password')::text, true),
       set_config('clientele.connections', :'connections', true) \g /dev/null

DO $roles$
DECLARE
  service text;
  secret text;
  connections int := current_setting('clientele.connections')::int;
  other text;
BEGIN
  IF NOT connections BETWEEN 5 AND 10000 THEN
    RAISE EXCEPTION 'SERVICE_DB_CONNECTIONS must be 5 to 10000';
  END IF;
  FOR service, secret IN SELECT key, value FROM jsonb_each_text(current_setting('clientele.passwords')::jsonb) ORDER BY key LOOP
    IF length(secret) < 12 THEN
      RAISE EXCEPTION '%_DB_PASSWORD must have at least 12 characters', upper(service);
    END IF;
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = service) THEN
      EXECUTE format('CREATE ROLE %I', service);
    END IF;
    -- Everything is said again at each run, so that a right that was given by hand is gone afterwards.
    EXECUTE format(
      'ALTER ROLE %I LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS NOINHERIT CONNECTION LIMIT %s PASSWORD %L',
      service, connections, secret);
    -- The defaults of every session of the role; the services set tighter ones for themselves.
    EXECUTE format('ALTER ROLE %I SET search_path = %I', service, service);
    EXECUTE format('ALTER ROLE %I SET statement_timeout = ''30s''', service);
    EXECUTE format('ALTER ROLE %I SET lock_timeout = ''5s''', service);
    EXECUTE format('ALTER ROLE %I SET idle_in_transaction_session_timeout = ''15s''', service);
    FOR other IN SELECT r.rolname FROM pg_auth_members m JOIN pg_roles r ON r.oid = m.roleid WHERE m.member = service::regrole LOOP
      EXECUTE format('REVOKE %I FROM %I', other, service);
    END LOOP;
    EXECUTE format('CREATE SCHEMA IF NOT EXISTS %I', service);
    EXECUTE format('ALTER SCHEMA %I OWNER TO %I', service, service);
    EXECUTE format('REVOKE ALL ON SCHEMA %I FROM PUBLIC', service);
    FOR other IN SELECT key FROM jsonb_each_text(current_setting('clientele.passwords')::jsonb) WHERE key <> service LOOP
      IF EXISTS (SELECT FROM pg_roles WHERE rolname = other) THEN
        EXECUTE format('REVOKE ALL ON SCHEMA %I FROM %I', service, other);
        EXECUTE format('REVOKE ALL ON ALL TABLES IN SCHEMA %I FROM %I', service, other);
        EXECUTE format('REVOKE ALL ON ALL SEQUENCES IN SCHEMA %I FROM %I', service, other);
      END IF;
    END LOOP;
    EXECUTE format('REVOKE ALL ON DATABASE %I FROM %I', current_database(), service);
    EXECUTE format('GRANT CONNECT ON DATABASE %I TO %I', current_database(), service);
  END LOOP;
  -- Nobody else may connect here, make temporary tables, or put anything into `public`. On a server of the suite's own that goes for the
  -- databases it came with as well; a server that others use too keeps the rights they may need.
  EXECUTE format('REVOKE ALL ON DATABASE %I FROM PUBLIC', current_database());
  IF EXISTS (SELECT FROM pg_database WHERE datname NOT IN (current_database(), 'postgres', 'template0', 'template1')) THEN
    RAISE WARNING 'there are other databases on this server: revoke CONNECT on them from PUBLIC, or the services may connect to them';
  ELSE
    FOR other IN SELECT datname FROM pg_database LOOP
      EXECUTE format('REVOKE ALL ON DATABASE %I FROM PUBLIC', other);
    END LOOP;
  END IF;
  REVOKE ALL ON SCHEMA public FROM PUBLIC;
END
$roles$;
COMMIT;
\echo roles ingest, profile, tiering, tickets, feedback, connector, console are ready
