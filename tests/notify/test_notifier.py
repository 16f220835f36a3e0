"""How a task ended reaches people: by real mail, once."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from pithy_local.models import Status
from pithy_local.store import Store
from pithy_local.store.outbox import CLAIM_MS, FIRST_PAUSE_MS
from pithy_local.store.settled import Settled
from tests.notify.conftest import REVIEW, Desk
from tests.notify.post import PostOffice, text_of
from tests.store.conftest import HandClock
from tests.support import wait_until

SENDER = """
import sys
from pathlib import Path
from pithy_local.config import NotifySettings
from pithy_local.notify import Notifier
from pithy_local.paths import Home
from pithy_local.redact import Redactor
from pithy_local.store import Store
store = Store(Home(root=Path(sys.argv[1])))
Notifier(store, NotifySettings(urls=(sys.argv[2],)), Redactor([]), print).drain(float(sys.argv[3]))
"""
"""A process that sends what is due: home, URL, seconds."""


def test_a_settled_task_is_one_mail(desk: Desk, post: PostOffice) -> None:
    post.open()
    task = desk.settle()
    notifier = desk.notifier(post.url())

    for _ in range(3):
        notifier.tick()

    [mail] = post.mails
    assert mail["Subject"] == "pithy-local: completed: Fix the flaky test"
    assert (mail["From"], mail["To"]) == ("pithy-local <tasks@example.org>", "ops@example.org")
    assert "https://github.example/acme/api/pull/7" in text_of(mail)
    assert f"pithy-local show {task.id}" in text_of(mail)


def test_every_target_gets_it_also_where_another_one_fails(desk: Desk, post: PostOffice) -> None:
    post.open()
    desk.settle()
    with PostOffice() as closed:
        notifier = desk.notifier(closed.url(), post.url("ops"), post.url("boss"), post.url("ops"))
        notifier.tick()
        notifier.tick()

    assert post.recipients == ["ops@example.org", "boss@example.org"]
    assert [line for line in desk.said if "mailto #1: " in line] == desk.said
    assert "Connection refused" in desk.said[0]


def test_two_processes_of_a_home_send_each_mail_once(desk: Desk, post: PostOffice) -> None:
    post.open()
    titles = [desk.settle(title=f"Task {number}").title for number in range(6)]
    command = [sys.executable, "-W", "error", "-c", SENDER, str(desk.store.home.root), post.url(), "40"]

    senders = [subprocess.Popen(command) for _ in range(2)]

    assert [sender.wait(100) for sender in senders] == [0, 0]
    assert Counter(mail["Subject"] for mail in post.mails) == {
        f"pithy-local: completed: {title}": 1 for title in titles
    }


def test_a_mail_that_failed_is_sent_when_the_server_is_back(desk: Desk, post: PostOffice, clock: HandClock) -> None:
    desk.settle()
    notifier = desk.notifier(post.url())
    notifier.tick()
    post.open()
    notifier.tick()
    assert post.mails == []

    clock.now += FIRST_PAUSE_MS
    notifier.tick()
    notifier.tick()

    assert len(post.mails) == 1
    assert ["again for a day" in desk.said[0], desk.said[1:]] == [True, ["notify: mailto #1 works again"]]


def test_a_target_that_fails_is_told_once_with_what_the_server_said(
    desk: Desk, post: PostOffice, clock: HandClock
) -> None:
    post.open()
    post.refuse = True
    for _ in range(3):
        desk.settle()
    notifier = desk.notifier(post.url())
    for _ in range(5):
        notifier.tick()
        clock.now += FIRST_PAUSE_MS

    [said] = desk.said
    assert said.startswith("notify: mailto #1: ")
    assert "mailbox full" in said


def test_what_a_killed_sender_had_claimed_is_sent_when_its_claim_has_run_out(
    desk: Desk, post: PostOffice, clock: HandClock
) -> None:
    post.open()
    post.hang = True
    desk.settle()
    sender = subprocess.Popen([sys.executable, "-c", SENDER, str(desk.store.home.root), post.url(), "50"])
    try:
        assert post.reached.wait(60)
    finally:
        sender.send_signal(signal.SIGKILL)
        sender.wait(60)
    post.hang = False
    notifier = desk.notifier(post.url())

    notifier.tick()
    assert post.mails == []
    clock.now += CLAIM_MS + 60_000  # the sender had the machine's clock
    notifier.tick()

    assert len(post.mails) == 1


def test_statuses_that_are_not_configured_are_not_told(desk: Desk, post: PostOffice) -> None:
    post.open()
    for status in (Status.CANCELLED, Status.FAILED, Status.CANCELLED):
        desk.settle(status)
    notifier = desk.notifier(post.url())
    for _ in range(4):
        notifier.tick()

    assert [mail["Subject"].split(":")[1].strip() for mail in post.mails] == ["failed"]


def test_a_title_of_any_alphabet_arrives_as_it_is(desk: Desk, post: PostOffice) -> None:
    post.open()
    desk.settle(title="Größe прочитать 修复 ✓")
    desk.notifier(post.url()).tick()

    assert post.mails[0]["Subject"] == "pithy-local: completed: Größe прочитать 修复 ✓"


def test_the_reason_and_what_to_do_are_in_the_mail(desk: Desk, post: PostOffice) -> None:
    post.open()
    desk.settle(Status.NEEDS_REVIEW, error=REVIEW)
    desk.notifier(post.url()).tick()

    text = text_of(post.mails[0])
    assert REVIEW.message in text
    assert REVIEW.hint in text


def test_a_secret_in_a_message_is_masked(desk: Desk, post: PostOffice) -> None:
    post.open()
    desk.settle(title="Use ghp_Canary1234567890")
    desk.notifier(post.url(), secret="ghp_Canary1234567890").tick()

    assert post.mails[0]["Subject"] == "pithy-local: completed: Use ***"


def test_a_url_that_cannot_be_used_is_told_without_its_secret(desk: Desk, post: PostOffice) -> None:
    post.open()
    desk.settle()
    desk.notifier("slakc://xoxb-Canary1234/hunter2", post.url()).tick()

    assert desk.said == [
        "notify: slakc #1: apprise cannot use this URL: `pithy-local config check` says why. "
        "It is tried again for a day."
    ]
    assert len(post.mails) == 1


def test_no_secret_of_a_url_is_stored_or_printed(
    desk: Desk, post: PostOffice, capfd: pytest.CaptureFixture[str]
) -> None:
    post.open()
    desk.settle()
    notifier = desk.notifier(post.url(password="CanaryCanary"), "json://user:CanaryCanary@127.0.0.1:1/Canary")
    notifier.tick()

    written = b"".join(path.read_bytes() for path in desk.store.home.root.glob("queue.db*"))
    assert len(desk.said) == 2
    assert b"127.0.0.1" in written  # the error is kept
    assert b"Canary" not in written
    assert "CanaryCanary" not in "".join(desk.said) + repr(vars(notifier))
    assert capfd.readouterr() == ("", "")


def test_a_service_that_does_not_answer_in_time_has_failed(desk: Desk, post: PostOffice) -> None:
    post.open()
    post.hang = True
    desk.settle()
    desk.notifier(post.url(), patience=0.3).tick()
    assert post.reached.wait(60)  # it was on its way

    assert desk.said == ["notify: mailto #1: no answer within 0.3 s. It is tried again for a day."]


def test_draining_sends_all_that_is_due(desk: Desk, post: PostOffice) -> None:
    post.open()
    for _ in range(4):
        desk.settle()
    desk.notifier(post.url(), post.url("boss")).drain(30)

    assert len(post.mails) == 8


def test_draining_ends_in_time_also_for_a_tick_in_another_thread(desk: Desk, post: PostOffice) -> None:
    post.open()
    begun = _drained_in_the_middle(desk, post)

    assert time.monotonic() - begun < 20
    assert desk.said == []


def test_what_draining_did_not_finish_is_left_to_the_next_process(
    desk: Desk, post: PostOffice, clock: HandClock
) -> None:
    post.open()
    _drained_in_the_middle(desk, post)
    post.hang = False
    clock.now += CLAIM_MS

    desk.notifier(post.url()).tick()

    assert len(post.mails) == 1


def _drained_in_the_middle(desk: Desk, post: PostOffice) -> float:
    """Drain while a tick waits for a server that does not answer; when it began to."""
    post.hang = True
    desk.settle()
    notifier = desk.notifier(post.url())

    def tick() -> None:
        notifier.tick()
        desk.store.close_thread()

    ticking = threading.Thread(target=tick)
    ticking.start()
    assert post.reached.wait(60)
    begun = time.monotonic()
    notifier.drain(0.5)
    ticking.join(60)
    assert not ticking.is_alive()
    return begun


def test_a_removed_tasks_message_is_not_sent(desk: Desk, post: PostOffice) -> None:
    post.open()
    removed, kept = desk.settle(title="Removed"), desk.settle(title="Kept")
    Settled(desk.store).remove(removed.id)
    desk.notifier(post.url()).drain(30)

    assert [mail["Subject"] for mail in post.mails] == [f"pithy-local: completed: {kept.title}"]


def test_where_nothing_is_due_a_tick_is_one_look_and_loads_nothing(tmp_path: Path, post: PostOffice) -> None:
    code = (
        SENDER.replace(".drain(float(sys.argv[3]))", ".tick()").replace(
            "Notifier(store", "statements = []\nstore.queue.raw.set_trace_callback(statements.append)\nNotifier(store"
        )
        + "print(len(statements), [name for name in ('apprise', 'requests', 'asyncio') if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "home"), post.url()],
        capture_output=True, text=True, timeout=100, check=True,
    )  # fmt: skip

    assert done.stdout == "1 []\n"


class Hook(BaseHTTPRequestHandler):
    """A web hook that fails once."""

    statuses: list[int]
    bodies: list[bytes]

    def do_POST(self) -> None:
        self.bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
        self.send_response(self.statuses.pop(0))
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the base's name
        """Nothing on stderr."""


@pytest.fixture
def hook() -> Iterator[ThreadingHTTPServer]:
    Hook.statuses, Hook.bodies = [500, 200], []
    server = ThreadingHTTPServer(("127.0.0.1", 0), Hook)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_web_hook_is_told_and_told_again(desk: Desk, clock: HandClock, hook: ThreadingHTTPServer) -> None:
    desk.settle(Status.FAILED, error=REVIEW)
    notifier = desk.notifier(f"json://127.0.0.1:{hook.server_port}/hook?+Authorization=Canary")
    notifier.tick()
    clock.now += FIRST_PAUSE_MS
    notifier.tick()
    notifier.tick()

    assert len(Hook.bodies) == 2
    assert b"pithy-local: failed: Fix the flaky test" in Hook.bodies[1]
    assert b'"failure"' in Hook.bodies[1]
    assert "500" in desk.said[0]


def test_two_stores_on_one_home_do_not_share_a_mail(desk: Desk, post: PostOffice) -> None:
    """The same race within one process: threads begin together, again and again."""
    post.open()
    others = [Store(desk.store.home, desk.store.clock) for _ in range(2)]
    notifiers = [desk.notifier(post.url(), store=other) for other in others]
    for _ in range(5):
        desk.settle()
        begin = threading.Barrier(2)

        def race(number: int, begin: threading.Barrier = begin) -> None:
            begin.wait()
            notifiers[number].tick()
            others[number].close_thread()

        racers = [threading.Thread(target=race, args=(number,)) for number in range(2)]
        for racer in racers:
            racer.start()
        for racer in racers:
            racer.join()
    for other in others:
        other.close()

    wait_until(lambda: len(post.mails) == 5)
