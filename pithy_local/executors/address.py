"""Which engine: its address, found as the docker command finds it."""

from __future__ import annotations

import hashlib
import json
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from docker.constants import DEFAULT_UNIX_SOCKET
from docker.errors import DockerException, TLSParameterError
from docker.tls import TLSConfig
from docker.utils import kwargs_from_env

from pithy_local.errors import ErrorCode, PithyError

HERE = DEFAULT_UNIX_SOCKET.removeprefix("http+")
"""The socket of this machine."""
DEFAULT = "default"
"""The context that is none: DOCKER_HOST, else the socket of this machine."""
PASSWORD = re.compile(r"([a-z+]+://)?[^/@:]*:(?!//)[^@]*@")


@dataclass(frozen=True, kw_only=True)
class Address:
    """Where an engine is, and who said so."""

    host: str
    """`unix://…`, `tcp://…`, `ssh://…`."""
    context: str = ""
    """The docker CLI's context that names it; empty where none does."""
    tls: TLSConfig | None = None

    @property
    def words(self) -> str:
        """For people, behind what happens there: ` at ssh://box (context work)`."""
        return f" at {self.host}" + (f" (context {self.context})" if self.context else "")

    @property
    def is_here(self) -> bool:
        """Whether it is a socket of this machine; the engine may be in a virtual machine all the same."""
        return self.host.startswith("unix://")


def find_address() -> Address:
    """That of DOCKER_HOST, else of the context in DOCKER_CONTEXT, else of the context last chosen with `docker context
    use`, else the socket of this machine.

    Raises PithyError (docker_unreachable): a context that is not there or cannot be read never means another engine.
    """
    if os.environ.get("DOCKER_HOST"):
        return _named_by_environment()
    source, name = "DOCKER_CONTEXT", os.environ.get("DOCKER_CONTEXT", "")
    if not name:
        source, name = str(_folder() / "config.json"), _current_context()
    return Address(host=HERE) if name in ("", DEFAULT) else _context(name, source)


def _named_by_environment() -> Address:
    try:
        found = kwargs_from_env()
    except TLSParameterError as error:
        message = "DOCKER_CERT_PATH, or ~/.docker, does not hold what DOCKER_TLS_VERIFY asks for"
        hint = "Put ca.pem, cert.pem and key.pem there, or unset DOCKER_TLS_VERIFY and DOCKER_CERT_PATH."
        raise _unusable(message, hint, error.msg) from error
    return _checked(Address(host=found["base_url"], tls=found.get("tls")))


def _checked(address: Address) -> Address:
    """Itself. An address is said in messages: one that holds a password is refused unsaid."""
    if PASSWORD.match(address.host):
        message = "the Docker engine's address holds a password, which no engine takes"
        source = f"the docker context {address.context}" if address.context else "DOCKER_HOST"
        raise PithyError(ErrorCode.DOCKER_UNREACHABLE, message, hint=f"Take it out of {source}; ssh takes keys.")
    return address


def _folder() -> Path:
    """Where the docker command keeps its configuration."""
    return Path(os.environ.get("DOCKER_CONFIG") or Path.home() / ".docker")


def _current_context() -> str:
    file = _folder() / "config.json"
    try:
        return str(_read(file).get("currentContext") or "")
    except FileNotFoundError:
        return ""
    except (OSError, ValueError) as error:
        hint = "Mend it, or say which engine is meant: DOCKER_HOST, or DOCKER_CONTEXT."
        raise _unusable(f"cannot read the docker command's configuration {file}", hint, error) from error


def _context(name: str, source: str) -> Address:
    known = hashlib.sha256(name.encode("utf-8", "replace")).hexdigest()
    file = _folder() / "contexts" / "meta" / known / "meta.json"
    try:
        endpoint = _read(file)["Endpoints"]["docker"]
        host, unverified = str(endpoint["Host"]), bool(endpoint.get("SkipTLSVerify"))
        tls = _tls(_folder() / "contexts" / "tls" / known / "docker", unverified=unverified)
    except FileNotFoundError as error:
        hint = f"`docker context ls` shows those there are. It is named by {source}."
        raise _unusable(f"there is no docker context {name}", hint, error) from error
    except (OSError, ValueError, LookupError, TypeError, AttributeError, DockerException) as error:
        hint = f"Make it anew with `docker context create`, or choose another. It is named by {source}."
        raise _unusable(f"cannot read the docker context {name}", hint, error) from error
    return _checked(Address(host=host, context=name, tls=tls))


def _tls(folder: Path, *, unverified: bool) -> TLSConfig | None:
    """What the context's certificates say; none of them, and a check that is wanted: no TLS."""
    ca, cert, key = (folder / name for name in ("ca.pem", "cert.pem", "key.pem"))
    own = (str(cert), str(key)) if cert.exists() or key.exists() else None
    if own is None and not ca.exists() and not unverified:
        return None
    return TLSConfig(client_cert=own, ca_cert=str(ca) if ca.exists() else None, verify=not unverified)


def _read(file: Path) -> dict[str, Any]:
    """Raises OSError, ValueError."""
    found = json.loads(file.read_text("utf-8"))
    if not isinstance(found, dict):
        raise ValueError(f"{file} holds no object")
    return found


def _unusable(message: str, hint: str, why: object) -> PithyError:
    return PithyError(ErrorCode.DOCKER_UNREACHABLE, message, hint=hint, detail={"message": str(why)[:500]})
