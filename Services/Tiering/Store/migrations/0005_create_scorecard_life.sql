-- A scorecard's way into use as data (T-10): its state, what happened to it, and which one rates.

-- Grows with every change of a scorecard's state: two people who change it at once are told of each other by it.
ALTER TABLE scorecards ADD COLUMN revision int8 NOT NULL DEFAULT 1;

-- What was done to scorecards, by whom and why. Never changed.
CREATE TABLE scorecard_events (
  id               int8        GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  name             text        NOT NULL,
  version          int4        NOT NULL,
  kind             text        NOT NULL,
  state_before     text,
  state_after      text        NOT NULL,
  actor            text        NOT NULL,
  reason           text        NOT NULL,
  at               timestamptz NOT NULL,
  -- The scorecard in whose place this one came.
  replaced         text,
  replaced_version int4,
  -- What else is to be known, as JSON: the sums of a simulation, the part of a canary.
  detail           text
);
CREATE INDEX scorecard_events_of ON scorecard_events (name, version, id);

-- Which scorecards rate: one row, from the service's first start on. Every transaction that rates reads it, and holds a shared lock
-- (pg_advisory_xact_lock_shared) against a change of it until it is committed.
CREATE TABLE scorecards_in_force (
  is_only        bool        PRIMARY KEY DEFAULT true CHECK (is_only),
  -- Grows with every change of what rates.
  number         int8        NOT NULL DEFAULT 1,
  active         text        NOT NULL,
  active_version int4        NOT NULL,
  canary         text,
  canary_version int4,
  canary_percent int4,
  canary_since   timestamptz,
  -- Up to this number everybody rated by others was marked to be rated anew.
  marked_number  int8        NOT NULL DEFAULT 0,
  CHECK ((canary IS NULL) = (canary_version IS NULL) AND (canary IS NULL) = (canary_percent IS NULL))
);

-- Until now the files said what state a scorecard was in, and the setting which one rated: it will be the active one at the next start.
UPDATE scorecards s SET state = CASE
  WHEN EXISTS (SELECT FROM customers c WHERE c.scorecard = s.name AND c.scorecard_version = s.version) THEN 'retired' ELSE 'draft' END;
INSERT INTO scorecard_events (name, version, kind, state_after, actor, reason, at)
SELECT name, version, 'registered', state, 'clientele', 'registered before a history was kept', registered_at
FROM scorecards ORDER BY registered_at, name, version;
