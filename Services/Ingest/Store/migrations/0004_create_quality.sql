-- Data quality by source, stream and day of arrival, and the registry of sources (I-01, I-07).

-- Lists by the numbers of QualityField and of the bounds of lateness; one row per lane, so that partitions do not wait for each other.
CREATE TABLE quality_days (
  source         text   NOT NULL,
  stream         text   NOT NULL,
  day            date   NOT NULL,
  lane           text   NOT NULL,
  records        int8   NOT NULL,
  accepted       int8   NOT NULL,
  duplicates     int8   NOT NULL,
  refused        int8   NOT NULL,
  filled         int8[] NOT NULL,
  errors         int8[] NOT NULL,
  lateness       int8[] NOT NULL,
  latest_seconds int8   NOT NULL,
  PRIMARY KEY (source, stream, day, lane)
) WITH (fillfactor = 50);

-- What a source is, and whether its records are taken: 0 seen but registered by nobody, 1 active, 2 blocked.
ALTER TABLE sources ADD COLUMN kind text NOT NULL DEFAULT '';
ALTER TABLE sources ADD COLUMN state int2 NOT NULL DEFAULT 0;
ALTER TABLE sources ADD COLUMN changed_at timestamptz;
UPDATE sources SET state = 1 WHERE owner <> '';
