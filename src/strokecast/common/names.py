"""Text that users choose as a name (class, column, series): what is allowed, and how messages and figures show it."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

from strokecast.common.errors import UserError

MAX_BYTES = 200  # of UTF-8; a file name has 255, and suffixes and temporary names need some of them

# Characters that break lines, that no encoding can write (halves of surrogate pairs), that XML forbids
# (noncharacters), or that reorder the text after them.
_FORBIDDEN = re.compile(
    "[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\u202a-\u202e\u2066-\u2069\ufdd0-\ufdef"
    + "".join(f"{chr(plane + 0xFFFE)}{chr(plane + 0xFFFF)}" for plane in range(0, 0x110000, 0x10000))
    + "]"
)


def problem(name: str) -> str:
    """Why `name` cannot be the name of a class, column or series; empty if it can.

    Every text is a name except an empty one, one of more than `MAX_BYTES` bytes, and one with control characters,
    line breaks, lone surrogates, noncharacters or characters that change the direction of the text after them.
    """
    if not name.strip():
        return "is empty"
    if match := _FORBIDDEN.search(name):
        return f"contains the character U+{ord(match[0]):04X}"
    size = len(name.encode())
    return f"has {size:,} bytes" if size > MAX_BYTES else ""


def check(name: str, kind: str, location: str) -> None:
    """Check a name that a user chose.

    Args:
        name: the name.
        kind: what it names, e.g. `class`, for the error message.
        location: file or key path, for the error message.

    Raises:
        UserError: if `problem` finds one.
    """
    if reason := problem(name):
        raise UserError(
            f"{shorten(repr(name), 60)} is not a {kind} name (it {reason})",
            location=location,
            allowed=f"1 to {MAX_BYTES} bytes of text without line breaks, control or direction characters",
            fix="rename it",
        )


def check_distinct(names: Iterable[str], kind: str, location: str) -> None:
    """Check that no two names are the same file on some file system (macOS, Windows).

    Raises:
        UserError: if two names differ only in case or in their Unicode form; shows both.
    """
    by_key: dict[str, str] = {}
    for name in names:
        other = by_key.setdefault(file_system_key(name), name)
        if other != name:
            raise UserError(
                f"the {kind} names {other!a} and {name!a} differ only in case or Unicode form",
                location=location,
                allowed="names that are different files on every file system",
                fix="rename one of them",
            )


def file_system_key(name: str) -> str:
    """The same text for all names that a file system may treat as one."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def shorten(text: str, columns: int) -> str:
    """`text` cut to a width of at most `columns` characters; East Asian characters are two wide."""
    widths = [2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in text]
    if sum(widths) <= columns:
        return text
    width, length = 1, 0  # the ellipsis
    while width + widths[length] <= columns:
        width += widths[length]
        length += 1
    return f"{text[:length]}…"
