CREATE TABLE counter (revision INTEGER NOT NULL);
INSERT INTO counter VALUES (0);
CREATE TABLE objects (
    resource TEXT NOT NULL, place TEXT NOT NULL, value BLOB NOT NULL, PRIMARY KEY (resource, place)
) WITHOUT ROWID;
CREATE TABLE snapshots (name TEXT PRIMARY KEY, revision INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE snapshot_objects (
    name TEXT NOT NULL REFERENCES snapshots ON DELETE CASCADE,
    resource TEXT NOT NULL, place TEXT NOT NULL, value BLOB NOT NULL, PRIMARY KEY (name, resource, place)
) WITHOUT ROWID;
