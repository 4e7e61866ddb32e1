"""`UserError`: the exception for a mistake that the user can correct."""

from __future__ import annotations

from collections.abc import Iterable


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
        super().__init__(" ".join("; ".join(clauses).split()))

    def __reduce__(self) -> tuple[object, ...]:
        return (_rebuild, (self.what, self.location, self.allowed, self.fix))


def _rebuild(what: str, location: str, allowed: str | tuple[str, ...], fix: str) -> UserError:
    return UserError(what, location=location, allowed=allowed, fix=fix)
