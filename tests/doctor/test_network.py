"""Proxies and files of certificates."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from pithy_local.doctor.network import check_certificates, check_notify, check_proxies, judged_bundle
from tests.doctor.conftest import MakeApp
from tests.fakes.loopback import LoopbackServer

NOW = datetime(2026, 11, 23, tzinfo=UTC)
NOW_MS = int(NOW.timestamp() * 1000)
EVERYWHERE = "localhost,127.0.0.1"


def certificate(*, days: int = 100, authority: bool = True) -> str:
    """PEM of a self-signed certificate that ends `days` from NOW."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"test {days} {authority}")])
    made = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(x509.random_serial_number()).not_valid_before(NOW - timedelta(days=1000))
        .not_valid_after(NOW + timedelta(days=days))
        .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    return made.public_bytes(Encoding.PEM).decode()


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    return tmp_path / "ca.pem"


@pytest.mark.parametrize("env", [{}, {"NO_PROXY": "*"}, {"HTTPS_PROXY": ""}])
def test_no_proxy_is_no_check(env: Mapping[str, str]) -> None:
    assert list(check_proxies(env)) == []


@pytest.mark.parametrize(
    "url", ["proxy.example.org:3128", "http://", "socks5://127.0.0.1:1080", "http://127.0.0.1:port"]
)
def test_what_is_no_url_of_a_proxy_fails(url: str) -> None:
    (found,) = check_proxies({"https_proxy": url, "NO_PROXY": EVERYWHERE})
    assert (found.ok, "HTTPS_PROXY" in found.fix) == (False, True)


def test_a_proxy_that_does_not_answer_is_a_warning_without_its_password() -> None:
    (found,) = check_proxies({"HTTPS_PROXY": "http://me:canary-word@127.0.0.1:9", "NO_PROXY": EVERYWHERE})
    assert (found.ok, "http://127.0.0.1:9: Connection refused" in found.message) == (None, True)
    assert "canary" not in found.message + found.fix


@pytest.mark.parametrize(
    ("no_proxy", "ok"),
    [(EVERYWHERE, True), ("*", True), ("LOCALHOST, 127.0.0.1", True), ("", None), ("localhost", None),
     ("example.org", None)],
)  # fmt: skip
def test_a_proxy_must_not_be_used_for_this_machine(no_proxy: str, ok: bool | None) -> None:
    with LoopbackServer() as proxy:
        (found,) = check_proxies({"HTTP_PROXY": proxy.url, "no_proxy": no_proxy})
    assert (found.ok, "NO_PROXY" in found.fix) == (ok, ok is not True)


def test_a_good_bundle_is_fine(bundle: Path) -> None:
    bundle.write_text(certificate(days=100) + "a comment\n" + certificate(days=50))
    found = judged_bundle("ca-bundle", "`sandbox.ca_bundle`", str(bundle), NOW_MS, strict=True)
    assert (found.ok, found.fix) == (True, "")
    assert "2 certificates, the next ends on 2027-01-12" in found.message


@pytest.mark.parametrize("content", [b"", b"hello", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
                                     b"\xff\xfe"])  # fmt: skip
def test_what_holds_no_certificate_fails(bundle: Path, content: bytes) -> None:
    bundle.write_bytes(content)
    assert judged_bundle("ca-bundle", "it", str(bundle), NOW_MS).ok is False


def test_a_file_that_is_not_there_fails(bundle: Path) -> None:
    found = judged_bundle("ca-bundle", "it", str(bundle), NOW_MS)
    assert (found.ok, "No such file" in found.message) == (False, True)


def test_a_certificate_that_is_no_authoritys_fails(bundle: Path) -> None:
    bundle.write_text(certificate(authority=False))
    assert "no CA certificate" in judged_bundle("ca-bundle", "it", str(bundle), NOW_MS).message


@pytest.mark.parametrize(
    ("days", "strict", "ok"), [((-1, 9), True, None), ((-1, 9), False, True), ((-1, -2), False, False)]
)
def test_expired_certificates(bundle: Path, days: tuple[int, ...], strict: bool, ok: bool | None) -> None:
    bundle.write_text("".join(certificate(days=each) for each in days))
    assert judged_bundle("ca-bundle", "it", str(bundle), NOW_MS, strict=strict).ok is ok


def test_the_sandboxs_bundle_and_the_environments_are_looked_at(make_app: MakeApp, bundle: Path) -> None:
    bundle.write_text(certificate(days=10_000))
    app = make_app(f'[sandbox]\nca_bundle = "{bundle}"\n', SSL_CERT_FILE=str(bundle), REQUESTS_CA_BUNDLE="/none.pem")
    found = {check.name: check for check in check_certificates(app)}
    assert {name: check.ok for name, check in found.items()} == {"ca-bundle": True, "certificates": False}
    assert "REQUESTS_CA_BUNDLE" in found["certificates"].message


def test_several_names_of_one_file_are_one_finding(make_app: MakeApp, bundle: Path) -> None:
    bundle.write_text(certificate(days=10_000))
    (found,) = check_certificates(make_app(SSL_CERT_FILE=str(bundle), CURL_CA_BUNDLE=str(bundle)))
    assert (found.ok, "SSL_CERT_FILE, CURL_CA_BUNDLE" in found.message) == (True, True)


@pytest.mark.parametrize(
    ("url", "ok"), [("mailto://me:canary-word@example.org", True), ("carrier-pigeon://canary-word", None)]
)
def test_addresses_of_notifications_are_judged_and_not_shown(url: str, ok: bool | None) -> None:
    (found,) = check_notify([url])
    assert (found.ok, bool(found.fix)) == (ok, ok is not True)
    assert "canary" not in found.message + found.fix


def test_without_notifications_there_is_no_check() -> None:
    assert list(check_notify([])) == []
