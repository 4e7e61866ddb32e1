"""`source.json`: required keys, errors, and changes of sizes."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import pytest

from strokecast.common.errors import UserError
from strokecast.sources.formats import source_json


@pytest.mark.parametrize("dataset", ["sketches", "series"])
def test_written_values_are_read_back(tmp_path: Path, dataset: Literal["sketches", "series"]) -> None:
    source = {"source": "test", "classes": ["été"], "file": "series.csv"}
    source_json.write(tmp_path, source)
    assert source_json.read(tmp_path, dataset) == source


@pytest.mark.parametrize("dataset", ["sketches", "series"])
@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "no such file; run `dvc repro`"),
        ("{", "is not valid JSON; run `dvc repro -f download@<dataset>`"),
        ("[]", "<missing>; run `dvc repro -f download@<dataset>`"),
        ("{}", "<missing>; run `dvc repro -f download@<dataset>`"),
        ('{"classes": "cat", "file": 7}', "<missing>; run `dvc repro -f download@<dataset>`"),
    ],
)
def test_a_missing_or_bad_file_gives_one_line(
    tmp_path: Path, dataset: Literal["sketches", "series"], text: str | None, message: str
) -> None:
    path = tmp_path / "source.json"
    if text is not None:
        path.write_text(text)
    with pytest.raises(UserError) as error:
        source_json.read(tmp_path, dataset)
    missing = {"sketches": "names no classes", "series": "names no file"}[dataset]
    assert str(error.value) == f"{path}: " + message.replace("<dataset>", dataset).replace(
        "<missing>", missing
    )


def test_a_new_size_is_described_and_a_missing_file_is_not(tmp_path: Path) -> None:
    source = {"source": "test", "classes": ["cat"], "files": {"cat.npz": {"bytes": 3, "sha256": ""}}}
    assert source_json.describe_new_size(tmp_path, source) is None
    (tmp_path / "cat.npz").write_bytes(b"cat")
    assert source_json.describe_new_size(tmp_path, source) is None
    (tmp_path / "cat.npz").write_bytes(b"cats")
    assert source_json.describe_new_size(tmp_path, source) == f"the size of {tmp_path / 'cat.npz'} changed"


def test_the_summary_has_the_number_of_classes_and_megabytes() -> None:
    files = {"a.npz": {"bytes": 1_500_000}, "b.npz": {"bytes": 1_000_000}}
    source = {"source": "test", "classes": ["a", "b"], "files": files}
    assert source_json.summary(source) == "test: 2 classes, 2.5 MB"
