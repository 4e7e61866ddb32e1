"""The one exception that stands for a user's mistake."""

from __future__ import annotations


class UserError(Exception):
    """A mistake that the user can mend, told in one line.

    Args:
        what: what was wrong, with the offending value.
        where: the file, key path or row it was found at.
        allowed: what would have been accepted.
        fix: what to do next.
    """

    def __init__(self, what: str, *, where: str = "", allowed: str = "", fix: str = "") -> None:
        self.what = what
        self.where = where
        self.allowed = allowed
        self.fix = fix
        parts = [f"{where}: {what}" if where else what]
        if allowed:
            parts.append(f"allowed: {allowed}")
        if fix:
            parts.append(fix)
        super().__init__(" ".join("; ".join(parts).split()))

    def __reduce__(self) -> tuple[object, ...]:
        return (_rebuild, (self.what, self.where, self.allowed, self.fix))


def _rebuild(what: str, where: str, allowed: str, fix: str) -> UserError:
    return UserError(what, where=where, allowed=allowed, fix=fix)
