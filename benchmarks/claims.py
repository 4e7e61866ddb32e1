"""How a benchmark ends: what it claims, line by line, and exit code 1 where a claim does not hold."""

from __future__ import annotations

from collections.abc import Sequence

Claims = Sequence[tuple[str, bool]]


def conclude(claims: Claims) -> None:
    """Print `holds` or `FAILS` before each claim.

    Raises:
        SystemExit: 1 if one fails.
    """
    for line, holds in claims:
        print(f"{'holds' if holds else 'FAILS'}  {line}")
    if not all(holds for _, holds in claims):
        raise SystemExit(1)
