-- What customers complain about and what is done about it (K-10).

CREATE INDEX tickets_complaints ON tickets (opened_at) WHERE kind = 'complaint' AND merged_into IS NULL;

-- root_cause, category: the complaints it is about; empty: any. reached: the step that was taken last: 0 problem, 1 cause, 2 measure, 3 effect.
-- Figures are those of the moment at which the effect was told.
CREATE TABLE improvements (
  improvement_id int8        PRIMARY KEY,
  root_cause     text        NOT NULL,
  category       text        NOT NULL,
  window_days    int4        NOT NULL,
  reached        int2        NOT NULL,
  opened_at      timestamptz NOT NULL,
  effective_at   timestamptz,
  before         int8,
  after          int8
);
CREATE INDEX improvements_age ON improvements (opened_at, improvement_id);

-- Never changed.
CREATE TABLE improvement_steps (
  improvement_id int8        NOT NULL,
  step           int2        NOT NULL,
  body           text        NOT NULL,
  actor          text        NOT NULL,
  reason         text        NOT NULL,
  at             timestamptz NOT NULL,
  PRIMARY KEY (improvement_id, step)
);
