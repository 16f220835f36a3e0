"""Where messages go: apprise URLs. Apprise lives here alone, and no URL leaves: most of them hold a password."""

from __future__ import annotations

import difflib
import functools
import hashlib
import logging
import re
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote

from pithy_local.models import Status
from pithy_local.notify.message import Message
from pithy_local.redact import MASK
from pithy_local.text import clip, safe_line

if TYPE_CHECKING:
    from apprise import Apprise
    from apprise.plugins.base import NotifyBase

MAX_REASON = 200
"""Characters of what a service said about a failure."""
MAX_SCHEME = 20
CAUSE = "Socket Exception: "
"""How apprise begins what it tells those alone who debug. Of a mail it is the server's answer; of other services it
holds the address that was asked, with its tokens."""

_LOUDNESS = {
    Status.COMPLETED: "success", Status.FAILED: "failure", Status.NEEDS_REVIEW: "warning",
    Status.NEEDS_CLARIFICATION: "warning",
}  # fmt: skip
"""How apprise colours a message; "info" for every other status."""


@dataclass(frozen=True, kw_only=True)
class Target:
    """One address. `key` stands for it in the store, `name` where people read it: `mailto #1`."""

    key: str
    name: str
    url: str

    def __repr__(self) -> str:
        return f"Target({self.name})"

    @property
    def is_mail(self) -> bool:
        return _scheme(self.url) in ("mailto", "mailtos")


def targets_of(urls: Sequence[str]) -> list[Target]:
    """In the order in which they are configured; one that is there twice is told once."""
    found: dict[str, Target] = {}
    for position, url in enumerate(urls, start=1):
        key = hashlib.sha256(url.encode()).hexdigest()[:16]
        found.setdefault(key, Target(key=key, name=_name(url, position), url=url))
    return list(found.values())


def shown(url: str) -> str:
    """A URL for people's eyes: `mailto://***`."""
    scheme = _scheme(url)
    return f"{scheme}://{MASK}" if scheme else MASK


def check_urls(urls: Sequence[str]) -> list[str]:
    """What is wrong with the configured URLs, a sentence each that does not hold the URL. Sends nothing."""
    problems = ((_name(url, position), _problem(url)) for position, url in enumerate(urls, start=1))
    return [f"notify.urls: {name} {problem}" for name, problem in problems if problem]


def secrets_of(urls: Sequence[str]) -> tuple[str, ...]:
    """Every password and token in the URLs, for the redactor."""
    return tuple(dict.fromkeys(secret for url in urls for secret in _secrets(url)))


def connect(target: Target) -> Apprise | None:
    """What sends to this target; None where apprise cannot use the URL. Asks no server."""
    service = _service(target.url)
    if service is None:
        return None
    from apprise import Apprise

    return Apprise(service, asset=service.asset)


def deliver(target: Target, connected: Apprise, message: Message) -> str:
    """Send. "" when the service took the message, else why not, which may hold a secret.

    Blocks as long as the service's own time limits allow.
    """
    from apprise import NotifyFormat, NotifyType

    try:
        result = connected.notify(
            title=message.title, body=message.body, body_format=NotifyFormat.TEXT,
            notify_type=NotifyType(_LOUDNESS.get(message.status, "info")), log_level=logging.DEBUG,
        )  # fmt: skip
    except Exception as error:  # a plugin's bug is a message that was not sent
        return f"{type(error).__name__}: {error}"
    if result:
        return ""
    told = [entry.message for entry in result.logs() if entry.level in ("WARNING", "ERROR")]
    if target.is_mail:
        told += [entry.message.removeprefix(CAUSE) for entry in result.logs() if entry.message.startswith(CAUSE)]
    return "; ".join(words.rstrip(".") for words in told) or "the service did not take it"


def reason(target: Target, text: str) -> str:
    """What went wrong, in one short safe line without the target's secrets."""
    for secret in sorted(_secrets(target.url), key=len, reverse=True):
        for form in (secret, quote(secret, safe="")):
            text = text.replace(form, MASK)
    return clip(safe_line(text), MAX_REASON)


def _problem(url: str) -> str:
    """Why apprise cannot use this URL; "" when it can."""
    if _service(url) is not None:
        return ""
    scheme, known = _scheme(url), _plugins()
    if not scheme:
        return "is not a URL: `mailto://…`, `slack://…` and the like are"
    if scheme not in known:
        near = difflib.get_close_matches(scheme, known.schemas(), n=1, cutoff=0.75)
        return "is no service that apprise knows" + (f": did you mean `{near[0]}://`?" if near else "")
    plugin = known[scheme]
    if not plugin.enabled:
        return "cannot be used on this machine: the program or library that it needs is missing"
    return f"is not complete or has a mistake: {plugin.setup_url} says how {plugin.service_name} URLs look"


@functools.lru_cache(maxsize=256)
def _secrets(url: str) -> tuple[str, ...]:
    """What apprise itself would hide of a URL, the password as it was typed, and the headers that go to a web hook."""
    service: Any = _service(url)
    found: set[str] = set()
    if service is not None:
        found |= _pieces(service.url(privacy=False)) - _pieces(service.url(privacy=True))
    rest = url.partition("://")[2]
    credentials, at, _ = rest.partition("/")[0].rpartition("@")
    if at:
        found.add(unquote(credentials.partition(":")[2]))
    for pair in rest.partition("?")[2].split("&"):
        name, _, value = pair.partition("=")
        if unquote(name).startswith("+"):
            found.add(unquote(value))
    return tuple(sorted(found - {""}))


def _pieces(url: str) -> set[str]:
    return {unquote(piece) for piece in re.split(r"[/:@?&=]+", url)}


def _name(url: str, position: int) -> str:
    return f"{_scheme(url)} #{position}".strip()


def _scheme(url: str) -> str:
    """In lower case; "" for what is no URL: it may be a bare token."""
    found = re.match(r"([a-z][a-z0-9+.-]*)://", url, re.IGNORECASE)
    return clip(found[1].lower(), MAX_SCHEME) if found else ""


def _service(url: str) -> NotifyBase | None:
    _plugins()
    from apprise import Apprise, AppriseAsset

    asset = AppriseAsset(
        async_mode=False, service_timeout=0,  # on the thread that asks: no pool that outlives the process' end
        storage_mode="memory", pgp_autogen=False, pem_autogen=False,  # nothing on this disk
        app_id="pithy-local", app_desc="pithy-local", app_url="", image_url_mask="", image_url_logo="",
    )  # fmt: skip
    return Apprise.instantiate(url, asset=asset)


@functools.cache
def _plugins() -> Any:
    """Apprise's services by scheme, all loaded (300 ms), and silenced: what apprise logs would tear a dashboard."""
    logger = logging.getLogger("apprise")
    logger.propagate = False
    logger.setLevel(logging.DEBUG)  # for CAUSE
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about modules that Python is going to drop
        import urllib3
        from apprise.plugins import N_MGR

        plugins: Any = N_MGR
        plugins.load_modules()
    urllib3.disable_warnings()  # about `verify=no`, which the user has written into the URL
    return plugins
