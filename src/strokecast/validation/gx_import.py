"""Import Great Expectations without optional libraries that validating a pandas table never uses.

Great Expectations tries to import every installed database and cloud client (MLflow brings
SQLAlchemy), and charts and tests that a single Expectation uses: a third of its import time.
"""

from __future__ import annotations

import importlib
import sys

from strokecast.common.import_hiding import hide_modules

# Optional dependencies: Great Expectations works without them.
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
# Used only by the Expectation of the Kullback-Leibler divergence, but always imported.
_LAZY = ("altair", "scipy.stats")


def import_great_expectations() -> None:
    """Import `great_expectations`. Afterwards all hidden modules can be imported as usual."""
    if "great_expectations" in sys.modules:
        return
    with hide_modules(_ABSENT, _LAZY):
        importlib.import_module("great_expectations")
