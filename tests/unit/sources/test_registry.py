"""The registry: names from files, lazy imports, cheap enough for a stage that always runs."""

from __future__ import annotations

import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import get_args

import pytest

from strokecast import params
from strokecast.common import paths
from strokecast.common.errors import UserError
from strokecast.common.stage import stage
from strokecast.params import Params
from strokecast.sources import registry

Settings = Callable[..., Params]
LOCAL_INPUT = {"quickdraw", "quickdraw_raw", "quickdraw_simplified", "quickdraw_binary", "tutorial_tfrecord"}
LOCAL_INPUT |= {"npz_folder", "kaggle_csv", "csv", "cta"}


def test_every_source_name_in_params_is_a_source() -> None:
    for dataset, section in (("sketches", params.Sketches), ("series", params.Series)):
        allowed = get_args(section.model_fields["source"].annotation)
        assert set(allowed) == set(registry.names(dataset))
        for name in allowed:
            source = registry.get(dataset, name)
            assert callable(source.fetch)
            assert hasattr(source, "describe_change") == (name in LOCAL_INPUT)
            assert name in section.model_fields


def test_unknown_names_list_the_choices() -> None:
    with pytest.raises(UserError, match=r"unknown source 'nope'.*births, csv"):
        registry.get("series", "nope")
    with pytest.raises(UserError, match=r"unknown dataset 'nope'.*sketches, series"):
        registry.get("nope", "births")


def test_download_of_an_unknown_dataset_is_an_error(settings: Settings) -> None:
    with pytest.raises(UserError, match="sketches, series"):
        registry.download("nope", settings())


def test_a_full_disk_is_one_line_and_keeps_the_old_download(
    project: Path, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    line = registry.download("sketches", settings())
    assert line.startswith("quickdraw_sample: 12 classes")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(
        resource.RLIMIT_FSIZE, (1000, before[1])
    )  # the system refuses writes, as on a full disk
    try:
        with pytest.raises(SystemExit), stage("download@sketches", "downloading"):
            registry.download("sketches", settings())
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    [error] = capsys.readouterr().err.splitlines()
    assert error.startswith("[download@sketches] error: the disk is full")
    assert " free); free some space there" in error
    assert [path.name for path in paths.RAW.iterdir()] == ["sketches"]
    assert len(list((paths.RAW / "sketches").iterdir())) == 13


def test_stale_handles_missing_and_damaged_source_json(project: Path, settings: Settings) -> None:
    (project / "my.csv").write_text("ds,y\n2001-01-01,1\n")
    csv_settings = settings(series={"source": "csv", "csv": {"path": "my.csv"}})
    raw = paths.RAW / "series"
    assert registry.stale("nope", csv_settings, raw) is None
    assert registry.stale("series", csv_settings, raw) is None
    registry.download("series", csv_settings)
    (project / "my.csv").write_text("ds,y\n2001-01-01,2\n")
    assert registry.stale("series", csv_settings, raw) == (
        "my.csv changed since it was downloaded; run `dvc repro -f download@series`"
    )
    for text in ("{", "[]", "{}"):
        (raw / "source.json").write_text(text)
        assert registry.stale("series", csv_settings, raw) is None


@pytest.mark.slow
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
    process = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert process.stdout.split("\n")[:3] == ["None", "None", "[]"]


@pytest.mark.slow
def test_the_stage_prints_one_line_or_one_error(project: Path) -> None:
    stages = Path(__file__).resolve().parents[3] / "stages"

    def run(text: str) -> subprocess.CompletedProcess[str]:
        (project / "params.yaml").write_text(text)
        subprocess.run([sys.executable, str(stages / "params.py")], capture_output=True, check=True)
        command = [sys.executable, str(stages / "download.py"), "series"]
        return subprocess.run(command, capture_output=True, text=True)

    models = "models: {forecast: {seasonal_naive_7: {}}}\n"
    failed = run(models + "series:\n  source: csv\n  csv:\n    path: none.csv\n")
    assert failed.returncode == 1
    assert failed.stderr.count("\n") == 1
    assert "[download@series] error: params.yaml: series.csv.path: no such file 'none.csv'" in failed.stderr
    assert not (project / "data" / "raw" / "series").exists()
    done = run(models + "series:\n  source: births\n")
    assert done.returncode == 0
    assert done.stdout.count("\n") == 2
    assert "births 2000-2014: 5,479 days, 2000-01-01 to 2014-12-31" in done.stdout
