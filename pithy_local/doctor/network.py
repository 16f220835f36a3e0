"""Proxies and certificates, which every connection goes through, and the addresses of notifications."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator, Mapping, Sequence
from urllib.parse import SplitResult, urlsplit

from pithy_local.clock import iso
from pithy_local.doctor.check import Check, Facts
from pithy_local.paths import expanded, read_limited
from pithy_local.text import clip

MOST_BYTES = 50_000_000
SECONDS = 5.0
MOST_WORDS = 300
PROXIES = ("https_proxy", "http_proxy", "all_proxy")
SCHEMES = {"http": 80, "https": 443}
LOOPBACK = ("localhost", "127.0.0.1")
BUNDLES = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "GIT_SSL_CAINFO")
"""Files that the certificates of the model's server, of GitHub and of git's remotes are judged by."""


def check_proxies(env: Mapping[str, str]) -> Iterator[Check]:
    """One check for all that is set, nothing where no proxy is: malformed fails, silent and too wide are warnings."""
    named = {name.lower(): value for name, value in env.items() if value and name.lower() in (*PROXIES, "no_proxy")}
    proxies = {name: named[name] for name in PROXIES if name in named}
    if not proxies:
        return
    problems = list(_problems(proxies))
    if problems:
        yield problems[0]
    elif not all(_bypassed(host, named.get("no_proxy", "")) for host in LOOPBACK):
        fix = "Add localhost,127.0.0.1 to NO_PROXY: a server of your own on this machine is asked through the proxy."
        yield Check(name="proxy", ok=None, message="the proxy is used for this machine itself, too", fix=fix)
    else:
        shown = ", ".join(sorted({_shown(urlsplit(value)) for value in proxies.values()}))
        yield Check(name="proxy", ok=True, message=f"{shown} answers; not used for this machine itself")


def _problems(proxies: Mapping[str, str]) -> Iterator[Check]:
    for name, value in proxies.items():
        parts = urlsplit(value)
        address = _address(parts)
        if address is None:
            fix = f"Set {name.upper()} to http://host:port, or unset it."
            message = f"{name.upper()} is no proxy's URL that can be used (scheme {parts.scheme or 'missing'})"
            yield Check(name="proxy", ok=False, message=message, fix=fix)
            continue
        try:
            socket.create_connection(address, timeout=SECONDS).close()
        except OSError as error:
            fix = f"Start the proxy, correct {name.upper()}, or unset it."
            message = f"{name.upper()}: nothing answers at {_shown(parts)}: {error.strerror or error}"
            yield Check(name="proxy", ok=None, message=message, fix=fix)


def _address(parts: SplitResult) -> tuple[str, int] | None:
    """Host and port; None for what is no URL of a proxy."""
    try:
        port = parts.port
    except ValueError:
        return None
    if parts.scheme not in SCHEMES or not parts.hostname:
        return None
    return parts.hostname, port or SCHEMES[parts.scheme]


def _bypassed(host: str, no_proxy: str) -> bool:
    entries = {entry.strip().lower().removeprefix("http://").partition(":")[0] for entry in no_proxy.split(",")}
    return "*" in entries or host in entries


def _shown(parts: SplitResult) -> str:
    """Without user and password."""
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"


def check_certificates(facts: Facts) -> Iterator[Check]:
    """The sandbox's own bundle, and those that the environment names: of these the first that is no good, if one is.

    What has expired counts in the first alone: the bundles of systems hold such certificates for a while.
    """
    now = facts.clock.now_ms()
    if bundle := facts.settings.sandbox.ca_bundle:
        yield judged_bundle("ca-bundle", "`sandbox.ca_bundle`", bundle, now, strict=True)
    named: dict[str, list[str]] = {}
    for name in BUNDLES:
        if file := facts.env.get(name):
            named.setdefault(file, []).append(name)
    found = [judged_bundle("certificates", ", ".join(names), file, now) for file, names in named.items()]
    yield from sorted(found, key=lambda check: check.ok is True)[:1]


def judged_bundle(name: str, setting: str, file: str, now_ms: int, *, strict: bool = False) -> Check:
    """A file of certificates in PEM form: readable, at least one, a CA's. It fails when all of them have expired;
    with `strict` it is a warning that one has."""
    fix = f"Correct {setting}: a file of CA certificates in PEM form."
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        context.load_verify_locations(
            cadata=read_limited(expanded(file), MOST_BYTES).decode("ascii", "replace").replace("\ufffd", "?")
        )
    except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
        said = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        return Check(name=name, ok=False, message=f"{setting}: {file} cannot be used: {said}", fix=fix)
    ends = sorted(ssl.cert_time_to_seconds(str(found["notAfter"])) * 1000 for found in context.get_ca_certs())
    if not ends:
        return Check(name=name, ok=False, message=f"{setting}: {file} holds no CA certificate", fix=fix)
    expired = sum(end < now_ms for end in ends)
    if expired == len(ends) or (strict and expired):
        message = f"{setting}: {expired} of {len(ends)} certificates in {file} have expired"
        fix = "Replace those that have expired by new ones."
        return Check(name=name, ok=False if expired == len(ends) else None, message=message, fix=fix)
    until = (iso(ends[expired]) or "")[:10]
    return Check(name=name, ok=True, message=f"{setting}: {len(ends)} certificates, the next ends on {until}")


def check_notify(urls: Sequence[str]) -> Iterator[Check]:
    """Whether each can be a notification's address; nothing is sent. Nothing where none is configured."""
    from pithy_local.notify import check_urls

    if not urls:
        return
    problems = check_urls(urls)
    if problems:
        fix = "Correct it: `notify.urls` takes the URLs of apprise, for example mailto://user:password@example.org."
        yield Check(name="notify", ok=None, message=clip("; ".join(problems), MOST_WORDS), fix=fix)
    else:
        yield Check(name="notify", ok=True, message=f"{len(urls)} of {len(urls)} addresses can be used (not tried)")
