"""How files are cut into chunks, and that the cut changes no record."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from strokecast.features.records import reading
from strokecast.features.records.spec import SPLITS
from strokecast.features.runners import chunks
from strokecast.features.sketches import classify
from strokecast.params import ClassifyFeatures, Preprocess

SETTINGS = ClassifyFeatures(bucket_boundaries=(8, 16), shard_megabytes=1)


def test_chunks_are_adjacent_row_groups_and_hold_each_row_once(
    chunked_sketches: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chunks, "MIN_CHUNK_DRAWINGS", 12)
    path = chunked_sketches / "train.parquet"
    cut = list(chunks.split_into_chunks({"train": path, "test": chunked_sketches / "test.parquet"}))
    assert [chunk.index for chunk in cut] == list(range(len(cut)))
    train = [chunk for chunk in cut if chunk.split == "train"]
    assert (train[0].groups[0], train[-1].groups[1]) == (0, 20)
    assert all(one.groups[1] == following.groups[0] for one, following in pairwise(train))
    rows = [sum(n for _, n in chunks.chunk_stats(chunk).lengths) for chunk in train]
    assert sum(rows) == pq.read_metadata(path).num_rows
    assert min(rows[:-1]) >= 12
    assert max(rows) < 12 + 9


def test_only_train_has_moments(chunked_sketches: Path) -> None:
    for chunk in chunks.split_into_chunks({split: chunked_sketches / f"{split}.parquet" for split in SPLITS}):
        assert (chunks.chunk_stats(chunk).moments[0] > 0) == (chunk.split == "train")


@pytest.mark.parametrize("size", [pytest.param(1, marks=pytest.mark.slow), 10, 40, 10_000])
def test_chunk_size_changes_no_record(
    chunked_sketches: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    default = classify.preprocess(chunked_sketches, tmp_path / "default", SETTINGS)
    monkeypatch.setattr(chunks, "MIN_CHUNK_DRAWINGS", size)
    monkeypatch.setattr(chunks, "ENCODE_BLOCK", 3)
    resized = classify.preprocess(chunked_sketches, tmp_path / "resized", SETTINGS, Preprocess(workers=1))
    assert resized["scale"] == pytest.approx(default["scale"], rel=1e-14)  # sums in another order
    assert {**resized, "scale": 0, "digest": ""} == {**default, "scale": 0, "digest": ""}
    assert max(len(names) for names in default["files"].values()) > 4
    for split in SPLITS:
        one, other = (
            [i for *_, ids in reading.batches(folder, default, split, 7) for i in ids.numpy()]
            for folder in (tmp_path / "default", tmp_path / "resized")
        )
        assert one == other
        assert len(one) == pq.read_metadata(chunked_sketches / f"{split}.parquet").num_rows


def test_round_robin_continues_where_earlier_chunks_stopped() -> None:
    records, files = [b"a", b"b", b"c", b"d"], ["x", "y", "z"]
    assert chunks.round_robin(records, files, 0) == {"x": b"ad", "y": b"b", "z": b"c"}
    assert chunks.round_robin(records, files, 4) == {"y": b"ad", "z": b"b", "x": b"c"}
    assert chunks.round_robin(records[:1], files, 2) == {"z": b"a"}
