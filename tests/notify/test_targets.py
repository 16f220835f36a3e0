"""The configured addresses: named, judged and kept to themselves."""

from __future__ import annotations

import subprocess
import sys

import pytest

from pithy_local import notify
from pithy_local.notify.targets import Target, reason, targets_of

SLACK = "slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ/#general"
MAIL = "mailto://tasks:pa%40ss%20word@example.org:2525/ops@example.org?smtp=mail.example.org"


@pytest.mark.parametrize(
    "url",
    [MAIL, SLACK, "ntfy://user:secret@ntfy.example.org/topic", "json://127.0.0.1:8080/hook", "syslog://",
     "https://hooks.slack.com/services/T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ"],
)  # fmt: skip
def test_urls_that_apprise_knows_are_well(url: str) -> None:
    assert notify.check_urls([url]) == []


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("slakc://Canary/Canary/Canary", "notify.urls: slakc #2 is no service that apprise knows: did you mean `slack://`?"),
        ("http://user:Canary@example.org", "notify.urls: http #2 is no service that apprise knows"),
        ("xoxb-Canary", "notify.urls: #2 is not a URL: `mailto://…`, `slack://…` and the like are"),
        ("", "notify.urls: #2 is not a URL: `mailto://…`, `slack://…` and the like are"),
        ("slack://Canary", "notify.urls: slack #2 is not complete or has a mistake: "),
        ("mailto://user:Canary@", "notify.urls: mailto #2 is not complete or has a mistake: "),
        ("windows://Canary", "notify.urls: windows #2 cannot be used on this machine: "),
    ],
)  # fmt: skip
def test_a_wrong_url_is_named_by_scheme_and_place_and_not_shown(
    url: str, problem: str, capfd: pytest.CaptureFixture[str]
) -> None:
    [found] = notify.check_urls([MAIL, url])

    assert found.startswith(problem)
    assert "Canary" not in found
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("url", "secrets"),
    [
        (MAIL, {"pa@ss word"}),
        (SLACK, {"T1JJ3T3L2", "A1BRTD4JD", "TIiajkdnlazkcOXrIdevi7FQ"}),
        ("tgram://123456789:AAbcdefghijklmnopqrstuvwxyz0123456/12315544/",
         {"123456789:AAbcdefghijklmnopqrstuvwxyz0123456"}),
        ("json://user:pw@127.0.0.1/hook?+Authorization=Bearer%20abc&format=text", {"pw", "Bearer abc"}),
        ("nobody-knows://user:pw@example.org", {"pw"}),
        ("ntfy://ntfy.example.org/topic", set()),
        ("no url", set()),
    ],
)  # fmt: skip
def test_the_secrets_of_a_url_are_what_must_not_be_seen(url: str, secrets: set[str]) -> None:
    assert set(notify.secrets_of([url])) == secrets


def test_secrets_of_several_urls_are_joined() -> None:
    assert notify.secrets_of([]) == ()
    assert set(notify.secrets_of([MAIL, "json://u:hunter2@127.0.0.1", MAIL])) == {"pa@ss word", "hunter2"}


@pytest.mark.parametrize(
    ("url", "shown"),
    [(MAIL, "mailto://***"), ("SLACK://a/b/c", "slack://***"), ("xoxb-1234", "***"), ("", "***"),
     (f"{'x' * 90}://y", f"{'x' * 19}…://***")],
)  # fmt: skip
def test_a_shown_url_is_its_scheme(url: str, shown: str) -> None:
    assert notify.shown(url) == shown


def test_targets_are_told_apart_by_keys_that_hide_the_url_and_doubles_are_one() -> None:
    first, second = targets_of([MAIL, SLACK, MAIL])

    assert (first.name, second.name) == ("mailto #1", "slack #2")
    assert first.key != second.key
    assert targets_of([SLACK, MAIL])[1].key == first.key
    assert repr([first, second]) == "[Target(mailto #1), Target(slack #2)]"


def test_a_reason_holds_no_secret_in_any_form_and_is_one_short_line() -> None:
    target = Target(key="k", name="mailto #1", url=MAIL)
    told = reason(target, "535 pa@ss word\n\x1b[2J" + "pa%40ss%20word " + "x" * 5_000)

    assert told.startswith("535 *** ⏎ *** xxx")
    assert len(told) == 200


def test_the_package_and_what_config_show_needs_load_no_library() -> None:
    code = """
import sys
from pithy_local import notify
assert notify.shown("mailto://a:b@c") == "mailto://***"
assert notify.secrets_of([]) == () and notify.check_urls([]) == []
assert not {"apprise", "requests", "asyncio", "textual"} & set(sys.modules)
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=100)
