"""What dvc.lock names, and whether DVC's cache holds it."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from strokecast.common import dvc_lock
from strokecast.common.errors import UserError

ROOT = Path(__file__).resolve().parents[3]
Record = Callable[..., Path]


@pytest.fixture
def outputs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with a folder and a file as outputs."""
    monkeypatch.chdir(tmp_path)
    for name in ("DVC_GLOBAL_CONFIG_DIR", "DVC_SYSTEM_CONFIG_DIR"):
        monkeypatch.setenv(name, str(tmp_path / "no-config"))
    (tmp_path / "models/gru/seed-1").mkdir(parents=True)
    (tmp_path / "models/gru/seed-1/run.json").write_text("1")
    (tmp_path / "models/gru/seed-1/model.keras").write_text("22")
    (tmp_path / "reports").mkdir()
    (tmp_path / "reports/board.csv").write_text("333")
    return tmp_path


def object_of(cache: Path, content: bytes) -> Path:
    [path] = [path for path in cache.rglob("*") if path.is_file() and path.read_bytes() == content]
    return path


def test_a_whole_cache_has_all_files(outputs: Path, record_outputs: Record) -> None:
    cache = record_outputs("models/gru", "reports/board.csv")
    assert dvc_lock.uncached() == []
    dvc_lock.check_cache()
    run = dvc_lock.cached_file("models/gru", "seed-1/run.json")
    assert run is not None
    assert run.read_text() == "1"
    assert run.is_relative_to(cache)
    assert dvc_lock.cached_file("models/gru", "seed-2/run.json") is None
    assert dvc_lock.cached_file("models", "gru/seed-1/run.json") is None


@pytest.mark.parametrize("missing", ["a file of a folder", "the list of a folder", "a single file"])
def test_a_cache_that_lacks_an_output_is_reported_with_its_file_system(
    outputs: Path, record_outputs: Record, missing: str
) -> None:
    cache = record_outputs("models/gru", "reports/board.csv")
    if missing == "the list of a folder":
        [path] = cache.rglob("*.dir")
    else:
        path = object_of(cache, b"22" if missing == "a file of a folder" else b"333")
    path.unlink()
    name = "reports/board.csv" if missing == "a single file" else "models/gru"
    assert dvc_lock.uncached() == [name]
    assert dvc_lock.uncached([Path("data")]) == []
    with pytest.raises(UserError) as error:
        dvc_lock.check_cache([Path(name).parent])
    line = str(error.value)
    assert line.startswith(f"DVC's cache {cache} does not hold {name}; its file system /")
    assert " free; free some space there or " in line
    assert line.endswith("then run again: finished trainings are kept")
    assert dvc_lock.cached_file("models/gru", "seed-1/run.json") is None or missing == "a single file"


def test_outputs_that_were_never_pulled_are_not_missing(outputs: Path, record_outputs: Record) -> None:
    cache = record_outputs("models/gru", "reports/board.csv")
    object_of(cache, b"22").unlink()
    (outputs / "models/gru/seed-1/model.keras").unlink()
    object_of(cache, b"333").unlink()
    (outputs / "reports/board.csv").unlink()
    assert dvc_lock.uncached() == []


def test_outputs_without_cache_are_not_missing(outputs: Path, record_outputs: Record) -> None:
    cache = record_outputs("models/gru", "reports/board.csv")
    object_of(cache, b"333").unlink()
    Path("dvc.yaml").write_text(
        "stages: {s: {foreach: [board], do: {cmd: x, outs: ['reports/${item}.csv': {cache: false}, models/gru]}}}"
    )
    assert dvc_lock.uncached() == []


def test_a_cache_elsewhere(outputs: Path, record_outputs: Record) -> None:
    record_outputs("models/gru").rename(outputs / "elsewhere")
    Path(".dvc/config").write_text("[cache]\n    dir = ../elsewhere\n")
    assert dvc_lock.cache_dir() == outputs / "elsewhere"
    assert dvc_lock.uncached() == []
    Path(".dvc/config.local").write_text("[cache]\n    dir = ../nowhere\n")
    assert dvc_lock.uncached() == ["models/gru"]


@pytest.mark.parametrize("text", [None, "", "stages: [", "stages:\n", "schema: '2.0'\nstages: {}\n", "- x\n"])
def test_no_valid_dvc_lock_names_nothing(outputs: Path, text: str | None) -> None:
    if text is not None:
        Path("dvc.lock").write_text(text)
    assert dvc_lock.outputs() == {}
    assert dvc_lock.uncached() == []


def test_a_dvc_lock_in_another_form(outputs: Path, record_outputs: Record) -> None:
    record_outputs("models/gru")
    expected = dvc_lock.outputs()
    [(path, md5)] = expected.items()
    Path("dvc.lock").write_text(
        f"stages: {{s: {{cmd: x, outs: [{{path: '{path}', md5: {md5}, hash: md5}}]}}}}\n"
    )
    assert dvc_lock.outputs() == expected


def test_the_form_that_dvc_writes_gives_what_a_yaml_parser_gives(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    stages = dvc_lock._read_yaml(Path("dvc.lock"))["stages"].values()
    expected = {output["path"]: output["md5"] for stage in stages for output in stage.get("outs", [])}
    assert dvc_lock.outputs() == expected
    assert len(expected) > 50


def test_a_cache_that_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda *_: False)
    line = str(dvc_lock.not_saved(["models/b", "models/a"], tmp_path / "cache"))
    assert "does not hold models/a and 1 more; it cannot be written to; make it writable" in line
