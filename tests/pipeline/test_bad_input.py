"""A user's mistake gives one line and a non-zero exit code; no output is lost or left incomplete."""

from __future__ import annotations

import os
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytestmark = pytest.mark.slow


def _snapshot(root: Path) -> dict[str, int]:
    """The size in bytes of every output file."""
    files = {}
    for folder in ("data", "models", "reports"):
        for path in (root / folder).rglob("*"):
            if path.is_file() and "data_docs" not in path.parts:
                files[path.relative_to(root).as_posix()] = path.stat().st_size
    return files


def _fails(project: Any, words: list[str], stage: str = "") -> None:
    """`dvc repro` fails with one line that contains `words`, and leaves no temporary file."""
    result = project.run("dvc", "repro", *([stage] if stage else []), check=False)
    assert result.returncode != 0
    assert "Traceback" not in result.stdout + result.stderr
    lines = [line for line in result.stderr.splitlines() if "error: " in line]
    assert len(lines) == 1, result.stderr
    for word in words:
        assert word in lines[0], lines[0]
    leftovers = [name for name in _snapshot(project.root) if "/.tmp" in name or ".tmp-" in name]
    assert not leftovers


def _set(path: str, value: Any) -> Callable[[Any], None]:
    def change(values: Any) -> None:
        *parents, last = path.split(".")
        for key in parents:
            values = values.setdefault(key, {})
        values[last] = value

    return change


def test_an_unknown_key_is_reported_before_any_other_stage_runs(project: Any) -> None:
    project.edit_params(_set("sketchez", {"source": "doodles"}))
    before = _snapshot(project.root)
    _fails(project, ["params.yaml: sketchez", "unknown key", "sketches, series"])
    assert _snapshot(project.root) == before


def test_an_unknown_key_of_a_model(project: Any) -> None:
    project.edit_params(_set("models.classify.gru.config.unit", 3))
    _fails(project, ["models.classify.gru.config.unit", "did you mean 'units'", "layers"])


def test_a_value_of_a_wrong_type(project: Any) -> None:
    project.edit_params(_set("models.classify.gru.config.units", "many"))
    _fails(project, ["models.classify.gru.config.units", "'many'", "integer"])


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        (
            "sketches.source",
            "quickdrow",
            ["sketches.source", "quickdrow", "choose one of quickdraw_sample, doodles, quickdraw"],
        ),
        (
            "models.classify.gruu",
            {"config": {}},
            ["models.classify.gruu", "unknown architecture", "conv_rnn, gru"],
        ),
    ],
)
def test_an_unknown_choice_lists_the_choices(project: Any, path: str, value: Any, words: list[str]) -> None:
    project.edit_params(_set(path, value))
    result = project.run("make", "-o", ".venv/.ready", "repro", check=False)
    assert result.returncode != 0
    line = next(line for line in result.stderr.splitlines() if line.startswith("error: "))
    for word in words:
        assert word in line
    assert project.run("dvc", "repro", check=False).returncode != 0


@pytest.fixture
def mirror(project: Any, shared_data: Path, tmp_path: Path) -> Path:
    """A folder with .npz files that the project reads."""
    folder = tmp_path / "mirror" / "sketchrnn"
    folder.mkdir(parents=True)
    for name in ("airplane", "coffee cup", "duck"):
        (folder / f"{name}.npz").write_bytes((shared_data / f"quickdraw/sketchrnn/{name}.npz").read_bytes())
    project.edit_params(_set("sketches.quickdraw.base_url", str(folder.parent)))
    return folder


def test_a_missing_npz_file(project: Any, mirror: Path) -> None:
    (mirror / "duck.npz").unlink()
    _fails(project, ["duck"], "validate@sketches")


def test_a_truncated_npz_file(project: Any, mirror: Path) -> None:
    data = (mirror / "duck.npz").read_bytes()
    (mirror / "duck.npz").write_bytes(data[: len(data) // 2])
    _fails(project, ["duck.npz"], "validate@sketches")


class _Exploit:
    """Unpickling it runs a shell command."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return (os.system, (f"touch {self.path}",))


def test_a_pickled_command_in_an_npz_file_is_not_executed(project: Any, mirror: Path, tmp_path: Path) -> None:
    created = tmp_path / "created"
    header = b"\x93NUMPY\x01\x00"
    text = "{'descr': '|O', 'fortran_order': False, 'shape': (1,), }".ljust(117) + "\n"
    member = header + len(text).to_bytes(2, "little") + text.encode() + pickle.dumps(_Exploit(created))
    with zipfile.ZipFile(mirror / "duck.npz", "w") as archive:
        for split in ("train", "valid", "test"):
            archive.writestr(f"{split}.npy", member)
    _fails(project, ["duck.npz"], "validate@sketches")
    assert not created.exists()


@pytest.fixture
def write_series(project: Any, tmp_path: Path) -> Callable[[str], None]:
    """Function that writes a CSV file and makes it the project's series."""

    def write(text: str) -> None:
        path = tmp_path / "mine.csv"
        path.write_text(text)
        project.edit_params(_set("series.csv.path", str(path)))
        project.edit_params(_set("quality.series.start", None))

    return write


def _days(n: int) -> list[str]:
    first = np.datetime64("2020-01-01")
    return [f"{first + np.timedelta64(i, 'D')},{100 + i % 7}" for i in range(n)]


def test_a_csv_file_with_a_missing_column(project: Any, write_series: Callable[[str], None]) -> None:
    write_series("\n".join(["date,births", *_days(400)]))
    _fails(project, ["no column 'value'", "'date', 'births'"], "validate@series")


def test_a_csv_file_with_a_cell_that_is_not_a_number(
    project: Any, write_series: Callable[[str], None]
) -> None:
    days = _days(400)
    days[7] = days[7].split(",")[0] + ",n/a"
    write_series("\n".join(["date,value", *days]))
    _fails(project, ["non_numeric", "2020-01-08", "n/a"], "validate@series")


def test_a_csv_file_with_two_values_for_one_date(project: Any, write_series: Callable[[str], None]) -> None:
    days = _days(400)
    days.append(days[9].split(",")[0] + ",999")
    write_series("\n".join(["date,value", *days]))
    _fails(project, ["conflicting_date", "2020-01-10", "999"], "validate@series")


def test_a_series_shorter_than_input_size_and_horizon(
    project: Any, write_series: Callable[[str], None]
) -> None:
    write_series("\n".join(["date,value", *_days(40)]))
    _fails(project, ["input_size", "horizon"], "preprocess@forecast")
