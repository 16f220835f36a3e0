"""The verbs together, on the real product: a git repository, the local executor, written or loopback answers."""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.support import Cli
from tests.fakes.loopback import Gate
from tests.fakes.model import FakeModel
from tests.fakes.model_replies import Reply
from tests.support import branch_sha, git, make_repo, wait_until

ANSWER = """Done.

```diff
diff --git a/hello.txt b/hello.txt
--- a/hello.txt
+++ b/hello.txt
@@ -1 +1 @@
-hello
+hello world
```
"""
KEY = "sk-test-canary-key"


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    return make_repo(tmp_path / "repo", {"hello.txt": "hello\n"})


@pytest.fixture
def scripted(cli: Cli) -> Cli:
    """The command line with a model whose one answer was written beforehand."""
    replies = cli.config.parent / "replies.json"
    replies.write_text(json.dumps([ANSWER]))
    cli.config.write_text(f'executor = "local"\n[model]\nprovider = "scripted"\n[model.scripted]\nfile = "{replies}"\n')
    return cli


@pytest.fixture
def gate() -> Gate:
    """Holds the model's answer back."""
    return Gate()


@pytest.fixture
def held(cli: Cli, gate: Gate) -> Iterator[Cli]:
    """The command line with a model server that answers when `gate` opens."""
    with FakeModel([Reply(text=ANSWER, gate=gate)], key=KEY) as model:
        cli.config.write_text(
            f'executor = "local"\nallow_unisolated = true\n[model.openai]\nbase_url = "{model.base_url}"\n'
        )
        cli.env["OPENAI_API_KEY"] = KEY
        yield cli
        gate.release()


def end(process: subprocess.Popen[bytes]) -> tuple[int, str]:
    """Wait for the end: exit code and stderr."""
    _, err = process.communicate(timeout=100)
    return process.returncode, err.decode()


def add(cli: Cli, repo: Path, *flags: str) -> str:
    done = cli("add", "Greet the world", "--repo", str(repo), *flags)
    assert (done.code, done.err) == (0, "")
    return done.out.removesuffix("\n")


def status(cli: Cli, task: str) -> str:
    found: str = cli("show", task, "--json").json()["status"]
    return found


def test_a_task_becomes_a_commit(scripted: Cli, repo: Path) -> None:
    task = add(scripted, repo)
    assert status(scripted, task) == "queued"
    ran = scripted("run", "--until-idle")
    assert (ran.code, ran.out) == (0, "")
    assert f"{task}: completed" in ran.err
    shown = scripted("show", task, "--json").json()
    assert shown["status"] == "completed"
    assert shown["head_sha"] == branch_sha(repo, f"pj/{task}")
    assert scripted("wait", task).code == 0
    assert git("show", f"pj/{task}:hello.txt", cwd=repo) == "hello world"


def test_the_patch_in_a_pipe_is_what_git_applies(scripted: Cli, repo: Path) -> None:
    task = add(scripted, repo)
    scripted("run", task)
    patch = scripted("diff", task).raw
    git("apply", "-", cwd=repo, stdin=patch)
    assert (repo / "hello.txt").read_text() == "hello world\n"
    assert scripted("diff", task, "--stat").out == "1\t1\thello.txt\n"
    as_json = scripted("diff", task, "--json").json()
    assert (as_json["bytes"], as_json["diff"].encode()) == (len(patch), patch)
    assert as_json["files"] == [{"path": "hello.txt", "added": 1, "removed": 1}]


def test_the_patch_on_a_terminal_is_coloured(scripted: Cli, repo: Path) -> None:
    task = add(scripted, repo)
    scripted("run", task)
    assert "\x1b[31m-hello\x1b[0m\n\x1b[32m+hello world\x1b[0m\n" in scripted.on_terminal("diff", task).out


def test_there_is_no_patch_yet(scripted: Cli, repo: Path) -> None:
    done = scripted("diff", add(scripted, repo))
    assert (done.code, done.out) == (8, "")
    assert "no diff yet" in done.error_lines[0]


def test_add_wait_sees_the_task_through(scripted: Cli, repo: Path) -> None:
    done = scripted("add", "Greet the world", "--repo", str(repo), "--wait")
    task = done.out.removesuffix("\n")
    assert done.code == 0
    assert done.error_lines[-1] == f"{task} completed: pj/{task}"
    assert branch_sha(repo, f"pj/{task}")


def test_add_follow_keeps_the_log_off_stdout(scripted: Cli, repo: Path) -> None:
    done = scripted("add", "Greet the world", "--repo", str(repo), "--follow")
    (task,) = done.out.splitlines()
    logged = scripted("logs", task).out.splitlines()
    assert [line for line in logged if f"  {line}" not in done.err] == []
    assert "UNISOLATED" in done.err


def test_add_wait_as_json_prints_the_settled_task_alone(scripted: Cli, repo: Path) -> None:
    done = scripted("add", "Greet the world", "--repo", str(repo), "--wait", "--json")
    assert done.json()["status"] == "completed"


def test_add_wait_ends_with_1_when_the_task_fails(scripted: Cli, repo: Path) -> None:
    git("branch", "empty", git("commit-tree", git("mktree", cwd=repo, stdin=b""), "-m", "empty", cwd=repo), cwd=repo)
    done = scripted("add", "Greet the world", "--repo", str(repo), "--base", "empty", "--wait")
    assert done.code == 1
    assert "failed: repo_analysis" in done.err
    assert scripted("wait", done.out.strip()).code == 1


def test_the_prompt_comes_from_stdin_or_a_file(scripted: Cli, repo: Path, tmp_path: Path) -> None:
    (tmp_path / "prompt.md").write_text("From a file\n\nwith more")
    piped = scripted("add", "-", "--repo", str(repo), "--json", stdin="Von Größe\nmehr".encode()).json()
    filed = scripted("add", "--file", str(tmp_path / "prompt.md"), "--repo", str(repo), "--json").json()
    assert (piped["title"], piped["prompt"]) == ("Von Größe", "Von Größe\nmehr")
    assert (filed["title"], filed["prompt"]) == ("From a file", "From a file\n\nwith more")


@pytest.mark.parametrize(
    ("args", "words"),
    [
        ((), "no prompt"),
        (("",), "empty"),
        (("  \n ",), "empty"),
        (("-",), "empty"),
        (("x", "--file", "y"), "given twice"),
        (("--file", "no/such/file"), "cannot read no/such/file"),
        (("x", "--executor", "vm"), "--executor"),
        (("x", "--max-tokens", "0"), "--max-tokens"),
    ],
)
def test_a_task_that_says_nothing_useful_is_refused(
    scripted: Cli, repo: Path, args: tuple[str, ...], words: str
) -> None:
    done = scripted("add", *args, "--repo", str(repo))
    assert (done.code, done.out) == (2, "")
    assert words in done.error_lines[0]
    assert done.error_lines[1].startswith("hint: ")
    assert len(done.error_lines) == 2
    assert scripted("list").out == ""


@pytest.mark.parametrize("name", ["no/such/folder/here", "./empty", "ftp://example.org/x", "--upload-pack=x"])
def test_an_unknown_repository_is_refused(scripted: Cli, tmp_path: Path, name: str) -> None:
    (tmp_path / "empty").mkdir()
    done = scripted("add", "x", f"--repo={name}", cwd=tmp_path)
    assert (done.code, done.out) == (2, "")
    assert len(done.error_lines) == 2
    assert scripted("list").out == ""


@pytest.mark.parametrize("text", ["concurency = 2\n", "executor =\n"])
def test_a_wrong_configuration_stops_every_verb_before_anything_is_written(cli: Cli, repo: Path, text: str) -> None:
    cli.config.write_text(text)
    for args in (("add", "x", "--repo", str(repo)), ("run", "--until-idle"), ("list",)):
        done = cli(*args)
        assert (done.code, done.out) == (2, "")
        assert str(cli.config) in done.error_lines[0]
        assert done.error_lines[1].startswith("hint: ")
    assert not cli.home.root.exists()


def test_a_real_model_without_isolation_needs_to_be_allowed(cli: Cli, repo: Path) -> None:
    done = cli("add", "x", "--repo", str(repo), env={"OPENAI_API_KEY": KEY})
    assert (done.code, done.out) == (6, "")
    assert "--unisolated" in done.error_lines[1]
    allowed = cli("add", "x", "--repo", str(repo), "--unisolated", env={"OPENAI_API_KEY": KEY})
    assert allowed.code == 0


def test_without_a_key_nothing_is_queued(cli: Cli, repo: Path) -> None:
    done = cli("add", "x", "--repo", str(repo), "--unisolated")
    assert (done.code, done.out) == (4, "")
    assert "OPENAI_API_KEY" in done.err
    assert cli("list").out == ""


def test_without_an_engine_the_task_stays_queued(scripted: Cli, repo: Path) -> None:
    task = add(scripted, repo, "--executor", "docker")
    done = scripted("run", "--until-idle", "--json")
    assert (done.code, done.error["code"]) == (3, "docker_unreachable")
    assert status(scripted, task) == "queued"


def test_add_wait_without_an_engine_says_so_and_keeps_the_task(scripted: Cli, repo: Path) -> None:
    done = scripted("add", "x", "--repo", str(repo), "--executor", "docker", "--wait")
    assert done.code == 3
    assert done.error_lines[-1].startswith("hint: Is Docker running?")
    assert status(scripted, done.out.strip()) == "queued"


def test_add_wait_as_json_names_the_task_that_stays_queued(scripted: Cli, repo: Path) -> None:
    done = scripted("add", "x", "--repo", str(repo), "--executor", "docker", "--wait", "--json")
    assert (done.code, done.error["code"], done.json()["status"]) == (3, "docker_unreachable", "queued")
    assert "stays queued" in done.err


def test_run_says_that_there_is_nothing_to_do(scripted: Cli, repo: Path) -> None:
    assert scripted("run", "--until-idle").err == "nothing is queued\n"
    task = add(scripted, repo)
    scripted("cancel", task)
    done = scripted("run", task)
    assert (done.code, done.err) == (0, f"{task}: cancelled already\n")


def test_a_followed_task_is_narrated_once(scripted: Cli, repo: Path) -> None:
    done = scripted("add", "x", "--repo", str(repo), "--follow")
    task = done.out.strip()
    assert [line for line in done.err.splitlines() if line.startswith(task)] == [f"{task} completed: pj/{task}"]


def test_a_byte_order_mark_is_no_part_of_the_prompt(scripted: Cli, repo: Path) -> None:
    done = scripted("add", "-", "--repo", str(repo), "--json", stdin=b"\xef\xbb\xbfGreet")
    assert done.json()["prompt"] == "Greet"


def test_a_queued_task_is_cancelled_at_once(scripted: Cli, repo: Path) -> None:
    task = add(scripted, repo)
    done = scripted("cancel", task, "--json")
    assert (done.code, done.json()[0]["status"]) == (0, "cancelled")
    again = scripted("cancel", task)
    assert (again.code, again.error_lines[0]) == (6, f"pithy-local: error: task {task} is cancelled already")


def test_cancel_cancels_what_there_is_when_one_id_is_unknown(scripted: Cli, repo: Path) -> None:
    task = add(scripted, repo)
    assert scripted("cancel", task, "zzzz").code == 5
    assert status(scripted, task) == "cancelled"


def test_cancel_does_what_it_can(scripted: Cli, repo: Path) -> None:
    first, second = add(scripted, repo), add(scripted, repo)
    scripted("cancel", first)
    done = scripted("cancel", first, second)
    assert (done.code, done.out.split("\t")[0]) == (6, second)
    assert status(scripted, second) == "cancelled"


def test_wait_gives_up_after_its_timeout(scripted: Cli, repo: Path) -> None:
    task = add(scripted, repo)
    done = scripted("wait", task, "--timeout", "0.1")
    assert (done.code, done.out.split("\t")[:2]) == (124, [task, "queued"])
    assert scripted("wait", task, "--timeout", "soon").code == 2


def test_wait_says_1_unless_all_completed(scripted: Cli, repo: Path) -> None:
    first, second = add(scripted, repo), add(scripted, repo)
    scripted("run", first)
    scripted("cancel", second)
    assert scripted("wait", first, second).code == 1


def test_an_interrupted_run_cancels_what_it_had_in_hand(held: Cli, repo: Path, gate: Gate) -> None:
    task = add(held, repo)
    worker = held.start("run")
    assert gate.reached.wait(60)
    worker.send_signal(signal.SIGINT)
    code, err = end(worker)
    assert code == 130
    assert "stopping" in err
    assert status(held, task) == "cancelled"
    assert list((held.home.root / "tmp").iterdir()) == []


def test_a_terminated_add_wait_leaves_its_task_to_the_next_run(held: Cli, repo: Path, gate: Gate) -> None:
    worker = held.start("add", "Greet the world", "--repo", str(repo), "--wait")
    assert gate.reached.wait(60)
    worker.terminate()
    code, _ = end(worker)
    assert code == 130
    assert held("list").out.split("\t")[1] == "queued"


def test_a_running_task_is_cancelled_from_another_process(held: Cli, repo: Path, gate: Gate) -> None:
    task = add(held, repo)
    worker = held.start("run", task)
    assert gate.reached.wait(60)
    assert held("cancel", task).code == 0
    code, _ = end(worker)
    assert code == 0
    assert status(held, task) == "cancelled"
    assert branch_sha(repo, f"pj/{task}") is None


def test_a_followed_log_ends_with_its_task(held: Cli, repo: Path, gate: Gate, tmp_path: Path) -> None:
    task = add(held, repo)
    worker = held.start("run", task)
    assert gate.reached.wait(60)
    copy = tmp_path / "followed.txt"
    follower = held.start("logs", "-f", task, "-o", str(copy))
    wait_until(lambda: copy.exists() and copy.read_text(), what="the log's first lines")
    gate.release()
    assert (end(follower)[0], end(worker)[0]) == (0, 0)
    assert copy.read_text() == held("logs", task).out


def test_a_run_whose_narration_nobody_reads_goes_on(scripted: Cli, repo: Path) -> None:
    task = add(scripted, repo)
    worker = scripted.start("run", "--until-idle")
    assert worker.stderr is not None
    worker.stderr.close()
    assert worker.wait(timeout=100) == 0
    assert status(scripted, task) == "completed"
    worker.communicate()


def test_no_verb_prints_the_key(held: Cli, repo: Path, gate: Gate) -> None:
    gate.release()
    task = add(held, repo)
    held("run", "--until-idle")
    verbs = (("show", task), ("show", task, "--json"), ("logs", task, "--json"), ("list", "--json"), ("doctor",))
    printed = [held(*args, env={"OPENAI_API_KEY": KEY}) for args in verbs]
    assert not any("canary" in done.out + done.err for done in printed)
