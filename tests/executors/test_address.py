"""Which engine is meant: what the docker command would take, and never another one in its place."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pithy_local.errors import ErrorCode, PithyError
from pithy_local.executors.address import HERE, find_address
from pithy_local.executors.engine import Engine, ping
from tests.fakes.loopback import Exchange, LoopbackServer

Configure = Callable[..., None]


class Answering(LoopbackServer):
    """Says its version, and nothing more."""

    def serve(self, exchange: Exchange) -> None:
        exchange.send(200, json.dumps({"ApiVersion": "1.41"}).encode(), {"Content-Type": "application/json"})


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The docker command's configuration, empty; nothing of this machine's is seen."""
    for name in ("DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "docker"))
    return tmp_path / "docker"


def make_context(folder: Path, name: str, meta: Any, files: tuple[str, ...] = ()) -> Path:
    """A context as `docker context create` writes it; `meta`: its endpoint, or the text of its file."""
    known = hashlib.sha256(name.encode()).hexdigest()
    file = folder / "contexts" / "meta" / known / "meta.json"
    file.parent.mkdir(parents=True)
    content = {"Name": name, "Metadata": {}, "Endpoints": {"docker": meta}}
    file.write_text(meta if isinstance(meta, str) else json.dumps(content))
    tls = folder / "contexts" / "tls" / known / "docker"
    for certificate in files:
        tls.mkdir(parents=True, exist_ok=True)
        (tls / certificate).write_text("a certificate")
    return file


def choose(folder: Path, name: str) -> None:
    """As `docker context use` does."""
    folder.mkdir(exist_ok=True)
    (folder / "config.json").write_text(json.dumps({"currentContext": name}))


def test_nothing_said_means_the_socket_of_this_machine(folder: Path) -> None:
    assert (find_address().host, find_address().context) == (HERE, "")
    choose(folder, "default")
    assert find_address().host == HERE


def test_the_nearer_word_counts(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_context(folder, "chosen", {"Host": "unix:///chosen.sock", "SkipTLSVerify": False})
    make_context(folder, "named", {"Host": "tcp://named:2375", "SkipTLSVerify": False})
    choose(folder, "chosen")
    assert find_address().words == " at unix:///chosen.sock (context chosen)"
    monkeypatch.setenv("DOCKER_CONTEXT", "named")
    assert find_address().words == " at tcp://named:2375 (context named)"
    monkeypatch.setenv("DOCKER_HOST", "tcp://told:2375")
    assert find_address().words == " at tcp://told:2375"


def test_a_contexts_engine_is_connected_to(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_CONTEXT", "far")
    with Answering() as answering:
        make_context(folder, "far", {"Host": answering.url.replace("http", "tcp"), "SkipTLSVerify": False})
        ping()
        with Engine.connect() as engine:
            assert (engine.api.base_url, engine.address.context) == (answering.url, "far")


def test_a_context_that_is_not_there_is_no_other_engine(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    choose(folder, "gone")
    with pytest.raises(PithyError, match="there is no docker context gone") as caught:
        Engine.connect()
    assert (caught.value.code, "config.json" in caught.value.hint) == (ErrorCode.DOCKER_UNREACHABLE, True)
    monkeypatch.setenv("DOCKER_CONTEXT", "nor-this")
    with pytest.raises(PithyError, match="there is no docker context nor-this") as caught:
        ping()
    assert "DOCKER_CONTEXT" in caught.value.hint


def test_a_context_in_the_current_folder_is_nobodys(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_context(tmp_path, "planted", {"Host": "tcp://hostile:2375"})
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DOCKER_CONTEXT", "planted")
    with pytest.raises(PithyError, match="there is no docker context planted"):
        find_address()


@pytest.mark.parametrize("meta", ["{", "[]", "{}", '{"Endpoints": {"docker": {}}}', '{"Endpoints": {"docker": 3}}'])
def test_a_context_that_cannot_be_read_is_said_to_be(folder: Path, meta: str, monkeypatch: pytest.MonkeyPatch) -> None:
    make_context(folder, "broken", meta)
    monkeypatch.setenv("DOCKER_CONTEXT", "broken")
    with pytest.raises(PithyError, match="cannot read the docker context broken") as caught:
        Engine.connect()
    assert caught.value.code is ErrorCode.DOCKER_UNREACHABLE


def test_a_configuration_that_cannot_be_read_is_no_choice(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    choose(folder, "chosen")
    (folder / "config.json").write_text("{")
    with pytest.raises(PithyError, match=r"cannot read the docker command's configuration .*config\.json"):
        find_address()
    monkeypatch.setenv("DOCKER_HOST", "unix:///told.sock")
    assert find_address().host == "unix:///told.sock"


@pytest.mark.parametrize(
    ("files", "unverified", "verify"),
    [
        ((), False, None),
        ((), True, False),
        (("ca.pem",), False, True),
        (("ca.pem", "cert.pem", "key.pem"), True, False),
    ],
)
def test_a_contexts_certificates_are_used(
    folder: Path, files: tuple[str, ...], unverified: bool, verify: bool | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_context(folder, "far", {"Host": "tcp://far:2376", "SkipTLSVerify": unverified}, files)
    monkeypatch.setenv("DOCKER_CONTEXT", "far")
    tls = find_address().tls
    if verify is None:
        assert tls is None
    else:
        assert tls is not None
        assert (tls.verify, bool(tls.ca_cert), bool(tls.cert)) == (verify, "ca.pem" in files, "key.pem" in files)


def test_half_a_pair_of_certificates_is_said(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_context(folder, "half", {"Host": "tcp://far:2376"}, ("key.pem",))
    monkeypatch.setenv("DOCKER_CONTEXT", "half")
    with pytest.raises(PithyError, match="cannot read the docker context half"):
        find_address()
    monkeypatch.setenv("DOCKER_HOST", "tcp://far:2376")
    monkeypatch.setenv("DOCKER_CERT_PATH", str(folder))
    with pytest.raises(PithyError, match="DOCKER_TLS_VERIFY") as caught:
        find_address()
    assert "cert.pem" in caught.value.hint


@pytest.mark.parametrize("host", ["unix:///run/a:b@c.sock", "ssh://me@box:22", "tcp://[::1]:2375"])
def test_an_address_without_a_password_is_taken_as_it_is(
    folder: Path, host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", host)
    assert find_address().host == host


@pytest.mark.parametrize("host", ["ssh://me:hunter2@box", "tcp://me:hunter2/@box:2375", "me:hunter2@box:1"])
def test_an_address_that_holds_a_password_is_refused_and_not_said(
    folder: Path, host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", host)
    with pytest.raises(PithyError, match="holds a password") as caught:
        Engine.connect()
    assert "hunter2" not in json.dumps(caught.value.to_json())
