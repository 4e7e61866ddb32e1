"""Great Expectations, imported without what judging a table by pandas never uses.

It asks for every database and cloud client that happens to be installed (MLflow brings SQLAlchemy along), and for the
charts and tests of a single Expectation: a third of its import.
"""

from __future__ import annotations

import importlib
import sys

from strokecast.common.import_hiding import without

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


def load() -> None:
    """Import `great_expectations`; what is put off can be imported as ever once this returns."""
    if "great_expectations" in sys.modules:
        return
    with without(_ABSENT, _LATER):
        importlib.import_module("great_expectations")
