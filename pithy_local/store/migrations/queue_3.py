"""Durability: adoption, dependencies between tasks, webhooks."""

QUEUE_3 = """
-- what an attempt's sandbox has told so far: whoever adopts it goes on from there
ALTER TABLE attempt ADD COLUMN reports INTEGER NOT NULL DEFAULT 0 CHECK(reports >= 0);
ALTER TABLE attempt ADD COLUMN result TEXT CHECK(result IS NULL OR json_valid(result));
ALTER TABLE attempt ADD COLUMN leaked INTEGER NOT NULL DEFAULT 0 CHECK(leaked IN (0, 1));
-- where its mirror was fetched from: an adopter needs no forge to find that
ALTER TABLE attempt ADD COLUMN clone_url TEXT;
-- owners that died one after the other without getting further, weighed; `progress` is how far that was
ALTER TABLE attempt ADD COLUMN crashes INTEGER NOT NULL DEFAULT 0 CHECK(crashes >= 0);
ALTER TABLE attempt ADD COLUMN progress TEXT;

-- waits for another task (`after_task`) to complete; only a queued task waits
ALTER TABLE task ADD COLUMN blocked INTEGER NOT NULL DEFAULT 0
  CHECK(blocked = 0 OR (blocked = 1 AND status = 'queued' AND after_task IS NOT NULL));
-- a claim reads neither what is parked nor what is blocked, and asks for nothing that is not in its index
DROP INDEX task_ready;
CREATE INDEX task_ready ON task(priority DESC, n, executor, provider, repo, attempt)
  WHERE status = 'queued' AND blocked = 0 AND not_before = 0;
CREATE INDEX attempt_redelivery ON attempt(task, number) WHERE redelivery = 1;
CREATE INDEX task_parked ON task(not_before) WHERE status = 'queued' AND not_before > 0;

CREATE TRIGGER task_order BEFORE UPDATE OF after_task ON task WHEN NEW.after_task IS NOT NULL
  BEGIN SELECT RAISE(ABORT, 'what a task starts after does not change'); END;
CREATE TRIGGER task_awaited BEFORE DELETE ON task
  WHEN EXISTS (SELECT 1 FROM task WHERE after_task = OLD.id AND blocked = 1)
  BEGIN SELECT RAISE(ABORT, 'other tasks wait for this one'); END;
CREATE TRIGGER task_unblock AFTER UPDATE OF status ON task
  WHEN NEW.status = 'completed' AND OLD.status <> 'completed' BEGIN
  UPDATE task SET blocked = 0, updated_at = NEW.updated_at WHERE after_task = NEW.id AND blocked = 1;
END;
-- all that waits for a task that will not complete, directly or through others, ends with it; in one statement, for
-- SQLite's triggers do not fire themselves
CREATE TRIGGER task_gives_up AFTER UPDATE OF status ON task
  WHEN NEW.status IN ('failed', 'cancelled') AND NEW.status <> OLD.status BEGIN
  UPDATE attempt SET error = (SELECT json_object('code', 'dependency_failed',
      'message', 'task ' || t.after_task || ', which this one was to start after, did not complete',
      'hint', '`pithy-local retry ' || t.after_task || '`, then `pithy-local retry ' || t.id || '`.',
      'detail', json_object('after', t.after_task)) FROM task t WHERE t.n = attempt.task)
    WHERE number = (SELECT attempt FROM task WHERE n = attempt.task) AND task IN (
      WITH RECURSIVE gone(n, id) AS (
        SELECT n, id FROM task WHERE after_task = NEW.id AND blocked = 1
        UNION ALL SELECT t.n, t.id FROM gone JOIN task t ON t.after_task = gone.id WHERE t.blocked = 1)
      SELECT n FROM gone);
  UPDATE task SET status = 'cancelled', blocked = 0, finished_at = NEW.finished_at, updated_at = NEW.updated_at
    WHERE n IN (
      WITH RECURSIVE gone(n, id) AS (
        SELECT n, id FROM task WHERE after_task = NEW.id AND blocked = 1
        UNION ALL SELECT t.n, t.id FROM gone JOIN task t ON t.after_task = gone.id WHERE t.blocked = 1)
      SELECT n FROM gone);
END;

-- completion reports of other executors: each id counts once
CREATE TABLE webhook(
  id TEXT PRIMARY KEY, task INTEGER REFERENCES task(n) ON DELETE SET NULL, at INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE INDEX webhook_task ON webhook(task) WHERE task IS NOT NULL;
CREATE INDEX webhook_at ON webhook(at);
-- and those that were refused; never their bodies
CREATE TABLE refused_webhook(
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  at INTEGER NOT NULL, peer TEXT NOT NULL, reason TEXT NOT NULL, webhook_id TEXT) STRICT;
CREATE INDEX refused_webhook_at ON refused_webhook(at);
"""
