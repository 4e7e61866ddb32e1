"""Great Expectations is imported without optional libraries, which remain importable afterwards."""

import subprocess
import sys

import pytest

_HIDDEN = """
import sys
from strokecast.validation import gx_import
gx_import.import_great_expectations()
optional = {"altair", "google.auth", "pyspark", "scipy.stats", "snowflake", "sqlalchemy", "tensorflow"}
assert not optional & set(sys.modules), optional & set(sys.modules)
"""
_IMPORTABLE = """
from great_expectations.expectations.core import expect_column_kl_divergence_to_be_less_than as divergence
assert divergence.stats.entropy([0.5, 0.5], [0.5, 0.5]) == 0
assert divergence.alt.Chart.__module__.startswith("altair")
import altair, scipy.stats, sqlalchemy
assert altair.Chart is divergence.alt.Chart and scipy.stats.entropy is divergence.stats.entropy
assert sqlalchemy.text("x").text == "x"
"""


@pytest.mark.slow
def test_optional_libraries_are_hidden_from_the_import_and_importable_afterwards() -> None:
    completed = subprocess.run(
        [sys.executable, "-c", _HIDDEN + _IMPORTABLE], capture_output=True, text=True, check=False
    )
    assert completed.returncode == 0, completed.stderr
