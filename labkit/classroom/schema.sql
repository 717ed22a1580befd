CREATE TABLE class(id TEXT, code TEXT, teacher TEXT, began REAL);
-- key: the hash of a learner's key. number: of the last outcome that is kept
CREATE TABLE learners(id INTEGER PRIMARY KEY AUTOINCREMENT, key TEXT UNIQUE, name TEXT, joined REAL, number INTEGER);
-- since: the first failure of those that the learner is stuck in
CREATE TABLE outcomes(
    learner INTEGER REFERENCES learners ON DELETE CASCADE, step TEXT, state TEXT, kind TEXT, guess TEXT, tries INTEGER,
    since REAL, at REAL, PRIMARY KEY(learner, step)
) WITHOUT ROWID;
CREATE TABLE slips(
    learner INTEGER REFERENCES learners ON DELETE CASCADE, step TEXT, kind TEXT, at REAL, PRIMARY KEY(learner, step, kind)
) WITHOUT ROWID;
CREATE TABLE questions(id INTEGER PRIMARY KEY, content TEXT, stage TEXT, bars INTEGER, at REAL);
-- voter: the hash of a browser's token, another one for each question
CREATE TABLE votes(
    question INTEGER REFERENCES questions, round INTEGER, voter TEXT, choice INTEGER, at REAL,
    PRIMARY KEY(question, round, voter)
) WITHOUT ROWID
