"""The tables and their rules. What must never happen is forbidden here, not only avoided in code.

Times are milliseconds since 1970, leases milliseconds since the machine's boot. What is final is final *per attempt*.
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from pithy_local.clock import ALPHABET
from pithy_local.errors import ErrorCode, PithyError

if TYPE_CHECKING:
    import sqlite_utils

    from pithy_local.store.database import Connection

QUEUE_VERSION = 3
LOGS_VERSION = 1

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

QUEUE_3 = """
-- what an attempt's sandbox has told so far: whoever adopts it goes on from there
ALTER TABLE attempt ADD COLUMN reports INTEGER NOT NULL DEFAULT 0 CHECK(reports >= 0);
ALTER TABLE attempt ADD COLUMN result TEXT CHECK(result IS NULL OR json_valid(result));
ALTER TABLE attempt ADD COLUMN leaked INTEGER NOT NULL DEFAULT 0 CHECK(leaked IN (0, 1));
-- owners that died one after the other without getting further
ALTER TABLE attempt ADD COLUMN crashes INTEGER NOT NULL DEFAULT 0 CHECK(crashes >= 0);

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


def is_current(queue: Connection, logs: Connection) -> bool:
    """Whether nothing is to be done: the common case, which must not pay for an import.

    Raises PithyError(store) when the files were written by a newer version.
    """
    versions = [(queue, QUEUE_VERSION), (logs, LOGS_VERSION)]
    found = [int(connection.rows("PRAGMA user_version")[0][0]) for connection, _ in versions]
    for (connection, known), version in zip(versions, found, strict=True):
        if version > known:
            raise PithyError(
                ErrorCode.STORE,
                f"{connection.path} was written by a newer version of pithy-local",
                hint="Update pithy-local, or use another --home.",
            )
    return found == [QUEUE_VERSION, LOGS_VERSION]


def migrate(queue: Connection, logs: Connection) -> None:
    """Bring both files to this version. The caller holds the migration lock."""
    import sqlite_utils  # 100 ms: only when there is something to migrate

    _queue_migrations().apply(sqlite_utils.Database(queue.raw))
    _logs_migrations().apply(sqlite_utils.Database(logs.raw))
    queue.raw.execute(f"PRAGMA user_version={QUEUE_VERSION}")
    logs.raw.execute(f"PRAGMA user_version={LOGS_VERSION}")


def _queue_migrations() -> sqlite_utils.Migrations:
    from sqlite_utils import Migrations

    steps = Migrations("pithy_local.queue")

    @steps()
    def m001_tables(db: sqlite_utils.Database) -> None:
        _run(db, QUEUE_1)
        instance = "".join(secrets.choice(ALPHABET) for _ in range(6))
        db.execute("INSERT INTO meta VALUES ('instance', ?)", [instance])

    @steps()
    def m002_breadth(db: sqlite_utils.Database) -> None:
        _run(db, QUEUE_2)

    @steps()
    def m003_durability(db: sqlite_utils.Database) -> None:
        _run(db, QUEUE_3)

    return steps


def _logs_migrations() -> sqlite_utils.Migrations:
    from sqlite_utils import Migrations

    steps = Migrations("pithy_local.logs")

    @steps()
    def m001_tables(db: sqlite_utils.Database) -> None:
        _run(db, LOGS_1)

    return steps


def _run(db: sqlite_utils.Database, script: str) -> None:
    """Statement by statement: executescript would commit the migration's own transaction."""
    import sqlite3

    statement = ""
    for line in script.splitlines():
        statement += line + "\n"
        if sqlite3.complete_statement(statement):
            db.execute(statement)
            statement = ""
