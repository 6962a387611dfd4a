-- The knowledge base (K-12): articles with their versions, what they are found by, and what was asked.

CREATE TABLE articles (
  article_id  int8        PRIMARY KEY,
  revision    int8        NOT NULL,
  last_number int4        NOT NULL,
  -- The version in force and the draft of the next one; NULL: there is none.
  current     int4,
  draft       int4,
  -- Of the version in force, else of the draft.
  category    text        NOT NULL,
  -- Of the version in force: the last day on which it is good.
  valid_until date,
  created_at  timestamptz NOT NULL
) WITH (fillfactor = 75);
CREATE INDEX articles_age ON articles (created_at, article_id);
CREATE INDEX articles_validity ON articles (valid_until, article_id) WHERE valid_until IS NOT NULL;

-- state: 0 draft, 1 approved, 2 replaced, 3 rejected, 4 withdrawn. What is no draft never changes but for its state and ending.
CREATE TABLE article_versions (
  article_id      int8        NOT NULL,
  number          int4        NOT NULL,
  state           int2        NOT NULL,
  category        text        NOT NULL,
  valid_until     date        NOT NULL,
  authors         text[]      NOT NULL,
  written_at      timestamptz NOT NULL,
  written_by      text        NOT NULL,
  reason          text        NOT NULL,
  decided_at      timestamptz,
  decided_by      text,
  decision_reason text,
  ended_at        timestamptz,
  ended_by        text,
  ending_reason   text,
  PRIMARY KEY (article_id, number)
);

-- language: 0 English, 1 Chinese.
CREATE TABLE article_texts (
  article_id int8 NOT NULL,
  number     int4 NOT NULL,
  language   int2 NOT NULL,
  title      text NOT NULL,
  body       text NOT NULL,
  keywords   text NOT NULL,
  PRIMARY KEY (article_id, number, language)
);

-- What the texts of versions in force are found by, with what each term says about its article. Terms are compared byte by byte.
CREATE TABLE article_terms (
  language   int2             NOT NULL,
  term       text COLLATE "C" NOT NULL,
  article_id int8             NOT NULL,
  weight     int2             NOT NULL,
  PRIMARY KEY (language, term, article_id) INCLUDE (weight)
);
CREATE INDEX article_terms_article ON article_terms (article_id);

-- How many texts have each term, and how many there are. Who changes the first locks the second.
CREATE TABLE knowledge_terms (
  language int2             NOT NULL,
  term     text COLLATE "C" NOT NULL,
  articles int8             NOT NULL,
  PRIMARY KEY (language, term)
) WITH (fillfactor = 75);
CREATE TABLE knowledge_totals (
  language int2 PRIMARY KEY,
  articles int8 NOT NULL
) WITH (fillfactor = 50);
INSERT INTO knowledge_totals (language, articles) VALUES (0, 0), (1, 0);

-- What was asked. outcome: 0 helped, 1 did not; NULL: nobody has said.
CREATE TABLE questions (
  question_id    int8        PRIMARY KEY,
  asked_at       timestamptz NOT NULL,
  language       int2        NOT NULL,
  category       text        NOT NULL,
  channel        text        NOT NULL,
  customer_id    int8,
  body           text        NOT NULL,
  suggested      int4        NOT NULL,
  outcome        int2,
  outcome_at     timestamptz,
  helped_by      int8,
  ticket_id      int8
) WITH (fillfactor = 75);
CREATE INDEX questions_age ON questions (asked_at, question_id);

CREATE TABLE question_suggestions (
  question_id int8 NOT NULL,
  rank        int2 NOT NULL,
  article_id  int8 NOT NULL,
  number      int4 NOT NULL,
  language    int2 NOT NULL,
  score       int2 NOT NULL,
  PRIMARY KEY (question_id, rank)
);
