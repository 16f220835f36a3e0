"""An engine behind ssh: the system's own ssh, whose far end is the engine."""

from __future__ import annotations

import json
import sys
import threading
from pathlib import Path

import pytest

from pithy_local.errors import ErrorCode, PithyError
from pithy_local.executors.engine import Engine, hang_up
from pithy_local.executors.ssh import dial_command
from tests.fakes.loopback import Exchange, LoopbackServer

RELAY = """
import os, socket, sys, threading
far = socket.create_connection(("127.0.0.1", {port}))
def out():
    while data := far.recv(65536):
        os.write(1, data)
    os._exit(0)
threading.Thread(target=out, daemon=True).start()
while data := os.read(0, 65536):
    far.sendall(data)
"""


class Engineer(LoopbackServer):
    """Answers with its version, and without an end where it is asked for events."""

    def __init__(self) -> None:
        super().__init__()
        self.left = threading.Event()
        """Set when whoever listened to the events is gone."""

    def serve(self, exchange: Exchange) -> None:
        if not exchange.request.path.endswith("/events"):
            exchange.send(200, json.dumps({"ApiVersion": "1.41"}).encode(), {"Content-Type": "application/json"})
            return
        exchange.begin(200, {"Content-Type": "application/json"})
        try:
            while not self.stopping.wait(0.01):
                exchange.write(b"{}\n")
        except OSError:
            self.left.set()
            raise


def put_ssh(folder: Path, script: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An `ssh` that stands before the real one; returns the file it writes its arguments into."""
    told = folder / "told"
    ssh = folder / "bin" / "ssh"
    ssh.parent.mkdir()
    ssh.write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" > {told}\n{script}\n')
    ssh.chmod(0o755)
    monkeypatch.setenv("PATH", f"{ssh.parent}:/usr/bin:/bin")
    return told


def put_relay(folder: Path, port: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    relay = folder / "relay.py"
    relay.write_text(RELAY.format(port=port))
    return put_ssh(folder, f"exec {sys.executable} -I {relay}", monkeypatch)


@pytest.mark.parametrize(
    ("host", "where", "far"),
    [
        ("ssh://box", ["--", "box"], "docker system dial-stdio"),
        ("ssh://Me@Box:2222", ["-l", "Me", "-p", "2222", "--", "Box"], "docker system dial-stdio"),
        ("ssh://[::1]:22/", ["-p", "22", "--", "::1"], "docker system dial-stdio"),
        ("ssh://box/run/a b.sock", ["--", "box"], "docker --host 'unix:///run/a b.sock' system dial-stdio"),
        ("ssh://-oProxyCommand=sh", ["--", "-oProxyCommand=sh"], "docker system dial-stdio"),
    ],
)
def test_what_ssh_is_told(host: str, where: list[str], far: str) -> None:
    command = dial_command(host)
    assert command[command.index("ConnectTimeout=10") + 1 :] == [*where, far]


@pytest.mark.parametrize("host", ["ssh://", "ssh://a:b@c", "ssh://box:port", "ssh://box?x", "ssh://a@b@c"])
def test_what_is_no_address_is_told_to_nobody(host: str) -> None:
    with pytest.raises(ValueError, match="ssh://"):
        dial_command(host)


def test_an_engine_behind_ssh_answers_and_a_stream_of_it_can_be_cut(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Engineer() as engineer:
        told = put_relay(tmp_path, engineer.url.rpartition(":")[2], monkeypatch)
        monkeypatch.setenv("DOCKER_HOST", "ssh://me@box")
        with Engine.connect() as engine:
            assert engine.api.version()["ApiVersion"] == "1.41"
            assert (engine.hijacks, engine.address.is_here) == (True, False)
            events = engine.stream("GET", "/events")
            assert events.raw.read(3) == b"{}\n"
            hang_up(events)
            assert engineer.left.wait(60)
    assert told.read_text().splitlines()[-4:] == ["me", "--", "box", "docker system dial-stdio"]


def test_what_ssh_says_is_the_reason_and_no_word_of_it_is_on_the_terminal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    put_ssh(tmp_path, 'echo "Permission denied (publickey)." >&2; exit 255', monkeypatch)
    monkeypatch.setenv("DOCKER_HOST", "ssh://box")
    with pytest.raises(PithyError, match="does not answer at ssh://box") as caught:
        Engine.connect()
    error = caught.value
    assert (error.code, error.detail["message"]) == (ErrorCode.DOCKER_UNREACHABLE, "Permission denied (publickey).")
    assert "known host" in error.hint
    assert capfd.readouterr() == ("", "")


def test_without_ssh_it_is_said_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("DOCKER_HOST", "ssh://box")
    with pytest.raises(PithyError) as caught:
        Engine.connect()
    assert "the command ssh does not start: No such file or directory" in caught.value.detail["message"]
