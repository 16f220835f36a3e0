"""One connection to a Docker engine, and its errors said as ours."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Self

import docker
import requests
import urllib3
from docker.constants import MINIMUM_DOCKER_API_VERSION
from docker.errors import APIError, DockerException, ImageNotFound, NotFound
from docker.types.daemon import CancellableStream

from pithy_local.errors import ErrorCode, PithyError
from pithy_local.executors.address import HERE, Address, find_address
from pithy_local.executors.ssh import SshAdapter, dial_command

PING_SECONDS = 5
SAID = {
    "no space left on device": ErrorCode.DISK_FULL,
    "invalid reference format": ErrorCode.IMAGE_MISSING,
    "no such container": ErrorCode.CONTAINER_LOST,  # Podman, about one that is just being removed
}
"""What a refusal means that is no bug, by the engine's words."""
SSH, SSH_SECONDS = "ssh://", 12
"""To get in at the far end and be answered there."""
SSH_HINT = "`ssh` must get in there without a question (a known host, a key in the agent), and find `docker` there."
CALL_SECONDS = 120  # removing a container with a large tmpfs on a busy machine takes a while


class Engine:
    """One client. Not shared between attempts: a requests session is not made for many threads."""

    def __init__(self, client: Any, address: Address | None = None) -> None:
        self.client = client
        self.api = client.api
        self.address = address or Address(host=HERE)

    @classmethod
    def connect(cls) -> Engine:
        """Connect to the engine that `find_address` finds. Raises PithyError (docker_unreachable)."""
        address = find_address()
        with _reaching(address):
            return cls(_client(address, version=_negotiate(address), timeout=CALL_SECONDS), address)

    @property
    def hijacks(self) -> bool:
        """Whether an exec's stream is a plain socket that an event loop can adopt (unix, tcp, ssh; not TLS, npipe)."""
        base: str = self.api.base_url
        return base == "http+docker://localhost" or base.startswith("http://")

    def url(self, path: str) -> str:
        return f"{self.api.base_url}/v{self.api.api_version}{path}"

    def stream(self, method: str, path: str, **options: Any) -> Any:
        """A response whose body is still to be read, without a limit on the time between two of its bytes.

        Raises what requests raises, and docker's APIError for a refusal.
        """
        response = self.api.request(method, self.url(path), stream=True, timeout=(PING_SECONDS, None), **options)
        try:
            response.raise_for_status()
        except requests.exceptions.HTTPError as error:
            raise APIError(str(error), response=response, explanation=_explanation(response)) from error
        return response

    def close(self) -> None:
        self.client.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()


def ping() -> None:
    """Raises PithyError (docker_unreachable) unless an engine answers within a few seconds."""
    address = find_address()
    with _reaching(address):
        _negotiate(address)


def hang_up(response: Any) -> None:
    """End a streamed response that another thread may be reading: that read ends at once."""
    try:
        CancellableStream(iter(()), response).close()
    except (OSError, DockerException, AttributeError):
        pass  # it had ended already
    response.close()


@contextmanager
def engine_errors(what: str) -> Iterator[None]:
    """Turn what docker-py, requests and urllib3 raise into PithyError; `what` completes "could not …"."""
    try:
        yield
    except ImageNotFound as error:
        raise _refused(ErrorCode.IMAGE_MISSING, what, error) from error
    except NotFound as error:
        raise _refused(ErrorCode.CONTAINER_LOST, what, error) from error
    except APIError as error:
        said = str(error).lower()
        code = next((code for words, code in SAID.items() if words in said), ErrorCode.INTERNAL)
        raise _refused(code, what, error) from error
    except (DockerException, requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
        connecting = what in ("connect", "answer")
        message = "the Docker engine does not answer" if connecting else f"lost the Docker engine: could not {what}"
        raise PithyError(ErrorCode.DOCKER_UNREACHABLE, message, detail={"message": str(error)[:500]}) from error


def _refused(code: ErrorCode, what: str, error: APIError) -> PithyError:
    said = str(error.explanation or error).strip()
    detail = {"http_status": error.status_code, "message": said[:2000]}
    return PithyError(code, f"the Docker engine could not {what}: {said[:300]}", detail=detail)


@contextmanager
def _reaching(address: Address) -> Iterator[None]:
    """As `engine_errors`; says which engine it is that does not answer."""
    try:
        with engine_errors("connect"):
            yield
    except PithyError as error:
        if error.code is not ErrorCode.DOCKER_UNREACHABLE:
            raise
        hint = SSH_HINT if address.host.startswith(SSH) else error.hint
        raise PithyError(error.code, error.message + address.words, hint=hint, detail=error.detail) from error


def _negotiate(address: Address) -> str:
    """The engine's API version. Asked without one in the path: old engines know no new one, new ones no old one."""
    seconds = SSH_SECONDS if address.host.startswith(SSH) else PING_SECONDS
    probe = _client(address, version=MINIMUM_DOCKER_API_VERSION, timeout=seconds)
    try:
        return str(probe.api.version(api_version=False)["ApiVersion"])
    finally:
        probe.close()


def _client(address: Address, *, version: str, timeout: int) -> Any:
    far = address.host.startswith(SSH)
    try:
        carried = SshAdapter(dial_command(address.host)) if far else None
        # docker-py's own way through ssh is not taken, see `ssh`: the requests for that socket go through the adapter
        base_url = HERE if far else address.host
        client = docker.DockerClient(base_url=base_url, tls=address.tls or False, version=version, timeout=timeout)
    except ValueError as error:  # the address is none
        raise DockerException(str(error)) from error
    if carried is not None:
        client.api.mount("http+docker://", carried)
    # else REQUESTS_CA_BUNDLE, meant for the web, overrides the CA that the engine's own TLS settings name
    client.api.trust_env = False
    return client


def _explanation(response: Any) -> str:
    try:
        return str(response.json()["message"])
    except (ValueError, KeyError, TypeError):
        return str(response.text).strip()
