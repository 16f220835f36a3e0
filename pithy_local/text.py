"""Untrusted text made safe: for a terminal, for storage, for a pull request (SANDBOX §5); and short numbers.

Everything that was inside a sandbox is hostile: log lines, titles, diffs, file names, model output. Text is bounded
once where it comes in (`LineAssembler`, `for_storage`) and made safe again at every border where it is shown
(`safe`, `safe_line`, `safe_block`, `markdown_inert`).
"""

from __future__ import annotations

import re

TAB = 8
LINE_LIMIT = 64 * 1024
STORAGE_LIMIT = 64 * 1024

_SGR = r"\x1b\[(?P<sgr>[0-9;]{0,64})m"
_STRING_BODY = r"[^\x07\x1b\x90\x98\x9b-\x9f\n]*"
_SEQUENCE = (
    rf"(?:\x1b[\]P^_X]|[\x90\x98\x9d-\x9f]){_STRING_BODY}(?:\x07|\x1b\\|\x9c)"  # OSC, DCS, PM, APC, SOS with their text
    r"|(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"  # CSI
    r"|\x1b[ -/]*[0-~]|[\x90\x98\x9b-\x9f]"  # every other escape, and introducers of what never ends
)
# Controls, characters that reorder or hide, and lone surrogates. Joiners (U+200C, U+200D) stay: scripts need them.
_UNSAFE = (
    r"[\x00-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180e\u200b\u200e\u200f\u2028-\u202e"
    r"\u2060-\u206f\u3164\ufeff\uffa0\ufff9-\ufffb\ud800-\udfff\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
_TOKEN = re.compile(rf"{_SGR}|{_SEQUENCE}|(?P<char>{_UNSAFE})")
_CONTROL_PICTURES = 0x2400
_COLOURS = frozenset(map(str, (*range(5), 7, 9, *range(21, 26), 27, 29, *range(30, 38), 39, *range(40, 48), 49,
                                *range(90, 98), *range(100, 108))))  # fmt: skip
"""SGR codes that are kept: neither conceal (8) nor blink (5, 6)."""


def safe(text: str, *, keep_sgr: bool = False) -> str:
    """One line that no terminal can be fooled by: escape sequences out, other controls visible, tabs as spaces.

    C0 controls become control pictures (`␀`, `␊`), C1, bidi and invisible ones `<U+202E>`, lone surrogates U+FFFD.
    `keep_sgr` keeps colours and emphasis and closes them at the end of the line. Text of printable characters comes
    back unchanged, and so does safe text.
    """
    if text.isascii() and text.isprintable():
        return text
    coloured = False
    column = 0  # how far tabs are: the width of what was written, controls in between not counted
    written: list[str] = []
    position = 0
    for token in _TOKEN.finditer(text):
        plain = text[position : token.start()]
        column += len(plain)
        shown = _shown(token["char"], column) if token["char"] else ""
        column += len(shown)
        if keep_sgr and token["sgr"] is not None:
            shown = _kept_sgr(token["sgr"])
            coloured = (coloured or bool(shown)) and shown != "\x1b[0m"
        written += (plain, shown)
        position = token.end()
    written.append(text[position:])
    return "".join(written) + ("\x1b[0m" if coloured else "")


def _shown(char: str, column: int) -> str:
    """What stands for one unsafe character."""
    code = ord(char)
    if char == "\t":
        return " " * (TAB - column % TAB)
    if code < 0x20:
        return chr(_CONTROL_PICTURES + code)
    if code == 0x7F:
        return "␡"
    return "\ufffd" if 0xD800 <= code <= 0xDFFF else f"<U+{code:04X}>"


def _kept_sgr(parameters: str) -> str:
    """The sequence with the codes we keep; "" when none is left."""
    kept: list[str] = []
    codes = [code.lstrip("0") or "0" for code in parameters.split(";")]
    while codes:
        code = codes.pop(0)
        if code in ("38", "48"):  # 38;5;N or 38;2;R;G;B
            size = {"5": 2, "2": 4}.get(codes[0] if codes else "", 0)
            colour, codes = codes[:size], codes[size:]
            if len(colour) == size > 0 and all(int(part) < 256 for part in colour):
                kept += (code, *colour)
        elif code in _COLOURS:
            kept.append(code)
    return f"\x1b[{';'.join(kept)}m" if kept else ""


def safe_line(text: str) -> str:
    """Text of any number of lines as one safe line; ` ⏎ ` stands where lines with content meet."""
    parts = (part.strip() for part in re.split(r"[\n\v\f\r\x85\u2028\u2029]+", text))
    return safe(" ⏎ ".join(part for part in parts if part))


def safe_block(text: str) -> str:
    """Text whose lines stay lines, each of them safe."""
    return "\n".join(safe(line.removesuffix("\r")) for line in text.split("\n"))


def last_segment(line: str) -> str:
    """What a terminal would show last of a line that was overwritten with `\\r` (progress bars)."""
    return line.rstrip("\r").rpartition("\r")[2]


def clip(text: str, n: int) -> str:
    """`text` in at most `n` characters, the last one `…` if something was cut."""
    if len(text) <= n:
        return text
    return text[: n - 1] + "…" if n > 0 else ""


def short_age(ms: int) -> str:
    """`59s`, `3m`, `23h`, `2d`: at most four characters for the first 27 years."""
    seconds = max(0, ms) // 1000
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "m")):
        if seconds >= size:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"


def short_count(number: int) -> str:
    """`950`, `12.4k`, `1.2M`."""
    if number < 1_000:
        return str(number)
    return f"{number / 1000:.1f}k" if number < 999_950 else f"{number / 1_000_000:.1f}M"


def for_storage(text: str, limit_bytes: int = STORAGE_LIMIT) -> str:
    """Text that every store takes: no NUL, no lone surrogate, at most `limit_bytes` of UTF-8, a cut says so."""
    clean = text.replace("\0", "")
    data = clean.encode("utf-8", "replace") if clean.isascii() else _SURROGATE.sub("\ufffd", clean).encode()
    if len(data) <= limit_bytes:
        return data.decode()
    mark = f" …[cut: {len(data)} bytes]".encode()
    if len(mark) > limit_bytes:
        mark = b""
    return (data[: _character_border(data, limit_bytes - len(mark))] + mark).decode()


_SURROGATE = re.compile("[\ud800-\udfff]")

_GAP = "\u200b"  # zero-width space: unseen by readers, ends what GitHub would make of the characters around it
_ACTIVE = re.compile(
    r"@(?=\S)"  # mentions, addresses
    r"|#(?=\\?\d)"  # #123, owner/name#123, and with them "closes #123"
    r"|gh\\?-(?=\d)"  # GH-123
    r"|(?:https?|ftp|mailto|xmpp)\\?:|www(?=\\?\.)"  # bare links; "fixes https://…/issues/1"
    r"|<(?=[a-z/!?])"  # HTML, comments, <autolinks>; our own marker cannot be written
    r"|&(?=[#a-z])"  # entities: GitHub looks for mentions after they are decoded
    r"|!(?=\[)|\](?=[\[(:])",  # images, links, link definitions
    re.IGNORECASE,
)


def markdown_inert(text: str) -> str:
    """Model or user text for a pull request or a commit message: reads the same, does nothing at GitHub.

    Mentions, issue references (and so closing keywords), links, images, entities and HTML, comments included, are
    broken by a zero-width space. Lines stay lines. A caller contains block structure (fences, headings) by quoting.
    """
    return _ACTIVE.sub(lambda found: found[0] + _GAP, safe_block(text))


class LineAssembler:
    """Bytes in any portions → complete lines of text, the same whatever the portions were.

    Only `\\n` closes a line. UTF-8 is decoded after reassembly (errors replaced). A line longer than `limit` bytes is
    split there, between characters. `rest`: the unfinished line of an assembler that this one goes on for.
    """

    def __init__(self, limit: int = LINE_LIMIT, rest: bytes = b"") -> None:
        if limit < 4:
            raise ValueError("a line must hold the longest UTF-8 character")
        self._limit = limit
        self._rest = bytearray(rest)

    @property
    def rest(self) -> bytes:
        """The unfinished line: at most `limit` bytes."""
        return bytes(self._rest)

    def feed(self, data: bytes) -> list[str]:
        """The lines that `data` completes, without their `\\n`."""
        lines: list[str] = []
        *closed, rest = data.split(b"\n")
        for part in closed:
            self._rest += part
            lines += self._overlong()
            lines.append(self._take(len(self._rest)))
        self._rest += rest
        lines += self._overlong()
        return lines

    def flush(self) -> list[str]:
        """The unfinished line, if there is one: nothing more will come."""
        return [self._take(len(self._rest))] if self._rest else []

    def _overlong(self) -> list[str]:
        lines = []
        while len(self._rest) > self._limit:
            lines.append(self._take(_character_border(self._rest, self._limit)))
        return lines

    def _take(self, size: int) -> str:
        line = self._rest[:size].decode("utf-8", "replace")
        del self._rest[:size]
        return line


def _character_border(data: bytes | bytearray, at: int) -> int:
    """The last border between UTF-8 characters at or before `at`; `at` itself where this is no UTF-8."""
    for border in range(at, max(at - 4, -1), -1):
        if border >= len(data) or data[border] & 0xC0 != 0x80:
            return border
    return at
