"""The end of a benchmark: one line per claim, exit code 1 if a claim does not hold."""

from __future__ import annotations

from collections.abc import Sequence

Claims = Sequence[tuple[str, bool]]


def conclude(claims: Claims) -> None:
    """Print each claim after `holds` or `FAILS`.

    Raises:
        SystemExit: 1 if a claim does not hold.
    """
    for line, holds in claims:
        print(f"{'holds' if holds else 'FAILS'}  {line}")
    if not all(holds for _, holds in claims):
        raise SystemExit(1)
