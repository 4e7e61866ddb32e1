"""From validated drawings to TFRecords of videos, and back through the parser."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from strokecast.common.errors import UserError
from strokecast.common.files import digest_tree
from strokecast.features.records import reading, spec
from strokecast.features.runners import local
from strokecast.features.sketches import frames, watch
from strokecast.params import Preprocess, WatchFeatures

SETTINGS = WatchFeatures(frames=3, height=8, width=10, steps_per_frame=2)


@pytest.fixture
def written(validated_sketches: Path, tmp_path: Path) -> tuple[Path, Any]:
    """Folder and spec."""
    return tmp_path / "out", watch.preprocess(validated_sketches, tmp_path / "out", SETTINGS)


def test_records_equal_the_rendered_videos(written: tuple, validated_sketches: Path) -> None:
    folder, stored = written
    assert spec.load(folder, "watch") == stored == json.loads((folder / "spec.json").read_text())
    assert (stored["classes"], stored["counts"]) == (["zebra", "apple"], {"train": 12, "valid": 4, "test": 6})
    layout = frames.Layout.from_spec(stored)
    count = 0
    for split in stored["files"]:
        table = pq.read_table(validated_sketches / f"{split}.parquet").to_pylist()
        rows = {row["id"]: row for row in table}
        names = ["frames", "track", "motion", "length"]
        for inputs, labels, ids in reading.batches(folder, stored, split, 5, names):
            assert set(inputs) == set(names)
            for index, (label, name) in enumerate(zip(labels.numpy(), ids.numpy(), strict=True)):
                row = rows[name.decode()]
                points = np.array(row["points"], np.float32).reshape(-1, 3)
                video, track = frames.render_videos(points, np.array([[0, len(points)]]), layout)
                np.testing.assert_array_equal(inputs["frames"][index], video[0])
                np.testing.assert_array_equal(inputs["track"][index], track[0])
                change = np.diff(video[0].astype(np.float32), axis=0, prepend=np.float32(0)) / 255
                np.testing.assert_allclose(inputs["motion"][index], change, atol=1e-6)
                assert (stored["classes"][label], inputs["length"][index]) == (row["label"], row["length"])
                count += 1
    assert count == 22


def test_only_the_inputs_of_the_network_are_read(written: tuple) -> None:
    folder, stored = written
    for names in (["frames"], ["track"], ["motion"]):
        (first, *_) = reading.batches(folder, stored, "train", 4, names)
        assert set(first[0]) == set(names)


@pytest.mark.slow
def test_neither_workers_nor_slices_change_a_byte(
    written: tuple, validated_sketches: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, stored = written
    monkeypatch.setattr(watch, "SLICE", 5)
    monkeypatch.setattr(local, "MIN_POOL_ITEMS", 2)
    again = watch.preprocess(validated_sketches, tmp_path / "pool", SETTINGS, Preprocess(workers=2))
    assert again == stored
    assert digest_tree(tmp_path / "pool") == digest_tree(folder)


def test_files_of_a_split_hold_each_drawing_once(
    validated_sketches: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "_OVERHEAD", 300_000)
    monkeypatch.setattr(watch, "SLICE", 5)
    stored = watch.preprocess(
        validated_sketches, tmp_path / "out", SETTINGS.model_copy(update={"shard_megabytes": 1})
    )
    assert len(stored["files"]["train"]) == 4
    ids = [
        name for *_, keys in reading.batches(tmp_path / "out", stored, "train", 7) for name in keys.numpy()
    ]
    assert len(set(ids)) == len(ids) == 12


def test_missing_times_are_reported_in_one_line(validated_sketches: Path, tmp_path: Path) -> None:
    timed = SETTINGS.model_copy(update={"by": "time"})
    with pytest.raises(UserError, match=r"features\.watch\.by: .* have no time.*quickdraw_raw"):
        watch.preprocess(validated_sketches, tmp_path / "out", timed)
    assert not (tmp_path / "out").exists()
