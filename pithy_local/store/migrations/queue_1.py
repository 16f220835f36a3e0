"""The queue's first version: tasks, their attempts and what may become of them."""

QUEUE_1 = """
CREATE TABLE meta(key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;

-- one row a boot of a process: a pid alone is reused
CREATE TABLE process(
  id TEXT PRIMARY KEY, kind TEXT NOT NULL, pid INTEGER NOT NULL, started REAL NOT NULL, boot_id TEXT NOT NULL,
  created_at INTEGER NOT NULL) STRICT;

CREATE TABLE task(
  n INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE CHECK(length(id) = 10),
  idempotency_key TEXT UNIQUE,
  title TEXT NOT NULL, prompt TEXT NOT NULL CHECK(trim(prompt) <> ''),
  repo TEXT NOT NULL, base TEXT,
  executor TEXT NOT NULL, provider TEXT NOT NULL, model TEXT NOT NULL,
  unisolated INTEGER NOT NULL DEFAULT 0 CHECK(unisolated IN (0, 1)),
  publish TEXT NOT NULL DEFAULT 'auto' CHECK(publish IN ('auto', 'review')),
  verify TEXT NOT NULL DEFAULT '[]' CHECK(json_valid(verify)),
  max_tokens INTEGER,
  priority INTEGER NOT NULL DEFAULT 0,
  after_task TEXT REFERENCES task(id),
  not_before INTEGER NOT NULL DEFAULT 0,
  branch TEXT NOT NULL UNIQUE,
  status TEXT NOT NULL DEFAULT 'queued' CHECK(status IN
    ('queued', 'running', 'completed', 'failed', 'needs_review', 'needs_clarification', 'cancelled')),
  phase TEXT CHECK(phase IN
    ('preparing', 'starting', 'agent', 'collecting', 'verifying', 'delivering', 'cancelling')),
  cancel_requested INTEGER NOT NULL DEFAULT 0 CHECK(cancel_requested IN (0, 1)),
  attempt INTEGER NOT NULL DEFAULT 1 CHECK(attempt >= 1),
  fence INTEGER NOT NULL DEFAULT 0,
  owner TEXT REFERENCES process(id), lease_until INTEGER,
  created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL, started_at INTEGER, finished_at INTEGER,
  CHECK((owner IS NULL) = (lease_until IS NULL)),
  CHECK(owner IS NULL OR status = 'running'),
  CHECK((phase IS NOT NULL) = (status = 'running')),
  CHECK((finished_at IS NOT NULL) = (status NOT IN ('queued', 'running')))) STRICT;
CREATE INDEX task_ready ON task(priority DESC, n) WHERE status = 'queued';
CREATE INDEX task_running ON task(n) WHERE status = 'running';
CREATE INDEX task_status ON task(status, n);
CREATE INDEX task_repo ON task(repo, n);

CREATE TABLE attempt(
  task INTEGER NOT NULL REFERENCES task(n) ON DELETE CASCADE,
  number INTEGER NOT NULL CHECK(number >= 1),
  feedback TEXT,
  outcome TEXT CHECK(outcome IN ('completed', 'failed', 'needs_review', 'needs_clarification', 'cancelled')),
  base_name TEXT, base_sha TEXT, head_sha TEXT,
  container TEXT, exit_code INTEGER, deadline INTEGER,
  pr_number INTEGER, pr_url TEXT,
  error TEXT CHECK(error IS NULL OR json_valid(error)), question TEXT,
  patch_path TEXT, patch_bytes INTEGER, patch_files INTEGER, patch_added INTEGER, patch_removed INTEGER,
  patch_mended INTEGER,
  verify TEXT NOT NULL DEFAULT '[]' CHECK(json_valid(verify)),
  created_at INTEGER NOT NULL, started_at INTEGER, finished_at INTEGER,
  PRIMARY KEY(task, number),
  CHECK((outcome IS NULL) = (finished_at IS NULL)),
  CHECK(pr_number IS NULL OR head_sha IS NOT NULL)) STRICT, WITHOUT ROWID;

CREATE TABLE transition(src TEXT NOT NULL, dst TEXT NOT NULL, PRIMARY KEY(src, dst)) STRICT, WITHOUT ROWID;
INSERT INTO transition VALUES
  ('queued', 'running'), ('queued', 'cancelled'),
  ('running', 'queued'), ('running', 'completed'), ('running', 'failed'), ('running', 'needs_review'),
  ('running', 'needs_clarification'), ('running', 'cancelled'),
  ('completed', 'queued'), ('failed', 'queued'), ('needs_review', 'queued'), ('needs_clarification', 'queued'),
  ('cancelled', 'queued'),
  ('needs_review', 'running'), ('needs_review', 'cancelled'), ('needs_clarification', 'cancelled');

CREATE TABLE event(
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  task INTEGER NOT NULL REFERENCES task(n) ON DELETE CASCADE,
  attempt INTEGER NOT NULL, at INTEGER NOT NULL, kind TEXT NOT NULL, body TEXT NOT NULL) STRICT;
CREATE INDEX event_task ON event(task, id);

CREATE TABLE effect(
  task INTEGER NOT NULL REFERENCES task(n) ON DELETE CASCADE,
  attempt INTEGER NOT NULL,
  kind TEXT NOT NULL CHECK(kind IN ('create', 'start', 'push', 'pr', 'remove')),
  key TEXT NOT NULL, fence INTEGER NOT NULL, tries INTEGER NOT NULL DEFAULT 1,
  intended_at INTEGER NOT NULL, done_at INTEGER, result TEXT,
  PRIMARY KEY(task, attempt, kind, key)) STRICT, WITHOUT ROWID;

CREATE TABLE usage(
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  task INTEGER NOT NULL REFERENCES task(n) ON DELETE CASCADE,
  attempt INTEGER NOT NULL,
  at INTEGER NOT NULL, provider TEXT NOT NULL, model TEXT NOT NULL, http_status INTEGER NOT NULL,
  input_tokens INTEGER NOT NULL DEFAULT 0 CHECK(input_tokens >= 0),
  output_tokens INTEGER NOT NULL DEFAULT 0 CHECK(output_tokens >= 0),
  estimated INTEGER NOT NULL DEFAULT 0 CHECK(estimated IN (0, 1)),
  reserved_tokens INTEGER NOT NULL DEFAULT 0,
  settled_at INTEGER, seconds REAL NOT NULL DEFAULT 0, cost_usd REAL) STRICT;
CREATE INDEX usage_task ON usage(task, attempt);

-- a task is born queued, with its first attempt
CREATE TRIGGER task_born BEFORE INSERT ON task
  WHEN NEW.status <> 'queued' OR NEW.fence <> 0 OR NEW.attempt <> 1
  BEGIN SELECT RAISE(ABORT, 'a task is born queued'); END;
CREATE TRIGGER task_first_attempt AFTER INSERT ON task BEGIN
  INSERT INTO attempt(task, number, created_at) VALUES (NEW.n, 1, NEW.created_at);
  INSERT INTO event(task, attempt, at, kind, body)
    VALUES (NEW.n, 1, NEW.created_at, 'status', json_object('to', 'queued'));
END;

-- legal changes of status
CREATE TRIGGER task_transition BEFORE UPDATE OF status ON task
  WHEN NEW.status <> OLD.status AND NOT EXISTS (SELECT 1 FROM transition WHERE src = OLD.status AND dst = NEW.status)
  BEGIN SELECT RAISE(ABORT, 'illegal change of status'); END;
CREATE TRIGGER task_again BEFORE UPDATE OF status ON task
  WHEN NEW.status = 'queued' AND OLD.finished_at IS NOT NULL AND NOT (NEW.attempt = OLD.attempt + 1
    AND EXISTS (SELECT 1 FROM attempt WHERE task = NEW.n AND number = NEW.attempt))
  BEGIN SELECT RAISE(ABORT, 'a settled task is queued only with a new attempt'); END;
CREATE TRIGGER task_same_attempt BEFORE UPDATE OF attempt ON task
  WHEN NEW.attempt <> OLD.attempt AND NOT (OLD.finished_at IS NOT NULL AND NEW.status = 'queued')
  BEGIN SELECT RAISE(ABORT, 'an attempt number changes only when a settled task is queued'); END;
CREATE TRIGGER task_delivered BEFORE UPDATE OF status ON task
  WHEN NEW.status = 'completed' AND NOT EXISTS
    (SELECT 1 FROM attempt WHERE task = NEW.n AND number = NEW.attempt AND head_sha IS NOT NULL)
  BEGIN SELECT RAISE(ABORT, 'a task without a commit is not completed'); END;
CREATE TRIGGER task_accepted BEFORE UPDATE OF status ON task
  WHEN OLD.status = 'needs_review' AND NEW.status = 'running' AND NEW.phase <> 'delivering'
  BEGIN SELECT RAISE(ABORT, 'a reviewed task goes straight to delivering'); END;

-- ownership
CREATE TRIGGER task_fence BEFORE UPDATE ON task
  WHEN NEW.fence < OLD.fence OR (NEW.owner IS NOT NULL AND NEW.owner IS NOT OLD.owner AND NEW.fence <= OLD.fence)
  BEGIN SELECT RAISE(ABORT, 'a new owner needs a higher fence'); END;
CREATE TRIGGER task_identity BEFORE UPDATE ON task
  WHEN NEW.id <> OLD.id OR NEW.branch <> OLD.branch OR NEW.prompt <> OLD.prompt AND OLD.status <> 'queued'
  BEGIN SELECT RAISE(ABORT, 'what was asked does not change'); END;
CREATE TRIGGER task_keep BEFORE DELETE ON task WHEN OLD.finished_at IS NULL
  BEGIN SELECT RAISE(ABORT, 'only a settled task can be deleted'); END;

-- what is final is final per attempt
CREATE TRIGGER attempt_next BEFORE INSERT ON attempt
  WHEN NEW.number > 1 AND NOT EXISTS
    (SELECT 1 FROM task WHERE n = NEW.task AND finished_at IS NOT NULL AND attempt = NEW.number - 1)
  BEGIN SELECT RAISE(ABORT, 'a new attempt needs a settled task'); END;
CREATE TRIGGER attempt_once BEFORE UPDATE ON attempt
  WHEN (OLD.head_sha IS NOT NULL AND NEW.head_sha IS NOT OLD.head_sha)
    OR (OLD.pr_number IS NOT NULL AND NEW.pr_number IS NOT OLD.pr_number)
    OR (OLD.head_sha IS NOT NULL AND NEW.base_sha IS NOT OLD.base_sha)
    OR (OLD.outcome IN ('completed', 'failed', 'cancelled') AND NEW.outcome IS NOT OLD.outcome)
    OR NEW.number <> OLD.number
  BEGIN SELECT RAISE(ABORT, 'write-once column'); END;
CREATE TRIGGER effect_once BEFORE UPDATE ON effect
  WHEN OLD.done_at IS NOT NULL AND NEW.done_at IS NOT OLD.done_at AND OLD.kind IN ('push', 'pr')
  BEGIN SELECT RAISE(ABORT, 'effect already done'); END;

-- history
CREATE TRIGGER task_settled AFTER UPDATE OF status ON task
  WHEN NEW.finished_at IS NOT NULL AND NEW.status <> OLD.status BEGIN
  UPDATE attempt SET outcome = NEW.status, finished_at = NEW.finished_at WHERE task = NEW.n AND number = NEW.attempt;
END;
CREATE TRIGGER task_history AFTER UPDATE OF status, phase ON task
  WHEN NEW.status <> OLD.status OR NEW.phase IS NOT OLD.phase BEGIN
  INSERT INTO event(task, attempt, at, kind, body) SELECT NEW.n, NEW.attempt, NEW.updated_at, 'status',
    json_object('from', OLD.status, 'to', NEW.status, 'fence', NEW.fence) WHERE NEW.status <> OLD.status;
  INSERT INTO event(task, attempt, at, kind, body) SELECT NEW.n, NEW.attempt, NEW.updated_at, 'phase',
    json_object('phase', NEW.phase, 'fence', NEW.fence) WHERE NEW.phase IS NOT OLD.phase AND NEW.phase IS NOT NULL;
END;
"""
