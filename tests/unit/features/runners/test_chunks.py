"""Units of work: how files are cut, and that no runner changes a byte."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from strokecast.common.errors import UserError
from strokecast.common.files import digest_tree
from strokecast.features.records import reading
from strokecast.features.runners import chunks, local
from strokecast.features.sketches import classify, padded
from strokecast.params import ClassifyFeatures, Preprocess

SETTINGS = ClassifyFeatures(bucket_boundaries=(8, 16), shard_megabytes=1)


@pytest.fixture
def validated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Twenty row groups of 1 to 9 drawings of three classes that come in turn; several files a bucket."""
    rng = np.random.default_rng(5)
    folder = tmp_path / "validated"
    folder.mkdir()
    for split in ("train", "valid", "test"):
        schema = pa.schema(
            [
                ("id", pa.string()),
                ("label", pa.string()),
                ("length", pa.int32()),
                ("points", pa.list_(pa.float32())),
            ]
        )
        with pq.ParquetWriter(folder / f"{split}.parquet", schema) as writer:
            for group in range(20):
                drawings = [
                    rng.normal(0, 9, size=(n, 3)).astype("f4") for n in rng.integers(2, 24, 1 + group % 9)
                ]
                label = ("tree", "ant", "boat")[group % 3]
                columns = [
                    [f"{label}/{split}/shard{group}:{index}" for index in range(len(drawings))],
                    [label] * len(drawings),
                    pa.array([len(drawing) for drawing in drawings], pa.int32()),
                    pa.array([drawing.ravel() for drawing in drawings], pa.list_(pa.float32())),
                ]
                writer.write_table(pa.table(columns, schema=schema))
    report = {"source": "tutorial_tfrecord", "classes": ["ant", "boat", "tree", "zebra"]}
    (folder / "report.json").write_text(json.dumps(report))
    monkeypatch.setattr(padded, "_OVERHEAD", 60_000)  # as if a record weighed 0.06 MB: several files a bucket
    return folder


def test_units_are_adjacent_row_groups_and_hold_each_row_once(
    validated: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chunks, "UNIT", 12)
    path = validated / "train.parquet"
    units = list(chunks.cut({"train": path, "test": validated / "test.parquet"}))
    assert [unit.index for unit in units] == list(range(len(units)))
    mine = [unit.groups for unit in units if unit.split == "train"]
    assert (mine[0][0], mine[-1][1]) == (0, 20)
    assert all(one[1] == other[0] for one, other in pairwise(mine))
    rows = [sum(n for _, n in chunks.look(unit).lengths) for unit in units if unit.split == "train"]
    assert sum(rows) == pq.read_metadata(path).num_rows
    assert min(rows[:-1]) >= 12
    assert max(rows) < 12 + 9


def test_only_train_gives_moments(validated: Path) -> None:
    for unit in chunks.cut({split: validated / f"{split}.parquet" for split in ("train", "valid", "test")}):
        assert (chunks.look(unit).moments[0] > 0) == (unit.split == "train")


@pytest.mark.parametrize("unit", [1, 10, 40, 10_000])
def test_how_the_work_is_cut_changes_no_record(
    validated: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, unit: int
) -> None:
    whole = classify.preprocess(validated, tmp_path / "whole", SETTINGS)
    monkeypatch.setattr(chunks, "UNIT", unit)
    monkeypatch.setattr(chunks, "BLOCK", 3)
    made = classify.preprocess(validated, tmp_path / "cut", SETTINGS)
    assert made["scale"] == pytest.approx(whole["scale"], rel=1e-14)  # float sums in another order
    assert {**made, "scale": 0, "digest": ""} == {**whole, "scale": 0, "digest": ""}
    assert max(len(names) for names in whole["files"].values()) > 4
    for split in ("train", "valid", "test"):
        one, other = (
            [i for *_, ids in reading.batches(folder, whole, split, 7) for i in ids.numpy()]
            for folder in (tmp_path / "whole", tmp_path / "cut")
        )
        assert one == other
        assert len(one) == pq.read_metadata(validated / f"{split}.parquet").num_rows


def test_classes_are_numbered_in_the_sources_order(validated: Path, tmp_path: Path) -> None:
    made = classify.preprocess(validated, tmp_path / "out", SETTINGS)
    assert made["classes"] == ["ant", "boat", "tree"]
    for _, labels, ids in reading.batches(tmp_path / "out", made, "train", 9):
        for label, name in zip(labels.numpy(), ids.numpy(), strict=True):
            assert name.decode().startswith(made["classes"][label] + "/")


def test_a_pool_of_processes_writes_the_same_bytes(
    validated: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chunks, "UNIT", 5)
    classify.preprocess(validated, tmp_path / "here", SETTINGS, Preprocess(workers=1))
    monkeypatch.setattr(local, "POOL_FROM", 2)
    used: list[int] = []
    leave = local.Local._map

    def noted(self: local.Local, function, items):  # type: ignore[no-untyped-def]
        used.append(self.workers)
        yield from leave(self, function, items)

    monkeypatch.setattr(local.Local, "_map", noted)
    classify.preprocess(validated, tmp_path / "pool", SETTINGS, Preprocess(workers=2))
    assert used == [2, 2]
    assert digest_tree(tmp_path / "here") == digest_tree(tmp_path / "pool")


def test_shards_are_between_half_and_all_of_what_is_asked_for(tmp_path: Path) -> None:
    """So `shard_megabytes: 200` gives 100 to 200 MB wherever a bucket fills more than one file."""
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
    made = classify.preprocess(tmp_path, tmp_path / "out", settings)
    sizes = {
        (split, bound): [
            (tmp_path / "out" / name).stat().st_size / 1e6
            for name in made["files"][split]
            if f"bucket-{bound:04d}" in name
        ]
        for split in lengths
        for bound in (8, 64)
    }
    assert {key: len(found) for key, found in sizes.items()} == {
        ("train", 8): 1, ("train", 64): 5, ("valid", 8): 1, ("valid", 64): 2, ("test", 8): 1, ("test", 64): 1
    }  # fmt: skip
    assert all(0.5 < size <= 1 for found in sizes.values() if len(found) > 1 for size in found)
    assert max(sizes["train", 64]) - min(sizes["train", 64]) < 0.01
    assert max(map(max, sizes.values())) <= 1


def test_more_files_than_may_be_open(
    validated: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(padded, "_OVERHEAD", 900_000)  # a file a record
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, before[1]))
    try:
        made = classify.preprocess(validated, tmp_path / "out", SETTINGS)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
    assert len(made["files"]["train"]) > 64


def test_the_stage_imports_neither_pandas_nor_tensorflow(validated: Path, tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from strokecast.features import classify;"
        "from strokecast.params import ClassifyFeatures;"
        f"classify.preprocess(Path({str(validated)!r}), Path({str(tmp_path / 'out')!r}), ClassifyFeatures());"
        "print(sorted({'pandas', 'tensorflow', 'apache_beam', 'great_expectations'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def _where(_: int) -> int:
    return os.getpid()


def _fail(item: int) -> int:
    if item == 3:
        raise ValueError("item 3")
    return item


def test_a_pool_keeps_the_order_and_passes_errors_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local, "POOL_FROM", 2)
    pids = list(local.Local(2)._map(abs, range(-40, 0)))
    assert pids == list(range(40, 0, -1))
    with pytest.raises(TypeError):
        list(local.Local(2)._map(abs, ["no number"] * 9))


def test_little_work_starts_no_process() -> None:
    assert set(local.Local(8)._map(_where, range(local.POOL_FROM - 1))) == {os.getpid()}
    with pytest.raises(ValueError, match="item 3"):
        list(local.Local(1)._map(_fail, range(5)))


def test_beam_that_is_not_installed_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "apache_beam", None)
    with pytest.raises(UserError) as caught:
        local.get(Preprocess(runner="beam"))
    line = str(caught.value)
    assert "\n" not in line
    for part in ("preprocess.runner", "Apache Beam is not installed", "strokecast[beam]", "local"):
        assert part in line
