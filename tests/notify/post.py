"""A mail server on 127.0.0.1 that keeps what it gets, can be down, and can hang."""

from __future__ import annotations

import asyncio
import socket
import threading
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from types import TracebackType
from typing import Self

from aiosmtpd.smtp import SMTP, Envelope, Session


@dataclass
class PostOffice:
    """Its port is its own from the beginning; connections are refused until it opens."""

    mails: list[EmailMessage] = field(default_factory=list)
    recipients: list[str] = field(default_factory=list)
    hang: bool = False
    """Take a message's text and never answer."""
    refuse: bool = False
    """Answer that the mailbox is full."""

    def __post_init__(self) -> None:
        self._socket = socket.socket()
        self._socket.bind(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        self.reached = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._loop is not None and self._thread is not None:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
        self._socket.close()

    def url(self, to: str = "ops", *, password: str = "") -> str:
        """Sends to `to`@example.org from tasks@example.org."""
        secret = f":{password}" if password else ""
        return f"mailto://tasks{secret}@example.org:{self.port}/{to}@example.org?smtp=127.0.0.1"

    def open(self) -> None:
        ready = threading.Event()
        self._thread = threading.Thread(target=self._serve, args=(ready,), name="post office")
        self._thread.start()
        assert ready.wait(60)

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        """What aiosmtpd calls for each message."""
        self.reached.set()
        if self.hang:
            await asyncio.Event().wait()
        if self.refuse:
            return "552 mailbox full"
        content = envelope.content
        assert isinstance(content, bytes)
        mail = message_from_bytes(content, policy=policy.default)
        assert isinstance(mail, EmailMessage)
        self.mails.append(mail)
        self.recipients += envelope.rcpt_tos
        return "250 kept"

    def _serve(self, ready: threading.Event) -> None:
        self._loop = loop = asyncio.new_event_loop()
        sessions: list[SMTP] = []

        def session() -> SMTP:
            sessions.append(SMTP(self, hostname="post.example.org", loop=loop))
            return sessions[-1]

        server = loop.run_until_complete(loop.create_server(session, sock=self._socket))
        ready.set()
        loop.run_forever()
        server.close()
        loop.run_until_complete(self._end(sessions))
        loop.close()

    @staticmethod
    async def _end(sessions: list[SMTP]) -> None:
        await asyncio.sleep(0)  # a connection that came last becomes a session
        for session in sessions:
            if session.transport is not None:
                session.transport.close()  # who still waits for an answer hears that there is none
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        await asyncio.sleep(0)  # the turn in which the sockets are closed


def text_of(mail: EmailMessage) -> str:
    """The plain text of a mail."""
    body = mail.get_body(("plain",))
    assert body is not None
    return str(body.get_content())
