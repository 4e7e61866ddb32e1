"""Updates the addresses of artifacts in the board's database after the project was moved or copied. MLflow is not imported."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

_COLUMNS = (
    ("experiments", "artifact_location"),
    ("runs", "artifact_uri"),
    ("logged_models", "artifact_location"),
    ("model_versions", "source"),
    ("model_versions", "storage_location"),
)


def relocate(database: Path, new: str, ends: Iterable[str]) -> None:
    """Update every address inside a former `mlruns/`, whatever its experiment is called and whichever program made it.

    Addresses elsewhere stay as they are.

    Args:
        database: the SQLite file.
        new: address of `mlruns/`, with a slash at its end.
        ends: how the addresses of strokecast's own experiments go on after that of `mlruns/`; renamed ones keep theirs.
    """
    with closing(sqlite3.connect(database, timeout=30)) as connection, connection:
        for old in _former(connection, ends) - {new}:
            for table, column in _COLUMNS:
                connection.execute(
                    f"UPDATE {table} SET {column} = ? || substr({column}, ?) "
                    f"WHERE substr({column}, 1, ?) = ? AND substr({column}, 1, ?) != ?",
                    (new, len(old) + 1, len(old), old, len(new), new),
                )


def _former(connection: sqlite3.Connection, ends: Iterable[str]) -> set[str]:
    """The addresses of `mlruns/` that strokecast's experiments have."""
    rows = connection.execute("SELECT artifact_location FROM experiments").fetchall()
    addresses = [address for (address,) in rows if address and address.startswith("file:")]
    return {address.removesuffix(end) for address in addresses for end in ends if address.endswith(f"/{end}")}
