"""Untrusted text: whatever comes in, what goes out cannot steer a terminal, a store or GitHub."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pithy_local.text import (
    LineAssembler,
    clip,
    for_storage,
    last_segment,
    markdown_inert,
    safe,
    safe_block,
    safe_line,
    short_age,
    short_count,
)

NASTY = st.text(
    st.one_of(
        st.sampled_from(
            list("\x00\x07\t\n\r\x1b\x7f\x85\x90\x9b\x9c\x9d\x9f\u200b\u202e\u2066\ud800\ufeff[]m;0318\\Pab")
        ),
        st.characters(),
    ),
    max_size=60,
)
"""Text with a great deal of what terminals act upon."""


def harmless(char: str) -> bool:
    return (
        unicodedata.category(char) not in ("Cc", "Cs", "Zl", "Zp")
        and char not in "\u202a\u202e\u2066\u2069\u200f\ufeff"
    )


@settings(deadline=None)
@given(NASTY)
def test_safe_text_holds_no_control_and_no_reordering_character(text: str) -> None:
    assert all(harmless(char) for char in safe(text))


@settings(deadline=None)
@given(NASTY)
def test_safe_text_stays_as_it_is(text: str) -> None:
    assert safe(safe(text)) == safe(text)


@settings(deadline=None)
@given(NASTY)
def test_coloured_text_is_stable_and_equal_to_plain_text_without_its_colours(text: str) -> None:
    coloured = safe(text, keep_sgr=True)

    assert safe(coloured, keep_sgr=True) == coloured
    assert safe(coloured) == safe(text)


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("plain text", "plain text"),
        ("naïve 日本語 👩‍💻", "naïve 日本語 👩‍💻"),
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b]0;new window title\x07text", "text"),
        ("\x1b]8;;https://evil.example\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("\x1bP1$r0m\x1b\\after", "after"),
        ("\x9b2Jcleared\x9d0;title\x9c!", "cleared!"),
        ("\x1b]52;c;never ended", "52;c;never ended"),
        ("\x1b", "␛"),
        ("\x1b[\x1b[31m31mnested", "31mnested"),
        ("nul\0 bell\x07 back\x08 del\x7f", "nul␀ bell␇ back␈ del␡"),
        ("two\nlines\r", "two␊lines␍"),
        ("a\tb", "a       b"),
        ("if admin\u202e\u2066 // check\u2069", "if admin<U+202E><U+2066> // check<U+2069>"),
        ("zero\u200bwidth\ufeff", "zero<U+200B>width<U+FEFF>"),
        ("half\ud83d", "half\ufffd"),
        ("hidden\U000e0041", "hidden<U+E0041>"),
    ],
)  # fmt: skip
def test_safe_shows(raw: str, shown: str) -> None:
    assert safe(raw) == shown


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("\x1b[1;31mred\x1b[0m plain", "\x1b[1;31mred\x1b[0m plain"),
        ("\x1b[31mleft open", "\x1b[31mleft open\x1b[0m"),
        ("\x1b[38;5;208morange\x1b[m", "\x1b[38;5;208morange\x1b[0m"),
        ("\x1b[48;2;1;2;3mtrue colour\x1b[0m", "\x1b[48;2;1;2;3mtrue colour\x1b[0m"),
        ("\x1b[8mconcealed", "concealed"),
        ("\x1b[5;38;5;999mblink", "blink"),
        ("\x1b[2Jcleared", "cleared"),
    ],
)
def test_kept_colours(raw: str, shown: str) -> None:
    assert safe(raw, keep_sgr=True) == shown


def test_lines_are_joined_visibly() -> None:
    assert safe_line("  first\r\n\n second\x1b[2J\u2028third ") == "first ⏎ second ⏎ third"


def test_a_block_keeps_its_lines() -> None:
    assert safe_block("a\x1b[1mb\r\nc\0") == "ab\nc␀"


@pytest.mark.parametrize(
    ("line", "shown"), [("10%\r50%\r100%", "100%"), ("100%\r", "100%"), ("plain\r\r", "plain"), ("", "")]
)
def test_progress_shows_its_last_state(line: str, shown: str) -> None:
    assert last_segment(line) == shown


@settings(deadline=None)
@given(st.text(), st.integers(min_value=-1, max_value=20))
def test_clipped_text_fits(text: str, n: int) -> None:
    clipped = clip(text, n)

    assert len(clipped) <= max(n, 0) or clipped == text == ""
    assert clipped == text or n <= 0 or clipped == text[: n - 1] + "…"


@settings(deadline=None)
@given(NASTY, st.integers(min_value=0, max_value=80))
def test_stored_text_fits_and_encodes(text: str, limit: int) -> None:
    stored = for_storage(text, limit)

    assert len(stored.encode()) <= limit
    assert "\0" not in stored


def test_storage_leaves_fitting_text_alone_and_marks_a_cut() -> None:
    assert for_storage("tab\tand ünicode") == "tab\tand ünicode"
    assert for_storage("日本", 2) == ""
    assert for_storage("ü" * 100, 40) == "ü" * 10 + " …[cut: 200 bytes]"


@pytest.mark.parametrize(
    "active",
    [
        "@octocat", "mail@example.org", "#12", "owner/name#12", "closes #7", "Fixes GH-7", "fixes gh\\-7",
        "resolves https://github.com/o/n/issues/7", "https\\://github.com", "www.example.org",
        "![beacon](//evil.example/x.png)", "[text](//evil.example)", "[a][b]", "[b]: //evil.example",
        "<img src=x>", "</details>", "<!-- pithy-task:abc -->", "<https://evil.example>", "&#64;octocat",
        "&commat;octocat",
    ],
)  # fmt: skip
def test_active_markdown_is_broken_but_reads_the_same(active: str) -> None:
    inert = markdown_inert(f"before {active} after")

    assert active not in inert
    assert inert.replace("\u200b", "") == f"before {active} after"


@pytest.mark.parametrize("plain", ["a < b and c > d", "# Heading", "x & y", "array[0] (first)", "50 @ 3", "C#"])
def test_ordinary_text_is_left_alone(plain: str) -> None:
    assert markdown_inert(plain) == plain


@settings(deadline=None)
@given(NASTY, st.sampled_from(["<!-- pithy-task:x -->", "@me", "closes #1"]), NASTY)
def test_no_context_makes_text_active(before: str, active: str, after: str) -> None:
    inert = markdown_inert(before + active + after)

    assert "<!--" not in inert
    assert "@me" not in inert
    assert "#1" not in inert


@settings(deadline=None)
@given(st.lists(st.one_of(st.binary(max_size=20), st.text(max_size=8).map(str.encode), st.just(b"\n")), max_size=12),
       st.integers(min_value=4, max_value=12), st.data())  # fmt: skip
def test_lines_do_not_depend_on_the_portions(parts: list[bytes], limit: int, data: st.DataObject) -> None:
    whole = b"".join(parts)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(whole)), max_size=6)))
    portions = [whole[start:end] for start, end in zip([0, *cuts], [*cuts, len(whole)], strict=True)]

    at_once, in_portions = LineAssembler(limit), LineAssembler(limit)
    lines = at_once.feed(whole) + at_once.flush()

    assert [line for portion in portions for line in in_portions.feed(portion)] + in_portions.flush() == lines
    assert all(len(line.encode("utf-8", "replace")) <= 3 * limit for line in lines)


@settings(deadline=None)
@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=60))
def test_no_character_is_lost_where_a_long_line_is_split(text: str) -> None:
    assembler = LineAssembler(5)

    lines = assembler.feed(text.replace("\n", " ").encode()) + assembler.flush()

    assert "".join(lines) == text.replace("\n", " ")


def test_only_a_newline_closes_a_line() -> None:
    assembler = LineAssembler()

    assert assembler.feed("10%\r20%\x85\u2028ü".encode()[:-1]) == []
    assert assembler.feed(b"\xbc\n\nrest") == ["10%\r20%\x85\u2028ü", ""]
    assert assembler.flush() == ["rest"]
    assert assembler.flush() == []


@pytest.mark.parametrize(
    ("ms", "shown"), [(-5, "0s"), (59_999, "59s"), (60_000, "1m"), (7_200_000, "2h"), (172_800_000, "2d")]
)
def test_an_age_has_one_unit(ms: int, shown: str) -> None:
    assert short_age(ms) == shown


@pytest.mark.parametrize(("number", "shown"), [(950, "950"), (12_400, "12.4k"), (999_960, "1.0M"), (1_200_000, "1.2M")])
def test_a_count_is_short(number: int, shown: str) -> None:
    assert short_count(number) == shown
