"""Breadth: the ledger of model calls, rate limits, evidence on base commits, notifications."""

QUEUE_2 = """
ALTER TABLE attempt ADD COLUMN redelivery INTEGER NOT NULL DEFAULT 0 CHECK(redelivery IN (0, 1));

-- one row a model call, written before it is made; what was spent stays counted when its task is removed
CREATE TABLE call(
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  task INTEGER REFERENCES task(n) ON DELETE SET NULL,
  attempt INTEGER NOT NULL,
  at INTEGER NOT NULL, provider TEXT NOT NULL, model TEXT NOT NULL,
  reserved_input INTEGER NOT NULL DEFAULT 0 CHECK(reserved_input >= 0),
  reserved_output INTEGER NOT NULL DEFAULT 0 CHECK(reserved_output >= 0),
  -- against the day's budget: what the call may cost while it is open, what it did cost once it is settled; where the
  -- price is unknown an assumption, and cost_usd stays NULL
  charged_usd REAL NOT NULL DEFAULT 0 CHECK(charged_usd >= 0),
  http_status INTEGER,
  input_tokens INTEGER NOT NULL DEFAULT 0 CHECK(input_tokens >= 0),
  output_tokens INTEGER NOT NULL DEFAULT 0 CHECK(output_tokens >= 0),
  estimated INTEGER NOT NULL DEFAULT 0 CHECK(estimated IN (0, 1)),
  settled_at INTEGER, seconds REAL NOT NULL DEFAULT 0, cost_usd REAL CHECK(cost_usd IS NULL OR cost_usd >= 0),
  CHECK((settled_at IS NULL) = (http_status IS NULL))) STRICT;
INSERT INTO call(id, task, attempt, at, provider, model, charged_usd, http_status, input_tokens, output_tokens,
                 estimated, settled_at, seconds, cost_usd)
  SELECT id, task, attempt, at, provider, model, coalesce(cost_usd, 0), http_status, input_tokens, output_tokens,
         estimated, coalesce(settled_at, at), seconds, cost_usd FROM usage;
DROP TABLE usage;
CREATE INDEX call_task ON call(task, attempt);
CREATE INDEX call_at ON call(at);
CREATE INDEX call_open ON call(task) WHERE settled_at IS NULL;
CREATE TRIGGER call_once BEFORE UPDATE ON call WHEN OLD.settled_at IS NOT NULL AND NEW.task IS OLD.task
  BEGIN SELECT RAISE(ABORT, 'a call is settled once'); END;

-- a provider that limits our rate: nobody asks it before then
CREATE TABLE gate(provider TEXT PRIMARY KEY, until INTEGER NOT NULL) STRICT, WITHOUT ROWID;

-- how a verify command ended on a base commit; `environment` is what else it depends on (the sandbox image)
CREATE TABLE verify_base(
  base_sha TEXT NOT NULL, environment TEXT NOT NULL, command TEXT NOT NULL,
  exit_code INTEGER NOT NULL, seconds REAL NOT NULL, output TEXT NOT NULL, at INTEGER NOT NULL,
  PRIMARY KEY(base_sha, environment, command)) STRICT, WITHOUT ROWID;

-- what people are to be told, written with the change itself; one row more for each address it was sent to
CREATE TABLE notification(
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  task INTEGER NOT NULL REFERENCES task(n) ON DELETE CASCADE,
  attempt INTEGER NOT NULL, status TEXT NOT NULL, at INTEGER NOT NULL, closed_at INTEGER) STRICT;
CREATE INDEX notification_open ON notification(id) WHERE closed_at IS NULL;
CREATE TABLE sending(
  notification INTEGER NOT NULL REFERENCES notification(id) ON DELETE CASCADE,
  target TEXT NOT NULL,
  tries INTEGER NOT NULL DEFAULT 0, claimed_until INTEGER NOT NULL DEFAULT 0, next_at INTEGER NOT NULL DEFAULT 0,
  sent_at INTEGER, error TEXT,
  PRIMARY KEY(notification, target)) STRICT, WITHOUT ROWID;
CREATE TRIGGER task_notify AFTER UPDATE OF status ON task
  WHEN NEW.finished_at IS NOT NULL AND NEW.status <> OLD.status BEGIN
  INSERT INTO notification(task, attempt, status, at) VALUES (NEW.n, NEW.attempt, NEW.status, NEW.finished_at);
END;

-- for the rules of references: without them a process or a task is removed by reading every task
CREATE INDEX task_owner ON task(owner) WHERE owner IS NOT NULL;
CREATE INDEX task_after ON task(after_task) WHERE after_task IS NOT NULL;
CREATE INDEX notification_task ON notification(task);

-- a reviewed task is delivered by whoever claims it next
CREATE TRIGGER task_reopened AFTER UPDATE OF status ON task
  WHEN OLD.status = 'needs_review' AND NEW.status = 'running' BEGIN
  UPDATE attempt SET outcome = NULL, finished_at = NULL WHERE task = NEW.n AND number = NEW.attempt;
END;
"""
