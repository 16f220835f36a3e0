"""The logs' first version: numbered lines and where each task's log stands."""

LOGS_1 = """
CREATE TABLE line(
  task INTEGER NOT NULL, seq INTEGER NOT NULL, attempt INTEGER NOT NULL, at INTEGER NOT NULL,
  stream TEXT NOT NULL, text TEXT NOT NULL,
  PRIMARY KEY(task, seq)) STRICT, WITHOUT ROWID;

-- where each task's log stands; commits with the lines, and says who may append
CREATE TABLE cursor(
  task INTEGER PRIMARY KEY, attempt INTEGER NOT NULL, fence INTEGER NOT NULL, seq INTEGER NOT NULL DEFAULT 0,
  frames INTEGER NOT NULL DEFAULT 0, bytes INTEGER NOT NULL DEFAULT 0,
  truncated INTEGER NOT NULL DEFAULT 0 CHECK(truncated IN (0, 1)),
  part_out BLOB NOT NULL DEFAULT x'', part_err BLOB NOT NULL DEFAULT x'') STRICT;
"""
