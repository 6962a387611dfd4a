-- The evidence that identifiers are one person's, and what operators decided about it: customers are worked out from both (P-02, P-03).

-- One row per pair of strong identifiers that an event named together: `other` beside the stronger `leader`. What stopped the two from being one
-- customer makes it a case for a person.
CREATE TABLE bonds (
  other    uuid        NOT NULL,
  leader   uuid        NOT NULL,
  at       timestamptz NOT NULL,
  evidence text        NOT NULL,
  beyond   bool        NOT NULL,
  stopped  text,
  PRIMARY KEY (other, leader)
);
CREATE INDEX bonds_leader ON bonds (leader);
CREATE INDEX bonds_stopped ON bonds (at, other, leader) WHERE stopped IS NOT NULL;

-- What was known before: whom each identifier was named after. Which event said so was not kept.
INSERT INTO bonds (other, leader, at, evidence, beyond, stopped)
SELECT i.key, l.key, greatest(i.first_seen_at, l.first_seen_at), '', false,
       CASE WHEN cardinality(i.partners) > 5 THEN 'shared_identifier' WHEN i.customer_id <> l.customer_id THEN 'too_many_values' END
FROM identities i CROSS JOIN LATERAL unnest(i.partners) AS u(id) JOIN identities l ON l.id = u.id
WHERE i.strong AND l.strong
ON CONFLICT DO NOTHING;

-- One row per decision of an operator, for ever; applied_at says when the customers were worked out by it.
CREATE TABLE decisions (
  id         int8        GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  kind       text        NOT NULL CHECK (kind IN ('apart', 'together')),
  at         timestamptz NOT NULL,
  actor      text        NOT NULL,
  reason     text        NOT NULL,
  merge_id   int8,
  applied_at timestamptz
);
CREATE TABLE decision_sides (
  key         uuid NOT NULL,
  decision_id int8 NOT NULL REFERENCES decisions,
  side        int2 NOT NULL,
  place       int4 NOT NULL,
  PRIMARY KEY (key, decision_id)
);
CREATE INDEX decision_sides_decision ON decision_sides (decision_id);

-- Merges that were made; the members are the identities of both sides until then, 16 bytes each. What a guard stopped is a bond now.
DELETE FROM merges WHERE outcome <> 'merged';
ALTER TABLE merges DROP COLUMN outcome;
ALTER TABLE merges ADD COLUMN survivor_members bytea NOT NULL DEFAULT '', ADD COLUMN absorbed_members bytea NOT NULL DEFAULT '';
CREATE INDEX merges_absorbed ON merges (absorbed);
