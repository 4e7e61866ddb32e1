"""Files of padded drawings: their sizes, their number, and what writing them imports."""

from __future__ import annotations

import resource
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from strokecast.features.records import reading
from strokecast.features.sketches import classify, padded
from strokecast.params import ClassifyFeatures

SETTINGS = ClassifyFeatures(bucket_boundaries=(8, 16), shard_megabytes=1)


def test_files_of_a_bucket_hold_each_drawing_once(
    validated_sketches: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(padded, "_OVERHEAD", 400_000)  # count 0.4 MB per record
    settings = ClassifyFeatures(bucket_boundaries=(32,), shard_megabytes=1)
    written = classify.preprocess(validated_sketches, tmp_path / "out", settings)
    assert [Path(name).name for name in written["files"]["train"]] == [
        f"bucket-0032-0000{shard}-of-00005.tfrecord" for shard in range(5)
    ]
    ids = [i for *_, batch in reading.batches(tmp_path / "out", written, "train", 5) for i in batch.numpy()]
    assert len(set(ids)) == len(ids) == 12


def test_files_are_between_half_and_all_of_the_requested_size(tmp_path: Path) -> None:
    """`shard_megabytes: 200` gives 100 to 200 MB if a bucket has more than one file."""
    rng = np.random.default_rng(7)
    lengths = {"train": (62, 5_300, 7, 900), "valid": (62, 1_300, 7, 40), "test": (62, 30, 7, 30)}
    for split, (long, many, short, few) in lengths.items():
        drawings = [rng.normal(0, 9, (n, 3)).astype("f4") for n in [long] * many + [short] * few]
        columns = {
            "id": [f"ant/{split}/{index}" for index in range(len(drawings))],
            "label": ["ant"] * len(drawings),
            "length": pa.array([len(drawing) for drawing in drawings], pa.int32()),
            "points": pa.array([drawing.ravel() for drawing in drawings], pa.list_(pa.float32())),
        }
        pq.write_table(pa.table(columns), tmp_path / f"{split}.parquet", row_group_size=1_000)
    (tmp_path / "report.json").write_text('{"source": "memory", "classes": ["ant"]}')
    settings = ClassifyFeatures(bucket_boundaries=(8, 64), shard_megabytes=1)
    written = classify.preprocess(tmp_path, tmp_path / "out", settings)
    sizes = {
        (split, boundary): [
            (tmp_path / "out" / name).stat().st_size / 1e6
            for name in written["files"][split]
            if f"bucket-{boundary:04d}" in name
        ]
        for split in lengths
        for boundary in (8, 64)
    }
    assert {key: len(files) for key, files in sizes.items()} == {
        ("train", 8): 1, ("train", 64): 5, ("valid", 8): 1, ("valid", 64): 2, ("test", 8): 1, ("test", 64): 1
    }  # fmt: skip
    assert all(0.5 < size <= 1 for files in sizes.values() if len(files) > 1 for size in files)
    assert max(sizes["train", 64]) - min(sizes["train", 64]) < 0.01
    assert max(map(max, sizes.values())) <= 1


def test_number_of_files_may_exceed_the_limit_of_open_files(
    chunked_sketches: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(padded, "_OVERHEAD", 900_000)  # one file per record
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    in_use = {
        int(path.name) for path in Path("/dev/fd").iterdir()
    }  # other tests of this process leave some open
    free = [number for number in range(before[0]) if number not in in_use]
    resource.setrlimit(resource.RLIMIT_NOFILE, (free[48], before[1]))  # 48 more files may be open at a time
    try:
        written = classify.preprocess(chunked_sketches, tmp_path / "out", SETTINGS)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
    assert len(written["files"]["train"]) > 48


@pytest.mark.slow
def test_preprocessing_imports_neither_pandas_nor_tensorflow(chunked_sketches: Path, tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from strokecast.features.sketches import classify;"
        "from strokecast.params import ClassifyFeatures;"
        f"classify.preprocess(Path({str(chunked_sketches)!r}), Path({str(tmp_path / 'out')!r}), ClassifyFeatures());"
        "print(sorted({'pandas', 'tensorflow', 'apache_beam', 'great_expectations'} & set(sys.modules)))"
    )
    process = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert process.stdout.strip() == "[]"
