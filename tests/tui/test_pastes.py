"""Pastes as a terminal sends them: one safe text each, in whatever pieces they come."""

from __future__ import annotations

import pytest
from textual import events
from textual.message import Message

from pithy_local.tui.pastes import END, STALLED_SECONDS, START, PasteParser


def parsed(*pieces: str) -> list[tuple[str, str]]:
    """Each event as its kind and the key or the text."""
    parser = PasteParser()
    found = [event for piece in pieces for event in parser.feed(piece)]
    return [
        ("key", event.key) if isinstance(event, events.Key) else ("paste", event.text)
        for event in found
        if isinstance(event, (events.Key, events.Paste))
    ]


COLOURED = f"a{START}A \x1b[31mred\x1b[0m \x13 text\r\nmore\rlast{END}b"
CLEAN = [("key", "a"), ("paste", "A red ␓ text\nmore\nlast"), ("key", "b")]


@pytest.mark.parametrize("size", [1, 2, 5, 7, len(COLOURED)])
def test_a_paste_is_one_safe_text_in_whatever_pieces_it_comes(size: int) -> None:
    pieces = [COLOURED[at : at + size] for at in range(0, len(COLOURED), size)]
    assert parsed(*pieces) == CLEAN


def test_no_escape_in_a_paste_becomes_a_key() -> None:
    assert parsed(f"{START}text \x1bxy \x1bq \x1b", END) == [("paste", "text y  ␛")]


def test_text_that_ends_its_own_paste_stays_text() -> None:
    assert parsed(f"{START}one{END}q{END}z") == [("paste", "oneq"), ("key", "z")]


def test_two_pastes_and_the_keys_between_them() -> None:
    assert parsed(f"{START}one{END}", f"x{START}two", f"{END}") == [("paste", "one"), ("key", "x"), ("paste", "two")]


def test_a_paste_whose_end_never_comes_gives_the_keys_back() -> None:
    now = [0.0]
    parser = PasteParser(clock=lambda: now[0])

    def seen(at: float, typed: str = "") -> list[Message]:
        now[0] = at
        return [*parser.feed(typed), *parser.tick()] if typed else [*parser.tick()]

    assert seen(0.0, f"{START}half of it") == []
    assert seen(STALLED_SECONDS - 1, " and more") == [], "it has come to a stop only where nothing comes"
    assert seen(2 * STALLED_SECONDS - 2) == []
    [paste] = seen(2 * STALLED_SECONDS)
    assert isinstance(paste, events.Paste)
    assert paste.text == "half of it and more"
    assert [event.key for event in seen(2 * STALLED_SECONDS, "q") if isinstance(event, events.Key)] == ["q"]


def test_keys_are_what_they_were() -> None:
    assert parsed("x", "\x1b[A", "\x1b[20", "~") == [("key", "x"), ("key", "up"), ("key", "f9")]
