"""Great Expectations, imported without what judging a table by pandas never uses.

It asks for every database and cloud client that happens to be installed (MLflow brings SQLAlchemy along), and for the
charts and tests of a single Expectation: a third of its import.
"""

from __future__ import annotations

import importlib
import sys
from types import ModuleType
from typing import Any

# Optional to Great Expectations: it goes on where their import fails.
_ABSENT = (
    "azure",
    "boto3",
    "botocore",
    "google.api_core",
    "google.auth",
    "google.cloud",
    "google.oauth2",
    "py4j",
    "pyodbc",
    "pyspark",
    "snowflake",
    "sqlalchemy",
    "trino",
)
# Used by an Expectation of the Kullback-Leibler divergence alone, imported by all.
_LATER = ("altair", "scipy.stats")


class _Later(ModuleType):
    """Stands for a module until something of it is asked for."""

    def __getattr__(self, name: str) -> Any:
        if sys.modules.get(self.__name__) is self:
            del sys.modules[self.__name__]
        return getattr(importlib.import_module(self.__name__), name)


def load() -> None:
    """Import `great_expectations`; what is put off can be imported as ever once this returns."""
    if "great_expectations" in sys.modules:
        return
    placed: dict[str, ModuleType | None] = dict.fromkeys(_ABSENT)
    placed |= {name: _Later(name) for name in _LATER}
    placed = {name: module for name, module in placed.items() if name not in sys.modules}
    sys.modules.update(placed)  # type: ignore[arg-type]  # None: the import raises ModuleNotFoundError
    try:
        importlib.import_module("great_expectations")
    finally:
        for name, module in placed.items():
            if name in sys.modules and sys.modules[name] is module:
                del sys.modules[name]
