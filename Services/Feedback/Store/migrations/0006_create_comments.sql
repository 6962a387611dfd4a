-- What comments speak of, and how, as the rules of a version read them (F-06). rules 0: not read yet.
CREATE TABLE comment_readings (
  answer_id int8 PRIMARY KEY,
  rules     int4 NOT NULL,
  polarity  text NOT NULL
) WITH (fillfactor = 90);
CREATE INDEX comment_readings_rules ON comment_readings (rules, answer_id);

CREATE TABLE comment_topics (
  answer_id int8 NOT NULL,
  topic     text NOT NULL,
  polarity  text NOT NULL,
  PRIMARY KEY (answer_id, topic)
);
CREATE INDEX comment_topics_of ON comment_topics (topic, answer_id);

-- Those from before are read once.
INSERT INTO comment_readings (answer_id, rules, polarity) SELECT answer_id, 0, 'neutral' FROM answers WHERE comment <> '';
