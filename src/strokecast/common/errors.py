"""`UserError`: the exception for a mistake that the user can correct."""

from __future__ import annotations

import difflib
import unicodedata
from collections.abc import Iterable, Sequence

_DIRECTIONS = ("LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI")


class UserError(Exception):
    """A user's mistake, as one line: `<location>: <what>; allowed: <allowed>; <fix>`.

    Args:
        what: what is wrong, with the value.
        location: file, key path or row of the value.
        allowed: the condition that a valid value fulfils, or the valid choices; choices are listed after "choose one of".
        fix: what to do next.
    """

    def __init__(
        self, what: str, *, location: str = "", allowed: str | Iterable[str] = "", fix: str = ""
    ) -> None:
        self.what = what
        self.location = location
        self.allowed = allowed if isinstance(allowed, str) else tuple(allowed)
        self.fix = fix
        clauses = [f"{location}: {what}" if location else what]
        if isinstance(self.allowed, str):
            clauses += [f"allowed: {self.allowed}"] if self.allowed else []
        elif self.allowed:
            clauses.append(
                f"choose one of {', '.join(self.allowed)}"
                if len(self.allowed) > 1
                else f"allowed: {self.allowed[0]}"
            )
        if fix:
            clauses.append(fix)
        super().__init__(escape_unprintable(" ".join("; ".join(clauses).split())))

    def __reduce__(self) -> tuple[object, ...]:
        return (_rebuild, (self.what, self.location, self.allowed, self.fix))


def suggest(name: str, choices: Sequence[str]) -> str:
    """`did you mean 'x'?` with the most similar of `choices`; "" if none is similar."""
    close = difflib.get_close_matches(name, choices, n=1)
    return f"did you mean {close[0]!r}?" if close else ""


def escape_unprintable(text: str) -> str:
    """`text` with control characters, lone surrogates and direction characters as escapes such as `\\x1b`.

    A terminal shows it as it is, and every encoding of Unicode can write it.
    """
    return "".join(
        character.encode("unicode_escape").decode("ascii")
        if unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp")
        or unicodedata.bidirectional(character) in _DIRECTIONS
        else character
        for character in text
    )


def _rebuild(what: str, location: str, allowed: str | tuple[str, ...], fix: str) -> UserError:
    return UserError(what, location=location, allowed=allowed, fix=fix)
