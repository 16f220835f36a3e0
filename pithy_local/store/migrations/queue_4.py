"""What outlives its moment: the wish to begin at once, and the ids of tasks that were removed."""

QUEUE_4 = """
-- was told to begin at once, whatever holds the queue: true of the whole attempt, however often it is queued again
ALTER TABLE task ADD COLUMN at_once INTEGER NOT NULL DEFAULT 0 CHECK(at_once IN (0, 1));
CREATE INDEX task_at_once ON task(priority DESC, n) WHERE status = 'queued' AND at_once = 1;

-- removed tasks of which a sandbox may be left: until the executor shows none of theirs
CREATE TABLE removed(id TEXT PRIMARY KEY, executor TEXT NOT NULL) STRICT, WITHOUT ROWID;
"""
