"""The registry: names by files, lazily, and light enough for a stage that always runs."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import get_args

import pytest

from strokecast import params
from strokecast.common.errors import UserError
from strokecast.params import Params
from strokecast.sources import registry

Settings = Callable[..., Params]


def test_every_name_that_params_allows_is_a_source() -> None:
    for dataset, section in (("sketches", params.Sketches), ("series", params.Series)):
        allowed = get_args(section.model_fields["source"].annotation)
        assert set(allowed) <= set(registry.names(dataset))
        for name in allowed:
            assert callable(registry.get(dataset, name).fetch)
            assert name in section.model_fields


def test_unknown_names_list_the_choices() -> None:
    with pytest.raises(UserError, match=r"unknown source 'nope'.*births, csv"):
        registry.get("series", "nope")
    with pytest.raises(UserError, match=r"unknown dataset 'nope'.*sketches, series"):
        registry.get("nope", "births")


def test_an_unknown_dataset_is_told(settings: Settings) -> None:
    with pytest.raises(UserError, match="sketches, series"):
        registry.download("nope", settings())


def test_stale_imports_neither_numpy_nor_pandas(project: Path, settings: Settings) -> None:
    (project / "my.csv").write_text("ds,y\n2001-01-01,1\n")
    registry.download("series", settings(series={"source": "csv", "csv": {"path": "my.csv"}}))
    code = (
        "import sys\n"
        "from strokecast import params\n"
        "from strokecast.common import paths\n"
        "from strokecast.sources import registry\n"
        "p = params.parse({'series': {'source': 'csv', 'csv': {'path': 'my.csv'}}, 'sketches': {'source': 'quickdraw'}})\n"
        "for d in ('series', 'sketches'): print(registry.stale(d, p, paths.RAW / d))\n"
        "print([m for m in ('numpy', 'pandas', 'requests', 'pooch', 'tensorflow') if m in sys.modules])\n"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.split("\n")[:3] == ["None", "None", "[]"]


def test_the_stage_ends_in_one_line_or_one_error(project: Path) -> None:
    script = Path(__file__).resolve().parents[3] / "stages" / "download.py"
    (project / "params.yaml").write_text("series:\n  source: csv\n  csv:\n    path: none.csv\n")
    failed = subprocess.run([sys.executable, str(script), "series"], capture_output=True, text=True)
    assert failed.returncode == 1
    assert failed.stderr.count("\n") == 1
    assert "[download@series] error: params.yaml: series.csv.path: no such file 'none.csv'" in failed.stderr
    assert not (project / "data" / "raw" / "series").exists()
    (project / "params.yaml").write_text("series:\n  source: births\n")
    done = subprocess.run([sys.executable, str(script), "series"], capture_output=True, text=True, check=True)
    assert done.stdout.count("\n") == 2
    assert "births 2000-2014: 5,479 days, 2000-01-01 to 2014-12-31" in done.stdout
