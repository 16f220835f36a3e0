"""Programs outside: the editor, a shell in a container, a browser, a clipboard tool. All of them are really started."""

from __future__ import annotations

import base64
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from queue import Queue

import pytest
from textual.app import App

from pithy_local.errors import UsageError
from pithy_local.executors.engine import Engine
from pithy_local.models import Status
from pithy_local.tui import clipboard, outside
from tests.support import wait_until
from tests.tui.ptys import terminal
from tests.tui.seeding import Seed


def script(folder: Path, name: str, body: str) -> Path:
    """A program of this name."""
    folder.mkdir(exist_ok=True)
    file = folder / name
    file.write_text(f"#!/bin/sh\n{body}\n")
    file.chmod(0o755)
    return file


def editor(folder: Path, body: str) -> dict[str, str]:
    """An $EDITOR that says it was there."""
    return {"EDITOR": str(script(folder, "editor.sh", f"echo THE EDITOR\n{body}"))}


def leaves(text: str) -> str:
    return f"printf '%s\\n' '{text}' > \"$1\""


def test_the_prompt_of_a_queued_task_is_edited_in_the_users_editor(seed: Seed, tmp_path: Path) -> None:
    task = seed.queued("Fix the flaky test")
    with terminal(seed, env=editor(tmp_path, leaves("Say hello\nto everybody"))) as screen:
        screen.until(b"Fix the flaky")
        screen.presses_until("e", b"THE EDITOR")
        screen.until(b"has another prompt now")
        screen.until(b"Say hello")
        screen.types("q")
        assert screen.ends() == 0
        assert screen.is_restored()
    changed = seed.tasks.get(task.id)
    assert (changed.title, changed.prompt) == ("Say hello", "Say hello\nto everybody")


def test_an_editor_that_fails_changes_nothing(seed: Seed, tmp_path: Path) -> None:
    task = seed.queued("Fix the flaky test")
    once = f"{tmp_path}/once"
    body = f'if mkdir {once} 2>/dev/null; then rm "$1"; else {leaves("gone")}; exit 3; fi'
    with terminal(seed, env=editor(tmp_path, body)) as screen:
        screen.until(b"Fix the flaky")
        screen.presses_until("e", b"THE EDITOR")
        screen.until(b"left no file")
        screen.presses_until("e", b"with code 3")
        screen.types("q")
        assert screen.ends() == 0
        assert screen.is_restored()
    assert seed.tasks.get(task.id).prompt == "Fix the flaky test"


def test_a_new_task_is_written_in_the_users_editor(seed: Seed, tmp_path: Path) -> None:
    with terminal(seed, env=editor(tmp_path, leaves("Written elsewhere"))) as screen:
        screen.until(b"Type a task")
        screen.presses_until("n", b"What should change?")
        screen.presses_until("\x0f", b"THE EDITOR")
        screen.until(b"Written elsewhere")
        screen.process.send_signal(signal.SIGTERM)
        assert screen.ends() == 130
        assert screen.is_restored()


def test_an_editor_that_cannot_be_started_gives_the_terminal_back(seed: Seed, tmp_path: Path) -> None:
    seed.queued("Fix the flaky test")
    file = tmp_path / "editor"
    file.write_text("echo no interpreter is named")  # a shell would run it
    file.chmod(0o755)
    with terminal(seed, env={"EDITOR": str(file)}) as screen:
        screen.until(b"Fix the flaky")
        screen.presses_until("e", b"Exec format error")
        screen.types("q")
        assert screen.ends() == 0
        assert screen.is_restored()


@pytest.mark.parametrize("wanted", ["vi 'unclosed", "/nowhere/vi", " "])
def test_an_editor_that_there_cannot_be_is_told(wanted: str) -> None:
    app: App[None] = App()
    with pytest.raises(UsageError, match="editor"):
        outside.edit(app, "text", {"EDITOR": wanted})


def test_no_room_for_the_text_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "nowhere"))
    app: App[None] = App()
    with pytest.raises(UsageError, match=r"cannot be edited: .*No such file"):
        outside.edit(app, "text", {"EDITOR": "true"})


def test_a_signal_ends_the_editor_too(seed: Seed, tmp_path: Path) -> None:
    seed.queued("Fix the flaky test")
    with terminal(seed, env=editor(tmp_path, "exec sleep 60")) as screen:
        screen.until(b"Fix the flaky")
        screen.presses_until("e", b"THE EDITOR")
        screen.process.send_signal(signal.SIGTERM)
        assert screen.ends() == 130
        assert screen.is_restored()


# ---- a shell in a container


@pytest.fixture
def container(engine: Engine, sandbox_image: str, instance: str) -> Iterator[str]:
    """One that runs, with a work tree, as an attempt's does."""
    made = engine.api.create_container(
        sandbox_image, command=["sh", "-c", "mkdir -p /pithy/repo; exec sleep 60"], user="0", entrypoint=[],
        labels={"pithy.instance": instance}, host_config=engine.api.create_host_config(network_mode="none", init=True),
    )["Id"]  # fmt: skip
    engine.api.start(made)
    yield made
    engine.api.remove_container(made, force=True)


@pytest.mark.docker
def test_a_shell_in_the_container_begins_in_the_work_tree(seed: Seed, engine: Engine, container: str) -> None:
    seed.running("Fix the flaky test").record_container(container)
    with terminal(seed, env=of_docker()) as screen:
        screen.until(b"Fix the flaky")
        screen.presses_until("t", b"A shell in the sandbox of")
        screen.types('echo "here: $PWD"\r')
        screen.until(b"here: /pithy/repo")
        start = len(screen.written)
        screen.types("false\rexit\r")  # how a command ended in there is no fault
        screen.until(b"Fix the flaky", start=start)
        start = len(screen.written)
        screen.presses_until("t", b"A shell in the sandbox of")
        assert b"the shell ended" not in screen.written
        screen.types('echo "still: $PWD"\r')
        screen.until(b"still: /pithy/repo", start=start)
        engine.api.kill(container)
        screen.until(b"the sandbox has ended")
        screen.types("q")
        assert screen.ends() == 0
        assert screen.is_restored()


def of_docker() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name.startswith("DOCKER_")}


# ---- the browser and the clipboard

URL = "https://github.com/acme/api/pull/7"


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder at the head of PATH."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    return folder


def writes(file: Path, what: str, then: str = "") -> str:
    """Shell code that writes this into the file, all of it at once."""
    return f"{what} > {file}.new && mv {file}.new {file}\n{then}"


@pytest.mark.parametrize(
    ("env", "name", "body", "opened"),
    [
        ({"DISPLAY": ":0"}, "xdg-open", "exit 0", True),
        ({"WAYLAND_DISPLAY": "w"}, "xdg-open", "exit 3", False),
        ({"BROWSER": "mine --new-tab:other"}, "mine", '[ "$1" = --new-tab ] && shift', True),
        ({"BROWSER": "mine %s"}, "mine", "exit 0", True),
        (
            {"BROWSER": "mine --open '--url=%s' %% %c &"},
            "mine",
            '[ "$1 $3 $4 $5" = "--open % : " ] && set -- "${2#--url=}"',
            True,
        ),
        ({"BROWSER": "not-there:mine"}, "mine", "exit 0", True),
        ({"BROWSER": "false:mine %s"}, "mine", "exit 0", True),
        ({"BROWSER": "un'closed:mine"}, "mine", "exit 0", True),
        ({"BROWSER": "not-there"}, "xdg-open", "exit 0", False),
        ({"BROWSER": "un'closed"}, "xdg-open", "exit 0", False),
        ({}, "xdg-open", "exit 0", False),
    ],
)
def test_the_browser_gets_the_address_and_says_whether_it_took_it(
    programs: Path, tmp_path: Path, env: dict[str, str], name: str, body: str, opened: bool
) -> None:
    seen = tmp_path / "seen"
    script(programs, name, f'{body.removesuffix("exit 0")}\nprintf %s "$1" > {seen}')
    answers: Queue[bool] = Queue()
    outside.browse(URL, env, answers.put)
    assert answers.get(timeout=60) is opened
    assert not opened or seen.read_text() == URL


def test_an_address_is_no_command_for_the_shell_that_opens_it(programs: Path, tmp_path: Path) -> None:
    seen, made = tmp_path / "seen", tmp_path / "made"
    script(programs, "mine", f'printf %s "$1" > {seen}')
    answers: Queue[bool] = Queue()
    outside.browse(f"{URL}?a=%20$(touch${{IFS}}{made})&b;`touch {made}`", {"BROWSER": "sh -c 'mine %s'"}, answers.put)

    assert answers.get(timeout=60)
    assert not made.exists()
    assert seen.read_text().startswith(f"{URL}?a=%20%24%28touch")


@pytest.mark.parametrize(
    ("env", "name"),
    [
        ({"WAYLAND_DISPLAY": "w", "DISPLAY": ":0"}, "wl-copy"),
        ({"DISPLAY": ":0"}, "xclip"),
        ({"DISPLAY": ":0"}, "xsel"),
        ({"TMUX": "/tmp/t"}, "tmux"),
    ],
)
def test_the_desktops_tool_gets_the_text(programs: Path, tmp_path: Path, env: dict[str, str], name: str) -> None:
    seen = tmp_path / "seen"
    script(programs, name, f'cat > {seen}; test "$(ps -o sid= -p $$ | tr -d " ")" = $$')  # outlives the terminal
    assert clipboard.by_tool("Grüße\n", env)
    assert seen.read_text() == "Grüße\n"


def test_a_tool_that_fails_or_is_not_there_takes_nothing(programs: Path) -> None:
    assert not clipboard.by_tool("text", {})
    script(programs, "wl-copy", "exit 1")
    assert not clipboard.by_tool("text", {"WAYLAND_DISPLAY": "w"})


def test_quitting_waits_for_no_other_program(seed: Seed, programs: Path, tmp_path: Path) -> None:
    task = seed.settled(Status.COMPLETED, pr=7)
    opened, copied = tmp_path / "opened", tmp_path / "copied"
    script(programs, "xdg-open", writes(opened, 'printf %s "$1"', "exec sleep 60"))  # many browsers stay
    script(programs, "xclip", writes(copied, "cat", "exec sleep 60"))
    with terminal(seed, env={"DISPLAY": ":0", "PATH": os.environ["PATH"]}) as screen:
        screen.until(b"Bump a dep")
        screen.types("g")
        wait_until(opened.exists)
        screen.presses_until("y", b"branch")
        screen.types("i")
        wait_until(copied.exists)
        screen.types("q")
        assert screen.ends(timeout=40) == 0
        assert screen.is_restored()
    assert opened.read_text() == f"https://github.com/{task.repo}/pull/7"
    assert copied.read_text() == task.id


def test_what_is_copied_goes_through_the_terminal(seed: Seed) -> None:
    task = seed.queued("Fix the flaky test")
    with terminal(seed) as screen:
        screen.until(b"Fix the flaky")
        screen.presses_until("y", b"branch")
        screen.types("i")
        screen.until(b"\x1b]52;c;" + base64.b64encode(task.id.encode()))
        screen.types("q")
        assert screen.ends() == 0
