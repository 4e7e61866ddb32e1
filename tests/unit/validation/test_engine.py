"""Great Expectations comes without what the pipeline does not use, and nothing is lost by that."""

import subprocess
import sys

_LIGHT = """
import sys
from strokecast.quality import engine
engine.load()
heavy = {"altair", "google.auth", "pyspark", "scipy.stats", "snowflake", "sqlalchemy", "tensorflow"}
assert not heavy & set(sys.modules), heavy & set(sys.modules)
"""
_WHOLE = """
from great_expectations.expectations.core import expect_column_kl_divergence_to_be_less_than as divergence
assert divergence.stats.entropy([0.5, 0.5], [0.5, 0.5]) == 0
assert divergence.alt.Chart.__module__.startswith("altair")
import altair, scipy.stats, sqlalchemy
assert altair.Chart is divergence.alt.Chart and scipy.stats.entropy is divergence.stats.entropy
assert sqlalchemy.text("x").text == "x"
"""


def test_its_import_is_light_and_what_is_put_off_comes_when_asked_for() -> None:
    ran = subprocess.run([sys.executable, "-c", _LIGHT + _WHOLE], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
